/* test_summary.c - proto/summary.c: a whole document in a few points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"
#include "base/mem.h"
#include "proto/summary.h"

#include <stdio.h>
#include <string.h>

enum { PARTS = 20, DOC_BYTES = 8192 };

#define GISTS "when user contains \"Request:\"\nsay %s\n\n"

/* Paragraph i tells of town i; the worker repeats it, and joins as `joined` says. */
struct story {
    struct world w;
    struct buf text, script;
    const char *docs[2];
};

static void story_init(struct story *s, int parts, const char *joined, bool in_process)
{
    buf_init(&s->text, DOC_BYTES);
    buf_init(&s->script, DOC_BYTES);
    buf_addf(&s->script, GISTS, joined);
    for (int i = 1; i <= parts; i++) {
        buf_addf(&s->text, "The town of Aa%c is on day %d of the journey.\n\n", 'a' + i,
                 i);
        buf_addf(&s->script,
                 "when user contains \"Aa%c\"\nsay Aa%c is reached on day %d.\n\n",
                 'a' + i, 'a' + i, i);
    }
    s->docs[0] = s->text.data;
    s->docs[1] = NULL;
    world_init(&s->w, &(struct world_options){
                          .question = "Summarize this story",
                          .docs = s->docs,
                          .worker = s->script.data,
                          .worker_is = { .in_process = in_process },
                      });
}

static void story_release(struct story *s)
{
    world_release(&s->w);
    buf_release(&s->text);
    buf_release(&s->script);
}

static size_t points(const char *answer)
{
    return world_count(answer, "\n- ") + (strncmp(answer, "- ", 2) == 0);
}

static void test_few_parts_stay_as_they_are(void **state)
{
    (void)state;
    for (int in_process = 0; in_process <= 1; in_process++) {
        struct story s;
        story_init(&s, 3, "never asked", in_process);
        assert_int_equal(world_run(&s.w, "local"), 0);
        assert_string_equal(s.w.out.answer, "- Aab is reached on day 1. [1]\n"
                                            "- Aac is reached on day 2. [2]\n"
                                            "- Aad is reached on day 3. [3]");
        assert_int_equal(s.w.out.status, FINAL_ANSWERED);
        assert_int_equal(s.w.out.coverage.found, 3);
        /* Nobody screens: a request a part. */
        assert_int_equal(fake_request_count(s.w.worker), 3);
        assert_string_equal(s.w.stages.data, "reading\n");
        story_release(&s);
    }
}

static void test_many_parts_are_joined(void **state)
{
    (void)state;
    struct story s;
    story_init(&s, PARTS, "A town is reached on one day after the other.", true);
    assert_int_equal(world_run(&s.w, "local"), 0);
    assert_int_equal(points(s.w.out.answer), SUMMARY_POINTS);
    assert_int_equal(world_count(s.w.out.answer, "one day after the other"),
                     SUMMARY_POINTS);
    assert_int_equal(fake_request_count(s.w.worker), PARTS + SUMMARY_POINTS);
    assert_true(s.w.out.n_citations >= SUMMARY_POINTS);
    assert_string_equal(s.w.stages.data, "reading\nwriting\n");
    story_release(&s);
}

/* A number that no note has, words of nobody: the notes themselves are shown. */
static void test_inventions_are_not_taken(void **state)
{
    (void)state;
    static const char *const inventions[] = {
        "Towns are reached on day 99 and later.",
        "Elephants and submarines quarrelled about marmalade.",
        "not stated",
        "",
    };
    for (size_t i = 0; i < sizeof inventions / sizeof *inventions; i++) {
        struct story s;
        story_init(&s, PARTS, inventions[i], true);
        assert_int_equal(world_run(&s.w, "local"), 0);
        assert_int_equal(points(s.w.out.answer), SUMMARY_POINTS);
        assert_int_equal(world_count(s.w.out.answer, "is reached on day"),
                         SUMMARY_POINTS);
        assert_int_equal(s.w.out.n_citations, SUMMARY_POINTS);
        story_release(&s);
    }
}

/* A note that could not be joined is one of many, and not what they say. */
static void test_joins_that_failed(void **state)
{
    (void)state;
    struct story s;
    story_init(&s, PARTS, "A town is reached.\nfinish failed the server is busy", false);
    assert_int_equal(world_run(&s.w, "local"), 0);
    assert_int_equal(points(s.w.out.answer), SUMMARY_POINTS);
    assert_int_equal(s.w.out.status, FINAL_PARTIAL);
    assert_int_equal(s.w.out.cause, LW_PARTIAL);
    assert_string_equal(s.w.out.cause_message,
                        "8 of 8 groups of notes could not be joined: the server is busy");
    story_release(&s);
}

/* Told in the documents' order, from the first parts to the last. */
static void test_order(void **state)
{
    (void)state;
    struct story s;
    story_init(&s, PARTS, "", true);
    assert_int_equal(world_run(&s.w, "local"), 0);
    int last = 0, day;
    for (const char *at = s.w.out.answer; (at = strstr(at, "on day ")) != NULL; at++) {
        assert_int_equal(sscanf(at, "on day %d", &day), 1);
        assert_true(day > last);
        last = day;
    }
    assert_true(last > PARTS - 3);
    story_release(&s);
}

/* What does not hold to the document is not told. */
static void test_nothing_to_tell(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "Give me an overview of the war",
                       .worker = "when any contains \"\"\nsay not stated\n",
                       .worker_is = { .in_process = true },
                   });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    world_release(&w);
}

/* Ctrl-C while reading: points of what was read. */
static void test_stopped(void **state)
{
    (void)state;
    struct story s;
    story_init(&s, PARTS, "never asked", true);
    cancel_raise(&s.w.cancel);
    int code = world_run(&s.w, "local");
    assert_true(code != 0 || s.w.out.cause != 0);
    story_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_parts_stay_as_they_are),
        cmocka_unit_test(test_many_parts_are_joined),
        cmocka_unit_test(test_inventions_are_not_taken),
        cmocka_unit_test(test_joins_that_failed),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nothing_to_tell),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
