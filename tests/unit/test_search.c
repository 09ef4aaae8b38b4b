/* test_search.c - which chunks come first for which words. */
#include "documents.h"

#include "base/buf.h"
#include "text/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNKS_MAX = 64 };

/* Each line a document and a chunk of its own. */
struct world {
    struct doc_set set;
    struct chunk_list list;
    struct search *search;
    double score[CHUNKS_MAX];
};

static void world_init(struct world *w, const char *const *lines, size_t n)
{
    *w = (struct world){ .search = NULL };
    doc_set_init(&w->set);
    for (size_t i = 0; i < n; i++) {
        int doc = documents_add(&w->set, DOC_TEXT, lines[i], strlen(lines[i]));
        chunk_list_add(&w->list, (struct chunk){ .doc = doc, .end = strlen(lines[i]) });
    }
    assert_int_equal(search_open(&w->search, &w->set, &w->list, NULL), 0);
}

static void world_release(struct world *w)
{
    search_close(w->search);
    chunk_list_release(&w->list);
    doc_set_release(&w->set);
}

static void rank(struct world *w, const char *query)
{
    for (size_t i = 0; i < CHUNKS_MAX; i++) w->score[i] = -1;
    search_rank(w->search, &query, 1, w->score);
    for (size_t i = 0; i < w->list.n; i++) assert_true(w->score[i] >= 0);
}

/* The best chunk is this one, and nothing else scores if `alone`. */
static void check_best(struct world *w, const char *query, size_t want)
{
    rank(w, query);
    for (size_t i = 0; i < w->list.n; i++) {
        if (i != want && w->score[i] >= w->score[want]) {
            fail_msg("\"%s\": chunk %zu scores %g, chunk %zu %g", query, i, w->score[i],
                     want, w->score[want]);
        }
    }
}

static void check_none(struct world *w, const char *query)
{
    rank(w, query);
    for (size_t i = 0; i < w->list.n; i++) assert_true(w->score[i] == 0);
}

static const char *const lines[] = {
    "The quick brown fox jumps over the lazy dog.",
    "Revenues increased by 1,234 million dollars.",
    "Größere Häuser in Zürich and a café.",
    "東京の人口は約千四百万人です。",
    "The contract NEAR ends AND starts \"quoted\" words:column*",
    "ประเทศไทยมีประชากรมาก",
    "Nothing of note here.",
};

static void test_words(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, lines, sizeof lines / sizeof *lines);
    check_best(&w, "fox", 0);
    check_best(&w, "Did the FOXES jump?", 0);
    check_best(&w, "revenue increases", 1);
    check_best(&w, "1,234", 1);
    check_best(&w, "ZURICH", 2);
    check_best(&w, "grossere hauser", 2);
    check_best(&w, "cafe", 2);
    check_none(&w, "zebra");
    check_none(&w, "");
    check_none(&w, "?!");
    world_release(&w);
}

static void test_scripts_without_spaces(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, lines, sizeof lines / sizeof *lines);
    check_best(&w, "人口", 3);
    check_best(&w, "東京の人口は？", 3);
    check_best(&w, "約", 3);
    check_best(&w, "ประชากร", 5);
    check_none(&w, "大阪");
    world_release(&w);
}

/* A word of the query that is several tokens is found as a whole only. */
static void test_words_of_several_tokens(void **state)
{
    (void)state;
    static const char *const versions[] = {
        "Release 3.5 was the first.",
        "Release 5.3 was the third, 3 days after the 5th.",
        "Release 5.3.5 and 3.5 and 3.5 again.",
        "Nothing of note here.",
        "Nor here.",
    };
    struct world w;
    world_init(&w, versions, sizeof versions / sizeof *versions);
    check_best(&w, "3.5", 2);
    assert_true(w.score[0] > 0 && w.score[1] == 0 && w.score[3] == 0);
    assert_true(search_knows(w.search, "5.3", 3));
    world_release(&w);
}

/* Nothing in a query is syntax. */
static void test_query_is_only_words(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "\"",
        "AND",
        "a OR",
        "NOT",
        "(",
        "column:",
        "words:fox*",
        "NEAR(a b, 3)",
        "^fox",
        "{a b}: c",
        "-",
        "'; DROP TABLE chunks; --",
        "fox\" OR \"dog",
        "*",
        "+fox",
        "\xff\xfe",
    };
    struct world w;
    world_init(&w, lines, sizeof lines / sizeof *lines);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) rank(&w, queries[i]);
    check_best(&w, "words:column*", 4);
    world_release(&w);
}

static void test_function_words_count_when_alone(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, lines, sizeof lines / sizeof *lines);
    rank(&w, "over the");
    assert_true(w.score[0] > 0);
    check_best(&w, "what is the fox", 0);
    assert_true(w.score[4] == 0); /* "the" alone is no match here */
    world_release(&w);
}

static void test_several_texts(void **state)
{
    (void)state;
    static const char *const texts[] = { "lazy", "fox", "lazy dog" };
    struct world w;
    world_init(&w, lines, sizeof lines / sizeof *lines);
    search_rank(w.search, texts, 3, w.score);
    assert_true(w.score[0] > 0 && w.score[1] == 0);
    search_rank(w.search, NULL, 0, w.score);
    assert_true(w.score[0] == 0);
    world_release(&w);
}

static void test_long_query(void **state)
{
    (void)state;
    struct world w;
    struct buf query;
    buf_init(&query, 1 << 20);
    buf_add_str(&query, "fox");
    for (int i = 0; i < 9000; i++) buf_addf(&query, " w%d", i);
    world_init(&w, lines, sizeof lines / sizeof *lines);
    check_best(&w, query.data, 0);
    world_release(&w);
    buf_release(&query);
}

static void test_no_chunks(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, NULL, 0);
    rank(&w, "fox");
    world_release(&w);
    search_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_scripts_without_spaces),
        cmocka_unit_test(test_words_of_several_tokens),
        cmocka_unit_test(test_query_is_only_words),
        cmocka_unit_test(test_function_words_count_when_alone),
        cmocka_unit_test(test_several_texts),
        cmocka_unit_test(test_long_query),
        cmocka_unit_test(test_no_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
