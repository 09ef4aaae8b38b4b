/* test_json.c - what strict means, what a model's prose may hide, and that
 * what is written can be read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#include "cases.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* From a block of exactly len bytes, so that a read past the end is seen. */
static json_t *parse_bytes(const char *text, size_t len, struct lw_error *err)
{
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    json_t *value = json_parse(copy, len, err);
    free(copy);
    return value;
}

static json_t *parse(const char *text)
{
    struct lw_error err = { .code = -1, .message = "" };
    json_t *value = parse_bytes(text, strlen(text), &err);
    if (value != NULL) {
        assert_int_equal(err.code, -1);
    } else {
        assert_int_equal(err.code, LW_ERR_INPUT);
        assert_true(strlen(err.message) > 0);
    }
    return value;
}

/* n times open, middle, n times close. */
static char *nested(const char *open, const char *middle, const char *close, int n)
{
    struct buf b;
    buf_init(&b, 16 * 1024 * 1024);
    for (int i = 0; i < n; i++) {
        buf_add_str(&b, open);
    }
    buf_add_str(&b, middle);
    for (int i = 0; i < n; i++) {
        buf_add_str(&b, close);
    }
    char *text = buf_take(&b, NULL);
    buf_release(&b);
    return text;
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        " {\"a\": [1, 2.5, -3e2, true, false, null, \"x\"]}\n",
        "1",
        "\"s\"",
        "null",
        "\"\\ud83d\\ude00 \\u00e9 \xc3\xa9\"",
        "9223372036854775807",
        "-9223372036854775808",
        "{\"a\":\"}\",\"b\":\"{[\\\"\",\"c\":\"\\\\\"}",
        "[[],{},[{}]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *value = parse(texts[i]);
        assert_non_null(value);
        json_decref(value);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[",
        "}",
        "]",
        "[}",
        "{]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "[1,]",
        "[,]",
        "{a:1}",
        "{'a':1}",
        "nul",
        "\"",
        "\"\\",
        "\"\\u12",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"\\u0061\":2}}", /* duplicate keys */
        "{} {}",
        "[1] x",
        "1 2",
        "{}}",
        "[]]",
        "{},",
        "[] [[[", /* more behind */
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"", /* surrogates */
        "\"\\ud83d\\ud83d\"",
        "\"\xed\xa0\x80\"",
        "\"\\u0000\"",
        "{\"a\\u0000b\":1}",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\xef\xbb\xbf{}",
        "\"a\nb\"",
        "\"\t\"",
        "\"\\x\"",
        "01",
        "+1",
        ".5",
        "1.",
        "0x10",
        "1e",
        "--1",
        "NaN",
        "Infinity",
        "-",
        "9223372036854775808",
        "1e400",
        "-1e400",
        "// c\n{}",
        "{/**/}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (parse(texts[i]) != NULL) {
            fail_msg("accepted: %s", texts[i]);
        }
    }
}

static void test_nul_bytes_are_refused(void **state)
{
    (void)state;
    assert_null(parse_bytes("{}\0", 3, NULL));
    assert_null(parse_bytes("\0{}", 3, NULL));
    assert_null(parse_bytes("\"a\0b\"", 5, NULL));
    assert_null(parse_bytes("{\"a\":\0001}", 7, NULL));
}

static void test_message_says_where(void **state)
{
    (void)state;
    struct lw_error err;
    static const char text[] = "{\"a\": 1,\n \"b\": oops}";
    assert_null(json_parse(text, strlen(text), &err));
    assert_non_null(strstr(err.message, "line 2"));
    assert_non_null(strstr(err.message, "column"));
    assert_non_null(strstr(err.message, "oops"));
    assert_null(json_parse(NULL, 0, &err));
    assert_int_equal(err.code, LW_ERR_INPUT);
}

static long allocations_left;

static void *allocate(size_t bytes)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return malloc(bytes);
}

