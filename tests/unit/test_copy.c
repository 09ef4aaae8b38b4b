/* test_copy.c - whatever is allowed, what comes out stands in the text. */
#include "engine/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static bool allows(const struct copier *c, const char *piece)
{
    return copier_allows(c, piece, strlen(piece));
}

static size_t push(struct copier *c, const char *piece)
{
    return copier_push(c, piece, strlen(piece));
}

static void test_a_copy(void **state)
{
    static const char text[] = "The lease runs for three years. The rent is $500.";
    struct copier c;
    (void)state;

    copier_init(&c, text, strlen(text));
    assert_true(allows(&c, " The"));
    assert_true(allows(&c, "lease"));
    assert_true(allows(&c, "$5"));
    assert_false(allows(&c, "ease")); /* within a word */
    assert_false(allows(&c, "Lease"));
    assert_false(copier_may_end(&c));
    assert_int_equal(push(&c, " The"), 1);
    assert_true(copier_may_end(&c));
    assert_true(allows(&c, " lease") && allows(&c, " rent"));
    assert_false(allows(&c, " years"));
    push(&c, " re");
    assert_false(copier_may_end(&c)); /* "re" of "rent" */
    assert_int_equal(c.n_whole, 3);
    push(&c, "nt");
    assert_true(copier_may_end(&c));
    assert_int_equal(c.n_whole, strlen("The rent"));
    assert_false(copier_at_end(&c));
    push(&c, " is $500.");
    assert_true(copier_may_end(&c) && copier_at_end(&c));
    assert_false(allows(&c, " "));
    copier_release(&c);
}

static void test_space_alone_in_front(void **state)
{
    struct copier c;
    (void)state;

    copier_init(&c, "one two", 7);
    assert_true(allows(&c, " "));
    assert_int_equal(push(&c, " "), 1);
    assert_false(allows(&c, " ")); /* once is enough */
    assert_int_equal(push(&c, "two"), 0);
    assert_true(copier_at_end(&c));
    copier_release(&c);
}

static void test_halves_of_characters(void **state)
{
    struct copier c;
    (void)state;

    copier_init(&c, "f\xC3\xBCr 5 \xE2\x82\xAC", 10);
    push(&c, "f\xC3");
    assert_false(copier_may_end(&c));
    push(&c, "\xBC");
    assert_false(copier_may_end(&c));
    push(&c, "r 5 \xE2\x82");
    assert_false(copier_may_end(&c));
    assert_true(allows(&c, "\xAC"));
    push(&c, "\xAC");
    assert_true(copier_may_end(&c));
    copier_release(&c);
}

static void test_no_text_allows_nothing(void **state)
{
    struct copier c;
    (void)state;

    copier_init(&c, " \n ", 3);
    assert_false(allows(&c, "a") || allows(&c, " ") || allows(&c, ""));
    assert_false(copier_may_end(&c));
    assert_true(copier_at_end(&c));
    copier_release(&c);
}

/* Random pieces in random order: the copy always stands in the text. */
static void test_at_random(void **state)
{
    static const char text[] = "aba bab aab, abba. ba ab-ba";
    static const char *const pieces[] = { "a",  "b",  "ab", " a",  " b", "ba",
                                          ", ", ". ", "-",  " ab", " " };
    uint32_t random = 5;
    (void)state;

    for (int round = 0; round < 2000; round++) {
        struct copier c;
        char out[64] = "";
        size_t n = 0;
        copier_init(&c, text, strlen(text));
        for (int i = 0; i < 40; i++) {
            random = random * 1664525u + 1013904223u;
            const char *piece = pieces[(random >> 10) % 11];
            if (allows(&c, piece)) {
                size_t lead = push(&c, piece);
                memcpy(out + n, piece + lead, strlen(piece) - lead + 1);
                n += strlen(piece) - lead;
            }
        }
        assert_int_equal(c.n_written, n);
        assert_non_null(strstr(text, out));
        out[c.n_whole] = '\0';
        assert_non_null(strstr(text, out));
        copier_release(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy),
        cmocka_unit_test(test_space_alone_in_front),
        cmocka_unit_test(test_halves_of_characters),
        cmocka_unit_test(test_no_text_allows_nothing),
        cmocka_unit_test(test_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
