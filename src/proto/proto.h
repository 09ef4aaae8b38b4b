/* proto.h - the ways of answering, each blocking code that reads like the paper.
 *
 * A protocol gets a question, documents, a worker and perhaps a supervisor,
 * and returns a final. It always returns a best answer: when rounds, time,
 * money or the network run out, what was found is returned with its quotes,
 * marked partial, with the cause. It returns an error only when nothing was
 * found and nothing could be asked.
 *
 * Contracts: the supervisor never gets document text but through quotes and answers of
 * findings; documents are named by their ids (d1), never by file names; the same
 * inputs at temperature 0 send the same bytes.
 *
 * Threads: the run's thread. Ownership: all borrowed; results in the arena. */
#ifndef LW_PROTO_PROTO_H
#define LW_PROTO_PROTO_H

#include "flow/final.h"
#include "jobs/reading.h"

struct proto_run {
    struct reading reading; /* question, worker, documents, chunks, arena, cancel, ... */
    struct llm *supervisor; /* guarded; NULL for local */
    struct usage *remote_usage; /* of the supervisor's side */
    const char *about;    /* what the supervisor may be told of the documents, or NULL */
    const json_t *schema; /* of the final answer, or NULL */
    int rounds_max;
    int tasks_max;
    int samples;
    void (*stage)(void *user, const char *what); /* "planning", "reading", ... */
    void (*warn)(void *user, const char *sentence);
    void *user;
};

struct protocol {
    const char *name;
    const char *help; /* one line */
    bool needs_supervisor;
    bool without_worker; /* reads nothing here: reading.worker is the supervisor */
    int (*run)(struct proto_run *run, struct final *out, struct lw_error *err);
};

/* Tell the front end, which may not listen. */
void proto_stage(const struct proto_run *run, const char *what);
void proto_warn(const struct proto_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void proto_trace(const struct proto_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The user's number of samples for every task that asks for no number of its own. */
void proto_set_samples(const struct proto_run *run, struct plan *plan);

/* Ended by an entry with name NULL. ORDER PROTOCOLS: the "protocol" option's choices. */
const struct protocol *protocol_table(void);
const struct protocol *protocol_find(const char *name); /* NULL: unknown */

#endif
