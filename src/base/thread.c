/* thread.c - the few calls of pthreads that are easily made wrong. */
#include "base/thread.h"

#include <signal.h>
#include <time.h>

int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

void thread_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attr);
    pthread_condattr_destroy(&attr);
}

void thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_ms)
{
    const struct timespec t = { .tv_sec = (time_t)(until_ms / 1000),
                                .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_cond_timedwait(condition, lock, &t);
}
