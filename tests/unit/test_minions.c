/* test_minions.c - proto/minions.c with scripted models on both sides.
 *
 * The tests that are named after a fault are those of the Python program that
 * legwork learned from: each was seen there, none may be seen here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/mem.h"
#include "jobs/plan_check.h"
#include "guard/guard.h"
#include "proto/ways.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* --- Scripts --------------------------------------------------------------- */

/* A worker that finds the capex, the reason and the fee, each in its paragraph. */
static const char worker[] = "when user contains \"12 million dollars\"\n"
                             "when user contains \"Question: What was the capex\"\n"
                             "say 12 million dollars\n"
                             "\n"
                             "when user contains \"plant in Leipzig\"\n"
                             "when user contains \"Question: Why did\"\n"
                             "say the new plant was finished\n"
                             "\n"
                             "when user contains \"45 euros\"\n"
                             "when user contains \"Question: How high is the fee\"\n"
                             "say 45 euros\n"
                             "\n"
                             "when any contains \"\"\n"
                             "say not stated\n";

#define PLAN_CAPEX                                                               \
    "when user contains \"Plan the reading\"\n"                                  \
    "say {\"tasks\": [{\"ask\": \"What was the capex in 2022?\", "               \
    "\"where\": {\"terms\": [\"capital expenditure\"]}}], \"note\": \"then the " \
    "reason\"}\n"                                                                \
    "\n"

#define ANSWER_CAPEX                                                                  \
    "when user contains \"[f1]\"\n"                                                   \
    "say {\"rests_on\": [\"f1\"], \"answer\": \"It was 12 million dollars [f1].\"}\n" \
    "\n"

static struct world_options options(const char *supervisor)
{
    return (struct world_options){
        .question = "What was the capex in 2022 and why did it fall?",
        .worker = worker,
        .supervisor = supervisor,
    };
}

static void init(struct world *w, const char *supervisor)
{
    struct world_options opt = options(supervisor);
    world_init(w, &opt);
}

static void assert_contains(const char *text, const char *needle)
{
    if (!strstr(text, needle)) fail_msg("\"%s\" is not in:\n%s", needle, text);
}

/* --- The algorithm --------------------------------------------------------- */

static void test_plan_read_conclude(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "It was 12 million dollars [1].");
    assert_int_equal(w.out.n_citations, 1);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_EXACT);
    assert_contains(w.out.citations[0].text,
                    "Capital expenditure was 12 million dollars");
    assert_int_equal(w.out.rounds, 1);
    assert_string_equal(w.stages.data, "planning\nreading\nconcluding\n");
    world_release(&w);
}

static void test_second_round_reads_new_tasks(void **state)
{
    (void)state;
    struct world w;
    init(
        &w, PLAN_CAPEX
        "when user contains \"[f2]\"\n"
        "say {\"rests_on\": [\"f2\", \"f1\"], \"answer\": \"12 million [f1], because the "
        "plant was finished [f2].\"}\n"
        "\n"
        "when user contains \"[f1]\"\n"
        "say {\"rests_on\": [], \"answer\": \"\", \"missing\": \"the reason\", "
        "\"tasks\": "
        "[{\"ask\": \"Why did it fall?\"}]}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(w.out.answer,
                        "12 million [1], because the plant was finished [2].");
    assert_int_equal(w.out.n_citations, 2);
    assert_contains(w.out.citations[1].text, "Leipzig");
    assert_int_equal(w.out.rounds, 2);
    assert_int_equal(w.out.coverage.found, 2);
    world_release(&w);
}

static void test_not_stated_is_not_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "say {\"rests_on\": [], \"answer\": \"Not stated.\"}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_contains(w.out.answer, "The documents do not state this");
    world_release(&w);
}

static void test_same_inputs_send_the_same_bytes(void **state)
{
    (void)state;
    struct world a, b;
    init(&a, PLAN_CAPEX ANSWER_CAPEX);
    init(&b, PLAN_CAPEX ANSWER_CAPEX);
    assert_int_equal(world_run(&a, "minions"), 0);
    assert_int_equal(world_run(&b, "minions"), 0);
    char *x = world_sent(a.supervisor), *y = world_sent(b.supervisor);
    assert_string_equal(x, y);
    mem_free(x);
    mem_free(y);
    world_release(&a);
    world_release(&b);
}

