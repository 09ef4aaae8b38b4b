/* test_prefix.c - kept states: found, bounded, the least promising out first. */
#include "base/mem.h"
#include "engine/prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { STATE = 1000, TOKENS = 10 };

/* Tokens of an excerpt: the same beginning for all, then its own. */
static void make_tokens(int32_t *out, int n, int excerpt)
{
    for (int i = 0; i < n; i++) {
        out[i] = i < n / 2 ? i : i + 1000 * excerpt;
    }
}

static struct prefix_entry *put(struct prefix_store *s, int excerpt, double promise)
{
    int32_t tokens[TOKENS];

    make_tokens(tokens, TOKENS, excerpt);
    struct prefix_entry *e = prefix_put(s, tokens, TOKENS, STATE, promise);
    if (e) {
        memset(e->state, excerpt, STATE);
    }
    return e;
}

static bool has(struct prefix_store *s, int excerpt)
{
    int32_t tokens[TOKENS];
    int common;

    make_tokens(tokens, TOKENS, excerpt);
    struct prefix_entry *e = prefix_find(s, tokens, TOKENS, &common);
    return e && common == TOKENS && e->state[STATE - 1] == (unsigned char)excerpt;
}

/* Room for this many, and for two more while some are lent. */
static struct prefix_store *store_for(int entries)
{
    uint64_t each = sizeof(struct prefix_entry) + TOKENS * sizeof(int32_t) + STATE;

    return prefix_store_new((uint64_t)entries * each, (uint64_t)(entries + 2) * each);
}

static void test_the_longest_common_is_found(void **state)
{
    struct prefix_store *s = store_for(9);
    int32_t tokens[20];
    int common;
    (void)state;

    make_tokens(tokens, TOKENS, 1);
    assert_null(prefix_find(s, tokens, TOKENS, &common));
    assert_int_equal(common, 0);
    put(s, 1, 0);
    put(s, 2, 0);
    make_tokens(tokens, TOKENS, 2);
    tokens[TOKENS] = 77;
    struct prefix_entry *e = prefix_find(s, tokens, TOKENS + 1, &common);
    assert_int_equal(common, TOKENS);
    assert_int_equal(e->state[0], 2);
    make_tokens(tokens, TOKENS, 3);
    assert_non_null(prefix_find(s, tokens, TOKENS, &common));
    assert_int_equal(common, TOKENS / 2);
    tokens[0] = 99;
    assert_null(prefix_find(s, tokens, TOKENS, &common));
    prefix_store_free(s);
}

static void test_the_least_promising_goes(void **state)
{
    struct prefix_store *s = store_for(3);
    (void)state;

    put(s, 1, 0.5);
    put(s, 2, 0.1);
    put(s, 3, 0.9);
    assert_non_null(put(s, 4, 0.3));
    assert_true(has(s, 1) && !has(s, 2) && has(s, 3) && has(s, 4));
    /* Not worth anyone's place. */
    assert_null(put(s, 5, 0.2));
    assert_null(put(s, 5, 0.3));
    assert_true(has(s, 1) && has(s, 3) && has(s, 4));
    assert_int_equal(prefix_store_count(s), 3);
    prefix_store_free(s);
}

/* Reading the same long document again and again keeps what fits of it. */
static void test_reading_in_rounds_hits(void **state)
{
    struct prefix_store *s = store_for(4);
    int hits = 0;
    (void)state;

    for (int round = 0; round < 10; round++) {
        for (int excerpt = 0; excerpt < 8; excerpt++) {
            int32_t tokens[TOKENS];
            int common;
            make_tokens(tokens, TOKENS, excerpt);
            struct prefix_entry *e = prefix_find(s, tokens, TOKENS, &common);
            if (e && common == TOKENS) {
                prefix_touch(s, e, 0);
                hits++;
            } else {
                put(s, excerpt, 0);
            }
        }
    }
    assert_true(hits >= 9 * 3);
    prefix_store_free(s);
}

