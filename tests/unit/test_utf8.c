/* test_utf8.c - every class of malformed bytes, each put into a block of its
 * own size so that a read past the end is seen by the address sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *bytes;
    size_t len;
} malformed[] = {
    { "\x80", 1 }, /* a continuation alone */
    { "\xbf", 1 },
    { "\xc3", 1 }, /* cut short, by the end */
    { "\xe6\x97", 2 },
    { "\xf0\x9f\x98", 3 },
    { "\xc3"
      "A",
      2 }, /* cut short, by another character */
    { "\xe6\x97"
      "A",
      3 },
    { "\xf0\x9f\x98"
      "A",
      4 },
    { "\xe6"
      "AB",
      3 },
    { "\xc0\x80", 2 }, /* overlong */
    { "\xc1\xbf", 2 },
    { "\xe0\x80\x80", 3 },
    { "\xe0\x9f\xbf", 3 },
    { "\xf0\x80\x80\x80", 4 },
    { "\xf0\x8f\xbf\xbf", 4 },
    { "\xed\xa0\x80", 3 }, /* surrogates */
    { "\xed\xbf\xbf", 3 },
    { "\xed\xa0\x80\xed\xb0\x80", 6 },
    { "\xf4\x90\x80\x80", 4 }, /* past U+10FFFF */
    { "\xf5\x80\x80\x80", 4 },
    { "\xf8\x88\x80\x80\x80", 5 },
    { "\xfe", 1 },
    { "\xff\xff", 2 },
};

enum { N_MALFORMED = sizeof malformed / sizeof *malformed };

static void test_malformed_first_byte_stands_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MALFORMED; i++) {
        char *s = malloc(malformed[i].len);
        memcpy(s, malformed[i].bytes, malformed[i].len);
        uint32_t cp = 0;
        assert_int_equal(utf8_decode(s, s + malformed[i].len, &cp), 1);
        assert_int_equal(cp, 0xfffd);
        assert_int_equal(utf8_valid(s, malformed[i].len), 0);
        free(s);
    }
}

static void test_valid_stops_at_the_malformed_byte(void **state)
{
    (void)state;
    static const char before[] = "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80";
    size_t lead = sizeof before - 1;
    for (size_t i = 0; i < N_MALFORMED; i++) {
        char s[32];
        memcpy(s, before, lead);
        memcpy(s + lead, malformed[i].bytes, malformed[i].len);
        assert_int_equal(utf8_valid(s, lead + malformed[i].len), lead);
    }
    assert_int_equal(utf8_valid(before, lead), lead);
    assert_int_equal(utf8_valid("", 0), 0);
}

static void test_nul_is_malformed_but_real_fffd_is_not(void **state)
{
    (void)state;
    assert_int_equal(utf8_valid("ab\0cd", 5), 2);
    assert_int_equal(utf8_valid("\xef\xbf\xbd", 3), 3);
    uint32_t cp = 1;
    const char nul[1] = { 0 };
    assert_int_equal(utf8_decode(nul, nul + 1, &cp), 1);
    assert_int_equal(cp, 0);
}

/* Every code point there is, there and back. */
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110010; cp++) {
        char out[4];
        uint32_t back = 1;
        int n = utf8_encode(cp, out);
        bool real = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
        int expected = !real ? 3 : cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
        if (n != expected || utf8_decode(out, out + n, &back) != n ||
            back != (real ? cp : 0xfffd)) {
            fail_msg("U+%04X", cp);
        }
    }
    char out[4];
    assert_int_equal(utf8_encode(UINT32_MAX, out), 3);
}

static void test_floor_in_valid_text(void **state)
{
    (void)state;
    static const char s[] = "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z";
    static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
    for (size_t pos = 0; pos < sizeof expected / sizeof *expected; pos++) {
        assert_int_equal(utf8_floor(s, 11, pos), expected[pos]);
    }
    assert_int_equal(utf8_floor(s, 11, SIZE_MAX), 11);
    assert_int_equal(utf8_floor("", 0, 0), 0);
}