static void test_schema_shapes_the_answer(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"Put this answer into JSON\"\n"
                        "say {\"capex\": 12}\n"
                        "\n" ANSWER_CAPEX);
    json_t *schema =
        json_pack("{s:s, s:{s:{s:s}}, s:[s]}", "type", "object", "properties", "capex",
                  "type", "integer", "required", "capex");
    w.run.schema = schema;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(w.out.answer, "{\"capex\":12}");
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_int_equal(w.out.n_citations, 1);
    char *sent = world_sent(w.supervisor);
    assert_contains(sent, "find all that it needs: {\"type\":\"object\"");
    mem_free(sent);
    json_decref(schema);
    world_release(&w);
}

/* A number reads as the model wrote it. */
static void test_shaped_numbers_are_short(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"Put this answer into JSON\"\n"
                        "say {\"x\": [0.1, 1e3, 2.50]}\n"
                        "\n" ANSWER_CAPEX);
    json_t *schema = json_pack("{s:s, s:[s]}", "type", "object", "required", "x");
    w.run.schema = schema;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(w.out.answer, "{\"x\":[0.1,1000.0,2.5]}");
    json_decref(schema);
    world_release(&w);
}

static void test_answer_that_cannot_be_shaped_is_kept(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"Put this answer into JSON\"\n"
                        "say no\n"
                        "\n" ANSWER_CAPEX);
    json_t *schema = json_pack("{s:s, s:[s]}", "type", "object", "required", "capex");
    w.run.schema = schema;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_contains(w.out.answer, "It was 12 million dollars [1].");
    assert_contains(w.out.cause_message, "not put into the schema");
    json_decref(schema);
    world_release(&w);
}

static void init_small(struct world *w, const char *supervisor)
{
    struct world_options opt = options(supervisor);
    opt.supervisor_is = (struct fake_options){ .in_process = true, .context = 4096 };
    world_init(w, &opt);
}

/* It splits the question and answers from what was found; each part of the
 * question is read with the whole as its hint. */
static void test_small_supervisor_splits_the_question(void **state)
{
    (void)state;
    struct world w;
    init_small(
        &w,
        "when user contains \"Split this question\"\n"
        "say {\"questions\": [\"What was the capex in 2022?\", \"Why did it fall?\"]}\n"
        "\n"
        "when user contains \"Facts found\"\n"
        "say {\"rests_on\": [\"f1\", \"f2\"], \"answer\": \"12 million, as the plant was "
        "finished.\"}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million, as the plant was finished. [1][2]");
    assert_int_equal(w.remote.requests, 2);
    assert_null(strstr(fake_request_at(w.supervisor, 1), "not stated"));
    /* It would tell the user how many parts were read. */
    assert_null(strstr(fake_request_at(w.supervisor, 1), " parts"));
    assert_contains(fake_request_at(w.worker, 0),
                    "part of: What was the capex in 2022 and");
    world_release(&w);
}

