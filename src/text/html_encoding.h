/* html_encoding.h - the bytes of a page become UTF-8 before the parser sees them.
 *
 * A byte order mark is certain. Then what is UTF-8 is UTF-8, whatever the page says
 * of itself, but for the encodings of seven bits, which are looked for in its first
 * 8192 bytes; else the first encoding that browsers know which it declares in an XML
 * declaration or in a <meta>, anywhere but in a script or style, counts. Where that is
 * UTF-8, or there is none, normal.h guesses. Known are, too, the code pages of DOS
 * that have ASCII where ASCII has it.
 *
 * Encodings are read as browsers do: us-ascii and iso-8859-1 as Windows-1252, gb2312
 * as GB 18030, shift_jis and euc-kr as what Windows made of them. A byte that does
 * not fit becomes U+FFFD and the next one is tried: nothing else is lost. */
#ifndef LW_TEXT_HTML_ENCODING_H
#define LW_TEXT_HTML_ENCODING_H

#include "base/cancel.h"
#include "base/err.h"
#include "text/normal.h"

#include <stddef.h>

struct html_encoding {
    const char *declared;         /* the one that counted; NULL: none did */
    size_t n_malformed;           /* bytes of it that became U+FFFD */
    enum normal_encoding guessed; /* where none was declared */
};

/* Replace *bytes (malloc'ed, a NUL after its *len bytes) by UTF-8. LW_CANCELLED with
 * err untouched; LW_ERR_INPUT if it would become too long. *bytes is valid, or NULL,
 * in each case. U+0080 to U+009F may come out of it: bytes of Windows-1252, which
 * html_text.h knows. */
int html_decode(char **bytes, size_t *len, struct html_encoding *was,
                const struct cancel *cancel, struct lw_error *err);

#endif