/* jansson's first, second, third... allocation fails until none does. Which
 * words it finds for that varies; that there are some, and no leak, is ours. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2.5,\"x\\u00e9\",{\"b\":{}}],\"c\":null}";
    json_set_alloc_funcs(allocate, free);
    json_t *value = NULL;
    int step = 0, silent = 0;
    while (value == NULL && step < 1000) {
        struct lw_error err = { 0 };
        allocations_left = step++;
        value = json_parse(text, strlen(text), &err);
        silent += value == NULL && (err.code != LW_ERR_INPUT || err.message[0] == '\0');
    }
    json_decref(value);
    json_set_alloc_funcs(malloc, free);
    assert_non_null(value);
    assert_int_equal(silent, 0);
    assert_in_range(step, 5, 999);
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *open, *middle, *close;
    } kinds[] = {
        { "[", "", "]" },
        { "{\"a\":", "1", "}" },
        { "[0,\"]\",", "1", "]" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *fits =
            nested(kinds[i].open, kinds[i].middle, kinds[i].close, LIMIT_JSON_DEPTH);
        char *deeper =
            nested(kinds[i].open, kinds[i].middle, kinds[i].close, LIMIT_JSON_DEPTH + 1);
        json_t *value = parse(fits);
        assert_non_null(value);
        json_decref(value);
        struct lw_error err;
        assert_null(json_parse(deeper, strlen(deeper), &err));
        assert_non_null(strstr(err.message, "deeper than 64"));
        mem_free(fits);
        mem_free(deeper);
    }
    char *bomb = nested("[", "", "", 1000000);
    assert_null(parse(bomb));
    assert_null(json_find_object(bomb, strlen(bomb)));
    mem_free(bomb);
}

/* Brackets in strings are not depth, siblings neither. */
static void test_what_is_not_depth(void **state)
{
    (void)state;
    char *inside = nested("[", "", "", 100);
    struct buf b;
    buf_init(&b, 10000);
    buf_addf(&b, "[\"%s\\\"\"", inside);
    for (int i = 0; i < 200; i++) {
        buf_add_str(&b, ",[{}]");
    }
    buf_add_str(&b, "]");
    json_t *value = parse(b.data);
    assert_int_equal(json_array_size(value), 201);
    json_decref(value);
    buf_release(&b);
    mem_free(inside);
}

static void test_number_of_values(void **state)
{
    (void)state;
    static const char *const parts[] = { "[],", "0,", "{}," };
    for (size_t i = 0; i < 3; i++) {
        struct lw_error err;
        struct buf b;
        buf_init(&b, 8 * 1024 * 1024);
        buf_add_char(&b, '[');
        for (int n = 0; n < LIMIT_JSON_VALUES; n++) {
            buf_add_str(&b, parts[i]);
        }
        buf_add_str(&b, "0]");
        assert_false(buf_failed(&b));
        assert_null(json_parse(b.data, b.len, &err));
        assert_non_null(strstr(err.message, "more than 1000000 values"));
        buf_release(&b);
    }
}

