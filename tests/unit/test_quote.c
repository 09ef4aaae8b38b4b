/* test_quote.c - the case files; that what is chosen is a piece of the source;
 * and that quotes of changed texts map back to the bytes they came from. */
#include "cases.h"
#include "documents.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "text/quote.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Cases ------------------------------------------------------------------- */

static void check_chosen(const struct test_case *c, const struct doc_set *set)
{
    const struct doc *doc = set->docs[0];
    struct chunk chunk = { .doc = 0, .start = 0, .end = doc->len };
    double overlap;
    struct quote q = quote_choose(set, &chunk, case_need(c, "answer"),
                                  case_text(c, "question"), &overlap);
    char *got = case_escape(doc->text + q.start, q.end - q.start);
    case_equal(c, "chosen", got, strlen(got));
    if (q.match != QUOTE_EXACT) case_fail(c, "the quote is not exact");
    free(got);
}

static void check_found(const struct test_case *c, const struct doc_set *set)
{
    static const char *const names[] = { "none", "folded", "exact" };
    const struct doc *doc = set->docs[0];
    char *needle = case_unescape(case_need(c, "needle"), NULL);
    struct quote q = quote_find(set, 0, 0, doc->len, needle);
    case_equal(c, "match", names[q.match], strlen(names[q.match]));
    if (case_text(c, "found")) {
        size_t len;
        char *want = case_unescape(case_text(c, "found"), &len);
        if (len != q.end - q.start || memcmp(want, doc->text + q.start, len) != 0) {
            case_fail(c, "found \"%.*s\"", (int)(q.end - q.start), doc->text + q.start);
        }
        free(want);
    }
    free(needle);
}

static void check_supported(const struct test_case *c, const struct doc_set *set)
{
    bool ok;
    char share[16];
    const struct doc *doc = set->docs[0];
    double s = quote_supports(case_need(c, "value"), doc->text, doc->len, &ok);
    snprintf(share, sizeof share, "%.0f", 100 * s);
    case_equal(c, "share", share, strlen(share));
    case_equal(c, "numbers", ok ? "ok" : "missing", ok ? 2 : 7);
}

static void check_case(const struct test_case *c)
{
    struct doc_set set;
    size_t len;
    char *text = case_unescape(case_need(c, "text"), &len);
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, text, len);
    if (case_text(c, "answer")) check_chosen(c, &set);
    if (case_text(c, "needle")) check_found(c, &set);
    if (case_text(c, "value")) check_supported(c, &set);
    doc_set_release(&set);
    free(text);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/quote", check_case);
}

/* A program that shows its user 12,5 reads numbers no other way. */
static void test_decimal_comma(void **state)
{
    (void)state;
    static const char text[] = "It paid 12.9 million, then 3,200,000.";
    const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8" };
    const char *is = NULL;
    for (size_t i = 0; !is && i < sizeof names / sizeof *names; i++) {
        is = setlocale(LC_NUMERIC, names[i]);
    }
    if (!is) skip();
    bool wrong = quote_is_supported("12.5 million", text, sizeof text - 1);
    bool right = quote_is_supported("12.9 million", text, sizeof text - 1) &&
                 quote_is_supported("3.2 million", text, sizeof text - 1);
    setlocale(LC_NUMERIC, "C");
    assert_true(right && !wrong);
}

/* --- Choosing ----------------------------------------------------------------- */

static struct quote choose(const char *text, const char *answer, double *overlap)
{
    struct doc_set set;
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, text, strlen(text));
    struct chunk chunk = { .doc = 0, .start = 0, .end = set.docs[0]->len };
    struct quote q = quote_choose(&set, &chunk, answer, NULL, overlap);
    doc_set_release(&set);
    return q;
}

static void test_overlap(void **state)
{
    (void)state;
    double overlap;
    choose("One apple here. Two pears there.", "two pears", &overlap);
    assert_true(overlap > 0.99);
    choose("One apple here. Two pears there.", "plums", &overlap);
    assert_true(overlap == 0);
    choose("One apple here. Two pears there.", "", &overlap);
    assert_true(overlap == 0);
}

static void test_blank_chunk(void **state)
{
    (void)state;
    double overlap = 1;
    struct quote q = choose(" \n \f\n", "answer", &overlap);
    assert_int_equal(q.match, QUOTE_NONE);
    assert_true(q.start == q.end && overlap == 0);
}

