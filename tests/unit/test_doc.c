/* test_doc.c - documents, spans and the set. */
#include "base/mem.h"
#include "flow/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct doc *make(const char *text)
{
    return doc_new("name", DOC_TEXT, mem_strdup(text), strlen(text));
}

static void test_ids(void **state)
{
    (void)state;
    struct doc_set set;
    doc_set_init(&set);
    for (int i = 1; i <= 100; i++) {
        char id[16];
        doc_set_take(&set, make("abc"));
        snprintf(id, sizeof id, "d%d", i);
        assert_string_equal(set.docs[i - 1]->id, id);
    }
    assert_int_equal(set.text_bytes, 300);
    assert_string_equal(doc_kind_name(DOC_MARKDOWN), "markdown");
    doc_set_release(&set);
    assert_int_equal(set.n_docs, 0);
}

static void add(struct doc *doc, enum span_kind kind, int number, size_t start,
                size_t end)
{
    doc_add_span(doc, (struct span){ kind, number, start, end });
}

static void test_places(void **state)
{
    (void)state;
    struct doc *doc = make("0123456789012345678901234567890123456789");
    assert_int_equal(doc_page_at(doc, 3), 0);
    assert_null(doc_heading_at(doc, 3));
    add(doc, SPAN_PAGE, 2, 10, 30);
    add(doc, SPAN_TABLE_ROW, 0, 12, 14);
    add(doc, SPAN_HEADING, 2, 20, 25);
    add(doc, SPAN_PAGE, 1, 0, 10);
    add(doc, SPAN_HEADING, 1, 5, 8);
    add(doc, SPAN_PAGE, 3, 30, 40);
    doc_sort_spans(doc);
    for (size_t i = 1; i < doc->n_spans; i++) {
        assert_true(doc->spans[i - 1].start <= doc->spans[i].start);
    }
    assert_int_equal(doc_page_at(doc, 0), 1);
    assert_int_equal(doc_page_at(doc, 9), 1);
    assert_int_equal(doc_page_at(doc, 10), 2);
    assert_int_equal(doc_page_at(doc, 40), 3);
    assert_null(doc_heading_at(doc, 4));
    assert_int_equal(doc_heading_at(doc, 5)->number, 1);
    assert_int_equal(doc_heading_at(doc, 19)->number, 1);
    assert_int_equal(doc_heading_at(doc, 39)->number, 2);
    doc_free(doc);
}

/* Sorting twice must not lose or leak the index. */
static void test_sorting_again(void **state)
{
    (void)state;
    struct doc *doc = make("0123456789");
    doc_sort_spans(doc);
    add(doc, SPAN_PAGE, 1, 0, 10);
    doc_sort_spans(doc);
    doc_sort_spans(doc);
    assert_int_equal(doc_page_at(doc, 5), 1);
    doc_free(doc);
    doc_free(NULL);
}

/* Equal texts have equal hashes, whatever they are called. */
static void test_content(void **state)
{
    (void)state;
    struct doc_set set;
    doc_set_init(&set);
    doc_set_take(&set, make("one text"));
    doc_set_take(&set, make("one text"));
    doc_set_take(&set, make("one texts"));
    assert_string_equal(set.docs[0]->content, "");
    doc_set_hash(&set);
    assert_int_equal(strlen(set.docs[0]->content), DOC_CONTENT_CHARS);
    assert_string_equal(set.docs[0]->content, set.docs[1]->content);
    assert_string_not_equal(set.docs[0]->content, set.docs[2]->content);
    doc_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_sorting_again),
        cmocka_unit_test(test_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
