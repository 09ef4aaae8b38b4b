/* signals.h - Ctrl-C: once for the best partial answer, twice to abort.
 *
 * A thread waits for the signals, which are blocked everywhere else, so no
 * handler and no global is needed. The third signal ends the process at once.
 * Start before anything makes threads: they inherit what is blocked. */
#ifndef LW_CLI_SIGNALS_H
#define LW_CLI_SIGNALS_H

#include "legwork.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct signals {
    lw_session *session;
    atomic_int count; /* SIGINT and SIGTERM so far */
    sigset_t set, before;
    pthread_t thread;
    bool running;
};

void signals_start(struct signals *s, lw_session *session);
void signals_stop(struct signals *s);

#endif
