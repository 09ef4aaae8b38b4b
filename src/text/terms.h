/* terms.h - which chunk holds which term, and how often.
 *
 * Terms are numbered from 0 as they come. While chunks are gone through, in order,
 * the terms of one are counted in an array, and noted once behind the notes of the
 * last; terms_close() then sorts the notes by term. Writing to the end of one list
 * instead of to the ends of thousands is what makes indexing cheap, and that what is
 * touched for every word (slots, stems, counts) lies apart from what is not.
 *
 * Two terms with the same hash of 64 bits count as one. Hashes are other ones in every
 * index, so that no document can be written for them; numbers are not.
 *
 * A term may also stand for what it stems to (see search.c); one that was never
 * counted has no postings. Memory: 8 bytes for each term of a chunk, 12 more until
 * terms_close(); about 100 for each term. Threads: one owner at a time. */
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
    const char *text;
    uint32_t len;      /* of text */
    uint32_t first, n; /* its postings, in the order of chunks */
};

struct term_slot {
    uint64_t hash;
    uint32_t number; /* of the term plus 1; 0: free */
};

struct terms {
    struct arena *arena; /* the texts */
    struct term *items;
    int32_t *stems;   /* the term that counts for it; TERM_NONE: not known yet */
    uint32_t *counts; /* in the chunk that is gone through */
    size_t n, cap;
    uint64_t seed, factor; /* of the hashes; factor is odd */
    struct term_slot *slots;
    size_t n_slots; /* a power of two, more than twice n */
    uint32_t chunk; /* the one that is gone through */
    uint32_t *here; /* its terms; room for all there are */
    size_t n_here;
    struct note *notes;
    size_t n_notes, cap_notes;
    struct posting *postings;
};

void terms_init(struct terms *t);
void terms_release(struct terms *t);

/* The number of the term, which is made if it is new. Moves items, stems and counts. */
int32_t terms_intern(struct terms *t, const char *text, size_t len);

/* It stands once more in the chunk, which is the one before or a later one. */
void terms_count(struct terms *t, int32_t term, uint32_t chunk);

/* No more will be counted: postings are there from now on. */
void terms_close(struct terms *t);

#endif
