/* thread.h - threads of ours, and what they wait on. */
#ifndef LW_BASE_THREAD_H
#define LW_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* Start a thread that gets no signals: they are for the threads of the program, which
 * know what to do with them. A broken pipe or a file that may grow no further is then an
 * error of its write(), not the end of the process. 0 or an errno. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* A condition that waits by the clock of clock.h, so that setting the time of day neither
 * shortens nor stretches a wait. */
void thread_condition_init(pthread_cond_t *condition);
/* Wait, with the lock, until somebody signals or clock_ms() is `until_ms`. */
void thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock,
                       int64_t until_ms);

#endif
