/* desk.c - documents on a desk and a scripted worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "desk.h"

#include "jobs/plan_check.h"

#include <string.h>

static void cut_at_blank_lines(struct desk *d, int doc)
{
    const char *text = d->set.docs[doc]->text;
    size_t start = 0, len = d->set.docs[doc]->len;
    while (start < len) {
        const char *blank = strstr(text + start, "\n\n");
        size_t end = blank ? (size_t)(blank - text) + 2 : len;
        chunk_list_add(&d->chunks, (struct chunk){
                                       .doc = doc,
                                       .start = start,
                                       .end = end,
                                       .n_tokens = (int)(end - start) / 4 + 1,
                                   });
        start = end;
    }
}

static void keep_trace(void *user, const char *sentence)
{
    struct desk *d = user;
    buf_addf(&d->traces, "%s\n", sentence);
}

static void keep_progress(void *user, const struct reading_progress *p)
{
    struct desk *d = user;
    assert_true(p->done >= d->progress.done && p->done <= p->total);
    d->progress = *p;
    d->n_progress++;
}

void desk_init(struct desk *d, const char *const *docs, enum desk_worker kind,
               const char *script)
{
    *d = (struct desk){ .arena = arena_new() };
    doc_set_init(&d->set);
    cancel_init(&d->cancel, 0);
    buf_init(&d->traces, 1024 * 1024);
    for (int i = 0; docs[i]; i++) {
        doc_set_take(&d->set,
                     doc_new("a file", DOC_TEXT, mem_strdup(docs[i]), strlen(docs[i])));
        cut_at_blank_lines(d, i);
    }
    struct fake_options opt = {
        .in_process = kind == DESK_IN_PROCESS,
        .context = 4096,
        .parallel = 2,
    };
    if (fake_open(&d->worker, script, &opt, &d->err)) fail_msg("%s", d->err.message);
    assert_int_equal(search_open(&d->search, &d->set, &d->chunks, &d->err), 0);
    d->reading = (struct reading){
        .worker = d->worker,
        .set = &d->set,
        .chunks = &d->chunks,
        .search = d->search,
        .arena = d->arena,
        .cancel = &d->cancel,
        .question = "?",
        .read_max = 64,
        .usage = &d->usage,
        .progress = keep_progress,
        .trace = keep_trace,
        .user = d,
    };
}

void desk_plan(struct desk *d, const char *json)
{
    size_t dropped;
    const struct plan_limits limits = {
        .tasks_max = 32,
        .samples_max = 16,
        .earlier = d->earlier,
    };
    json_t *value = json_parse(json, strlen(json), &d->err);
    if (!value) fail_msg("%s", d->err.message);
    plan_release(&d->plan);
    d->progress = (struct reading_progress){ .done = 0 };
    if (plan_from_json(value, &d->set, &limits, &d->plan, &dropped, &d->err)) {
        fail_msg("%s", d->err.message);
    }
    json_decref(value);
}

int desk_run(struct desk *d)
{
    struct coverage c;
    int code = run_jobs(&d->reading, &d->plan, NULL, NULL, &d->jobs, &d->err);
    for (size_t i = 0; i < d->jobs.n; i++) {
        const struct job *j = &d->jobs.items[i];
        assert_true(j->state != JOB_PENDING);
        assert_true(!j->why == (j->state == JOB_ANSWERED || j->state == JOB_ABSENT));
        assert_true(!j->answer == (j->state != JOB_ANSWERED));
    }
    jobs_coverage(&d->jobs, d->chunks.n, &c);
    assert_int_equal(c.found + c.absent + c.failed + c.skipped, d->chunks.n);
    assert_int_equal(c.read, c.found + c.absent);
    return code;
}

void desk_release(struct desk *d)
{
    plan_release(&d->plan);
    search_close(d->search);
    chunk_list_release(&d->chunks);
    doc_set_release(&d->set);
    llm_close(d->worker);
    buf_release(&d->traces);
    arena_free(d->arena);
}

const struct job *desk_job(const struct desk *d, int task, int chunk)
{
    for (size_t i = 0; i < d->jobs.n; i++) {
        const struct job *j = &d->jobs.items[i];
        if (j->task == task && j->chunk == chunk) return j;
    }
    fail_msg("no job of task %d over chunk %d", task, chunk);
    return NULL;
}

size_t desk_count(const struct desk *d, enum job_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < d->jobs.n; i++) n += d->jobs.items[i].state == state;
    return n;
}

size_t desk_requests(const struct desk *d, const char *needle)
{
    size_t n = 0;
    for (size_t i = 0; i < fake_request_count(d->worker); i++) {
        n += strstr(fake_request_at(d->worker, i), needle) != NULL;
    }
    return n;
}
