/* signals.c - the thread that waits for Ctrl-C.
 *
 * It never prints: the run's thread may be in the middle of a line. */
#include "cli/signals.h"

#include <unistd.h>

static void *wait_for_signals(void *user)
{
    struct signals *s = user;
    for (;;) {
        int signo;
        if (sigwait(&s->set, &signo) != 0) continue;
        if (atomic_fetch_add(&s->count, 1) >= 2) _exit(LW_CANCELLED);
        lw_cancel(s->session);
    }
    return NULL;
}

void signals_start(struct signals *s, lw_session *session)
{
    *s = (struct signals){ .session = session };
    sigemptyset(&s->set);
    sigaddset(&s->set, SIGINT);
    sigaddset(&s->set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &s->set, &s->before);
    s->running = pthread_create(&s->thread, NULL, wait_for_signals, s) == 0;
    if (!s->running) pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}

void signals_stop(struct signals *s)
{
    if (!s->running) return;
    pthread_cancel(s->thread);
    pthread_join(s->thread, NULL);
    pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}
