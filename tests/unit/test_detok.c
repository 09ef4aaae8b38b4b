/* test_detok.c - halves of characters, stop strings across tokens, repetition. */
#include "engine/detok.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { ROOM = 1000 };

static void push(struct detok *d, const char *s)
{
    detok_push(d, s, strlen(s));
}

static void test_characters_in_halves(void **state)
{
    struct detok d;
    (void)state;

    detok_init(&d, NULL, ROOM);
    push(&d, "a\xE2\x82");
    assert_string_equal(d.text.data, "a");
    push(&d, "\xAC"
             "b\xF0");
    assert_string_equal(d.text.data, "a\xE2\x82\xAC"
                                     "b");
    push(&d, "\x9F\x98");
    push(&d, "\x80");
    assert_string_equal(d.text.data, "a\xE2\x82\xAC"
                                     "b\xF0\x9F\x98\x80");
    push(&d, "\xE2\x82");
    detok_finish(&d);
    push(&d, "c");
    assert_string_equal(d.text.data, "a\xE2\x82\xAC"
                                     "b\xF0\x9F\x98\x80"
                                     "c");
    detok_release(&d);
}

static void test_malformed_bytes_are_replaced(void **state)
{
    static const char bad[][5] = {
        "\x80",  "\xFF",      "\xC0\x80",    "\xED\xA0\x80", "\xF5\x80\x80\x80",
        "\xE2x", "\xF0\x9Fx", "\xE0\x80\x80"
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct detok d;
        detok_init(&d, NULL, ROOM);
        for (const char *c = bad[i]; *c; c++) {
            detok_push(&d, c, 1);
        }
        detok_push(&d, "ok", 2);
        assert_int_equal(utf8_valid(d.text.data, d.text.len), d.text.len);
        assert_non_null(strstr(d.text.data, "\xEF\xBF\xBD"));
        assert_string_equal(d.text.data + d.text.len - 2, "ok");
        detok_release(&d);
    }
    struct detok d;
    detok_init(&d, NULL, ROOM);
    detok_push(&d, "a\0b", 3);
    assert_string_equal(d.text.data, "a\xEF\xBF\xBD"
                                     "b");
    detok_release(&d);
}

static void test_stop_over_token_boundaries(void **state)
{
    struct detok d;
    (void)state;

    detok_init(&d, "</end>", ROOM);
    push(&d, "one <");
    assert_int_equal(detok_ready(&d), 4);
    push(&d, "/e");
    assert_int_equal(detok_ready(&d), 4);
    push(&d, "m> two </en");
    assert_false(d.stopped);
    assert_int_equal(detok_ready(&d), strlen("one </em> two "));
    push(&d, "d> three");
    assert_true(d.stopped);
    assert_string_equal(d.text.data, "one </em> two ");
    assert_int_equal(detok_ready(&d), d.text.len);
    push(&d, "four");
    assert_string_equal(d.text.data, "one </em> two ");
    detok_release(&d);
}

static void test_stop_at_once_and_never(void **state)
{
    struct detok d;
    (void)state;

    detok_init(&d, "\n", ROOM);
    push(&d, "\nabc");
    assert_true(d.stopped);
    assert_int_equal(d.text.len, 0);
    detok_release(&d);
    detok_init(&d, "", ROOM);
    push(&d, "abc\n");
    assert_false(d.stopped);
    assert_int_equal(detok_ready(&d), 4);
    detok_release(&d);
}

/* However a text is cut into tokens, the result is the same, and what was ready stays. */
static void test_every_cut(void **state)
{
    static const char text[] = "\xC3\xA4"
                               "ab<<e\xE2\x82\xAC<<end>>x";
    (void)state;

    for (unsigned cuts = 0; cuts < 1u << (sizeof text - 2); cuts += 3) {
        struct detok d;
        char shown[64] = "";
        size_t n_shown = 0, from = 0;
        detok_init(&d, "<<end>>", ROOM);
        for (size_t i = 0; i + 1 < sizeof text; i++) {
            if (cuts >> i & 1 || i + 2 == sizeof text) {
                detok_push(&d, text + from, i + 1 - from);
                from = i + 1;
                assert_memory_equal(d.text.data, shown, n_shown);
                n_shown = detok_ready(&d);
                memcpy(shown, d.text.data, n_shown);
            }
        }
        assert_true(d.stopped);
        assert_string_equal(d.text.data, "\xC3\xA4"
                                         "ab<<e\xE2\x82\xAC");
        detok_release(&d);
    }
}

static void test_a_full_buffer_fails(void **state)
{
    struct detok d;
    (void)state;

    detok_init(&d, NULL, 10);
    for (int i = 0; i < 10; i++) {
        push(&d, "abc");
    }
    assert_true(buf_failed(&d.text));
    detok_release(&d);
}

static void test_repetition(void **state)
{
    int tokens[400];
    (void)state;

    for (int i = 0; i < 400; i++) {
        tokens[i] = i;
    }
    assert_false(detok_repeats(tokens, 400));
    assert_false(detok_repeats(tokens, 0));
    for (int period = 1; period <= 64; period++) {
        for (int i = 0; i < 400; i++) {
            tokens[i] = i < 50 ? i + 1000 : (i - 50) % period;
        }
        assert_true(detok_repeats(tokens, 400));
        assert_false(
            detok_repeats(tokens, 50 + 3 * period > 100 ? 50 + 3 * period : 100));
    }
    /* A table row that comes three times is none. */
    for (int i = 0; i < 60; i++) {
        tokens[i] = i % 20;
    }
    assert_false(detok_repeats(tokens, 60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_in_halves),
        cmocka_unit_test(test_malformed_bytes_are_replaced),
        cmocka_unit_test(test_stop_over_token_boundaries),
        cmocka_unit_test(test_stop_at_once_and_never),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_a_full_buffer_fails),
        cmocka_unit_test(test_repetition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