static void test_stale_ones_go_whatever_they_promised(void **state)
{
    struct prefix_store *s = store_for(3);
    (void)state;

    for (int i = 0; i < 3; i++) {
        put(s, i, 100);
    }
    for (int i = 10; i < 40; i++) {
        put(s, i, 0.1);
    }
    assert_false(has(s, 0));
    assert_false(has(s, 1));
    assert_false(has(s, 2));
    prefix_store_free(s);
}

static void test_one_that_is_too_large(void **state)
{
    struct prefix_store *s = store_for(3);
    int32_t token = 1;
    (void)state;

    put(s, 1, 0.1);
    assert_null(prefix_put(s, &token, 1, 100 * STATE, 9));
    assert_true(has(s, 1));
    prefix_store_free(s);
    s = prefix_store_new(0, 0);
    assert_null(put(s, 1, 1));
    prefix_store_free(s);
    prefix_store_free(NULL);
}

/* A lent state stays, whatever is offered, and all others if there is room for them. */
static void test_lent_ones_stay(void **state)
{
    struct prefix_store *s = store_for(3);
    int32_t tokens[TOKENS];
    int common;
    (void)state;

    for (int i = 1; i <= 3; i++) put(s, i, 0.5);
    assert_non_null(put(s, 4, INFINITY));
    assert_non_null(put(s, 5, INFINITY));
    assert_int_equal(prefix_store_count(s), 5);
    assert_non_null(put(s, 6, INFINITY)); /* instead of one that is not lent */
    assert_int_equal(prefix_store_count(s), 5);
    for (int i = 10; i < 100; i++) put(s, i, 0.9);
    assert_true(has(s, 4) && has(s, 5) && has(s, 6));
    put(s, 7, INFINITY);
    put(s, 8, INFINITY);
    assert_null(put(s, 9, INFINITY)); /* only lent ones are left */
    /* They end: what is left fits again. */
    for (int i = 4; i <= 8; i++) {
        make_tokens(tokens, TOKENS, i);
        struct prefix_entry *e = prefix_find(s, tokens, TOKENS, &common);
        assert_int_equal(common, TOKENS);
        prefix_touch(s, e, i);
        assert_true(prefix_store_count(s) <= 5);
    }
    assert_int_equal(prefix_store_count(s), 3);
    assert_non_null(put(s, 20, 9));
    assert_int_equal(prefix_store_count(s), 3);
    prefix_store_free(s);
}

static void test_at_random(void **state)
{
    struct prefix_store *s = store_for(7);
    uint32_t random = 3;
    (void)state;

    for (int round = 0; round < 5000; round++) {
        int32_t tokens[TOKENS];
        int common, excerpt;
        random = random * 1664525u + 1013904223u;
        excerpt = (int)(random >> 10) % 30;
        double promise = random >> 28 ? (double)(random >> 28) : (double)INFINITY;
        make_tokens(tokens, TOKENS, excerpt);
        struct prefix_entry *e = prefix_find(s, tokens, TOKENS, &common);
        if (!e || common < TOKENS) {
            put(s, excerpt, promise);
        } else if (random >> 30 == 0) {
            prefix_drop(s, e);
            assert_false(has(s, excerpt));
        } else {
            assert_int_equal(e->state[7], excerpt);
            prefix_touch(s, e, promise);
        }
        assert_true(prefix_store_count(s) <= 9);
        assert_int_equal(prefix_store_bytes(s) % prefix_store_count(s), 0);
    }
    prefix_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_common_is_found),
        cmocka_unit_test(test_the_least_promising_goes),
        cmocka_unit_test(test_reading_in_rounds_hits),
        cmocka_unit_test(test_stale_ones_go_whatever_they_promised),
        cmocka_unit_test(test_one_that_is_too_large),
        cmocka_unit_test(test_lent_ones_stay),
        cmocka_unit_test(test_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
