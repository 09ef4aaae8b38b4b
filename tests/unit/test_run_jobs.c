/* test_run_jobs.c - plans read with a scripted worker: how every job ends, what
 * was asked, when the reading stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "desk.h"

#include "base/mem.h"
#include "jobs/plan_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const company[] = {
    "The company makes rope.",
    "Rope was invented early.\n\nCapital expenditure was 12 million dollars in 2022.\n\n"
    "Capital is a city's role.\n\nExpenditure on rope is not told.\n\nBoats need "
    "rope.\n\n"
    "Cats need none.\n\nDogs need less.\n\nTrees need water.\n\nStones need nothing.\n\n"
    "The end.",
    NULL,
};
enum { COMPANY_CHUNKS = 11, CAPEX = 2 };
enum { WAVE = 3, SWEEP_WAVE = 8 }; /* look_up.c: WAVE_CHUNKS, sweep.c */

#define CAPEX_TASK "{\"tasks\":[{\"ask\":\"What was the capital expenditure in 2022?\"}]}"

/* Finds the one paragraph, is sure of it when asked again. */
static const char finds_capex[] = "when user contains \"Reply Yes or No\"\n"
                                  "when user contains \"12 million dollars\"\n"
                                  "say Yes\n"
                                  "when user contains \"Reply Yes or No\"\n"
                                  "say No\n"
                                  "when user contains \"12 million dollars\"\n"
                                  "say 12 million dollars\n"
                                  "when any contains \"\"\n"
                                  "say not stated\n";
static const char nothing_stated[] = "when any contains \"\"\nsay not stated\n";

/* --- A worker in process: screen, answer, look again --------------------------- */

static void test_look_up_finds_and_stops(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    assert_int_equal(d.chunks.n, COMPANY_CHUNKS);
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    const struct job *j = desk_job(&d, 0, CAPEX);
    assert_int_equal(j->state, JOB_ANSWERED);
    assert_string_equal(j->answer, "12 million dollars");
    assert_true(j->margin > 1 && j->strength > 5);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    /* One wave; the rest ends as skipped, with the reason. */
    assert_int_equal(desk_count(&d, JOB_ABSENT), WAVE - 1);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - WAVE);
    assert_non_null(strstr(d.jobs.stop_reason, "clearly enough"));
    assert_non_null(
        strstr(d.traces.data, "wave 1, t1: 3 of 11 chunks read, found, done"));
    /* The screens, one answer, one second look that settled it. */
    assert_int_equal(fake_request_count(d.worker), WAVE + 2);
    assert_int_equal(desk_requests(&d, "Reply Yes or No"), 1);
    assert_int_equal(d.usage.requests, WAVE + 2);
    desk_release(&d);
}

/* A worker that is less sure of the answer, and says `elsewhere` of any other part. */
static void look_up_unsurely(struct desk *d, const char *elsewhere)
{
    char script[512];
    snprintf(script, sizeof script,
             "when user contains \"Reply Yes or No\"\n"
             "say Yes\n"
             "absent -0.7 -0.6\n"
             "when user contains \"12 million dollars\"\n"
             "say 12 million dollars\n"
             "when any contains \"\"\n"
             "say %s\n",
             elsewhere);
    desk_init(d, company, DESK_IN_PROCESS, script);
    desk_plan(d, CAPEX_TASK);
    assert_int_equal(desk_run(d), 0);
}

/* Two answers: there may be a better one. */
static void test_look_up_goes_on_while_contested(void **state)
{
    (void)state;
    struct desk d;
    look_up_unsurely(&d, "something else");
    assert_non_null(
        strstr(d.traces.data, "wave 4, t1: 11 of 11 chunks read, found, done"));
    desk_release(&d);
}

static void test_look_up_stops_where_nothing_contests(void **state)
{
    (void)state;
    struct desk d;
    look_up_unsurely(&d, "not stated");
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - WAVE);
    desk_release(&d);
}

static void test_absent_everywhere(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, nothing_stated);
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS);
    assert_int_equal(fake_request_count(d.worker), COMPANY_CHUNKS); /* screens only */
    assert_string_equal(d.jobs.stop_reason, "");
    desk_release(&d);
}

