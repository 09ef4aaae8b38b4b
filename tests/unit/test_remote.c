/* test_remote.c - proto/remote.c: the whole documents in one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void init_with(struct world *w, const char *const *docs, const char *supervisor,
                      int context)
{
    world_init(w, &(struct world_options){
                      .question = "What was the capex in 2022?",
                      .docs = docs,
                      .worker = "",
                      .supervisor = supervisor,
                      .supervisor_is = { .context = context },
                  });
}

static void init(struct world *w, const char *supervisor, int context)
{
    init_with(w, NULL, supervisor, context);
}

static void assert_contains(const char *text, const char *needle)
{
    if (!strstr(text, needle)) fail_msg("\"%s\" is not in:\n%s", needle, text);
}

/* A reply of one quote, said to be of d1. docs: NULL: world_docs. */
static void run_on(struct world *w, const char *const *docs, const char *answer,
                   const char *quote)
{
    char script[512];
    snprintf(script, sizeof script,
             "when any contains \"\"\n"
             "say {\"answer\": \"%s\", \"quotes\": [{\"doc\": \"d1\", \"quote\": "
             "\"%s\"}]}\n",
             answer, quote);
    init_with(w, docs, script, 0);
    assert_int_equal(world_run(w, "remote"), 0);
}

static void test_quotes_become_citations(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         "when user contains \"45 euros\"\n"
         "say {\"answer\": \"12 million dollars [2]; the fee is 45 euros [1].\", "
         "\"quotes\": "
         "[{\"doc\": \"d2\", \"quote\": \"membership fees rose to 45 euros a year\"}, "
         "{\"doc\": \"d1\", \"quote\": \"Capital expenditure was 12 million "
         "dollars\"}]}\n",
         0);
    assert_int_equal(world_run(&w, "remote"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million dollars [1]; the fee is 45 euros [2].");
    assert_int_equal(w.out.n_citations, 2);
    assert_int_equal(w.out.citations[0].quote.doc, 0);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_EXACT);
    assert_int_equal(w.out.coverage.found, 2);
    assert_int_equal(w.out.coverage.read, world_docs_chunks);
    assert_int_equal(fake_request_count(w.worker), 0);
    world_release(&w);
}

static void test_whole_documents_are_sent_and_counted(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nsay {\"answer\": \"yes\", \"quotes\": []}\n", 0);
    assert_int_equal(world_run(&w, "remote"), 0);
    const char *sent = fake_request_at(w.supervisor, 0);
    for (int i = 0; world_docs[i]; i++) assert_contains(sent, world_docs[i]);
    assert_null(strstr(sent, WORLD_SECRET_NAME));
    assert_true((size_t)w.egress.document_chars >= w.set.text_bytes);
    world_release(&w);
}

/* "quotes never checked": one that stands nowhere is shown as no match. */
static void test_invented_quote_is_marked(void **state)
{
    (void)state;
    struct world w;
    run_on(&w, NULL, "It was 99 million dollars [1].",
           "Capital expenditure was 99 million dollars");
    assert_int_equal(w.out.n_citations, 1);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_NONE);
    assert_string_equal(w.out.citations[0].text,
                        "Capital expenditure was 99 million dollars");
    assert_contains(w.out.answer, "It was 99 million dollars [1].");
    assert_contains(w.out.answer, "No verified quote supports this answer.");
    assert_int_equal(w.out.coverage.found, 0);
    world_release(&w);
}

/* All of many quotes are shown, also those that the answer does not mark. */
static void test_many_quotes(void **state)
{
    enum { QUOTES = 40 };
    (void)state;
    struct world w;
    struct buf text, script;
    buf_init(&text, 8192);
    buf_init(&script, 8192);
    buf_add_str(&script,
                "when any contains \"\"\nsay {\"answer\": \"In many towns [2].\", "
                "\"quotes\": [");
    for (int i = 0; i < QUOTES; i++) {
        buf_addf(&text, "Town number %d has a mayor.\n", 100 + i);
        buf_addf(&script, "%s{\"doc\": \"d1\", \"quote\": \"Town number %d has\"}",
                 i > 0 ? ", " : "", 100 + i);
    }
    buf_add_str(&script, "]}\n");
    const char *const docs[] = { text.data, NULL };
    init_with(&w, docs, script.data, 0);
    assert_int_equal(world_run(&w, "remote"), 0);
    assert_int_equal(w.out.n_citations, QUOTES);
    assert_contains(w.out.answer, "In many towns [1].[2][3]");
    assert_contains(w.out.answer, "[39][40]");
    world_release(&w);
    buf_release(&text);
    buf_release(&script);
}

/* What stands in every document supports nothing. */
static void test_quotes_that_say_nothing(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        ".", "the", "of the", "was", "and has", "in a"
    };
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        struct world w;
        run_on(&w, NULL, "It was 99 million dollars [1].", nothing[i]);
        assert_contains(w.out.answer, "No verified quote supports this answer.");
        world_release(&w);
    }
}

