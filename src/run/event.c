/* event.c - stages, progress, notices and traces on their way to the user.
 *
 * A fast run ends thousands of jobs a second and nobody reads a thousand lines
 * a second, so progress is thinned here, once, and not by each listener. */
#include "run/event.h"

#include "base/clock.h"
#include "base/mem.h"

enum { PROGRESS_EVERY_MS = 100 };

/* A message of another thread. */
struct posted {
    enum lw_event_kind kind;
    char *text;
};

void events_init(struct events *e)
{
    *e = (struct events){ .posted = queue_new(), .warnings = queue_new() };
}

static void free_posted(struct posted *p)
{
    mem_free(p->text);
    mem_free(p);
}

void events_release(struct events *e)
{
    struct posted *p;
    char *sentence;
    while ((p = queue_take(e->posted, 0)) != NULL) free_posted(p);
    while ((sentence = events_take_warning(e)) != NULL) mem_free(sentence);
    queue_free(e->posted);
    queue_free(e->warnings);
}

static void send_text(struct events *e, enum lw_event_kind kind, const char *text)
{
    if (!e->fn) return;
    e->fn(e->user, &(struct lw_event){ .kind = kind, .text = text, .seconds_left = -1 });
}

void events_drain(struct events *e)
{
    struct posted *p;
    while ((p = queue_take(e->posted, 0)) != NULL) {
        send_text(e, p->kind, p->text);
        free_posted(p);
    }
}

static void post(struct events *e, enum lw_event_kind kind, const char *sentence)
{
    struct posted *p = mem_alloc(sizeof *p);
    *p = (struct posted){ .kind = kind, .text = mem_strdup(sentence) };
    queue_put(e->posted, p);
}

void event_post_notice(void *user, const char *sentence)
{
    post(user, LW_EVENT_NOTICE, sentence);
}

void event_post_trace(void *user, const char *sentence)
{
    post(user, LW_EVENT_TRACE, sentence);
}

void event_post_warning(void *user, const char *sentence)
{
    struct events *e = user;
    queue_put(e->warnings, mem_strdup(sentence));
}

char *events_take_warning(struct events *e)
{
    return queue_take(e->warnings, 0);
}

void event_notice(void *user, const char *sentence)
{
    event_post_notice(user, sentence);
    events_drain(user);
}

void event_stage(void *user, const char *what)
{
    struct events *e = user;
    events_drain(e);
    e->next_progress_ms = 0;
    send_text(e, LW_EVENT_STAGE, what);
}

void event_trace(void *user, const char *sentence)
{
    struct events *e = user;
    events_drain(e);
    send_text(e, LW_EVENT_TRACE, sentence);
}

/* Somebody listens, and this is the last one or the one before was long ago. */
static bool is_due(struct events *e, int done, int total)
{
    int64_t now = clock_ms();
    if (!e->fn || (now < e->next_progress_ms && done < total)) return false;
    e->next_progress_ms = now + PROGRESS_EVERY_MS;
    events_drain(e);
    return true;
}

void event_steps(void *user, int done, int total)
{
    struct events *e = user;
    if (!is_due(e, done, total)) return;
    e->fn(e->user, &(struct lw_event){ .kind = LW_EVENT_PROGRESS,
                                       .jobs_done = done,
                                       .jobs_total = total,
                                       .jobs_found = -1,
                                       .seconds_left = -1 });
}

/* From the run's own speed, before it has one from what was measured earlier. */
static double seconds_left(const struct events *e, const struct reading_progress *p)
{
    if (p->done > 0) return p->seconds / p->done * (p->total - p->done);
    return e->part_seconds > 0 ? e->part_seconds * p->total : -1;
}

void event_progress(void *user, const struct reading_progress *p)
{
    struct events *e = user;
    if (!is_due(e, p->done, p->total)) return;
    struct lw_event event = {
        .kind = LW_EVENT_PROGRESS,
        .jobs_done = p->done,
        .jobs_total = p->total,
        .jobs_found = p->found,
        .seconds_left = seconds_left(e, p),
    };
    if (p->seconds > 0) event.tokens_per_second = (double)p->prompt_tokens / p->seconds;
    e->fn(e->user, &event);
}