/* Only the chunk is looked at, and offsets are the document's. */
static void test_offsets(void **state)
{
    (void)state;
    static const char text[] = "Ten pears. Ten apples. Ten plums. Ten apples more.";
    struct doc_set set;
    double overlap;
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, text, sizeof text - 1);
    struct chunk chunk = { .doc = 0, .start = 23, .end = sizeof text - 1 };
    struct quote q = quote_choose(&set, &chunk, "apples", NULL, &overlap);
    assert_int_equal(q.start, 34);
    assert_int_equal(q.end, sizeof text - 1);
    doc_set_release(&set);
}

/* A sentence of 4,000 bytes is cut at word ends around what counts. */
static void test_long_sentence(void **state)
{
    (void)state;
    struct buf text;
    double overlap;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 300; i++) {
        buf_add_str(&text, i == 250 ? "needle answer " : "some words ");
    }
    struct quote q = choose(text.data, "needle answer", &overlap);
    assert_true(q.end - q.start <= 400 && q.end - q.start > 300);
    buf_cut(&text, q.end);
    assert_non_null(strstr(text.data + q.start, "needle answer"));
    assert_true(q.start == 0 || text.data[q.start - 1] == ' ');
    assert_true(text.data[q.end - 1] != ' ');
    buf_release(&text);
}

static void test_long_without_blanks(void **state)
{
    (void)state;
    struct buf text;
    double overlap;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 200; i++) buf_add_str(&text, "日本語のとても長い文章");
    struct quote q = choose(text.data, "長い", &overlap);
    assert_true(q.end - q.start <= 400 && q.end > q.start);
    assert_int_equal(utf8_valid(text.data + q.start, q.end - q.start), q.end - q.start);
    buf_release(&text);
}

/* --- Random texts --------------------------------------------------------------- */

static const uint32_t alphabet[] = {
    'a',    'b',    'c',    'E',    'X',    '1',    '2',     ' ',     ' ',    ' ',
    '\n',   '-',    '.',    '\'',   '"',    ',',    0xe9,    0xc9,    0xdf,   0xad,
    0x301,  0x200b, 0x2019, 0x201c, 0x2013, 0x2014, 0x2212,  0xfb01,  0xfb03, 0x130,
    0x3a3,  0x3c2,  0x4e2d, 0x6587, 0x3042, 0xac00, 0x1f600, 0x1f468, 0x200d, 0xfdfa,
    0x0e01, 0x0e33, 0x05d0, 0x05b0, 0x0644, 0x064b, 0xa0,    0x2028,  0xff21, 0x2126,
};

static size_t random_text(struct documents_random *random, unsigned n, char *out)
{
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = documents_random(random, sizeof alphabet / sizeof *alphabet);
        len += (size_t)utf8_encode(alphabet[at], out + len);
    }
    out[len] = '\0';
    return len;
}

/* A piece of the text, cut at characters. */
static size_t random_piece(struct documents_random *random, const char *text, size_t len,
                           size_t *start)
{
    *start = utf8_floor(text, len, documents_random(random, (unsigned)len));
    size_t end = *start + documents_random(random, (unsigned)(len - *start) + 1);
    return utf8_floor(text, len, end) - *start;
}

/* What people and models change when they copy: case, marks, white space. */
static void mutate(struct documents_random *random, const char *piece, size_t len,
                   char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = piece[i];
        unsigned dice = documents_random(random, 4);
        if (c == ' ' && dice == 0) out[n++] = '\n';
        if (c == '\n' && dice < 2) c = ' ';
        if (c >= 'a' && c <= 'z' && dice == 0) c = (char)(c - 32);
        out[n++] = c;
    }
    out[n] = '\0';
}

/* Both foldings must agree: the text found, folded by quote_find itself as a
 * needle of its own, is found where it was found. */
static void check_match(const struct doc_set *set, const struct quote *q,
                        const char *needle)
{
    const struct doc *doc = set->docs[0];
    size_t len = q->end - q->start;
    assert_true(q->end <= doc->len && q->start <= q->end);
    assert_int_equal(utf8_floor(doc->text, doc->len, q->start), q->start);
    assert_int_equal(utf8_floor(doc->text, doc->len, q->end), q->end);
    if (q->match == QUOTE_EXACT) {
        assert_true(len <= strlen(needle));
        assert_non_null(strstr(needle, (char[]){ doc->text[q->start], '\0' }));
    }
    char *copy = strndup(doc->text + q->start, len);
    struct quote again = quote_find(set, 0, 0, doc->len, copy);
    assert_int_not_equal(again.match, QUOTE_NONE);
    free(copy);
}