/* A chunk that looks as if, and does not hold it: no answer is written for it. */
static void test_second_look_turns_away(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"Reply Yes or No\"\n"
              "say No\n"
              "when user contains \"12 million\"\n"
              "say a city\n"
              "when any contains \"\"\n"
              "say not stated\n");
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    const struct job *j = desk_job(&d, 0, CAPEX);
    assert_int_equal(j->state, JOB_ABSENT);
    assert_true(j->strength < 0);
    assert_int_equal(fake_request_count(d.worker), COMPANY_CHUNKS + 1);
    assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS);
    desk_release(&d);
}

/* Two look-ups go through the waves together; a chunk's requests stand together. */
static void test_two_look_ups_share_waves(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, nothing_stated);
    desk_plan(
        &d, "{\"tasks\":[{\"ask\":\"capital expenditure\"},{\"ask\":\"capital role\"}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_ABSENT), 2 * COMPANY_CHUNKS);
    const char *first = strstr(fake_request_at(d.worker, 0), "Excerpt:");
    const char *second = strstr(fake_request_at(d.worker, 1), "Excerpt:");
    size_t shared = (size_t)(strstr(first, "Question:") - first);
    assert_memory_equal(first, second, shared);
    desk_release(&d);
}

static void test_read_max(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, nothing_stated);
    desk_plan(&d, CAPEX_TASK);
    d.reading.read_max = 6;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_ABSENT), 6);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), 5);
    assert_non_null(strstr(d.jobs.stop_reason, "as many chunks"));
    assert_int_equal(d.progress.total, 6);
    assert_int_equal(d.progress.done, 6);
    desk_release(&d);
}

/* A plan that says how many parts to read is heard, unless the user has said it. */
static void test_top_of_the_plan(void **state)
{
    (void)state;
    for (int heard = 0; heard <= 1; heard++) {
        struct desk d;
        desk_init(&d, company, DESK_IN_PROCESS, nothing_stated);
        d.reading.read_max = 4;
        d.reading.top_decides = heard;
        desk_plan(&d, "{\"tasks\":[{\"ask\":\"What was the capital expenditure?\","
                      "\"where\":{\"top\":5,\"terms\":[\"the\"]}}]}");
        assert_int_equal(desk_run(&d), 0);
        assert_int_equal(desk_count(&d, JOB_ABSENT), heard ? 5 : 4);
        assert_int_equal(d.progress.total, heard ? 5 : 4);
        desk_release(&d);
    }
}

/* --read all: also behind a clear find. */
static void test_read_all(void **state)
{
    (void)state;
    for (int kind = DESK_IN_PROCESS; kind <= DESK_SERVER; kind++) {
        struct desk d;
        desk_init(&d, company, (enum desk_worker)kind, finds_capex);
        desk_plan(&d, CAPEX_TASK);
        d.reading.read_max = 0;
        assert_int_equal(desk_run(&d), 0);
        assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
        assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS - 1);
        assert_string_equal(d.jobs.stop_reason, "");
        desk_release(&d);
    }
}

/* Lists read all that they name: no stopping, whatever was found. */
static void test_lists_read_everything(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"Reply Yes or No\"\n"
              "say Yes\n"
              "when user contains \"as JSON\"\n"
              "when user contains \"12 million\"\n"
              "say {\"items\":[\"12 million\",\"2022\"]}\n"
              "when user contains \"as JSON\"\n"
              "say {\"items\":[]}\n"
              "when user contains \" need \"\n"
              "say something\n"
              "when user contains \"12 million\"\n"
              "say something\n"
              "when any contains \"\"\n"
              "say not stated\n");
    desk_plan(&d,
              "{\"tasks\":[{\"ask\":\"Which numbers are named?\",\"answer\":\"list\"}]}");
    assert_int_equal(desk_run(&d), 0);
    const struct job *j = desk_job(&d, 0, CAPEX);
    assert_int_equal(j->state, JOB_ANSWERED);
    assert_string_equal(j->items, "[\"12 million\",\"2022\"]");
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS - 1);
    assert_int_equal(desk_requests(&d, "Which numbers"), COMPANY_CHUNKS + 6 + 6);
    desk_release(&d);
}

