/* nearest.h - "did you mean": the known name nearest to a wrong one. */
#ifndef LW_BASE_NEAREST_H
#define LW_BASE_NEAREST_H

#include <stddef.h>

/* Letters to insert, delete, change or swap with a neighbour to get from a to b, case
 * folded for ASCII; at most NEAREST_FAR. */
enum { NEAREST_FAR = 100 };
int nearest_distance(const char *a, const char *b);

/* The one of n names that wrong most likely meant: within a third of its
 * length, or else the only one that begins with it. NULL if none is near. */
const char *nearest_name(const char *wrong, const char *const *names, size_t n);

#endif
