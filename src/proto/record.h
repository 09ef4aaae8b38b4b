/* record.h - what a run has asked, read and found, over all its rounds.
 *
 * A protocol adds a round at a time; what a round found stays, with ids ("f1",
 * "f2", ...) that go on from round to round, so that a supervisor may rest
 * its answer on any of it. Coverage is counted over all rounds together.
 *
 * Life: record_init / record_release; strings live in the run's arena.
 * Threads: the run's thread. */
#ifndef LW_PROTO_RECORD_H
#define LW_PROTO_RECORD_H

#include "flow/finding.h"
#include "flow/job.h"
#include "flow/plan.h"
#include "jobs/reading.h"

/* One question of one round, and what came of it. */
struct asked {
    const char *ask;
    int round;       /* from 1 */
    size_t first, n; /* its findings: findings.items[first, first + n), best first */
    size_t parts, parts_read, parts_failed; /* chunks that it was for; of these */
    /* The findings reduced to one value here; NULL where there is nothing to reduce. */
    const char *reduced;
    enum reduce_kind reduced_how;
    const size_t *from; /* indices into findings */
    size_t n_from;
    /* Findings that their quotes show and that are not in it: no number or date can be
     * read in them, or one of another unit. */
    const size_t *left;
    size_t n_left;
};

struct record {
    const struct reading *reading;
    struct finding_list findings;
    size_t cap_findings;
    struct asked *asked;
    size_t n_asked, cap_asked;
    struct job_list jobs;
    size_t cap_jobs;
    int rounds;
};

void record_init(struct record *rec, const struct reading *reading);
void record_release(struct record *rec);

/* The jobs of one round: merges them, reduces each task, adds all of it. */
void record_add_jobs(struct record *rec, const struct plan *plan,
                     const struct job_list *jobs);

/* One more finding of the last question; gives it its id. Returns its index. */
size_t record_add_finding(struct record *rec, const struct finding *finding);

/* The same as record_add_jobs() for a question that one reply answered over all documents
 * at once: every chunk counts as read, those that hold a quote as found. Findings need no
 * id, task or chunk. why: NULL, or why nothing could be read. */
void record_add_whole(struct record *rec, const char *ask, const struct finding *findings,
                      size_t n, const char *why);

/* Index of the finding with this id (len bytes), -1 if there is none. */
long record_find(const struct record *rec, const char *id, size_t len);

/* Why nothing could be read, where nothing was: of the first job that says so. */
const char *record_why_unread(const struct record *rec);
/* That n parts could not be read, and the first reason, as a sentence in the arena. */
const char *record_unread(const struct record *rec, size_t n);
void record_coverage(const struct record *rec, struct coverage *out);

/* Was this asked before, word for word? */
bool record_has_asked(const struct record *rec, const char *ask);

#endif