static void test_found_in_the_same_plan(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"What was the capital expenditure?\"},"
                  "{\"ask\":\"And the year?\",\"where\":{\"found_in\":\"t1\"}}]}");
    assert_int_equal(desk_run(&d), 0);
    size_t second = 0;
    for (size_t i = 0; i < d.jobs.n; i++) second += d.jobs.items[i].task == 1;
    assert_int_equal(second, 1);
    assert_non_null(desk_job(&d, 1, CAPEX));
    desk_release(&d);
}

static void test_found_in_an_earlier_round(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER, finds_capex);
    desk_plan(&d, "{\"tasks\":[{\"id\":\"capex\",\"ask\":\"capital expenditure\"}]}");
    assert_int_equal(desk_run(&d), 0);
    struct plan earlier = d.plan;
    struct job_list jobs = d.jobs;
    d.plan = (struct plan){ .tasks = NULL };
    d.earlier = &earlier;
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"the year\",\"where\":{\"found_in\":\"capex\"}},"
                  "{\"ask\":\"the year\"}]}");
    assert_int_equal(run_jobs(&d.reading, &d.plan, &jobs, &earlier, &d.jobs, &d.err), 0);
    size_t n[2] = { 0, 0 };
    for (size_t i = 0; i < d.jobs.n; i++) n[d.jobs.items[i].task]++;
    assert_int_equal(n[0], 1);
    assert_int_equal(n[1], COMPANY_CHUNKS);
    plan_release(&earlier);
    desk_release(&d);
}

/* --- Any other worker: one request a job ---------------------------------------- */

/* The Python program sends all jobs as one conversation and loses five of six. */
static void test_one_request_a_job(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER, nothing_stated);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"first\",\"reduce\":\"count\"},"
                  "{\"ask\":\"second\",\"reduce\":\"count\",\"samples\":3}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(d.jobs.n, 4 * COMPANY_CHUNKS);
    assert_int_equal(fake_request_count(d.worker), d.jobs.n);
    assert_int_equal(d.usage.requests, (int)d.jobs.n);
    for (size_t i = 0; i < fake_request_count(d.worker); i++) {
        const char *text = fake_request_at(d.worker, i);
        assert_non_null(strstr(text, "Excerpt:"));
        assert_null(strstr(strstr(text, "Excerpt:") + 1, "Excerpt:"));
    }
    desk_release(&d);
}

static void test_server_look_up_stops_too(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER, finds_capex);
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_string_equal(desk_job(&d, 0, CAPEX)->answer, "12 million dollars");
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    assert_int_equal(fake_request_count(d.worker), 2 * WAVE);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - 2 * WAVE);
    desk_release(&d);
}

/* One malformed worker reply ends the Python program's run. */
static void test_malformed_reply_fails_one_job(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER,
              "when user contains \"12 million\"\n"
              "say {\"items\": [\"12 mill\n"
              "when any contains \"\"\n"
              "say {\"items\": []}\n");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"numbers\",\"answer\":\"list\"}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_FAILED), 1);
    assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS - 1);
    assert_non_null(strstr(desk_job(&d, 0, CAPEX)->why, "not JSON"));
    desk_release(&d);
}

/* Length-limited replies are dropped without a word by the Python program. */
static void test_cut_reply_is_reported(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER,
              "when user contains \"12 million\"\n"
              "say it was the year in which, for the first time since\n"
              "finish length\n"
              "when user contains \"invented\"\n"
              "say na na na na\n"
              "finish repeat\n"
              "when any contains \"\"\n"
              "say Not stated.\n");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"numbers\",\"reduce\":\"count\"}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_FAILED);
    assert_non_null(strstr(desk_job(&d, 0, CAPEX)->why, "cut the reply off"));
    assert_non_null(strstr(desk_job(&d, 0, 1)->why, "repeated itself"));
    struct coverage c;
    jobs_coverage(&d.jobs, d.chunks.n, &c);
    assert_int_equal(c.failed, 2);
    assert_int_equal(c.absent, COMPANY_CHUNKS - 2);
    desk_release(&d);
}

/* num_samples is ignored by the Python program. */
static void test_samples_are_asked(void **state)
{
    (void)state;
    static const char *const doc[] = { "It was red, or blue.", NULL };
    struct desk d;
    desk_init(&d, doc, DESK_SERVER,
              "say red\ntimes 1\n\nsay blue\ntimes 2\n\nsay not stated\n");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"the colour\",\"samples\":4}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(fake_request_count(d.worker), 4);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 3);
    assert_int_equal(desk_count(&d, JOB_ABSENT), 1);
    desk_release(&d);
}

