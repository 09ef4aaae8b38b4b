/* test_err.c - a message is printable and whole whatever its parts were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/utf8.h"

#include <string.h>

enum { ROOM = sizeof(((struct lw_error *)0)->message) };

static void repeat(char *out, const char *part, size_t bytes)
{
    size_t n = strlen(part);
    for (size_t i = 0; i < bytes; i++) {
        out[i] = part[i % n];
    }
    out[bytes] = '\0';
}

static void test_set_returns_code(void **state)
{
    (void)state;
    struct lw_error err = { 0 };
    int code = err_set(&err, LW_ERR_INPUT, "%s: page %d", "a.pdf", 7);
    assert_int_equal(code, LW_ERR_INPUT);
    assert_int_equal(err.code, LW_ERR_INPUT);
    assert_string_equal(err.message, "a.pdf: page 7");
    assert_int_equal(err_set(&err, LW_ERR_AUTH, "%s", ""), LW_ERR_AUTH);
    assert_string_equal(err.message, "");
}

static void test_null_error(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, LW_ERR_USAGE, "x"), LW_ERR_USAGE);
    err_prefix(NULL, "x");
}

static void test_control_characters_become_spaces(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "a\nb\r\nc", "a b  c" },
        { "\033[2Jx\a\t\x7f", " [2Jx   " },
        { "a\xc2\x85z", "a z" }, /* NEL, a C1 control */
        { "a\xc2\x9bz", "a z" }, /* CSI in one character */
        { "a\xe2\x80\xa8z\xe2\x80\xa9", "a z " },
        { "a\xe2\x80\xaetxt.exe", "a txt.exe" },
        { "a\xe2\x81\xa6z", "a z" },
        { "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
          "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80" },
        { "\xef\xbf\xbd", "\xef\xbf\xbd" }, /* a real U+FFFD stays */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_error err;
        err_set(&err, LW_ERR, "%s", cases[i].in);
        assert_string_equal(err.message, cases[i].out);
    }
}

static void test_malformed_bytes_become_question_marks(void **state)
{
    (void)state;
    struct lw_error err;
    err_set(&err, LW_ERR, "%s",
            "a\xff"
            "b\xc3 \xed\xa0\x80");
    assert_string_equal(err.message, "a?b? ???");
}

static void test_long_message_fits(void **state)
{
    (void)state;
    char text[5000];
    struct lw_error err;
    repeat(text, "x", ROOM - 1);
    err_set(&err, LW_ERR, "%s", text);
    assert_string_equal(err.message, text);
    repeat(text, "x", ROOM);
    err_set(&err, LW_ERR, "%s", text);
    assert_int_equal(strlen(err.message), ROOM - 1);
}

/* Slide characters of each length over the cut. */
static void test_cut_at_character_boundary(void **state)
{
    (void)state;
    static const char *const chars[] = { "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80" };
    for (size_t c = 0; c < 3; c++) {
        for (size_t lead = 0; lead < 8; lead++) {
            char text[2 * ROOM];
            repeat(text, "x", lead);
            repeat(text + lead, chars[c], strlen(chars[c]) * 400);
            struct lw_error err;
            err_set(&err, LW_ERR, "%s", text);
            size_t len = strlen(err.message), whole = strlen(text);
            size_t limit = whole < ROOM - 1 ? whole : ROOM - 1;
            assert_int_equal(utf8_valid(err.message, len), len);
            assert_null(strchr(err.message, '?'));
            assert_true(len <= limit && len + strlen(chars[c]) > limit);
            assert_memory_equal(err.message, text, len);
        }
    }
}

static void test_message_may_quote_itself(void **state)
{
    (void)state;
    struct lw_error err;
    err_set(&err, LW_ERR, "inner");
    err_set(&err, LW_ERR_LOCAL, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

static void test_prefix(void **state)
{
    (void)state;
    struct lw_error err;
    err_set(&err, LW_ERR_REMOTE, "refused");
    err_prefix(&err, "%s:%d", "host\n", 80);
    assert_string_equal(err.message, "host :80: refused");
    assert_int_equal(err.code, LW_ERR_REMOTE);
    err_set(&err, LW_ERR, "100%% %%s");
    err_prefix(&err, "x");
    assert_string_equal(err.message, "x: 100% %s");
}

static void test_long_prefix_keeps_the_cause(void **state)
{
    (void)state;
    char text[5000];
    repeat(text, "\xe6\x97\xa5", 4998);
    struct lw_error err;
    err_set(&err, LW_ERR, "disk full");
    err_prefix(&err, "%s", text);
    size_t len = strlen(err.message);
    assert_non_null(strstr(err.message, ": disk full"));
    assert_int_equal(utf8_valid(err.message, len), len);
}

static void test_long_cause_under_prefix(void **state)
{
    (void)state;
    char text[5000];
    repeat(text, "\xe6\x97\xa5", 4998);
    struct lw_error err;
    err_set(&err, LW_ERR, "%s", text);
    for (int i = 0; i < 5; i++) {
        err_prefix(&err, "p%d", i);
        size_t len = strlen(err.message);
        assert_int_equal(utf8_valid(err.message, len), len);
        assert_true(len > ROOM - 8);
    }
    assert_int_equal(strncmp(err.message, "p4: p3: p2: ", 12), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_returns_code),
        cmocka_unit_test(test_null_error),
        cmocka_unit_test(test_control_characters_become_spaces),
        cmocka_unit_test(test_malformed_bytes_become_question_marks),
        cmocka_unit_test(test_long_message_fits),
        cmocka_unit_test(test_cut_at_character_boundary),
        cmocka_unit_test(test_message_may_quote_itself),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_long_prefix_keeps_the_cause),
        cmocka_unit_test(test_long_cause_under_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