/* In any bytes at all, floor and decode agree on where characters start. */
static void test_floor_agrees_with_decode(void **state)
{
    (void)state;
    static const unsigned char alphabet[] = { 'a',  0x80, 0xbf, 0xc3, 0xe6, 0x97,
                                              0xa5, 0xf0, 0x9f, 0xed, 0xf4, 0xff };
    uint32_t seed = 12345;
    for (int round = 0; round < 20000; round++) {
        char s[12];
        for (size_t i = 0; i < sizeof s; i++) {
            seed = seed * 1664525u + 1013904223u;
            s[i] = (char)alphabet[(seed >> 16) % sizeof alphabet];
        }
        size_t start = 0, count = 0;
        while (start < sizeof s) {
            uint32_t cp;
            size_t n = (size_t)utf8_decode(s + start, s + sizeof s, &cp);
            for (size_t pos = start; pos < start + n; pos++) {
                assert_int_equal(utf8_floor(s, sizeof s, pos), start);
            }
            start += n;
            count++;
        }
        assert_int_equal(start, sizeof s);
        assert_int_equal(utf8_count(s, sizeof s), count);
    }
}

static void test_count(void **state)
{
    (void)state;
    assert_int_equal(utf8_count("", 0), 0);
    assert_int_equal(utf8_count("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z", 11), 5);
    assert_int_equal(utf8_count("\xff\xe6\x97", 3), 3);
}

/* Fold a whole string into out and compare it with another spelling. */
static void fold_all(const char *s, char *out)
{
    const char *end = s + strlen(s);
    while (s < end) {
        uint32_t cp, folded[4];
        s += utf8_decode(s, end, &cp);
        int n = utf8_fold(cp, folded);
        for (int i = 0; i < n; i++) {
            out += utf8_encode(folded[i], out);
        }
    }
    *out = '\0';
}

static void test_spellings_that_fold_alike(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "Caf\xc3\xa9 CAFE\xcc\x81", "cafe cafe" },
        { "\xc3\x85ngstr\xc3\xb6m", "angstrom" },
        { "Stra\xc3\x9f"
          "e",
          "strasse" },
        { "\xef\xac\x81ne \xef\xac\x83x", "fine ffix" }, /* ligatures */
        { "\xef\xbc\xa1\xef\xbc\x92", "a2" },            /* full width */
        { "\xc2\xa0", " " },                             /* no-break space */
        { "co\xc2\xad"
          "op\xe2\x80\x8b\xef\xbb\xbf",
          "coop" },                                                 /* ignorables */
        { "\xce\xa3\xcf\x83\xcf\x82", "\xcf\x83\xcf\x83\xcf\x83" }, /* sigmas */
        { "\xc4\xb0stanbul", "istanbul" },
        { "m\xc2\xb2", "m2" },
        { "\xd7\xa9\xd6\xb8\xd7\x9c", "\xd7\xa9\xd7\x9c" }, /* Hebrew points */
        { "\xd0\x81", "\xd0\xb5" },                         /* Cyrillic io */
        { "\xf0\x9d\x90\x80", "a" },                        /* mathematical A */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char out[200];
        fold_all(pairs[i][0], out);
        assert_string_equal(out, pairs[i][1]);
    }
}

static void test_letters_that_stay_apart(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "\xe3\x81\x8c", "\xe3\x81\x8b" },                         /* ga, ka */
        { "\xe0\xa4\x95\xe0\xa4\xbf", "\xe0\xa4\x95\xe0\xa4\xbe" }, /* ki, kaa */
        { "\xe2\x89\xa0", "=" },                                    /* unequal, equal */
        { "\xe0\xb8\x81\xe0\xb9\x88", "\xe0\xb8\x81" },             /* Thai tone */
        { "\xef\xb7\xba", "\xef\xb7\xbb" },                         /* whole phrases */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char a[200], b[200];
        fold_all(pairs[i][0], a);
        fold_all(pairs[i][1], b);
        assert_string_not_equal(a, b);
    }
}