/* It would answer from nothing: it is not asked to. */
static void test_small_supervisor_is_not_asked_about_nothing(void **state)
{
    (void)state;
    struct world w;
    init_small(&w, "when user contains \"Split this question\"\n"
                   "say {\"questions\": [\"Who was the first king?\"]}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_int_equal(w.remote.requests, 1);
    world_release(&w);
}

/* --- What the Python program gets wrong ------------------------------------ */

/* "all jobs sent as one conversation" */
static void test_each_job_is_a_request_of_its_own(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    assert_int_equal(world_run(&w, "minions"), 0);
    for (size_t i = 0; i < fake_request_count(w.worker); i++) {
        assert_int_equal(world_count(fake_request_at(w.worker, i), "[user]"), 1);
        assert_int_equal(world_count(fake_request_at(w.worker, i), "Question:"), 1);
    }
    assert_int_equal(fake_request_count(w.worker), w.local.requests);
    world_release(&w);
}

#define PLAN_LIST                                                              \
    "when user contains \"Plan the reading\"\n"                                \
    "say {\"tasks\": [{\"ask\": \"List the sums.\", \"answer\": \"list\"}]}\n" \
    "\n"

static const char list_worker[] = "when user contains \"12 million dollars\"\n"
                                  "say {\"items\": [\"12 million dollars\"]}\n"
                                  "\n"
                                  "when user contains \"nine times\"\n"
                                  "say {\"items\": [\"nine\n"
                                  "\n"
                                  "when user contains \"45 euros\"\n"
                                  "say {\"items\": [\"45 euros\"]}\n"
                                  "finish length\n"
                                  "\n"
                                  "when any contains \"\"\n"
                                  "say {\"items\": []}\n";

/* Dollars and euros are not added, and the supervisor is told which are missing. */
static void test_what_a_sum_leaves_out_is_told(void **state)
{
    (void)state;
    struct world_options opt =
        options("when user contains \"Plan the reading\"\n"
                "say {\"tasks\": [{\"ask\": \"Which sums?\", \"reduce\": \"sum\"}]}\n"
                "\n"
                "when user contains \"sum: 12000000 (f1), without f2 (not to be\"\n"
                "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million, at least.\"}\n");
    struct world w;
    opt.worker = "when user contains \"12 million dollars\"\n"
                 "say 12 million dollars\n"
                 "\n"
                 "when user contains \"45 euros\"\n"
                 "say 45 euros\n"
                 "\n"
                 "when any contains \"\"\n"
                 "say not stated\n";
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_contains(w.out.answer, "12 million, at least.");
    world_release(&w);
}

/* "one malformed worker reply ends the run" */
static void test_one_malformed_worker_reply_does_not_end_the_run(void **state)
{
    (void)state;
    struct world_options opt = options(PLAN_LIST ANSWER_CAPEX);
    struct world w;
    opt.worker = list_worker;
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_true(w.out.coverage.failed >= 1);
    assert_int_equal(w.out.coverage.skipped, 0);
    world_release(&w);
}

static const char cut_worker[] = "when user contains \"12 million dollars\"\n"
                                 "say {\"items\": [\"12 million dollars\"]}\n"
                                 "\n"
                                 "when user contains \"45 euros\"\n"
                                 "say {\"items\": [\"45 eu\n"
                                 "finish length\n"
                                 "\n"
                                 "when any contains \"\"\n"
                                 "say {\"items\": []}\n";

/* "length-limited replies dropped without a word" */
static void test_cut_off_worker_replies_are_counted_as_failed(void **state)
{
    (void)state;
    struct world_options opt = options(PLAN_LIST ANSWER_CAPEX);
    struct world w;
    opt.worker = cut_worker;
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.coverage.failed, 1);
    assert_int_equal(w.out.coverage.read, world_docs_chunks - 1);
    assert_contains(w.warnings.data, "1 of 7 parts could not be read: ");
    char *sent = world_sent(w.supervisor);
    assert_contains(sent, "read 6 of 7 parts; 1 failed");
    mem_free(sent);
    world_release(&w);
}

/* "final JSON failing five identical tries loses everything" */
static void test_final_json_failing_loses_nothing(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "say I think that it was about twelve.\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_int_equal(w.out.cause, LW_ERR_REMOTE);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_int_equal(w.out.n_citations, 1);
    /* One plan; middle and last conclusion with one repair each; no more. */
    assert_int_equal(fake_request_count(w.supervisor), 5);
    world_release(&w);
}

/* ... and no try is the same as the one before. */
static void test_no_request_is_sent_twice(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nsay nonsense\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    for (size_t i = 0; i < fake_request_count(w.supervisor); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(fake_request_at(w.supervisor, i),
                                    fake_request_at(w.supervisor, j));
        }
    }
    world_release(&w);
}

/* "synthesis calls not counted" */
static void test_every_call_of_the_supervisor_is_counted(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "say half of a {\"answer\":\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.remote.requests, fake_request_count(w.supervisor));
    assert_int_equal(w.egress.calls, fake_request_count(w.supervisor));
    assert_true(w.remote.prompt_tokens > 0 && w.remote.completion_tokens > 0);
    size_t bytes = 0;
    for (size_t i = 0; i < fake_request_count(w.supervisor); i++) {
        bytes += strlen(fake_request_at(w.supervisor, i));
    }
    assert_true(w.egress.bytes > 0);
    assert_true((size_t)w.egress.bytes > bytes / 2);
    world_release(&w);
}

/* "num_samples ignored" */
static void test_samples_are_asked(void **state)
{
    (void)state;
    struct world one, three;
    init(&one, PLAN_LIST ANSWER_CAPEX);
    init(&three, PLAN_LIST ANSWER_CAPEX);
    three.run.samples = 3;
    assert_int_equal(world_run(&one, "minions"), 0);
    assert_int_equal(world_run(&three, "minions"), 0);
    assert_int_equal(fake_request_count(one.worker), world_docs_chunks);
    assert_int_equal(fake_request_count(three.worker), 3 * world_docs_chunks);
    world_release(&one);
    world_release(&three);
}

