/* test_names.c - the names of questions, against small documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"

#include "flow/chunk.h"
#include "text/load.h"
#include "text/names.h"

#include <stdio.h>
#include <string.h>

static void describe(const struct names *names, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%d names, %d unknown", names->n, names->unknown);
    if (names->unknown) snprintf(out + n, cap - (size_t)n, ": %s", names->first_unknown);
}

/* A sentence of the text that may speak of another. */
static void check_sentence(const struct test_case *c)
{
    const char *text = case_need(c, "text"), *sentence = case_need(c, "sentence");
    const char *at = strstr(text, sentence);
    if (!at) {
        case_fail(c, "the sentence is not in the text");
        return;
    }
    const char *got =
        names_differ(case_need(c, "question"), at, strlen(sentence), text, strlen(text))
            ? "yes"
            : "no";
    case_equal(c, "differs", got, strlen(got));
}

static void check_documents(const struct test_case *c)
{
    struct doc_set set;
    struct chunk_list chunks = { .items = NULL };
    struct search *search = NULL;
    struct names names;
    char got[128];
    const char *text = case_need(c, "text");
    doc_set_init(&set);
    assert_int_equal(load_text(&set, "a.txt", text, strlen(text), NULL), 0);
    chunk_list_add(&chunks, (struct chunk){ .doc = 0, .start = 0, .end = strlen(text) });
    assert_int_equal(search_open(&search, &set, &chunks, NULL), 0);
    names_look_up(search, case_need(c, "question"), &names);
    describe(&names, got, sizeof got);
    case_equal(c, "names", got, strlen(got));
    search_close(search);
    chunk_list_release(&chunks);
    doc_set_release(&set);
}

static void run_case(const struct test_case *c)
{
    if (case_text(c, "sentence")) {
        check_sentence(c);
    } else {
        check_documents(c);
    }
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/names", run_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
