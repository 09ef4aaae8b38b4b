/* test_cut.c - prompts that a server cut without a word: providers/cut.c.
 *
 * A server is played that makes tokens of a text as tokenisers do, and cuts as
 * the versions of Ollama do: to the whole context, or to half of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "providers/cut.h"

#include <stdio.h>
#include <string.h>

static struct cut_prompt prompt_of(const char *text, size_t len)
{
    struct llm_message m = { .role = LLM_USER,
                             .n_parts = 1,
                             .parts = { { .text = text, .len = len } } };
    return cut_prompt_of(&(struct llm_request){ .messages = &m, .n_messages = 1 });
}

static void test_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t pieces;
    } cases[] = {
        { "one two three ", 3 },
        { "  one,two ", 2 },
        { "it's (so) \"said\" ", 6 },
        { "3.14 and 1,000 ", 7 },
        { "3rd 2b ", 4 },
        { "............ ", 1 },
        { ". . . . ", 4 },
        { "a -- b ", 3 },
        { "\u00e9t\u00e9 \u4e2d\u6587 ", 2 },
        { "U.S. ", 3 },
        { "snake_case_name ", 3 },
        { "\n\t \n", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[4096] = "";
        size_t len = strlen(cases[i].text), n = 0;
        while (n * len < 2000) memcpy(text + n++ * len, cases[i].text, len);
        struct cut_prompt p = prompt_of(text, n * len);
        if (p.pieces != (int64_t)n * cases[i].pieces) {
            fail_msg("%s: %ld, not %ld", cases[i].text, (long)p.pieces / (long)n,
                     (long)cases[i].pieces);
        }
    }
}

/* Short prompts are counted until enough is known of the server, long ones always. */
static void test_wanted(void **state)
{
    (void)state;
    struct cut_meter m = { .context = 0 };
    char text[CUT_BYTES_MIN + 1];
    for (size_t i = 0; i < CUT_BYTES_MIN; i++) text[i] = i % 2 ? ' ' : 'a';
    struct cut_prompt p = prompt_of(text, CUT_BYTES_MIN / 2);
    assert_false(cut_wants(&m, 100));
    assert_true(cut_wants(&m, p.bytes));
    for (int i = 0; i < 100; i++) cut_learn(&m, &p, p.pieces + i);
    assert_false(cut_wants(&m, p.bytes));
    assert_true(cut_wants(&m, CUT_BYTES_MIN));
    /* One that was not counted says nothing of the server. */
    struct cut_meter before = m;
    cut_learn(&m, &(struct cut_prompt){ .bytes = p.bytes }, 700);
    assert_int_equal(m.tokens, before.tokens);
}

/* --- A server ------------------------------------------------------------- */

/* English: a word is one token or two, a mark one. */
static char *english(size_t words, size_t *len, int64_t *tokens)
{
    static const char *const some[] = { "the",  "contract", "notice",          "of",
                                        "days", "lessee",   "indemnification", "is" };
    size_t room = words * 18 + 1;
    char *text = mem_alloc(room);
    *len = 0;
    *tokens = 0;
    for (size_t i = 0; i < words; i++) {
        const char *word = some[(i * 5 + i / 3) % 8];
        *len += (size_t)snprintf(text + *len, room - *len, "%s%s", word,
                                 i % 12 == 11 ? ".\n" : " ");
        *tokens += 1 + (strlen(word) > 7) + (i % 12 == 11);
    }
    return text;
}

enum style { WHOLE_CONTEXT, HALF_OF_IT };

static int64_t served(int64_t tokens, int64_t context, enum style style)
{
    if (tokens <= context) return tokens;
    return style == WHOLE_CONTEXT ? context : 4 + (context - 4) / 2;
}

/* Cut or not: is what the meter says of a prompt of so many words true? */
static bool is_right(const struct cut_meter *m, size_t words, int64_t context,
                     enum style style)
{
    size_t len;
    int64_t tokens;
    char *text = english(words, &len, &tokens);
    struct cut_prompt p = prompt_of(text, len);
    int64_t read = served(tokens, context, style);
    bool right = cut_is_certain(m, &p, read) == (read < tokens);
    mem_free(text);
    return right;
}

static void test_every_cut_is_seen_where_the_context_is_known(void **state)
{
    (void)state;
    for (enum style style = WHOLE_CONTEXT; style <= HALF_OF_IT; style++) {
        for (int64_t context = 2048; context <= 10000; context += 331) {
            struct cut_meter m = { .context = context };
            for (size_t words = 1200; words < 20000; words += words / 37) {
                if (!is_right(&m, words, context, style)) {
                    fail_msg("%zu words, a context of %ld", words, (long)context);
                }
            }
        }
    }
}

static struct cut_meter taught(void)
{
    struct cut_meter m = { .context = 0 };
    size_t len;
    int64_t tokens;
    for (size_t words = 300; words < 900; words += 50) {
        char *text = english(words, &len, &tokens);
        struct cut_prompt p = prompt_of(text, len);
        cut_learn(&m, &p, tokens);
        mem_free(text);
    }
    return m;
}

static void test_round_contexts_are_seen_by_what_was_learnt(void **state)
{
    (void)state;
    static const int64_t contexts[] = { 2048, 4096, 6000, 8192, 10240 };
    struct cut_meter m = taught();
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        size_t len;
        int64_t tokens;
        for (size_t words = 900; words < 15000; words += words / 31) {
            char *text = english(words, &len, &tokens);
            mem_free(text);
            bool near = tokens > contexts[i] && tokens < contexts[i] * 23 / 20;
            if (!near && !is_right(&m, words, contexts[i], WHOLE_CONTEXT)) {
                fail_msg("%zu words, a context of %ld", words, (long)contexts[i]);
            }
        }
    }
}

static void test_half_cuts_need_no_knowledge(void **state)
{
    (void)state;
    struct cut_meter nothing = { .context = 0 };
    for (int64_t context = 2048; context < 9000; context += 517) {
        for (size_t words = 1200; words < 20000; words += words / 29) {
            assert_true(is_right(&nothing, words, context, HALF_OF_IT));
        }
    }
}

static void test_too_little_to_tell(void **state)
{
    (void)state;
    struct cut_meter m = { .context = 0 };
    size_t len;
    int64_t tokens;
    char *text = english(400, &len, &tokens);
    struct cut_prompt p = prompt_of(text, len);
    assert_false(cut_is_certain(&m, &p, 0));
    assert_false(cut_is_certain(&m, &p, 100)); /* a short prompt, maybe in a cache */
    m.context = 256;
    assert_true(cut_is_certain(&m, &p, 256));
    mem_free(text);
}

static void test_impossible_counts_teach_nothing(void **state)
{
    (void)state;
    struct cut_meter m = { .tokens = 0 };
    struct cut_prompt p = { .bytes = 5000, .pieces = 1000 };
    for (int i = 0; i < 3; i++) cut_learn(&m, &p, INT64_MAX);
    cut_learn(&m, &p, 5001);
    assert_int_equal(m.tokens, 0);
    assert_int_equal(m.pieces, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_every_cut_is_seen_where_the_context_is_known),
        cmocka_unit_test(test_round_contexts_are_seen_by_what_was_learnt),
        cmocka_unit_test(test_half_cuts_need_no_knowledge),
        cmocka_unit_test(test_too_little_to_tell),
        cmocka_unit_test(test_impossible_counts_teach_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