/* "feedback and scratchpad never reach the next round" */
static void test_note_missing_and_findings_reach_the_next_round(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"Missing so far: the fee of the council\"\n"
                        "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million [f1].\"}\n"
                        "\n"
                        "when user contains \"then the reason\"\n"
                        "say {\"rests_on\": [], \"answer\": \"\", \"missing\": \"the fee "
                        "of the council\", "
                        "\"note\": \"capex is settled\", \"tasks\": [{\"ask\": \"How "
                        "high is the fee?\"}]}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    const char *last =
        fake_request_at(w.supervisor, fake_request_count(w.supervisor) - 1);
    assert_contains(last, "capex is settled");
    assert_contains(last, "1. What was the capex in 2022?");
    assert_contains(last, "[f1] \"12 million dollars\"");
    assert_contains(last, "2. How high is the fee?");
    assert_contains(last, "[f2] \"45 euros\"");
    world_release(&w);
}

/* However much a supervisor wants to remember: the next prompt has room for the rest. */
static void test_long_notes_are_cut(void **state)
{
    (void)state;
    struct world w;
    char n[6001], m[6001], script[16384];
    memset(n, 'N', sizeof n - 1);
    memset(m, 'M', sizeof m - 1);
    n[sizeof n - 1] = m[sizeof m - 1] = '\0';
    snprintf(script, sizeof script,
             PLAN_CAPEX "when user contains \"Missing so far\"\n"
                        "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million [f1].\"}\n"
                        "\n"
                        "when user contains \"then the reason\"\n"
                        "say {\"rests_on\": [], \"answer\": \"\", \"missing\": \"%s\", "
                        "\"note\": \"%s\", \"tasks\": [{\"ask\": \"How high is the "
                        "fee?\"}]}\n",
             m, n);
    init(&w, script);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    const char *last =
        fake_request_at(w.supervisor, fake_request_count(w.supervisor) - 1);
    n[PLAN_ASK_BYTES_MAX] = m[PLAN_ASK_BYTES_MAX] = '\0';
    assert_contains(last, n);
    assert_contains(last, m);
    n[PLAN_ASK_BYTES_MAX] = 'N';
    n[PLAN_ASK_BYTES_MAX + 1] = '\0';
    assert_null(strstr(last, n));
    m[PLAN_ASK_BYTES_MAX] = 'M';
    m[PLAN_ASK_BYTES_MAX + 1] = '\0';
    assert_null(strstr(last, m));
    world_release(&w);
}

/* "file names sent to the cloud" */
static void test_file_names_are_never_sent(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    assert_int_equal(world_run(&w, "minions"), 0);
    char *sent = world_sent(w.supervisor);
    assert_null(strstr(sent, WORLD_SECRET_NAME));
    assert_contains(sent, "d1: text, about");
    assert_contains(sent, "d2: text, about");
    mem_free(sent);
    world_release(&w);
}

/* "the supervisor never gets document text but through quotes and answers" */
static void test_only_quotes_and_answers_leave(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    assert_int_equal(world_run(&w, "minions"), 0);
    const char *plan = fake_request_at(w.supervisor, 0);
    const char *conclusion = fake_request_at(w.supervisor, 1);
    struct guard_index *ix = guard_index_new(&w.set);
    assert_int_equal(guard_index_count(ix, plan, strlen(plan)), 0);
    int64_t sent = guard_index_count(ix, conclusion, strlen(conclusion));
    assert_int_equal(sent, strlen(w.out.citations[0].text));
    assert_int_equal(w.egress.document_chars, sent);
    guard_index_free(ix);
    world_release(&w);
}

/* "quotes never checked": a number that stands nowhere is no verified answer. */
static void test_invented_value_is_no_evidence(void **state)
{
    (void)state;
    struct world_options opt = options(
        PLAN_CAPEX
        "when user contains \"found so far\"\n"
        "say {\"rests_on\": [\"f1\"], \"answer\": \"99 million dollars [f1].\"}\n");
    struct world w;
    opt.worker = "when user contains \"12 million dollars\"\n"
                 "say 99 million dollars\n"
                 "\n"
                 "when any contains \"\"\n"
                 "say not stated\n";
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_contains(w.out.answer, "No verified quote supports this answer.");
    world_release(&w);
}

