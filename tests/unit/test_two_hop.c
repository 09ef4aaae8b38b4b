/* test_two_hop.c - jobs/two_hop.c: is somebody only described, and how far? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"

#include "base/mem.h"
#include "jobs/two_hop.h"
#include "text/load.h"

#include <string.h>

static void check(const struct test_case *c)
{
    struct arena *a = arena_new();
    struct doc_set set;
    struct two_hop hop;
    const char *text = case_need(c, "text");
    doc_set_init(&set);
    assert_int_equal(load_text(&set, "a.txt", text, strlen(text), NULL), 0);
    bool found = two_hop_find(a, case_need(c, "question"), &set, &hop);
    const char *first = found ? hop.first : "none";
    case_equal(c, "first", first, strlen(first));
    if (found) {
        const char *second = two_hop_second(a, &hop, "N. N.");
        const char *described = hop.as_described ? "yes" : "no";
        case_equal(c, "second", second, strlen(second));
        case_equal(c, "described", described, strlen(described));
    }
    doc_set_release(&set);
    arena_free(a);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/two_hop", check);
}

/* The words may stand in any of the documents, and a question may be long. */
static void test_documents_and_long_questions(void **state)
{
    (void)state;
    static const char red[] = "A red lamp.", blue[] = "A blue lantern.";
    struct arena *a = arena_new();
    struct doc_set set;
    struct two_hop hop;
    char question[1200] = "Where does the owner of the blue lantern live";
    doc_set_init(&set);
    assert_int_equal(load_text(&set, "a.txt", red, strlen(red), NULL), 0);
    assert_int_equal(load_text(&set, "b.txt", blue, strlen(blue), NULL), 0);
    assert_true(two_hop_find(a, question, &set, &hop));
    assert_string_equal(two_hop_second(a, &hop, "Ann"), "Where does Ann live");
    size_t len = strlen(question);
    for (int i = 0; i < 100; i++) memcpy(question + len + (size_t)i * 9, " and live", 10);
    assert_false(two_hop_find(a, question, &set, &hop));
    assert_false(two_hop_find(a, "", &set, &hop));
    doc_set_release(&set);
    arena_free(a);
}

static void test_names(void **state)
{
    (void)state;
    char longer[100] = "";
    memset(longer, 'A', sizeof longer - 1);
    assert_true(two_hop_is_name("Kaspar Voss"));
    assert_true(two_hop_is_name("\xc3\x89lise"));
    assert_false(two_hop_is_name(""));
    assert_false(two_hop_is_name("a merchant"));
    assert_false(two_hop_is_name("1812"));
    assert_false(two_hop_is_name("Ann\nBob"));
    assert_false(two_hop_is_name(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_documents_and_long_questions),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