static void assert_found(const char *text, const char *expected)
{
    size_t len = strlen(text);
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    json_t *value = json_find_object(copy, len);
    free(copy);
    if (expected == NULL) {
        assert_null(value);
        return;
    }
    if (value == NULL) {
        fail_msg("nothing found in: %s", text);
    }
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(json_write(value, &b), 0);
    assert_string_equal(b.data, expected);
    buf_release(&b);
    json_decref(value);
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "{\"a\":1}", "{\"a\":1}" },
        { "Sure! It's here: {\"a\": 1}. Hope it helps.", "{\"a\":1}" },
        { "```json\n{\n  \"a\": [1, 2]\n}\n```\nDone", "{\"a\":[1,2]}" },
        { "``` {\"a\":\"```\"} ```", "{\"a\":\"```\"}" },
        { "x {\"a\":{\"b\":{\"c\":{}}}} y", "{\"a\":{\"b\":{\"c\":{}}}}" },
        { "{\"a\":\"} {\\\" }\"} z", "{\"a\":\"} {\\\" }\"}" },
        { "{\"a\":\"\\\\\"}", "{\"a\":\"\\\\\"}" },
        { "use {braces} like {\"a\":1}", "{\"a\":1}" },
        { "an open { and a \"quote and {\"a\":1}", "{\"a\":1}" },
        { "{\"bad\":1,,} then {\"a\":1}", "{\"a\":1}" },
        { "{\"a\":1,\"a\":2} {\"b\":1}", "{\"b\":1}" },
        { "{{\"a\":1}}", "{\"a\":1}" },
        { "{\"half\": {\"a\":1}", "{\"a\":1}" },
        { "{\"a\":1}{\"b\":2}", "{\"a\":1}" },
        { "[{\"a\":1},{\"b\":2}]", "{\"a\":1}" },
        { "{\"a\":\"\\u0000\"} {\"b\":1}", "{\"b\":1}" },
        { "{\"a\":\"\\ud800\"} {\"b\":1}", "{\"b\":1}" },
        { "{\"a\":[1}] {\"b\":1}", "{\"b\":1}" },
        { "\xff{\"a\":1}\xff", "{\"a\":1}" },
        { "the set { } is empty", "{}" },
        { "", NULL },
        { "no object", NULL },
        { "{", NULL },
        { "{\"", NULL },
        { "{\"a\":\"\\", NULL },
        { "{\"a\": 1", NULL },
        { "{\"a\": [1, 2", NULL },
        { "[1,2,3]", NULL },
        { "} {", NULL },
        { "{'a': 1}", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_found(cases[i].text, cases[i].expected);
    }
}

static void check_slips(const struct test_case *c)
{
    const char *input = case_need(c, "input");
    json_t *value = json_find_object(input, strlen(input));
    struct buf b;
    buf_init(&b, 10000);
    if (value) {
        json_write(value, &b);
    } else {
        buf_add_str(&b, "none");
    }
    case_equal(c, "output", b.data, b.len);
    buf_release(&b);
    json_decref(value);
}

static void test_slips(void **state)
{
    (void)state;
    cases_run("tests/cases/json", check_slips);
}

/* Random bytes of the kind that matters, in an exact allocation: no mending reads or
 * writes past an end, and what is found is always JSON that parses again. */
static void test_slips_of_noise(void **state)
{
    (void)state;
    static const char bytes[] = "{{}}[],,\"\"\\\n\r :1a";
    uint32_t seed = 5;
    for (int round = 0; round < 200000; round++) {
        char noise[24] = "{\"";
        size_t len = 2;
        while (len < 3 + (size_t)round % 21) {
            seed = seed * 1664525u + 1013904223u;
            noise[len++] = bytes[(seed >> 8) % (sizeof bytes - 1)];
        }
        char *exact = mem_strndup(noise, len);
        json_t *value = json_find_object(exact, len);
        assert_true(!value || json_is_object(value));
        json_decref(value);
        mem_free(exact);
    }
}

static void test_find_past_a_nul(void **state)
{
    (void)state;
    json_t *value = json_find_object("a\0{\0{\"b\":1}", 12);
    assert_int_equal(json_int(value, "b", 0, 0, 9), 1);
    json_decref(value);
}

static void test_find_gives_up(void **state)
{
    (void)state;
    char *near = nested("{\"a\" ", "{\"b\":1}", "", 63);
    char *far = nested("{\"a\" ", "{\"b\":1}", "", 64);
    char *code = nested("f() { x; } ", "{\"b\":1}", "", 1000);
    assert_found(near, "{\"b\":1}");
    assert_found(far, NULL);
    assert_found(code, "{\"b\":1}");
    mem_free(near);
    mem_free(far);
    mem_free(code);
}

static void test_write_keeps_order_and_decimals(void **state)
{
    (void)state;
    static const char text[] = "{\"z\":0.1,\"a\":[-3,0.7,1e-7,1.5,2.0],\"m\":{},"
                               "\"e\":\"\xc3\xa9/\\n\\\"\",\"b\":[true,false,null]}";
    json_t *value = parse(text);
    struct buf b;
    buf_init(&b, 1000);
    assert_int_equal(json_write(value, &b), 0);
    json_t *again = parse(b.data);
    assert_true(json_equal(value, again));
    assert_int_equal(strncmp(b.data, "{\"z\":0.1,\"a\":[-3,0.7,1e-", 24), 0);
    json_decref(value);
    json_decref(again);
    buf_release(&b);
}

