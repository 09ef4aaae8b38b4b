/* terms.h - which chunk holds which term, and how often.
 *
 * Terms are numbered from 0 as they come. While chunks are gone through, in
 * order, each term of a chunk is noted once, behind the last; terms_close() then
 * sorts the notes by term. Writing to the end of one list instead of to the ends
 * of thousands is what makes indexing cheap.
 *
 * Two terms with the same hash of 64 bits count as one.
 *
 * A term may also stand for what it stems to (see search.c); one that was never
 * counted has no postings. Memory: 8 bytes for each term of a chunk, 20 more until
 * terms_close(). Threads: one owner at a time. */
#ifndef LW_TEXT_TERMS_H
#define LW_TEXT_TERMS_H

#include "base/mem.h"

#include <stdint.h>

enum { TERM_NONE = -1 };

struct posting {
    uint32_t chunk, count;
};

struct note {
    uint32_t term;
    struct posting posting;
};

struct term {
    uint64_t hash;
    const char *text;
    int32_t stem;       /* the term that counts for it; TERM_NONE: not known yet */
    uint32_t len;       /* of text */
    uint32_t first, n;  /* its postings, in the order of chunks */
    uint32_t last_note; /* plus 1; 0: none */
};

struct terms {
    struct arena *arena; /* the texts */
    struct term *items;
    size_t n, cap;
    uint32_t *slots; /* number of a term plus 1, by hash; 0: free */
    size_t n_slots;  /* a power of two, more than twice n */
    struct note *notes;
    size_t n_notes, cap_notes;
    struct posting *postings;
};

void terms_init(struct terms *t);
void terms_release(struct terms *t);

/* The number of the term, which is made if it is new. Moves items. */
int32_t terms_intern(struct terms *t, const char *text, size_t len);

/* It stands once more in the chunk, which is the one before or a later one. */
void terms_count(struct terms *t, int32_t term, uint32_t chunk);

/* No more will be counted: postings are there from now on. */
void terms_close(struct terms *t);

#endif