/* --- A hostile or broken supervisor ----------------------------------------- */

static void check_falls_back(const char *reply)
{
    struct world w;
    struct buf script;
    buf_init(&script, 4 * 1024 * 1024);
    buf_addf(&script, "when user contains \"Plan the reading\"\nsay%s%s\n\n",
             *reply ? " " : "", reply);
    buf_add_str(&script, ANSWER_CAPEX);
    struct world_options opt = options(script.data);
    opt.question = "What was the capex?";
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_contains(w.warnings.data, "the question itself is read instead");
    buf_release(&script);
    world_release(&w);
}

static void test_plan_of_prose_falls_back(void **state)
{
    (void)state;
    check_falls_back("First I would look at the cash flow statement.");
}

static void test_half_a_plan_falls_back(void **state)
{
    (void)state;
    check_falls_back("{\"tasks\": [{\"ask\": \"What was the ca");
}

static void test_empty_plan_falls_back(void **state)
{
    (void)state;
    check_falls_back("");
    check_falls_back("{\"tasks\": []}");
}

static void test_plan_for_unknown_document_falls_back(void **state)
{
    (void)state;
    check_falls_back(
        "{\"tasks\": [{\"ask\": \"What?\", \"where\": {\"docs\": [\"d99\"]}}]}");
}

/* The complaint says what is wrong, and the second try may be right. */
static void test_plan_is_repaired_once(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"cannot be used\"\n"
             "when user contains \"Plan the reading\"\n"
             "say {\"tasks\": [{\"ask\": \"What was the capex in 2022?\"}]}\n"
             "\n"
             "when user contains \"Plan the reading\"\n"
             "say {\"tasks\": [{\"ask\": \"What?\", \"where\": {\"docs\": [\"d99\"]}}]}\n"
             "\n" ANSWER_CAPEX);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.warnings.data, "");
    assert_contains(fake_request_at(w.supervisor, 1), "d99");
    world_release(&w);
}

/* An ask that leaves no room for a part of a document gets a complaint, and the run goes
 * on with what it has. */
static void test_ask_longer_than_the_worker_takes(void **state)
{
    (void)state;
    enum { LONG = 3500 };
    struct world w;
    struct world_options opt = options(NULL);
    struct buf script;
    buf_init(&script, 65536);
    buf_add_str(&script, "when user contains \"Plan the reading\"\nsay {\"tasks\": "
                         "[{\"ask\": \"What ");
    for (int i = 0; i < LONG; i++) buf_add_char(&script, "was it "[i % 7]);
    buf_add_str(&script, "?\"}]}\n\n" ANSWER_CAPEX "when any contains \"\"\n"
                         "say {\"rests_on\": [], \"answer\": \"not stated\"}\n");
    opt.supervisor = script.data;
    opt.worker_is.context = 900;
    world_init(&w, &opt);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_contains(w.warnings.data, "the question itself is read instead");
    assert_contains(w.warnings.data, "too long for the small model");
    assert_contains(fake_request_at(w.supervisor, 1), "cannot be used: task 1");
    assert_int_equal(w.out.coverage.failed, 0);
    world_release(&w);
    buf_release(&script);
}

/* A supervisor that asks for n tasks; at most eight are read. */
static void check_many_tasks(int n, const char *warning)
{
    struct world w;
    struct buf script;
    buf_init(&script, 4 * 1024 * 1024);
    buf_add_str(&script, "when user contains \"Plan the reading\"\nsay {\"tasks\": [");
    for (int i = 0; i < n; i++) {
        buf_addf(&script, "%s{\"ask\": \"What was the capex %d?\"}", i ? "," : "", i);
    }
    buf_add_str(&script, "]}\n\n" ANSWER_CAPEX);
    assert_false(buf_failed(&script));
    init(&w, script.data);
    buf_release(&script);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_true(fake_request_count(w.worker) <= 8 * world_docs_chunks);
    assert_contains(w.warnings.data, warning);
    world_release(&w);
}

static void test_ten_thousand_tasks_are_cut(void **state)
{
    (void)state;
    check_many_tasks(300, "292 tasks more than the limit of 8");
    check_many_tasks(10000, "the question itself is read instead");
}

