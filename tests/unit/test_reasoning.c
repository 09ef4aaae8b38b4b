/* test_reasoning.c - what a model thinks is taken out of its reply, however the pieces
 * fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "llm/reasoning.h"

#include <string.h>

static void test_reasoning_in_pieces(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { " \n<think>a<b</thin></think>\n x </think>", "x </think>" },
        { "<thin", "<thin" },
        { "  text", "  text" },
        { "", "" },
        { "<think>", "" },
        { "<think>x</think>", "" },
        { "<thinking>x", "<thinking>x" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 1; piece < 12; piece++) {
            struct reasoning r;
            struct buf out;
            size_t len = strlen(cases[i][0]);
            reasoning_init(&r);
            buf_init(&out, 1000);
            for (size_t at = 0; at < len; at += piece) {
                size_t n = len - at < piece ? len - at : piece;
                assert_int_equal(reasoning_feed(&r, cases[i][0] + at, n, &out), 0);
            }
            reasoning_end(&r, &out);
            assert_string_equal(out.data, cases[i][1]);
            buf_release(&out);
            reasoning_release(&r);
        }
    }
}

/* Blanks before the text are text, and cost no more in many pieces than in one: this
 * took minutes. */
static void test_blanks_in_pieces(void **state)
{
    (void)state;
    enum { BLANKS = 2000000, PIECES = 200000 };
    struct reasoning r;
    struct buf out;
    char *blanks = mem_alloc(BLANKS + 1);
    memset(blanks, ' ', BLANKS);
    reasoning_init(&r);
    buf_init(&out, BLANKS + PIECES + 16);
    assert_int_equal(reasoning_feed(&r, blanks, BLANKS, &out), 0);
    for (int i = 0; i < PIECES; i++) reasoning_feed(&r, "\n", 1, &out);
    assert_int_equal(out.len, 0);
    assert_int_equal(reasoning_feed(&r, "<thin ice", 9, &out), 0);
    assert_int_equal(out.len, BLANKS + PIECES + 9);
    reasoning_clear(&r);
    buf_clear(&out);
    assert_int_equal(reasoning_feed(&r, " <think>a</think> \nb", 21, &out), 0);
    assert_string_equal(out.data, "b");
    reasoning_release(&r);
    buf_release(&out);
    mem_free(blanks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasoning_in_pieces),
        cmocka_unit_test(test_blanks_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
