/* cancel.h - one token that says "stop", with a level and a deadline.
 *
 * A run has one. The user's first Ctrl-C raises it to CANCEL_FINISH (stop
 * reading, conclude from what was found), the second to CANCEL_ABORT. A
 * deadline that passes counts as CANCEL_FINISH.
 *
 * Raising is async-signal-safe and allowed from any thread; nothing blocks on
 * the token, everybody who may run long polls it at least every 100 ms. */
#ifndef LW_BASE_CANCEL_H
#define LW_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum cancel_level { CANCEL_NONE, CANCEL_FINISH, CANCEL_ABORT };

struct cancel {
    atomic_int level;
    int64_t deadline_ms; /* clock_ms(); 0: none. Set before the run starts */
};

void cancel_init(struct cancel *c, int64_t deadline_ms);
void cancel_raise(struct cancel *c);                    /* one level up */
enum cancel_level cancel_level(const struct cancel *c); /* NULL: CANCEL_NONE */
bool cancel_timed_out(const struct cancel *c);          /* the deadline has passed */

#endif
