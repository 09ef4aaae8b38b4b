/* test_meaning.c - vectors of chunks, and how near a question is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "desk.h"
#include "jobs/meaning.h"
#include "toy_embedder.h"

#include <math.h>
#include <string.h>

static const char *const docs[] = {
    "The garden has roses.\n\nThe budget was 5.\n\nThe cat sleeps.\n\nNothing here.",
    "The dog cost 7 dollars.", NULL
};
enum { CHUNKS = 5 };

static void test_styles(void **state)
{
    (void)state;
    static const struct {
        const char *name, *question, *passage;
    } cases[] = {
        { "all-MiniLM-L6-v2 minilm (in process)", "", "" },
        { "Multilingual E5 Small", "query: ", "passage: " },
        { "e5-base-v2.Q8_0", "query: ", "passage: " },
        { "multilingual-e5-large-instruct", "", "" },
        { "nomic-embed-text-v1.5", "search_query: ", "search_document: " },
        { "bge-small-en-v1.5",
          "Represent this sentence for searching relevant passages: ", "" },
        { "bge-m3", "", "" },
        { "base5-small", "", "" },
        { "", "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct meaning_style got = meaning_style_of(cases[i].name);
        assert_string_equal(got.question, cases[i].question);
        assert_string_equal(got.passage, cases[i].passage);
    }
}

static void init(struct meaning *m, struct toy_embedder *e, struct desk *d,
                 const char *name)
{
    desk_init(d, docs, DESK_SERVER, "");
    toy_embedder_init(e);
    assert_int_equal(d->chunks.n, CHUNKS);
    assert_int_equal(
        meaning_init(m, &e->llm, meaning_style_of(name), d->chunks.n, &d->err), 0);
}

static void release(struct meaning *m, struct desk *d)
{
    meaning_release(m);
    desk_release(d);
}

static void test_near(void **state)
{
    (void)state;
    struct meaning m;
    struct toy_embedder e;
    struct desk d;
    double near[CHUNKS];
    const char *const texts[] = { "What was spent", "on the pet?" };
    init(&m, &e, &d, "toy");
    assert_int_equal(meaning_read(&m, &d.set, &d.chunks, 0, CHUNKS, NULL, &d.err), 0);
    assert_int_equal(e.texts, CHUNKS);
    assert_int_equal(meaning_near(&m, texts, 2, NULL, near, &d.err), 0);
    assert_string_equal(e.last, "What was spent on the pet?");
    const double want[CHUNKS] = { 0, sqrt(0.5), sqrt(0.5), 0, 1 };
    for (size_t i = 0; i < CHUNKS; i++) assert_true(fabs(near[i] - want[i]) < 1e-6);
    release(&m, &d);
}

static void test_what_stands_in_front(void **state)
{
    (void)state;
    struct meaning m;
    struct toy_embedder e;
    struct desk d;
    double near[CHUNKS];
    const char *const text = "Who?";
    init(&m, &e, &d, "nomic-embed-text");
    assert_int_equal(meaning_read(&m, &d.set, &d.chunks, 4, 5, NULL, &d.err), 0);
    assert_string_equal(e.last, "search_document: The dog cost 7 dollars.");
    assert_true(m.vectors[4 * TOY_WIDTH] > 0 && m.vectors[3 * TOY_WIDTH] == 0);
    assert_int_equal(meaning_near(&m, &text, 1, NULL, near, &d.err), 0);
    assert_string_equal(e.last, "search_query: Who?");
    release(&m, &d);
}

static void test_errors(void **state)
{
    (void)state;
    struct meaning m, unmade = { .model = NULL };
    struct toy_embedder e;
    struct desk d;
    init(&m, &e, &d, "toy");
    e.cancel_at = 1;
    assert_int_equal(meaning_read(&m, &d.set, &d.chunks, 0, CHUNKS, NULL, &d.err),
                     LW_CANCELLED);
    struct cancel cancel;
    const char *const text = "Who?";
    double near[CHUNKS];
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    assert_int_equal(meaning_near(&m, &text, 1, &cancel, near, &d.err), LW_CANCELLED);
    struct meaning_style style = meaning_style_of("toy");
    assert_int_equal(meaning_init(&unmade, &e.llm, style, LIMIT_VECTOR_BYTES, &d.err),
                     LW_ERR_INPUT);
    assert_non_null(strstr(d.err.message, "too many"));
    meaning_release(&unmade);
    release(&m, &d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_what_stands_in_front),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