static bool has_content(const char *s, size_t len)
{
    const char *end = s + len;
    while (s < end) {
        uint32_t cp;
        s += utf8_decode(s, end, &cp);
        if (utf8_is_word(cp)) return true;
    }
    return false;
}

/* The bytes are equal, but for white space at the ends of the needle. */
static bool same_bytes(const char *text, const struct quote *q, const char *needle)
{
    char *copy = strndup(text + q->start, q->end - q->start);
    bool found = strstr(needle, copy) != NULL;
    free(copy);
    return found;
}

static void test_random_unicode(void **state)
{
    (void)state;
    struct documents_random random = { .state = 19 };
    for (int round = 0; round < 10000; round++) {
        char text[512], needle[1024];
        struct doc_set set;
        size_t start, len = random_text(&random, 1 + documents_random(&random, 80), text);
        doc_set_init(&set);
        documents_add(&set, DOC_TEXT, text, len);
        const struct doc *doc = set.docs[0];
        size_t piece = random_piece(&random, doc->text, doc->len, &start);
        if (has_content(doc->text + start, piece)) {
            char *exact = strndup(doc->text + start, piece);
            struct quote q = quote_find(&set, 0, 0, doc->len, exact);
            assert_int_equal(q.match, QUOTE_EXACT);
            assert_true(same_bytes(doc->text, &q, exact));
            free(exact);
            mutate(&random, doc->text + start, piece, needle);
            q = quote_find(&set, 0, 0, doc->len, needle);
            if (q.match != QUOTE_NONE) check_match(&set, &q, needle);
        }
        doc_set_release(&set);
    }
}

/* Words with only foldable changes are always found. */
static void test_random_words(void **state)
{
    (void)state;
    static const char *const words[] = { "alpha", "Beta",  "12",  "3.5",  "naïve",
                                         "Größe", "don’t", "ﬁne", "日本", "x" };
    static const char *const gaps[] = { " ", "\n", "  ", "\n\n", "\t", " \f" };
    struct documents_random random = { .state = 23 };
    struct buf text, needle;
    buf_init(&text, 1 << 16);
    buf_init(&needle, 1 << 16);
    for (int round = 0; round < 5000; round++) {
        unsigned n = 1 + documents_random(&random, 12);
        buf_clear(&needle);
        buf_clear(&text);
        buf_add_str(&text, "start ");
        for (unsigned i = 0; i < n; i++) {
            const char *word = words[documents_random(&random, 10)];
            buf_addf(&text, "%s%s", word, gaps[documents_random(&random, 6)]);
            buf_addf(&needle, "%s%s", word, i + 1 < n ? " " : "");
        }
        buf_add_str(&text, "end");
        struct doc_set set;
        doc_set_init(&set);
        documents_add(&set, DOC_TEXT, text.data, text.len);
        struct quote q = quote_find(&set, 0, 0, set.docs[0]->len, needle.data);
        assert_int_not_equal(q.match, QUOTE_NONE);
        check_match(&set, &q, needle.data);
        doc_set_release(&set);
    }
    buf_release(&text);
    buf_release(&needle);
}

/* No fabricated quote passes: one digit, name or negation changed. */
static void test_fabricated(void **state)
{
    (void)state;
    struct documents_random random = { .state = 29 };
    for (int round = 0; round < 1000; round++) {
        char text[256], needle[256];
        unsigned a = documents_random(&random, 9000) + 1000, b;
        do {
            b = documents_random(&random, 9000) + 1000;
        } while (b == a);
        const char *name = round % 2 ? "Smith" : "Jones";
        snprintf(text, sizeof text,
                 "On day %u Dr. %s did not\nsign the well-\nknown act.", a, name);
        switch (round % 3) {
        case 0:
            snprintf(needle, sizeof needle, "day %u Dr. %s did not sign", b, name);
            break;
        case 1: snprintf(needle, sizeof needle, "day %u Dr. %s did sign", a, name); break;
        default:
            snprintf(needle, sizeof needle, "day %u Dr. Brown did not sign", a);
            break;
        }
        struct doc_set set;
        doc_set_init(&set);
        documents_add(&set, DOC_TEXT, text, strlen(text));
        assert_int_equal(quote_find(&set, 0, 0, set.docs[0]->len, needle).match,
                         QUOTE_NONE);
        doc_set_release(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_decimal_comma),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_blank_chunk),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_long_sentence),
        cmocka_unit_test(test_long_without_blanks),
        cmocka_unit_test(test_random_unicode),
        cmocka_unit_test(test_random_words),
        cmocka_unit_test(test_fabricated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
