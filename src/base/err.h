/* err.h - one way to fail: an int for the caller, a sentence for the person.
 *
 * Every function that can fail returns 0 or a code of enum lw_code and fills
 * struct lw_error (both public, see legwork.h). The error is untouched on
 * success, so a caller may pass one error through many calls. err may be NULL
 * everywhere. The sentence says what, where, and what to do. */
#ifndef LW_BASE_ERR_H
#define LW_BASE_ERR_H

#include "legwork.h"

/* Fill *err and return code, so that `return err_set(err, LW_ERR_INPUT, ...)`
 * reads as one thought. A message too long is cut at a UTF-8 boundary; control
 * characters and newlines become spaces, since parts may come from outside. */
int err_set(struct lw_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the message already there. */
void err_prefix(struct lw_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
