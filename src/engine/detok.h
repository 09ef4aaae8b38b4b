/* detok.h - the text of a reply, piece by piece.
 *
 * Tokens are bytes, not characters: a character may come in halves, and a stop
 * string may begin in one token and end three later. The text here is always
 * valid UTF-8, and what may be shown already never has to be taken back. */
#ifndef LW_ENGINE_DETOK_H
#define LW_ENGINE_DETOK_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct detok {
    struct buf text;
    char held[4]; /* the beginning of a character whose end is still to come */
    size_t n_held;
    const char *stop; /* NULL, or the string that ends the text; borrowed */
    bool stopped;     /* it came; the text ends before it */
};

void detok_init(struct detok *d, const char *stop, size_t bytes_max);
void detok_release(struct detok *d);
/* Append the bytes of a token. Malformed ones become U+FFFD. Nothing once stopped. */
void detok_push(struct detok *d, const char *bytes, size_t len);
/* No more will come: drop half a character. */
void detok_finish(struct detok *d);
/* How many bytes of the text can no longer be cut off by the stop string. */
size_t detok_ready(const struct detok *d);

/* Are these whole characters, but perhaps for a last one that may still get its end?
 * *n_rest: its bytes, at most 3. */
bool detok_begins_text(const char *bytes, size_t len, size_t *n_rest);

/* Do the last tokens repeat the same few over and over? */
bool detok_repeats(const int *tokens, int n);

#endif
