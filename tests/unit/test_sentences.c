/* test_sentences.c - the case files, and what must hold of any text. */
#include "cases.h"
#include "documents.h"

#include "base/buf.h"
#include "text/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct collector {
    const char *text;
    struct buf out;
};

static void collect(void *user, size_t start, size_t end)
{
    struct collector *c = user;
    char *line = case_escape(c->text + start, end - start);
    buf_addf(&c->out, "%s\n", line);
    free(line);
}

static void check_case(const struct test_case *c)
{
    struct collector collector = { .text = case_need(c, "input") };
    buf_init(&collector.out, 1 << 20);
    quote_sentences(collector.text, strlen(collector.text), collect, &collector);
    case_equal(c, "output", collector.out.data, collector.out.len);
    buf_release(&collector.out);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/sentences", check_case);
}

struct checker {
    const char *text;
    size_t len, before;
};

static void check_order(void *user, size_t start, size_t end)
{
    struct checker *c = user;
    assert_true(c->before <= start && start < end && end <= c->len);
    assert_null(strchr(" \n\t\f", c->text[start]));
    assert_null(strchr(" \n\t\f", c->text[end - 1]));
    for (size_t i = c->before; i < start; i++) { /* nothing is lost between */
        assert_non_null(strchr(" \n\t\f", c->text[i]));
    }
    c->before = end;
}

/* Sentences are in order, trimmed, and hold every byte that is no blank. */
static void test_random_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {
        ".",    "!",  "?",   " ",    " ",      "\n", "\n", "\n\n", "\t",  "\f",
        "A",    "b",  "The", "Dr",   "No",     "3",  "12", "(",    ")",   "[",
        "]",    "\"", "’",   "。",   "？",     "」", "日", "- ",   "1. ", "# ",
        "    ", "|",  " | ", "word", "Item 1", ",",  ":",  "e.g",  "U.S", "é",
    };
    struct documents_random random = { .state = 3 };
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int round = 0; round < 5000; round++) {
        documents_random_text(&random, parts, sizeof parts / sizeof *parts, 50, &text);
        struct checker c = { .len = text.len };
        char *exact = malloc(c.len + 1); /* a sanitizer sees what reads past it */
        assert_non_null(exact);
        memcpy(exact + 1, text.data, c.len);
        c.text = exact + 1;
        quote_sentences(c.text, c.len, check_order, &c);
        assert_int_equal(strspn(text.data + c.before, " \n\t\f"), c.len - c.before);
        free(exact);
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
