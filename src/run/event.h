/* event.h - from whatever happens in a run to the one callback of the session.
 *
 * What it is: the functions that protocols, models and loaders are given as
 * callbacks end here. Progress is thinned to ten events a second; the last one
 * of a reading always passes.
 * Threads: everything but event_post_*() is the run's thread. What is posted may
 * come from any thread; it waits in a queue until the run's thread passes by. */
#ifndef LW_RUN_EVENT_H
#define LW_RUN_EVENT_H

#include "base/queue.h"
#include "jobs/reading.h"
#include "legwork.h"

struct events {
    lw_event_fn fn; /* NULL: nobody listens */
    void *user;
    struct queue *posted;     /* notices and traces */
    struct queue *warnings;   /* of char * */
    int64_t next_progress_ms; /* no PROGRESS before; 0: at once */
    double part_seconds;      /* that reading a part is expected to take; 0: not known */
};

void events_init(struct events *e);
void events_release(struct events *e);

/* user is the struct events of a session, as callbacks want it. */
void event_stage(void *user, const char *what);
void event_trace(void *user, const char *sentence);
void event_progress(void *user, const struct reading_progress *p);
void event_notice(void *user, const char *sentence);
/* Progress of what is no reading: done of total steps. */
void event_steps(void *user, int done, int total);
/* Any thread. */
void event_post_notice(void *user, const char *sentence);
void event_post_trace(void *user, const char *sentence);
/* For the list of warnings, not for the callback. */
void event_post_warning(void *user, const char *sentence);
/* Hand out the notices and traces that wait. */
void events_drain(struct events *e);
/* The oldest warning that waits, freed by the caller (mem_free); NULL: none. */
char *events_take_warning(struct events *e);

#endif
