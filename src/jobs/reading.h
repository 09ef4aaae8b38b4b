/* reading.h - what a plan is read with: one worker, one set of chunks, and how
 * far to go. Made once a run; every call of jobs/ takes it.
 *
 * Threads: the run's thread. Ownership: everything is borrowed; results live
 * in the arena. */
#ifndef LW_JOBS_READING_H
#define LW_JOBS_READING_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "flow/chunk.h"
#include "flow/job.h"
#include "flow/plan.h"
#include "flow/usage.h"
#include "jobs/meaning.h"
#include "llm/llm.h"
#include "text/search.h"

struct reading_progress {
    int done, total, found;
    int64_t prompt_tokens; /* computed so far, without cached ones */
    double seconds;        /* since the reading began */
};

/* Parts that a look-up reads at most, if nobody says another number. Of 156 questions of
 * four sets 93 % have their evidence among the ten parts that search ranks best. */
enum { READING_LOOK_UP_PARTS = 10 };

struct reading {
    struct llm *worker;
    const struct doc_set *set;
    const struct chunk_list *chunks;
    const struct llm_source *sources; /* one a document; NULL: no state is kept */
    struct search *search;
    const struct meaning *meaning; /* of the chunks; NULL: words alone rank them */
    struct arena *arena;
    const struct cancel *cancel;
    const char *question; /* the user's; quotes are chosen with it in mind */
    int read_max;         /* chunks a look-up task may read; 0: all */
    bool top_decides;     /* but a task with a "top" may read that many */
    struct usage *usage;  /* of the worker's side, added to */
    void (*progress)(void *user, const struct reading_progress *p); /* may be NULL */
    void (*trace)(void *user, const char *sentence);                /* may be NULL */
    void *user;
};

struct job_list {
    struct job *items; /* in the arena */
    size_t n;
    /* Why chunks were left unread, for the record: "" if none was. */
    const char *stop_reason;
};

#endif
