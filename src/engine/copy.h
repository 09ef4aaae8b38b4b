/* copy.h - the constraint that lets a model only copy.
 *
 * All places of a text where what was written so far may have come from are
 * kept; a token is allowed if it goes on at one of them. A copy begins where a
 * word or a sentence begins and ends where a word ends. Spaces that a token
 * brings in front of the first word are not part of it. */
#ifndef LW_ENGINE_COPY_H
#define LW_ENGINE_COPY_H

#include <stdbool.h>
#include <stddef.h>

struct copier {
    const char *text; /* borrowed */
    size_t len;
    size_t *at; /* where the copy may go on */
    size_t n_at;
    size_t n_written; /* bytes of the copy */
    size_t n_whole;   /* of these, up to the last end of a word */
    bool spaced;      /* a space came before the first word */
};

void copier_init(struct copier *c, const char *text, size_t len);
void copier_release(struct copier *c);
bool copier_allows(const struct copier *c, const char *piece, size_t len);
/* The piece was chosen (it is allowed). Returns how many of its first bytes
 * are space in front of the copy. */
size_t copier_push(struct copier *c, const char *piece, size_t len);
/* Is there something, and does it end with a word? */
bool copier_may_end(const struct copier *c);
/* Nothing can be added. */
bool copier_at_end(const struct copier *c);

#endif
