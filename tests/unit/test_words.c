/* test_words.c - what counts as the same word or number. */
#include "text/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct word first(const char *text)
{
    struct word word;
    size_t pos = 0;
    if (!words_next(text, strlen(text), &pos, &word)) fail_msg("no word in \"%s\"", text);
    return word;
}

static void check_same(const char *a, const char *b)
{
    if (first(a).hash != first(b).hash) fail_msg("%s and %s differ", a, b);
}

static void check_other(const char *a, const char *b)
{
    if (first(a).hash == first(b).hash) fail_msg("%s and %s are the same", a, b);
}

static void test_endings(void **state)
{
    (void)state;
    check_same("company", "Companies");
    check_same("increase", "increased");
    check_same("increasing", "increases");
    check_same("patient", "patient's");
    check_same("patients", "patient\u2019s");
    check_same("Zürich", "ZURICH");
    check_same("planned", "plan");
    check_other("bus", "bu");
    check_other("red", "r");
    check_other("sing", "s");
    check_other("news", "newer");
}

static void test_numbers(void **state)
{
    (void)state;
    check_same("1,000", "1000");
    check_same("1.234.567", "1234567");
    check_same("12.50", "12,5");
    check_same("007", "7");
    check_same("3rd", "3");
    check_same("five", "5");
    check_same("0.50", "0.5");
    check_same("1,234.50", "1.234,5");
    check_same("0", "0.00");
    check_other("zero", "0");
    check_other("1,234", "1.234");
    check_other("10", "1");
    check_other("12.03.2020", "12032020");
    check_other("1.2.3", "1.23");
    assert_int_equal(first("1,000").kind, WORD_NUMBER);
    assert_int_equal(first("five").kind, WORD_LETTERS);
    assert_int_equal(first("five").value, 5);
    assert_int_equal(first("one").value, 0);
    assert_string_equal(first("0012.340").folded, "12.34");
}

static void test_common_words(void **state)
{
    (void)state;
    assert_true(first("The").common && first("with").common && first("a").common);
    assert_false(first("theme").common || first("b").common || first("question").common);
}

static void test_cutting(void **state)
{
    (void)state;
    static const char text[] = "Don't cut 5kg, A1c or COVID-19: 日本 (naïve) 1,5.";
    static const char *const want[] = { "don't", "cut", "5",  "kg", "a1c",   "or",
                                        "covid", "19",  "日", "本", "naive", "1.5" };
    struct word word;
    size_t n = 0;
    for (size_t pos = 0; words_next(text, sizeof text - 1, &pos, &word); n++) {
        assert_true(n < sizeof want / sizeof *want);
        if (n > 0) assert_string_equal(word.folded, want[n]);
        assert_true(word.start < word.end && word.end == pos);
    }
    assert_int_equal(n, sizeof want / sizeof *want);
}

static void test_long_words(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text);
    struct word word;
    size_t pos = 0;
    assert_true(words_next(text, sizeof text, &pos, &word));
    assert_int_equal(word.end, sizeof text);
    memset(text, '7', sizeof text);
    pos = 0;
    assert_true(words_next(text, sizeof text, &pos, &word));
    assert_int_equal(word.end, sizeof text);
    assert_false(words_next(text, sizeof text, &pos, &word));
}

static void test_listed(void **state)
{
    (void)state;
    assert_true(words_listed("one two three", "two", 3));
    assert_true(words_listed("one two three", "three", 5));
    assert_false(words_listed("one two three", "tw", 2));
    assert_false(words_listed("one two three", "", 0));
    assert_false(words_listed("", "one", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_common_words), cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_long_words),   cmocka_unit_test(test_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