/* At every maximum: whole, or the content as before and the failure marked. */
static void test_write_at_every_maximum(void **state)
{
    (void)state;
    json_t *value = parse("{\"a\":[1,\"two\",{\"b\":null}]}");
    static const char whole[] = "x{\"a\":[1,\"two\",{\"b\":null}]}";
    for (size_t max = 1; max < sizeof whole + 3; max++) {
        struct buf b;
        buf_init(&b, max);
        buf_add_char(&b, 'x');
        int code = json_write(value, &b);
        bool fits = max >= sizeof whole - 1;
        assert_int_equal(code, fits ? 0 : LW_ERR);
        assert_string_equal(b.data, fits ? whole : "x");
        assert_int_equal(buf_failed(&b), !fits);
        buf_release(&b);
    }
    json_decref(value);
}

static void test_write_nothing_fails(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(json_write(NULL, &b), LW_ERR);
    assert_true(buf_failed(&b));
    assert_int_equal(b.len, 0);
    buf_release(&b);
}

static void test_text_as_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } cases[] = {
        { NULL, "null" },
        { "", "\"\"" },
        { "R\xc3\xa9sum\xc3\xa9 \"1\".pdf", "\"R\xc3\xa9sum\xc3\xa9 \\\"1\\\".pdf\"" },
        { "\xff\x01.txt", "\"\xef\xbf\xbd\\u0001.txt\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = json_text(cases[i].text);
        struct buf b;
        buf_init(&b, 1000);
        assert_int_equal(json_write(value, &b), 0);
        assert_string_equal(b.data, cases[i].written);
        buf_release(&b);
        json_decref(value);
    }
}

static void test_write_string(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } cases[] = {
        { "", 0, "\"\"" },
        { "plain \xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", 15,
          "\"plain \xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\"" },
        { "\"\\/\b\f\n\r\t", 8, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { "\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\"" },
        { "a\0b", 3, "\"a\\u0000b\"" },
        { "a\xff"
          "b\xc3",
          4,
          "\"a\xef\xbf\xbd"
          "b\xef\xbf\xbd\"" },
        { "\xef\xbf\xbd", 3, "\"\xef\xbf\xbd\"" },
        { "\n\n", 2, "\"\\n\\n\"" },
        { "a\nb", 3, "\"a\\nb\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 1000);
        assert_int_equal(json_write_string(cases[i].in, cases[i].len, &b), 0);
        assert_string_equal(b.data, cases[i].out);
        buf_release(&b);
    }
}

/* Every character but NUL comes back from our own reader. */
static void test_string_round_trip(void **state)
{
    (void)state;
    char text[300];
    size_t len = 0;
    for (int c = 1; c < 128; c++) {
        text[len++] = (char)c;
    }
    memcpy(text + len, "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80", 9);
    len += 9;
    struct buf b;
    buf_init(&b, 5000);
    assert_int_equal(json_write_string(text, len, &b), 0);
    json_t *value = parse(b.data);
    assert_int_equal(json_string_length(value), len);
    assert_memory_equal(json_string_value(value), text, len);
    json_decref(value);
    buf_release(&b);
}

static void test_write_string_at_every_maximum(void **state)
{
    (void)state;
    static const char whole[] = "x\"ab\\n\\u0001\xef\xbf\xbd\xc3\xa9\"";
    for (size_t max = 1; max < sizeof whole + 3; max++) {
        struct buf b;
        buf_init(&b, max);
        buf_add_char(&b, 'x');
        int code = json_write_string("ab\n\x01\xff\xc3\xa9", 7, &b);
        bool fits = max >= sizeof whole - 1;
        assert_int_equal(code, fits ? 0 : LW_ERR);
        assert_string_equal(b.data, fits ? whole : "x");
        assert_int_equal(buf_failed(&b), !fits);
        buf_release(&b);
    }
}

static void test_readers(void **state)
{
    (void)state;
    json_t *o = parse("{\"s\":\"x\",\"e\":\"\",\"i\":7,\"r\":2.5,\"t\":true,\"f\":false,"
                      "\"n\":null,\"a\":[1],\"o\":{}}");
    assert_string_equal(json_str(o, "s", "d"), "x");
    assert_string_equal(json_str(o, "e", "d"), "");
    assert_true(json_num(o, "i", 0) == 7.0);
    assert_true(json_num(o, "r", 0) == 2.5);
    assert_int_equal(json_int(o, "i", 0, 0, 10), 7);
    assert_true(json_bool(o, "t", false));
    assert_false(json_bool(o, "f", true));
    static const char *const not_strings[] = { "i", "r", "t", "n", "a", "o", "none" };
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(json_str(o, not_strings[i], "d"), "d");
        assert_null(json_str(o, not_strings[i], NULL));
    }
    static const char *const not_numbers[] = { "s", "e", "t", "n", "a", "o", "none" };
    for (size_t i = 0; i < 7; i++) {
        assert_true(json_num(o, not_numbers[i], -1.5) == -1.5);
        assert_int_equal(json_int(o, not_numbers[i], -1, 0, 10), -1);
    }
    assert_true(json_bool(o, "s", true));
    assert_true(json_bool(o, "n", true));
    assert_false(json_bool(o, "i", false));
    json_decref(o);
}

