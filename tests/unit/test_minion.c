/* test_minion.c - proto/minion.c with scripted models on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/mem.h"

#include <string.h>

static void assert_contains(const char *text, const char *needle)
{
    if (!strstr(text, needle)) fail_msg("\"%s\" is not in:\n%s", needle, text);
}

/* In parts (the worker's context is unknown, 0), or all at once. */
static const char worker[] = "when user contains \"12 million dollars\"\n"
                             "when user contains \"Question: What was the capex\"\n"
                             "say 12 million dollars\n"
                             "\n"
                             "when user contains \"plant in Leipzig\"\n"
                             "when user contains \"Question: Why did\"\n"
                             "say The new plant in Leipzig was finished. So it fell.\n"
                             "\n"
                             "when any contains \"\"\n"
                             "say not stated\n";

#define FIRST                                              \
    "when user contains \"the first small question\"\n"    \
    "say {\"message\": \"What was the capex in 2022?\"}\n" \
    "\n"

static void init(struct world *w, const char *supervisor, int worker_context)
{
    world_init(w, &(struct world_options){
                      .question = "What was the capex in 2022 and why did it fall?",
                      .worker = worker,
                      .supervisor = supervisor,
                      .worker_is = { .context = worker_context },
                  });
}

static const char two_messages[] =
    FIRST "when user contains \"[f2]\"\n"
          "say {\"rests_on\": [\"f1\", \"f2\"], \"answer\": \"12 million [f1], as the "
          "plant was "
          "finished [f2].\"}\n"
          "\n"
          "when user contains \"found so far\"\n"
          "say {\"rests_on\": [], \"answer\": \"\", \"message\": \"Why did it fall?\"}\n";

static void check_two_messages(int worker_context, size_t worker_requests)
{
    struct world w;
    init(&w, two_messages, worker_context);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million [1], as the plant was finished [2].");
    assert_contains(w.out.citations[0].text, "12 million dollars");
    assert_contains(w.out.citations[1].text, "Leipzig");
    assert_int_equal(w.out.rounds, 2);
    assert_int_equal(w.remote.requests, 3);
    if (worker_requests > 0) assert_int_equal(w.local.requests, worker_requests);
    world_release(&w);
}

static void test_messages_until_the_answer(void **state)
{
    (void)state;
    check_two_messages(0, 0);
}

/* All documents fit: one request a message, every chunk counts as read. */
static void test_whole_documents_where_they_fit(void **state)
{
    (void)state;
    check_two_messages(8192, 2);
    struct world w;
    init(&w, two_messages, 8192);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_int_equal(w.out.coverage.read, world_docs_chunks);
    assert_int_equal(w.out.coverage.found, 2);
    for (int i = 0; world_docs[i]; i++) {
        assert_contains(fake_request_at(w.worker, 0), world_docs[i]);
    }
    world_release(&w);
}

/* The sentence of the documents that is nearest to an invention does not show it, and
 * numbers are not needed to see that. */
static void test_invention_over_whole_documents_is_not_verified(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "Why did the capex fall?",
                       .worker = "when any contains \"\"\n"
                                 "say The chairman embezzled shares of the plant from a "
                                 "yacht near Monaco.\n",
                       .supervisor = "when user contains \"the first small question\"\n"
                                     "say {\"message\": \"Why did it fall?\"}\n\n"
                                     "when any contains \"\"\n"
                                     "say {\"rests_on\": [\"f1\"], \"answer\": "
                                     "\"The chairman embezzled shares [f1].\"}\n",
                       .worker_is = { .context = 8192 },
                   });
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_contains(w.out.answer, "embezzled shares [1].");
    assert_contains(w.out.answer, "No verified quote supports this answer.");
    world_release(&w);
}

static void test_supervisor_sees_quotes_only(void **state)
{
    (void)state;
    struct world w;
    init(&w, two_messages, 8192);
    assert_int_equal(world_run(&w, "minion"), 0);
    char *sent = world_sent(w.supervisor);
    assert_null(strstr(sent, WORLD_SECRET_NAME));
    assert_null(strstr(sent, "nine times"));
    assert_null(strstr(sent, "45 euros"));
    assert_contains(sent, "Capital expenditure was 12 million dollars in fiscal 2022.");
    mem_free(sent);
    world_release(&w);
}

