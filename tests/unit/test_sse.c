/* test_sse.c - the event stream parser: cases of tests/cases/sse, each fed in pieces of
 * every small size, and its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "net/sse.h"
#include "cases.h"
#include "legwork.h"

#include <stdlib.h>
#include <string.h>

/* "name: data\n" for each event, line ends in the data as \n again. */
static int write_event(void *user, const char *event, const char *data, size_t len)
{
    struct buf *out = user;
    buf_addf(out, "%s: ", event);
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_add_char(out, data[i]);
        }
    }
    return buf_add_char(out, '\n');
}

/* Cases cannot end a line with a space. */
static void trim_line_ends(struct buf *b)
{
    size_t out = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] == '\n' && out > 0 && b->data[out - 1] == ' ') {
            out--;
        }
        b->data[out++] = b->data[i];
    }
    while (out > 0 && b->data[out - 1] == '\n') {
        out--;
    }
    buf_cut(b, out);
}

static void parse_in_pieces(const char *text, size_t len, size_t piece, struct buf *out)
{
    struct sse s;
    sse_init(&s, write_event, out);
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        assert_int_equal(sse_feed(&s, text + at, n), 0);
    }
    sse_release(&s);
    trim_line_ends(out);
}

/* \n stays as it is written, the other escapes of the expectation are undone. */
static char *expectation(const char *text)
{
    char *doubled = calloc(2, strlen(text) + 1), *out = doubled;
    for (; *text != '\0'; text++) {
        if (text[0] == '\\' && text[1] == 'n') {
            *out++ = '\\';
        }
        *out++ = *text;
    }
    char *plain = case_unescape(doubled, NULL);
    free(doubled);
    return plain;
}

static void check(const struct test_case *c)
{
    size_t len;
    char *input = case_unescape(case_need(c, "input"), &len);
    char *expected = expectation(case_need(c, "output"));
    for (size_t piece = 1; piece <= len + 1; piece++) {
        struct buf got;
        buf_init(&got, 1024 * 1024);
        parse_in_pieces(input, len, piece, &got);
        if (strcmp(got.data, expected) != 0) {
            case_fail(c, "in pieces of %zu bytes:\n%s\ninstead of:\n%s", piece, got.data,
                      expected);
        }
        buf_release(&got);
    }
    free(expected);
    free(input);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/sse", check);
}

static int count(void *user, const char *event, const char *data, size_t len)
{
    (void)event, (void)data, (void)len;
    int *n = user;
    return ++*n == 2 ? 77 : 0;
}

static void test_callback_stops(void **state)
{
    (void)state;
    static const char text[] = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
    struct sse s;
    int n = 0;
    sse_init(&s, count, &n);
    assert_int_equal(sse_feed(&s, text, sizeof text - 1), 77);
    assert_int_equal(n, 2);
    assert_int_equal(sse_feed(&s, text, sizeof text - 1), LW_ERR);
    assert_int_equal(n, 2);
    sse_release(&s);
}

static int feed_lines(const char *line, size_t times)
{
    struct sse s;
    int n = 0, code = 0;
    sse_init(&s, count, &n);
    for (size_t i = 0; i < times && code == 0; i++) {
        code = sse_feed(&s, line, strlen(line));
    }
    sse_release(&s);
    return code;
}

static void test_limits(void **state)
{
    (void)state;
    /* Without a line end, in one long event, and never too long. */
    assert_int_equal(feed_lines("data: xxxxxxxxxx", LIMIT_SSE_EVENT_BYTES / 10), LW_ERR);
    assert_int_equal(feed_lines("data: xxxxxxxxx\n", LIMIT_SSE_EVENT_BYTES / 9), LW_ERR);
    assert_int_equal(feed_lines(": a comment that goes on and on\n", 100000), 0);
    assert_int_equal(feed_lines("data: xxxxxxxxx\n", LIMIT_SSE_EVENT_BYTES / 10 - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_callback_stops),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