/* A quote need not say in the answer's words what it shows. */
static void test_short_quotes_are_evidence(void **state)
{
    (void)state;
    static const char *const docs[] = {
        "Status: approved\n\nSigned by Maria Rossi for two years (两年), 12 million.\n",
        NULL
    };
    static const char *const says[][2] = { { "Yes [1].", "Status: approved" },
                                           { "Rossi [1].", "Maria Rossi" },
                                           { "24 months [1].", "two years" },
                                           { "2年 [1].", "两年" },
                                           { "12 million [1].", "12 million" } };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct world w;
        run_on(&w, docs, says[i][0], says[i][1]);
        assert_string_equal(w.out.answer, says[i][0]);
        assert_int_equal(w.out.citations[0].quote.match, QUOTE_EXACT);
        world_release(&w);
    }
}

static void test_quote_of_another_document_is_found(void **state)
{
    (void)state;
    struct world w;
    run_on(&w, NULL, "45 euros", "rose to 45  Euros a year");
    assert_string_equal(w.out.answer, "45 euros [1]");
    assert_int_equal(w.out.citations[0].quote.doc, 1);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_FOLDED);
    world_release(&w);
}

static void test_not_stated_is_not_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nsay {\"answer\": \"not stated\", \"quotes\": []}\n",
         0);
    assert_int_equal(world_run(&w, "remote"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_string_equal(w.out.answer,
                        "The documents do not state this. All 7 parts were read.");
    world_release(&w);
}

static void test_not_stated_for_a_part_of_it_is_an_answer(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         "when any contains \"\"\n"
         "say {\"answer\": \"Not stated for 2021, but 45 euros in 2023 [1]\", "
         "\"quotes\": [{\"doc\": \"d2\", \"quote\": \"rose to 45 euros a year\"}]}\n",
         0);
    assert_int_equal(world_run(&w, "remote"), 0);
    assert_string_equal(w.out.answer, "Not stated for 2021, but 45 euros in 2023 [1]");
    world_release(&w);
}

static void test_empty_answer_is_asked_again(void **state)
{
    (void)state;
    struct world w;
    init(&w,
         "when user contains \"cannot be used\"\n"
         "say {\"answer\": \"45 euros\", \"quotes\": []}\n"
         "\n"
         "when any contains \"\"\n"
         "say {\"answer\": \"\", \"quotes\": []}\n",
         0);
    assert_int_equal(world_run(&w, "remote"), 0);
    assert_contains(w.out.answer, "45 euros");
    assert_int_equal(w.remote.requests, 2);
    world_release(&w);
}

static void test_too_large_is_refused_before_sending(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nsay no\n", 500);
    assert_int_equal(world_run(&w, "remote"), LW_ERR_USAGE);
    assert_contains(w.err.message, "tokens");
    assert_contains(w.err.message, "--protocol minions");
    assert_int_equal(fake_request_count(w.supervisor), 0);
    assert_int_equal(w.egress.bytes, 0);
    world_release(&w);
}

/* Whatever a server can read: a request has a size, and there is no reply to blame. */
static void test_documents_larger_than_a_request(void **state)
{
    (void)state;
    size_t len = LIMIT_REQUEST_BYTES / 2 + 1;
    char *text = mem_alloc(len + 1);
    for (size_t i = 0; i < len; i++) text[i] = "Words. "[i % 7];
    text[len] = '\0';
    struct world w;
    init_with(&w, (const char *const[]){ text, NULL }, "", 0);
    assert_int_equal(world_run(&w, "remote"), LW_ERR_USAGE);
    assert_contains(w.err.message, "32 MiB");
    assert_contains(w.err.message, "--protocol minions");
    assert_int_equal(fake_request_count(w.supervisor), 0);
    world_release(&w);
    mem_free(text);
}

static void test_prose_is_an_error(void **state)
{
    (void)state;
    struct world w;
    init(&w, "when any contains \"\"\nsay Well, it depends.\n", 0);
    assert_int_equal(world_run(&w, "remote"), LW_ERR_REMOTE);
    assert_int_equal(w.remote.requests, 2);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_become_citations),
        cmocka_unit_test(test_whole_documents_are_sent_and_counted),
        cmocka_unit_test(test_documents_larger_than_a_request),
        cmocka_unit_test(test_invented_quote_is_marked),
        cmocka_unit_test(test_many_quotes),
        cmocka_unit_test(test_quotes_that_say_nothing),
        cmocka_unit_test(test_short_quotes_are_evidence),
        cmocka_unit_test(test_quote_of_another_document_is_found),
        cmocka_unit_test(test_not_stated_is_not_found),
        cmocka_unit_test(test_not_stated_for_a_part_of_it_is_an_answer),
        cmocka_unit_test(test_empty_answer_is_asked_again),
        cmocka_unit_test(test_too_large_is_refused_before_sending),
        cmocka_unit_test(test_prose_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
