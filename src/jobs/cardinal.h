/* cardinal.h - numbers in words: five, twenty-one, two thousand five hundred and six. */
#ifndef LW_JOBS_CARDINAL_H
#define LW_JOBS_CARDINAL_H

#include "jobs/decimal.h"

/* The first number in words from a place in text on: [*start, *behind). False: there is
 * none, or it goes on in a way not known here ("two dozen", "half a million"). */
bool cardinal_find(const char *text, const char *from, const char **start,
                   const char **behind, struct decimal *out);

/* Does a word of a number stand at s? */
bool cardinal_at(const char *s);

#endif
