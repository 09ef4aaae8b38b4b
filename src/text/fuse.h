/* fuse.h - several orders of the same things become one: reciprocal rank fusion.
 *
 * Scores of different kinds (BM25, cosines) cannot be added, places can: a thing gets
 * 1 / (60 + its place) from each order that has it (Cormack, Clarke and Buettcher,
 * SIGIR 2009). What two orders place well beats what one of them places best, and what
 * only one of them has is not lost.
 *
 *     double fused[N] = { 0 };
 *     fuse_add(words, N, fused);
 *     fuse_add(meaning, N, fused);
 *
 * Threads: any. Nothing fails. */
#ifndef LW_TEXT_FUSE_H
#define LW_TEXT_FUSE_H

#include <stddef.h>

/* Add one order of n things to fused: higher scores come first, equal ones share the
 * better place. NAN: not in this order. */
void fuse_add(const double *score, size_t n, double *fused);

#endif
