/* test_draft.c - guessing the next tokens of a reply. */
#include "engine/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- How far ---------------------------------------------------------------- */

static void test_nobody_knows(void **state)
{
    (void)state;
    assert_int_equal(draft_length(NULL, 0, 1, 1, 32), 0);
}

/* Two cores, 1.5B: five tokens cost four times one. */
static void test_where_tokens_cost_their_number(void **state)
{
    static const struct lw_point costs[] = { { 1, 1 },   { 2, 1.7 }, { 3, 2.4 },
                                             { 4, 3.2 }, { 5, 4.0 }, { 8, 6.1 },
                                             { 16, 8 } };
    (void)state;
    for (int n = 1; n <= 4; n++) assert_int_equal(draft_length(costs, 7, n, n, 32), 0);
}

/* A GPU, bound by its memory: as many as there may be, for one reply or three; beyond
 * what was measured none. */
static void test_where_tokens_cost_nothing(void **state)
{
    static const struct lw_point costs[] = { { 1, 1 }, { 5, 1.05 }, { 16, 1.2 } };
    (void)state;
    assert_int_equal(draft_length(costs, 3, 1, 1, 32), DRAFT_MAX);
    assert_int_equal(draft_length(costs, 3, 3, 3, 32), DRAFT_MAX);
    assert_int_equal(draft_length(costs, 3, 5, 5, 32), 2);
    assert_int_equal(draft_length(costs, 3, 9, 9, 32), 0);
    assert_int_equal(draft_length(costs, 3, 17, 17, 32), 0);
    assert_int_equal(draft_length(costs, 3, 3, 3, 9), 2); /* no more logits */
}

/* Two cores whose kernels take eight tokens and more at a time: six replies at once are
 * dear, ten more tokens cost nearly nothing. Not all replies have a guess. */
static void test_between_many_replies(void **state)
{
    static const struct lw_point costs[] = {
        { 1, 1 }, { 2, 2 }, { 6, 3.8 }, { 16, 4.2 }, { 32, 9 }
    };
    (void)state;
    assert_int_equal(draft_length(costs, 5, 6, 6, 32), 2);
    assert_int_equal(draft_length(costs, 5, 6, 3, 32), 3);
    assert_int_equal(draft_length(costs, 5, 6, 2, 32), DRAFT_MAX);
    assert_int_equal(draft_length(costs, 5, 16, 8, 32), 0);
    assert_int_equal(draft_length(costs, 5, 1, 1, 32), 0);
}

/* The second token costs half as much as the first, and the third a whole one. */
static void test_between(void **state)
{
    static const struct lw_point costs[] = {
        { 1, 1 }, { 2, 1.3 }, { 3, 2.3 }, { 5, 4.3 }
    };
    (void)state;
    assert_int_equal(draft_length(costs, 4, 1, 1, 32), 1);
}

/* --- What ------------------------------------------------------------------- */

static int guess(const char *text, const char *reply, int most, char out[DRAFT_MAX + 1])
{
    llama_token t[64], r[64], d[DRAFT_MAX];
    size_t n_text = 0, n_reply = 0;
    for (; text[n_text]; n_text++) t[n_text] = text[n_text];
    for (; reply[n_reply]; n_reply++) r[n_reply] = reply[n_reply];
    int n = draft_guess(t, n_text, r, n_reply, most, d);
    for (int i = 0; i < n; i++) out[i] = (char)d[i];
    out[n] = '\0';
    return n;
}

static void test_guesses(void **state)
{
    static const struct {
        const char *text, *reply;
        int most;
        const char *expected;
    } cases[] = {
        { "the quick brown fox", "a qui", 4, "ck b" },
        { "the quick brown fox", "a qui", 2, "ck" },
        { "the quick brown fox", "fo", 4, "x" },
        { "the quick brown fox", "fox", 4, "" },
        { "the quick brown fox", "q", 4, "" }, /* one token says too little */
        { "the quick brown fox", "zebra", 4, "" },
        { "abX abY abZ", "ab", 1, "Z" },     /* the last place */
        { "1abX 2abY 3abZ", "2ab", 1, "Y" }, /* the longest agreement */
        { "", "ab", 4, "" },
        { "ab", "", 4, "" },
        { "abab", "ab", 4, "ab" },
    };
    char out[DRAFT_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        guess(cases[i].text, cases[i].reply, cases[i].most, out);
        assert_string_equal(out, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_knows),
        cmocka_unit_test(test_where_tokens_cost_their_number),
        cmocka_unit_test(test_where_tokens_cost_nothing),
        cmocka_unit_test(test_between_many_replies),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
