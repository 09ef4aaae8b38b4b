/* test_terms.c - terms keep their numbers, postings their chunks. */
#include "text/terms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_same_text_same_number(void **state)
{
    (void)state;
    struct terms t;
    terms_init(&t);
    int32_t first = terms_intern(&t, "larch", 5);
    assert_int_equal(terms_intern(&t, "larches", 5), first);
    assert_int_not_equal(terms_intern(&t, "larches", 7), first);
    assert_int_equal(t.stems[first], TERM_NONE);
    terms_release(&t);
}

/* Many more than there are slots at first. */
static void test_numbers_outlive_growth(void **state)
{
    (void)state;
    struct terms t;
    char text[16];
    terms_init(&t);
    for (int round = 0; round < 2; round++) {
        for (int32_t i = 0; i < 5000; i++) {
            int len = snprintf(text, sizeof text, "word%d", i);
            assert_int_equal(terms_intern(&t, text, (size_t)len), i);
            assert_string_equal(t.items[i].text, text);
        }
    }
    terms_release(&t);
}

/* Of every length around the eight bytes that are hashed at a step. */
static void test_one_byte_makes_another_term(void **state)
{
    (void)state;
    struct terms t;
    int32_t n = 0;
    terms_init(&t);
    for (size_t len = 1; len <= 20; len++) {
        char text[] = "mmmmmmmmmmmmmmmmmmmmm";
        assert_int_equal(terms_intern(&t, text, len), n++);
        for (size_t i = 0; i < len; i++) {
            text[i] = 'n';
            assert_int_equal(terms_intern(&t, text, len), n++);
            text[i] = 'm';
        }
    }
    terms_release(&t);
}

static uint64_t hash_in(const struct terms *t, uint32_t number)
{
    for (size_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].number == number + 1) return t->slots[i].hash;
    }
    fail_msg("term %u is in no slot", number);
    return 0;
}

/* Whoever writes a document cannot know which words share a slot. */
static void test_hashes_cannot_be_known(void **state)
{
    (void)state;
    struct terms one, other;
    static const char *const words[] = { "larch", "l", "larchlarchlarchlarch", "" };
    terms_init(&one);
    terms_init(&other);
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        assert_int_equal(terms_intern(&one, words[i], len), i);
        assert_int_equal(terms_intern(&other, words[i], len), i);
        assert_true(hash_in(&one, i) != hash_in(&other, i));
    }
    terms_release(&one);
    terms_release(&other);
}

static void test_postings_are_sorted_by_term(void **state)
{
    (void)state;
    struct terms t;
    terms_init(&t);
    int32_t a = terms_intern(&t, "a", 1), b = terms_intern(&t, "b", 1);
    int32_t never = terms_intern(&t, "c", 1);
    terms_count(&t, b, 0);
    terms_count(&t, a, 0);
    terms_count(&t, b, 0);
    terms_count(&t, b, 7);
    terms_close(&t);
    assert_int_equal(t.items[a].n, 1);
    assert_int_equal(t.items[b].n, 2);
    assert_int_equal(t.items[never].n, 0);
    const struct posting *of_b = t.postings + t.items[b].first;
    assert_int_equal(of_b[0].chunk, 0);
    assert_int_equal(of_b[0].count, 2);
    assert_int_equal(of_b[1].chunk, 7);
    assert_int_equal(of_b[1].count, 1);
    terms_release(&t);
}

static void test_nothing_counted(void **state)
{
    (void)state;
    struct terms t;
    terms_init(&t);
    terms_close(&t);
    assert_int_equal(t.n, 0);
    terms_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_text_same_number),
        cmocka_unit_test(test_numbers_outlive_growth),
        cmocka_unit_test(test_one_byte_makes_another_term),
        cmocka_unit_test(test_hashes_cannot_be_known),
        cmocka_unit_test(test_postings_are_sorted_by_term),
        cmocka_unit_test(test_nothing_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
