/* agree.h - does an answer say what was expected? By text, stricter than a person. */
#ifndef LW_RUN_AGREE_H
#define LW_RUN_AGREE_H

#include <stdbool.h>

/* Case, accents, punctuation, articles and marks like [1] aside: the expected words stand
 * in the answer in one piece, or the answer's in at most eight expected ones, or the two
 * share half of their words (F1). */
bool answer_agrees(const char *answer, const char *expected);

#endif
