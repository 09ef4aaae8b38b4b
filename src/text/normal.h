/* normal.h - from the bytes of a file to the text of a document.
 *
 * UTF-8 with \n line ends, no byte order mark, no NUL and no control
 * characters but \t \n \f. Done once, before anything counts offsets. */
#ifndef LW_TEXT_NORMAL_H
#define LW_TEXT_NORMAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum normal_encoding {
    NORMAL_UTF8,
    NORMAL_UTF16,  /* said so by its byte order mark */
    NORMAL_LATIN1, /* guessed: not UTF-8; the Windows superset of it */
    NORMAL_BROKEN  /* UTF-8 with a few malformed bytes, now U+FFFD */
};

/* Replace *bytes (malloc'ed, a NUL after its *len bytes) by the normal text,
 * in place where it can. LW_ERR_INPUT if it would pass LIMIT_TEXT_BYTES; then
 * *bytes is unchanged or freed and NULL. */
int normal_text(char **bytes, size_t *len, enum normal_encoding *encoding,
                struct lw_error *err);

/* Only the encoding, for formats whose parser wants UTF-8 but reads line ends
 * itself; the same contract. */
int normal_decode(char **bytes, size_t *len, enum normal_encoding *encoding,
                  struct lw_error *err);

/* Line ends and control characters of UTF-8, in place; returns the new length. */
size_t normal_clean(char *text, size_t len);

/* The character that byte c of Windows-1252 stands for; a blank for a hole. */
uint32_t normal_windows_1252(unsigned char c);

/* Does the head of a file look like anything but text? */
bool normal_is_binary(const unsigned char *head, size_t len);

#endif
