/* cancel.c - the stop token.
 *
 * The deadline is never written into the level: a user's first Ctrl-C shortly
 * after it passed must still mean "finish" and not throw the findings away. */
#include "base/cancel.h"

#include "base/clock.h"

#include <stddef.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "signal handlers raise the token");

void cancel_init(struct cancel *c, int64_t deadline_ms)
{
    atomic_init(&c->level, CANCEL_NONE);
    c->deadline_ms = deadline_ms;
}

void cancel_raise(struct cancel *c)
{
    int level = atomic_load(&c->level);
    while (level < CANCEL_ABORT &&
           !atomic_compare_exchange_weak(&c->level, &level, level + 1)) {
    }
}

enum cancel_level cancel_level(const struct cancel *c)
{
    if (c == NULL) {
        return CANCEL_NONE;
    }
    int level = atomic_load(&c->level);
    if (level == CANCEL_NONE && cancel_timed_out(c)) {
        return CANCEL_FINISH;
    }
    return (enum cancel_level)level;
}

bool cancel_timed_out(const struct cancel *c)
{
    return c != NULL && c->deadline_ms != 0 && clock_ms() >= c->deadline_ms;
}
