/* test_chunker.c - the case files, and the promises for any text: chunks tile
 * the document, none counts more than the maximum, cutting twice gives the
 * same, and the counter is asked about once a chunk. */
#include "cases.h"
#include "documents.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/chunker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Counters --------------------------------------------------------------- */

struct counter {
    int n_calls;
    double tokens_per_byte;
};

static int count_bytes(void *user, const char *text, size_t len)
{
    struct counter *c = user;
    (void)text;
    c->n_calls++;
    return (int)((double)len * c->tokens_per_byte + 0.999);
}

/* --- Cases ------------------------------------------------------------------ */

static void check_case(const struct test_case *c)
{
    struct doc_set set;
    struct chunk_list list = { .n = 0 };
    struct buf out;
    size_t len;
    char *input = case_unescape(case_need(c, "input"), &len);
    struct counter counter = { .tokens_per_byte = 1 };
    struct chunk_options opt = {
        .tokens_target = (int)case_number(c, "target", 0),
        .tokens_max = (int)case_number(c, "max", 0),
        .count_tokens = count_bytes,
        .user = &counter,
    };
    doc_set_init(&set);
    buf_init(&out, 1 << 20);
    int doc = documents_add(&set, documents_kind(case_need(c, "kind")), input, len);
    assert_int_equal(chunk_document(&set, doc, &opt, &list, NULL), 0);
    for (size_t i = 0; i < list.n; i++) {
        const char *text = set.docs[doc]->text + list.items[i].start;
        char *line = case_escape(text, list.items[i].end - list.items[i].start);
        buf_addf(&out, "%s\n", line);
        free(line);
    }
    case_equal(c, "output", out.data, out.len);
    buf_release(&out);
    chunk_list_release(&list);
    doc_set_release(&set);
    free(input);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/chunker", check_case);
}

/* --- Promises --------------------------------------------------------------- */

static void check_tiling(const struct doc_set *set, int doc,
                         const struct chunk_list *list, int max)
{
    size_t pos = 0;
    const struct doc *d = set->docs[doc];
    for (size_t i = 0; i < list->n; i++) {
        const struct chunk *c = &list->items[i];
        assert_int_equal(c->doc, doc);
        assert_int_equal(c->start, pos);
        assert_true(c->end > c->start);
        assert_true(c->n_tokens <= max);
        assert_int_equal(utf8_floor(d->text, d->len, c->end), c->end);
        assert_int_equal(c->page_first, doc_page_at(d, c->start));
        assert_int_equal(c->page_last, doc_page_at(d, c->end - 1));
        pos = c->end;
    }
    assert_int_equal(pos, d->len);
}

static void chunk(const struct doc_set *set, int doc, int target, int max,
                  struct counter *counter, struct chunk_list *list)
{
    struct chunk_options opt = { .tokens_target = target,
                                 .tokens_max = max,
                                 .count_tokens = counter ? count_bytes : NULL,
                                 .user = counter };
    assert_int_equal(chunk_document(set, doc, &opt, list, NULL), 0);
}

static void check_document(enum doc_kind kind, const char *text, size_t len,
                           struct documents_random *random)
{
    struct doc_set set;
    struct chunk_list a = { .n = 0 }, b = { .n = 0 };
    struct counter counter = { .tokens_per_byte =
                                   0.05 + documents_random(random, 200) / 100. };
    int max = 10 + (int)documents_random(random, 60);
    int target = 1 + (int)documents_random(random, (unsigned)max);
    bool estimate = documents_random(random, 4) == 0;
    doc_set_init(&set);
    int doc = documents_add(&set, kind, text, len);
    chunk(&set, doc, target, max, estimate ? NULL : &counter, &a);
    chunk(&set, doc, target, max, estimate ? NULL : &counter, &b);
    check_tiling(&set, doc, &a, max);
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++) assert_int_equal(a.items[i].end, b.items[i].end);
    chunk_list_release(&a);
    chunk_list_release(&b);
    doc_set_release(&set);
}