static void test_samples_in_process_share_the_screen(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"What was the capital expenditure in 2022?\","
                  "\"samples\":3}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 3);
    assert_int_equal(desk_count(&d, JOB_ABSENT), 3 * (WAVE - 1));
    assert_int_equal(fake_request_count(d.worker), WAVE + 3 + 1);
    desk_release(&d);
}

/* A sure worker that makes a number up: what nobody wrote is not found. */
static void test_invented_number_is_no_answer(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"Reply Yes or No\"\n"
              "say Yes\n"
              "when user contains \"12 million dollars\"\n"
              "say 13 million dollars in 2022\n"
              "when any contains \"\"\n"
              "say not stated\n");
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_ABSENT);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 0);
    assert_non_null(strstr(d.traces.data, "stands nowhere"));
    desk_release(&d);
}

/* --- Failures -------------------------------------------------------------------- */

static void test_worker_that_always_fails(void **state)
{
    (void)state;
    for (int kind = DESK_IN_PROCESS; kind <= DESK_SERVER; kind++) {
        struct desk d;
        desk_init(&d, company, (enum desk_worker)kind,
                  "finish failed no route to the worker");
        desk_plan(&d, CAPEX_TASK);
        assert_int_equal(desk_run(&d), LW_ERR);
        assert_string_equal(d.err.message, "no route to the worker");
        /* One wave is enough to know. */
        assert_int_equal(fake_request_count(d.worker), WAVE);
        assert_int_equal(desk_count(&d, JOB_FAILED), WAVE);
        assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - WAVE);
        assert_non_null(strstr(d.jobs.stop_reason, "no route to the worker"));
        desk_release(&d);
    }
}

static void test_some_failures_are_no_error(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"Cats\"\nfinish failed out of memory\n"
              "when any contains \"\"\nsay not stated\n");
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_FAILED), 1);
    assert_int_equal(desk_count(&d, JOB_ABSENT), COMPANY_CHUNKS - 1);
    desk_release(&d);
}

static void test_failed_screen_fails_all_samples(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"Cats\"\nfinish failed out of memory\n"
              "when any contains \"\"\nsay not stated\n");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"what?\",\"samples\":2}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_FAILED), 2);
    desk_release(&d);
}

static void test_excerpt_longer_than_the_context(void **state)
{
    (void)state;
    char text[20000];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "Short.\n\n", 8);
    text[sizeof text - 1] = '\0';
    const char *const doc[] = { text, NULL };
    struct desk d;
    desk_init(&d, doc, DESK_SERVER, nothing_stated);
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, 0)->state, JOB_ABSENT);
    assert_int_equal(desk_job(&d, 0, 1)->state, JOB_FAILED);
    assert_non_null(strstr(desk_job(&d, 0, 1)->why, "context"));
    desk_release(&d);
}

/* A question that fits nowhere is the plan's fault, not the worker's: the run goes on. */
static void test_question_longer_than_the_context(void **state)
{
    (void)state;
    enum { LONG = 20000 };
    struct desk d;
    desk_init(&d, company, DESK_SERVER, nothing_stated);
    desk_plan(&d, CAPEX_TASK);
    char *ask = mem_alloc(LONG + 1);
    memset(ask, 'x', LONG);
    mem_free(d.plan.tasks[0].ask);
    d.plan.tasks[0].ask = ask;
    struct lw_error err = { .code = 0 };
    assert_int_equal(plan_fits_worker(&d.plan, &d.reading, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "task 1"));
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_count(&d, JOB_FAILED), WAVE);
    assert_non_null(strstr(desk_job(&d, 0, CAPEX)->why, "context"));
    desk_release(&d);
}

/* --- Stopping --------------------------------------------------------------------- */

/* Raises the token once so many replies are in. */
static int raise_at, raise_times;

static void raise_when_due(void *user, const struct reading_progress *p)
{
    struct desk *d = user;
    for (int i = 0; p->done == raise_at && i < raise_times; i++) cancel_raise(&d->cancel);
}

