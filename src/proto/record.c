/* record.c - what a run has asked, read and found, over all its rounds.
 *
 * Everything is appended and nothing is taken back: what an early round found
 * is still there when a later round finds nothing or the network fails. Only
 * the lists themselves are allocated here. */
#include "proto/record.h"

#include "base/mem.h"
#include "jobs/merge.h"
#include "jobs/reduce.h"
#include "jobs/run_jobs.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void record_init(struct record *rec, const struct reading *reading)
{
    *rec = (struct record){ .reading = reading, .jobs.stop_reason = "" };
}

void record_release(struct record *rec)
{
    mem_free(rec->findings.items);
    mem_free(rec->asked);
    mem_free(rec->jobs.items);
    record_init(rec, rec->reading);
}

/* --- Adding -------------------------------------------------------------- */

size_t record_add_finding(struct record *rec, const struct finding *finding)
{
    size_t index = rec->findings.n++;
    mem_grow((void **)&rec->findings.items, &rec->cap_findings, index + 1,
             sizeof *rec->findings.items);
    struct finding *added = &rec->findings.items[index];
    *added = *finding;
    snprintf(added->id, sizeof added->id, "f%u", (unsigned)index + 1);
    rec->asked[rec->n_asked - 1].n++;
    return index;
}

static struct asked *add_asked(struct record *rec, const char *ask)
{
    mem_grow((void **)&rec->asked, &rec->cap_asked, rec->n_asked + 1, sizeof *rec->asked);
    struct asked *asked = &rec->asked[rec->n_asked++];
    *asked = (struct asked){
        .ask = arena_strdup(rec->reading->arena, ask),
        .round = rec->rounds,
        .first = rec->findings.n,
    };
    return asked;
}

static void add_job(struct record *rec, const struct job *job)
{
    mem_grow((void **)&rec->jobs.items, &rec->cap_jobs, rec->jobs.n + 1,
             sizeof *rec->jobs.items);
    rec->jobs.items[rec->jobs.n++] = *job;
}

/* Parts are counted by the first sample, which every job of a chunk has. */
static void count_parts(struct asked *asked, int task, const struct job_list *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) {
        const struct job *job = &jobs->items[i];
        if (job->task != task || job->sample != 0) continue;
        asked->parts++;
        asked->parts_read += job->state == JOB_ANSWERED || job->state == JOB_ABSENT;
        asked->parts_failed += job->state == JOB_FAILED;
    }
}

static const size_t *shifted(struct arena *arena, const size_t *items, size_t n,
                             size_t base)
{
    size_t *out = arena_array(arena, n, sizeof *out);
    for (size_t i = 0; i < n; i++) out[i] = base + items[i];
    return out;
}

static void add_reduced(struct record *rec, struct asked *asked, const struct plan *plan,
                        int task, const struct finding_list *found, size_t base)
{
    struct reduced reduced = { .value = NULL };
    reduce_task(rec->reading->arena, plan, task, found, &reduced);
    if (!reduced.value) return;
    struct arena *arena = rec->reading->arena;
    asked->reduced = reduced.value;
    asked->reduced_how = plan->tasks[task].reduce;
    asked->from = shifted(arena, reduced.from, reduced.n_from, base);
    asked->n_from = reduced.n_from;
    asked->left = shifted(arena, reduced.left, reduced.n_left, base);
    asked->n_left = reduced.n_left;
}

void record_add_jobs(struct record *rec, const struct plan *plan,
                     const struct job_list *jobs)
{
    struct finding_list found = { .items = NULL };
    size_t base = rec->findings.n;
    merge_jobs(rec->reading, plan, jobs, (int)base + 1, &found);
    rec->rounds++;
    for (size_t t = 0, i = 0; t < plan->n_tasks; t++) {
        struct asked *asked = add_asked(rec, plan->tasks[t].ask);
        for (; i < found.n && found.items[i].task == (int)t; i++) {
            record_add_finding(rec, &found.items[i]);
        }
        count_parts(asked, (int)t, jobs);
        if (plan->tasks[t].reduce != REDUCE_LIST) {
            add_reduced(rec, asked, plan, (int)t, &found, base);
        }
    }
    for (size_t i = 0; i < jobs->n; i++) add_job(rec, &jobs->items[i]);
    rec->jobs.stop_reason = jobs->stop_reason ? jobs->stop_reason : "";
}

/* --- Whole documents ----------------------------------------------------- */

static bool holds_quote(const struct record *rec, const struct finding *findings,
                        size_t n, size_t chunk)
{
    const struct chunk_list *chunks = rec->reading->chunks;
    for (size_t i = 0; i < n; i++) {
        const struct quote *q = &findings[i].quote;
        if (q->match == QUOTE_NONE) continue;
        if (chunk_list_find(chunks, q->doc, q->start) == (long)chunk) return true;
    }
    return false;
}

void record_add_whole(struct record *rec, const char *ask, const struct finding *findings,
                      size_t n, const char *why)
{
    rec->rounds++;
    struct asked *asked = add_asked(rec, ask);
    for (size_t i = 0; i < n; i++) record_add_finding(rec, &findings[i]);
    asked->parts = rec->reading->chunks->n;
    asked->parts_read = why ? 0 : asked->parts;
    asked->parts_failed = asked->parts - asked->parts_read;
    for (size_t i = 0; i < rec->reading->chunks->n; i++) {
        bool found = !why && holds_quote(rec, findings, n, i);
        add_job(rec, &(struct job){
                         .chunk = (int)i,
                         .state = why     ? JOB_FAILED
                                  : found ? JOB_ANSWERED
                                          : JOB_ABSENT,
                         .why = why,
                         .screen = NAN,
                         .margin = NAN,
                         .strength = NAN,
                     });
    }
}

/* --- Looking up ---------------------------------------------------------- */

long record_find(const struct record *rec, const char *id, size_t len)
{
    size_t number = 0;
    if (len < 2 || id[0] != 'f' || id[1] == '0') return -1;
    for (size_t i = 1; i < len && number <= rec->findings.n; i++) {
        if (!isdigit((unsigned char)id[i])) return -1;
        number = number * 10 + (size_t)(id[i] - '0');
    }
    return number <= rec->findings.n ? (long)number - 1 : -1;
}

const char *record_why_unread(const struct record *rec)
{
    for (size_t i = 0; i < rec->jobs.n; i++) {
        const struct job *job = &rec->jobs.items[i];
        if (job->state == JOB_FAILED && job->why) return job->why;
    }
    return *rec->jobs.stop_reason ? rec->jobs.stop_reason : "no part was read";
}

const char *record_unread(const struct record *rec, size_t n)
{
    return arena_printf(rec->reading->arena, "%zu of %zu parts could not be read: %s", n,
                        rec->reading->chunks->n, record_why_unread(rec));
}

void record_coverage(const struct record *rec, struct coverage *out)
{
    jobs_coverage(&rec->jobs, rec->reading->chunks->n, out);
}

bool record_has_asked(const struct record *rec, const char *ask)
{
    for (size_t i = 0; i < rec->n_asked; i++) {
        if (strcmp(rec->asked[i].ask, ask) == 0) return true;
    }
    return false;
}