static void test_readers_on_what_is_no_object(void **state)
{
    (void)state;
    json_t *array = parse("[1]");
    const json_t *const values[] = { NULL, array, json_null() };
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(json_str(values[i], "k", "d"), "d");
        assert_true(json_num(values[i], "k", 3) == 3);
        assert_int_equal(json_int(values[i], "k", 3, 5, 9), 3);
        assert_true(json_bool(values[i], "k", true));
    }
    json_decref(array);
}

static void test_int_is_clamped_and_rounded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long min, max, expected;
    } cases[] = {
        { "{\"k\":5}", 0, 10, 5 },
        { "{\"k\":-5}", 0, 10, 0 },
        { "{\"k\":50}", 0, 10, 10 },
        { "{\"k\":9223372036854775807}", 0, 10, 10 },
        { "{\"k\":-9223372036854775808}", 0, 10, 0 },
        { "{\"k\":9223372036854775807}", LONG_MIN, LONG_MAX, LONG_MAX },
        { "{\"k\":2.4}", 0, 10, 2 },
        { "{\"k\":2.5}", 0, 10, 3 },
        { "{\"k\":-2.5}", -10, 10, -3 },
        { "{\"k\":9.9}", 0, 10, 10 },
        { "{\"k\":10.4}", 0, 10, 10 },
        { "{\"k\":1e300}", 0, 10, 10 },
        { "{\"k\":-1e300}", 0, 10, 0 },
        { "{\"k\":1e300}", LONG_MIN, LONG_MAX, LONG_MAX },
        { "{\"k\":-1e300}", LONG_MIN, LONG_MAX, LONG_MIN },
        { "{\"k\":9223372036854775808.0}", LONG_MIN, LONG_MAX, LONG_MAX },
        { "{\"k\":1e-300}", -10, 10, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *o = parse(cases[i].text);
        long got = json_int(o, "k", 99, cases[i].min, cases[i].max);
        assert_int_equal(got, cases[i].expected);
        json_decref(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_bytes_are_refused),
        cmocka_unit_test(test_message_says_where),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_what_is_not_depth),
        cmocka_unit_test(test_number_of_values),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_slips_of_noise),
        cmocka_unit_test(test_find_past_a_nul),
        cmocka_unit_test(test_find_gives_up),
        cmocka_unit_test(test_write_keeps_order_and_decimals),
        cmocka_unit_test(test_write_at_every_maximum),
        cmocka_unit_test(test_write_nothing_fails),
        cmocka_unit_test(test_text_as_a_value),
        cmocka_unit_test(test_write_string),
        cmocka_unit_test(test_string_round_trip),
        cmocka_unit_test(test_write_string_at_every_maximum),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_readers_on_what_is_no_object),
        cmocka_unit_test(test_int_is_clamped_and_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