static void test_random_documents(void **state)
{
    (void)state;
    static const char *const parts[] = {
        " ",
        " ",
        "\n",
        "\n\n",
        "\f",
        "word ",
        "Sentence one. ",
        "Another! ",
        "- item\n",
        "# H\n",
        "## H\n",
        "| a | b |\n",
        "```\n",
        "    code\n",
        "int f(void)\n{\n",
        "}\n\n",
        "日本語。",
        "é",
        "\xf0\x9f\x98\x80",
        "a\xcc\x81",
        "1,000 ",
        "TITLE\n",
        "x\ty\n",
        "\n1. first\n",
        "verylongwordwithoutanyblankinit",
        "===\n",
    };
    static const enum doc_kind kinds[] = { DOC_TEXT, DOC_MARKDOWN, DOC_CODE };
    struct documents_random random = { .state = 11 };
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int round = 0; round < 4000; round++) {
        documents_random_text(&random, parts, sizeof parts / sizeof *parts, 110, &text);
        check_document(kinds[round % 3], text.data, text.len, &random);
    }
    buf_release(&text);
}

static void test_empty_document(void **state)
{
    (void)state;
    struct doc_set set;
    struct chunk_list list = { .n = 0 };
    doc_set_init(&set);
    chunk(&set, documents_add(&set, DOC_TEXT, "", 0), 10, 20, NULL, &list);
    assert_int_equal(list.n, 0);
    doc_set_release(&set);
}

/* Prose of n sentences; malloc'ed. */
static char *make_prose(size_t n, size_t *len)
{
    static const char sentence[] = "The committee met again and found nothing new. ";
    *len = n * (sizeof sentence - 1);
    char *text = malloc(*len + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * (sizeof sentence - 1), sentence, sizeof sentence);
        if (i % 7 == 6) text[(i + 1) * (sizeof sentence - 1) - 1] = '\n';
    }
    return text;
}

static void test_few_counts(void **state)
{
    (void)state;
    struct doc_set set;
    struct chunk_list list = { .n = 0 };
    struct counter counter = { .tokens_per_byte = 0.4 }; /* more than is guessed */
    size_t len;
    char *text = make_prose(8000, &len);
    doc_set_init(&set);
    chunk(&set, documents_add(&set, DOC_TEXT, text, len), 300, 400, &counter, &list);
    assert_true(counter.n_calls <= (int)list.n + (int)list.n / 10 + 4);
    double mean = (double)len * counter.tokens_per_byte / (double)list.n;
    assert_true(mean > 220 && mean < 400);
    chunk_list_release(&list);
    doc_set_release(&set);
    free(text);
}

/* One line of a megabyte, without and with blanks: no cut may read it all. */
static void test_one_long_line(void **state)
{
    (void)state;
    size_t len = 1000 * 1000;
    char *text = malloc(len);
    assert_non_null(text);
    for (int blanks = 0; blanks < 2; blanks++) {
        struct doc_set set;
        struct chunk_list list = { .n = 0 };
        memset(text, 'x', len);
        for (size_t i = 5; blanks && i < len; i += 6) text[i] = ' ';
        doc_set_init(&set);
        int doc = documents_add(&set, DOC_TEXT, text, len);
        chunk(&set, doc, 300, 400, NULL, &list);
        check_tiling(&set, doc, &list, 400);
        chunk_list_release(&list);
        doc_set_release(&set);
    }
    free(text);
}

static int count_much(void *user, const char *text, size_t len)
{
    (void)user;
    (void)text;
    return (int)len * 100;
}

static void test_character_too_large(void **state)
{
    (void)state;
    struct doc_set set;
    struct chunk_list list = { .n = 0 };
    struct lw_error err;
    struct chunk_options opt = { .tokens_target = 50,
                                 .tokens_max = 50,
                                 .count_tokens = count_much };
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, "some words here", 15);
    assert_int_equal(chunk_document(&set, 0, &opt, &list, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "counts 100 tokens"));
    chunk_list_release(&list);
    doc_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),          cmocka_unit_test(test_random_documents),
        cmocka_unit_test(test_empty_document), cmocka_unit_test(test_few_counts),
        cmocka_unit_test(test_one_long_line),  cmocka_unit_test(test_character_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