/* One that is too long gets a complaint, is not read, and ends nothing. */
static void check_long_message(int n_words, int worker_context)
{
    struct world w;
    struct buf script;
    buf_init(&script, 1024 * 1024);
    buf_add_str(&script, "when user contains \"the first small question\"\n"
                         "say {\"message\": \"");
    for (int i = 0; i < n_words; i++) buf_add_str(&script, "What then ");
    buf_add_str(&script, "?\"}\n\nwhen any contains \"\"\n"
                         "say {\"rests_on\": [], \"answer\": \"not stated\"}\n");
    init(&w, script.data, worker_context);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_contains(w.warnings.data, "the question itself is asked instead");
    assert_contains(fake_request_at(w.supervisor, 1), "cannot be used: \"message\" is");
    assert_int_equal(w.out.coverage.failed, 0);
    world_release(&w);
    buf_release(&script);
}

static void test_long_messages_are_turned_away(void **state)
{
    (void)state;
    check_long_message(1200, 0);
    check_long_message(1200, 8192);
    check_long_message(390, 900);
}

/* What fits the worker without the message may not fit with it: then it reads parts. */
static void test_message_counts_beside_whole_documents(void **state)
{
    (void)state;
    struct world w;
    struct buf script;
    buf_init(&script, 65536);
    buf_add_str(&script, "when user contains \"the first small question\"\n"
                         "say {\"message\": \"What was the capex in 2022, ");
    for (int i = 0; i < 300; i++) buf_add_str(&script, "if any, ");
    buf_add_str(&script, "?\"}\n\nwhen any contains \"\"\n"
                         "say {\"rests_on\": [\"f1\"], \"answer\": \"12 [f1]\"}\n");
    init(&w, script.data, 900);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_contains(fake_request_at(w.worker, 0), "Excerpt:");
    assert_int_equal(w.out.coverage.failed, 0);
    world_release(&w);
    buf_release(&script);
}

/* The same message again would get the same reply for ever. */
static void test_message_asked_twice_ends_in_an_answer(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         FIRST
         "when user contains \"last round\"\n"
         "say {\"rests_on\": [\"f1\"], \"answer\": \"12 million dollars\"}\n"
         "\n"
         "when user contains \"found so far\"\n"
         "say {\"rests_on\": [], \"answer\": \"\", \"message\": \"What was the capex in "
         "2022?\"}\n",
         0);
    w.run.rounds_max = 8;
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_string_equal(w.out.answer, "12 million dollars [1]");
    assert_int_equal(w.out.rounds, 1);
    world_release(&w);
}

static void test_prose_keeps_what_was_found(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         FIRST "when user contains \"found so far\"\n"
               "say Let me think about it.\n",
         0);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_int_equal(w.out.cause, LW_ERR_REMOTE);
    assert_contains(w.out.answer, "12 million dollars [1]");
    assert_int_equal(w.remote.requests, fake_request_count(w.supervisor));
    world_release(&w);
}

static void test_no_first_message_asks_the_question(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         "when user contains \"the first small question\"\n"
         "say {}\n"
         "\n"
         "when user contains \"found so far\"\n"
         "say {\"rests_on\": [], \"answer\": \"not stated\"}\n",
         0);
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_contains(w.warnings.data, "the question itself is asked instead");
    assert_contains(fake_request_at(w.worker, 0), "What was the capex in 2022 and why");
    world_release(&w);
}

static void test_rounds_are_capped(void **state)
{
    (void)state;
    struct world w;
    init(&w, two_messages, 0);
    w.run.rounds_max = 1;
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_int_equal(w.out.rounds, 1);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_contains(w.out.answer, "12 million dollars [1]");
    world_release(&w);
}

static void time_out_when_concluding(void *user, const char *what)
{
    struct world *w = user;
    if (strcmp(what, "concluding") == 0) w->cancel.deadline_ms = 1;
}

static void test_deadline_returns_what_was_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, two_messages, 8192);
    w.run.stage = time_out_when_concluding;
    assert_int_equal(world_run(&w, "minion"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_int_equal(w.out.cause, LW_TIMEOUT);
    assert_contains(w.out.answer, "12 million dollars [1]");
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_until_the_answer),
        cmocka_unit_test(test_whole_documents_where_they_fit),
        cmocka_unit_test(test_invention_over_whole_documents_is_not_verified),
        cmocka_unit_test(test_supervisor_sees_quotes_only),
        cmocka_unit_test(test_long_messages_are_turned_away),
        cmocka_unit_test(test_message_counts_beside_whole_documents),
        cmocka_unit_test(test_message_asked_twice_ends_in_an_answer),
        cmocka_unit_test(test_prose_keeps_what_was_found),
        cmocka_unit_test(test_no_first_message_asks_the_question),
        cmocka_unit_test(test_rounds_are_capped),
        cmocka_unit_test(test_deadline_returns_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