/* No cancel in the Python program: here a run is stopped in its middle. */
static void test_cancel_keeps_what_was_found(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER, finds_capex);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"What was the capital "
                  "expenditure?\",\"reduce\":\"count\"}]}");
    d.reading.progress = raise_when_due;
    raise_at = 5;
    raise_times = 1;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(fake_request_count(d.worker), 5);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - 5);
    desk_release(&d);
}

/* Screened and promising, but stopped before it was asked: not absent. */
static void test_cancel_between_screen_and_answer(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    desk_plan(&d, CAPEX_TASK);
    d.reading.progress = raise_when_due;
    raise_at = WAVE;
    raise_times = 1;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_SKIPPED);
    assert_int_equal(desk_count(&d, JOB_ABSENT), WAVE - 1);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 0);
    assert_string_equal(d.jobs.stop_reason, "the run was stopped");
    desk_release(&d);
}

static void raise_after_probe(void *user, const struct reading_progress *p)
{
    struct desk *d = user;
    (void)p;
    bool due = d->usage.requests == WAVE + 1;
    if (due && cancel_level(&d->cancel) == CANCEL_NONE) cancel_raise(&d->cancel);
}

/* The second look said that the answer is there, and nobody could write it any more. */
static void test_cancel_between_probe_and_answer(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    desk_plan(&d, CAPEX_TASK);
    d.reading.progress = raise_after_probe;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_SKIPPED);
    assert_int_equal(desk_count(&d, JOB_ABSENT), WAVE - 1);
    assert_string_equal(d.jobs.stop_reason, "the run was stopped");
    desk_release(&d);
}

/* In a list less of a screen is promising than in a look-up. */
static void test_cancel_between_screen_and_list(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS,
              "when user contains \"12 million\"\nsay something\nabsent -0.25\n\n"
              "when any contains \"\"\nsay not stated\nabsent -0.01\n");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"Which?\",\"answer\":\"list\"}]}");
    d.reading.progress = raise_when_due;
    raise_at = SWEEP_WAVE;
    raise_times = 1;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_SKIPPED);
    assert_int_equal(desk_count(&d, JOB_ABSENT), SWEEP_WAVE - 1);
    desk_release(&d);
}

/* A sweep answers as it goes: who stops it in its second wave has the first one. */
static void test_cancel_keeps_the_waves_before(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_IN_PROCESS, finds_capex);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"What was the capital "
                  "expenditure?\",\"reduce\":\"count\"}]}");
    d.reading.progress = raise_when_due;
    raise_at = SWEEP_WAVE + 1;
    raise_times = 1;
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(desk_job(&d, 0, CAPEX)->state, JOB_ANSWERED);
    assert_int_equal(desk_count(&d, JOB_ANSWERED), 1);
    assert_int_equal(desk_count(&d, JOB_ABSENT), SWEEP_WAVE);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS - SWEEP_WAVE - 1);
    assert_string_equal(d.jobs.stop_reason, "the run was stopped");
    desk_release(&d);
}

static void test_abort(void **state)
{
    (void)state;
    for (int kind = DESK_IN_PROCESS; kind <= DESK_SERVER; kind++) {
        struct desk d;
        desk_init(&d, company, (enum desk_worker)kind, finds_capex);
        desk_plan(&d, CAPEX_TASK);
        d.reading.progress = raise_when_due;
        raise_at = 2;
        raise_times = 2;
        assert_int_equal(desk_run(&d), LW_CANCELLED);
        assert_int_equal(fake_request_count(d.worker), 2);
        desk_release(&d);
    }
}

/* No time limit in the Python program. */
static void test_deadline(void **state)
{
    (void)state;
    struct desk d;
    desk_init(&d, company, DESK_SERVER, nothing_stated);
    desk_plan(&d, CAPEX_TASK);
    cancel_init(&d.cancel, 1); /* long past */
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(fake_request_count(d.worker), 0);
    assert_int_equal(desk_count(&d, JOB_SKIPPED), COMPANY_CHUNKS);
    assert_string_equal(d.jobs.stop_reason, "the time limit was reached");
    desk_release(&d);
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    static const char *const none[] = { NULL };
    struct desk d;
    desk_init(&d, none, DESK_IN_PROCESS, nothing_stated);
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"a\"},{\"ask\":\"b\",\"answer\":\"list\"}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(d.jobs.n, 0);
    desk_release(&d);
}