static void test_composed_and_decomposed_agree(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "\xe3\x81\x8c", "\xe3\x81\x8b\xe3\x82\x99" }, /* ga in two spellings */
        { "\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" }, /* Hangul */
        { "\xe1\xba\xbf", "e\xcc\x82\xcc\x81" },                    /* Vietnamese */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char a[200], b[200];
        fold_all(pairs[i][0], a);
        fold_all(pairs[i][1], b);
        assert_string_equal(a, b);
    }
}

static void test_fold_is_total_and_stable(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110010; cp++) {
        uint32_t out[5] = { 0, 0, 0, 0, 0x5afe }, again[4];
        int n = utf8_fold(cp, out);
        if (n < 0 || n > 4 || out[4] != 0x5afe) {
            fail_msg("U+%04X folds to %d", cp, n);
        }
        for (int i = 0; i < n; i++) {
            if (utf8_fold(out[i], again) != 1 || again[0] != out[i]) {
                fail_msg("U+%04X folds again", cp);
            }
        }
    }
    uint32_t out[4];
    assert_int_equal(utf8_fold(UINT32_MAX, out), 1);
}

static void test_classes(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        '0',   '9',    'a',    'z',  'A',    'Z',     0xe9,
        0x301, 0x65e5, 0x0669, 0xb2, 0x2167, 0x1d400, 0x93f
    };
    static const uint32_t spaces[] = { ' ',  '\t', '\n',   '\v',   '\f',   '\r',
                                       0x85, 0xa0, 0x2003, 0x2028, 0x2029, 0x3000 };
    static const uint32_t neither[] = { 0,      0x08,   0x0e,   0x1f,     '/',
                                        ':',    '@',    '[',    '`',      '{',
                                        '_',    '-',    0x7f,   0x200b,   0x2019,
                                        0x20ac, 0xfeff, 0xfffd, 0x110000, UINT32_MAX };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_true(utf8_is_word(words[i]) && !utf8_is_space(words[i]));
    }
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        assert_true(utf8_is_space(spaces[i]) && !utf8_is_word(spaces[i]));
    }
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++) {
        assert_false(utf8_is_word(neither[i]) || utf8_is_space(neither[i]));
    }
    assert_true(utf8_is_zero_width(0x200b) && utf8_is_zero_width(0xfeff));
    assert_false(utf8_is_zero_width(' ') || utf8_is_zero_width(0x200e));
}

/* Every byte, at every place of two words and a rest. */
static void test_plain_ends_before_any_other_byte(void **state)
{
    (void)state;
    char text[20];
    for (int byte = 0; byte < 256; byte++) {
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, at % 2 ? ' ' : '~', sizeof text);
            text[at] = (char)byte;
            size_t expected = plain ? sizeof text : at;
            assert_int_equal(utf8_plain(text, sizeof text), expected);
        }
    }
    assert_int_equal(utf8_plain("", 0), 0);
}

static void test_stepping_back(void **state)
{
    (void)state;
    static const char text[] = "a\xe2\x82\xac\xff";
    uint32_t cp = 0;
    assert_int_equal(utf8_before(text, 5, &cp), 1);
    assert_int_equal(cp, 0xfffd);
    assert_int_equal(utf8_before(text, 4, &cp), 3);
    assert_true(utf8_is_currency(cp) && utf8_is_currency('$'));
    assert_int_equal(utf8_before(text, 1, &cp), 1);
    assert_false(utf8_is_currency(cp) || utf8_is_currency(0x9577));
    assert_int_equal(utf8_before(text, 0, &cp), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed_first_byte_stands_alone),
        cmocka_unit_test(test_valid_stops_at_the_malformed_byte),
        cmocka_unit_test(test_nul_is_malformed_but_real_fffd_is_not),
        cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_floor_in_valid_text),
        cmocka_unit_test(test_floor_agrees_with_decode),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_spellings_that_fold_alike),
        cmocka_unit_test(test_letters_that_stay_apart),
        cmocka_unit_test(test_composed_and_decomposed_agree),
        cmocka_unit_test(test_fold_is_total_and_stable),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_plain_ends_before_any_other_byte),
        cmocka_unit_test(test_stepping_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