/* Empty lists and nulls beside an answer are how strict servers say "nothing". */
static void test_empty_tasks_beside_an_answer_are_no_fault(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million [f1]\", "
                        "\"missing\": \"\", "
                        "\"tasks\": [], \"note\": \"\"}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(w.out.answer, "12 million [1]");
    assert_int_equal(w.remote.requests, 2);
    world_release(&w);
}

static void test_ids_that_do_not_exist_are_ignored(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "say {\"rests_on\": [\"f7\", \"x\"], \"answer\": \"It was 12 "
                        "million dollars [f9].\"}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(w.out.answer, "It was 12 million dollars. [1]");
    world_release(&w);
}

static void test_answer_that_rests_on_nothing_says_so(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         PLAN_CAPEX "when user contains \"found so far\"\n"
                    "say {\"rests_on\": [], \"answer\": \"Probably a great deal.\"}\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_string_equal(
        w.out.answer,
        "Probably a great deal.\n\nNo verified quote supports this answer.");
    assert_int_equal(w.out.n_citations, 0);
    world_release(&w);
}

/* --- Ends ------------------------------------------------------------------ */

static const char asks_for_ever[] = PLAN_CAPEX
    "when user contains \"last round\"\n"
    "say {\"rests_on\": [], \"answer\": \"\"}\n"
    "\n"
    "when user contains \"found so far\"\n"
    "say {\"rests_on\": [], \"answer\": \"\", \"tasks\": [{\"ask\": \"How high is the "
    "fee?\"}]}\n";

static void test_rounds_run_out(void **state)
{
    (void)state;
    struct world w;
    init(&w, asks_for_ever);
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.rounds, 3);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_contains(w.out.answer, "45 euros [2]");
    world_release(&w);
}

static void test_last_round_must_answer(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         PLAN_CAPEX "when user contains \"last round\"\n"
                    "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million dollars\"}\n"
                    "\n"
                    "when user contains \"found so far\"\n"
                    "say {\"rests_on\": [], \"answer\": \"\", \"tasks\": [{\"ask\": "
                    "\"How high is the "
                    "fee?\"}]}\n");
    w.run.rounds_max = 1;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million dollars [1]");
    assert_int_equal(fake_request_count(w.supervisor), 2);
    world_release(&w);
}

static void test_supervisor_that_fails_at_once(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nfinish failed connection refused\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_contains(w.out.cause_message, "connection refused");
    world_release(&w);
}

static void test_supervisor_that_fails_after_the_reading(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX "when user contains \"found so far\"\n"
                        "finish failed connection refused\n");
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_contains(w.out.cause_message, "connection refused");
    world_release(&w);
}

/* Raises the token when the stage begins; the deadline has passed then, or the user gave
 * up. */
static void stop_when_reading(void *user, const char *what)
{
    struct world *w = user;
    if (strcmp(what, "reading") == 0) cancel_raise(&w->cancel);
}

static void time_out_when_concluding(void *user, const char *what)
{
    struct world *w = user;
    if (strcmp(what, "concluding") == 0) w->cancel.deadline_ms = 1;
}

static void abort_when_concluding(void *user, const char *what)
{
    struct world *w = user;
    if (strcmp(what, "concluding") != 0) return;
    cancel_raise(&w->cancel);
    cancel_raise(&w->cancel);
}

static void test_stopped_before_anything_was_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    w.run.stage = stop_when_reading;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_int_equal(w.out.cause, LW_PARTIAL);
    assert_int_equal(w.out.coverage.skipped, world_docs_chunks);
    assert_contains(w.out.answer, "Nothing was found so far: 0 of 7 parts were read.");
    world_release(&w);
}

static void test_deadline_returns_what_was_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    w.run.stage = time_out_when_concluding;
    assert_int_equal(world_run(&w, "minions"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_int_equal(w.out.cause, LW_TIMEOUT);
    assert_contains(w.out.answer, "12 million dollars [1]");
    world_release(&w);
}

static void test_abort_is_an_error(void **state)
{
    (void)state;
    struct world w;
    init(&w, PLAN_CAPEX ANSWER_CAPEX);
    w.run.stage = abort_when_concluding;
    assert_int_equal(world_run(&w, "minions"), LW_CANCELLED);
    world_release(&w);
}

/* --- A supervisor that refuses ---------------------------------------------- */

struct refusing {
    struct llm llm;
    struct llm_info info;
};

static void refusing_close(struct llm *llm)
{
    (void)llm;
}

static const struct llm_info *refusing_info(struct llm *llm)
{
    return &((struct refusing *)llm)->info;
}

static int refusing_count(struct llm *llm, const char *text, size_t len)
{
    (void)llm;
    (void)text;
    return (int)(len / 3);
}

static int refusing_chat(struct llm *llm, const struct llm_request *reqs, size_t n,
                         llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                         struct lw_error *err)
{
    (void)llm;
    (void)reqs;
    (void)cancel;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        struct llm_reply reply = { .finish = LLM_FAILED, .text = "" };
        reply.error =
            (struct lw_error){ .code = LW_ERR_AUTH, .message = "the key is refused" };
        on_reply(user, i, &reply);
    }
    return 0;
}