/* --- What goes out ------------------------------------------------------------------ */

/* Remembers what the fake does not log. */
struct spy {
    struct llm llm;
    size_t calls, requests, verbatim, scored, drawn;
    size_t widest;
};

static int spy_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                         llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                         struct lw_error *err)
{
    struct spy *s = (struct spy *)llm;
    (void)cancel;
    (void)err;
    s->calls++;
    s->requests += n;
    s->widest = n > s->widest ? n : s->widest;
    for (size_t i = 0; i < n; i++) {
        s->verbatim += reqs[i].messages[1].parts[1].verbatim;
        s->scored += reqs[i].n_alt > 0;
        s->drawn += reqs[i].temperature > 0 && reqs[i].seed > 0;
        on_reply(user, i,
                 &(struct llm_reply){ .finish = LLM_STOP,
                                      .text = "none",
                                      .len = 4,
                                      .logprob_alt = NAN,
                                      .logprob_alt2 = NAN });
    }
    return 0;
}

static const struct llm_info *spy_info(struct llm *llm)
{
    static const struct llm_info info = { .name = "spy", .where = "here", .parallel = 8 };
    (void)llm;
    return &info;
}

static void test_all_at_once_and_in_wide_waves(void **state)
{
    (void)state;
    static const struct llm_ops ops = { .chat_many = spy_chat_many, .info = spy_info };
    struct desk d;
    struct spy spy = { .llm = { .ops = &ops } };
    desk_init(&d, company, DESK_SERVER, "");
    d.reading.worker = &spy.llm;
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"a\",\"reduce\":\"count\",\"samples\":2},"
                  "{\"ask\":\"b\",\"answer\":\"list\"}]}");
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(spy.calls, 1); /* a plan that reads everything: one call */
    assert_int_equal(spy.requests, 3 * COMPANY_CHUNKS);
    assert_int_equal(spy.verbatim, spy.requests);
    assert_int_equal(spy.scored, 2 * COMPANY_CHUNKS); /* JSON begins with a brace */
    assert_int_equal(spy.drawn, COMPANY_CHUNKS);
    spy = (struct spy){ .llm = { .ops = &ops } };
    desk_plan(&d, CAPEX_TASK);
    assert_int_equal(desk_run(&d), 0);
    assert_int_equal(spy.widest, 8); /* as many as the server takes */
    assert_int_equal(spy.calls, 2);
    desk_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_up_finds_and_stops),
        cmocka_unit_test(test_look_up_goes_on_while_contested),
        cmocka_unit_test(test_look_up_stops_where_nothing_contests),
        cmocka_unit_test(test_absent_everywhere),
        cmocka_unit_test(test_second_look_turns_away),
        cmocka_unit_test(test_two_look_ups_share_waves),
        cmocka_unit_test(test_read_max),
        cmocka_unit_test(test_top_of_the_plan),
        cmocka_unit_test(test_read_all),
        cmocka_unit_test(test_lists_read_everything),
        cmocka_unit_test(test_found_in_the_same_plan),
        cmocka_unit_test(test_found_in_an_earlier_round),
        cmocka_unit_test(test_one_request_a_job),
        cmocka_unit_test(test_server_look_up_stops_too),
        cmocka_unit_test(test_malformed_reply_fails_one_job),
        cmocka_unit_test(test_cut_reply_is_reported),
        cmocka_unit_test(test_samples_are_asked),
        cmocka_unit_test(test_samples_in_process_share_the_screen),
        cmocka_unit_test(test_invented_number_is_no_answer),
        cmocka_unit_test(test_worker_that_always_fails),
        cmocka_unit_test(test_some_failures_are_no_error),
        cmocka_unit_test(test_failed_screen_fails_all_samples),
        cmocka_unit_test(test_excerpt_longer_than_the_context),
        cmocka_unit_test(test_question_longer_than_the_context),
        cmocka_unit_test(test_cancel_keeps_what_was_found),
        cmocka_unit_test(test_cancel_between_screen_and_answer),
        cmocka_unit_test(test_cancel_between_probe_and_answer),
        cmocka_unit_test(test_cancel_between_screen_and_list),
        cmocka_unit_test(test_cancel_keeps_the_waves_before),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_all_at_once_and_in_wide_waves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
