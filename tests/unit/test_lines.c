/* test_lines.c - where lines end, and that many of them cost no more than their bytes. */
#include "text/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_line(const char *text, size_t pos, size_t end, size_t next)
{
    struct line line = line_at(text, strlen(text), pos);
    assert_int_equal(line.start, pos);
    assert_int_equal(line.end, end);
    assert_int_equal(line.next, next);
}

static void test_ends(void **state)
{
    (void)state;
    check_line("a \nb", 0, 1, 3);
    check_line("a \fb\n", 0, 1, 3);
    check_line("a\nb\f", 0, 1, 2);
    check_line("a\nb\f", 2, 3, 4);
    check_line("\f\n", 0, 0, 1);
    check_line("\f\n", 1, 1, 2);
    check_line("abc", 1, 3, 3);
}

/* The end is found wherever it is, with a form feed or a line break in front of it. */
static void test_long_lines(void **state)
{
    (void)state;
    enum { N = 3000 };
    char *text = malloc(N + 2);
    assert_non_null(text);
    for (size_t end = 0; end < N; end++) {
        memset(text, 'x', N + 1);
        text[N] = '\n';
        text[N + 1] = '\0';
        text[end] = end % 2 ? '\n' : '\f';
        check_line(text, 0, end, end + 1);
        assert_int_equal(line_at(text, end, end ? end - 1 : 0).end, end);
    }
    free(text);
}

static void test_width(void **state)
{
    (void)state;
    static const char text[] = "one\ntwo three\nfour\n\nand a much longer one";
    assert_int_equal(lines_width(text, sizeof text - 1, 0), 9);
    assert_int_equal(lines_width("\f\nlong line", 11, 0), 0);
    assert_int_equal(lines_width("one\f\nlong line", 14, 0), 3);
}

/* Pages of a letter: minutes, if each looked for a line break behind all others. */
static void test_endless_pages(void **state)
{
    (void)state;
    enum { BYTES = 8 << 20 };
    char *text = malloc(BYTES);
    size_t n = 0;
    assert_non_null(text);
    for (size_t i = 0; i < BYTES; i++) text[i] = i % 2 ? '\f' : 'a';
    for (size_t pos = 0; pos < BYTES; n++) pos = line_at(text, BYTES, pos).next;
    assert_int_equal(n, BYTES / 2);
    for (size_t i = 0; i < BYTES; i++) text[i] = i % 2 ? '\n' : '\f';
    for (size_t pos = 0; pos < BYTES; pos += 2) {
        assert_int_equal(lines_width(text, BYTES, pos), 0);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_endless_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