static void test_refused_key_is_an_error_before_anything_was_read(void **state)
{
    (void)state;
    static const struct llm_ops ops = {
        .close = refusing_close,
        .info = refusing_info,
        .count_tokens = refusing_count,
        .chat_many = refusing_chat,
    };
    struct refusing refusing = { .llm.ops = &ops, .info.name = "refusing" };
    struct world w;
    struct world_options opt = options(NULL);
    world_init(&w, &opt);
    static const char *const protocols[] = { "minions", "minion", "remote" };
    for (int i = 0; i < 3; i++) {
        w.run.supervisor = &refusing.llm;
        assert_int_equal(world_run(&w, protocols[i]), LW_ERR_AUTH);
        assert_contains(w.err.message, "the key is refused");
        assert_int_equal(fake_request_count(w.worker), 0);
    }
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_read_conclude),
        cmocka_unit_test(test_second_round_reads_new_tasks),
        cmocka_unit_test(test_not_stated_is_not_found),
        cmocka_unit_test(test_same_inputs_send_the_same_bytes),
        cmocka_unit_test(test_schema_shapes_the_answer),
        cmocka_unit_test(test_shaped_numbers_are_short),
        cmocka_unit_test(test_answer_that_cannot_be_shaped_is_kept),
        cmocka_unit_test(test_small_supervisor_splits_the_question),
        cmocka_unit_test(test_small_supervisor_is_not_asked_about_nothing),
        cmocka_unit_test(test_each_job_is_a_request_of_its_own),
        cmocka_unit_test(test_what_a_sum_leaves_out_is_told),
        cmocka_unit_test(test_one_malformed_worker_reply_does_not_end_the_run),
        cmocka_unit_test(test_cut_off_worker_replies_are_counted_as_failed),
        cmocka_unit_test(test_final_json_failing_loses_nothing),
        cmocka_unit_test(test_no_request_is_sent_twice),
        cmocka_unit_test(test_every_call_of_the_supervisor_is_counted),
        cmocka_unit_test(test_samples_are_asked),
        cmocka_unit_test(test_note_missing_and_findings_reach_the_next_round),
        cmocka_unit_test(test_long_notes_are_cut),
        cmocka_unit_test(test_file_names_are_never_sent),
        cmocka_unit_test(test_only_quotes_and_answers_leave),
        cmocka_unit_test(test_invented_value_is_no_evidence),
        cmocka_unit_test(test_plan_of_prose_falls_back),
        cmocka_unit_test(test_half_a_plan_falls_back),
        cmocka_unit_test(test_empty_plan_falls_back),
        cmocka_unit_test(test_plan_for_unknown_document_falls_back),
        cmocka_unit_test(test_plan_is_repaired_once),
        cmocka_unit_test(test_ask_longer_than_the_worker_takes),
        cmocka_unit_test(test_ten_thousand_tasks_are_cut),
        cmocka_unit_test(test_empty_tasks_beside_an_answer_are_no_fault),
        cmocka_unit_test(test_ids_that_do_not_exist_are_ignored),
        cmocka_unit_test(test_answer_that_rests_on_nothing_says_so),
        cmocka_unit_test(test_rounds_run_out),
        cmocka_unit_test(test_last_round_must_answer),
        cmocka_unit_test(test_supervisor_that_fails_at_once),
        cmocka_unit_test(test_supervisor_that_fails_after_the_reading),
        cmocka_unit_test(test_stopped_before_anything_was_found),
        cmocka_unit_test(test_deadline_returns_what_was_found),
        cmocka_unit_test(test_abort_is_an_error),
        cmocka_unit_test(test_refused_key_is_an_error_before_anything_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
