/* test_merge.c - answered jobs become findings: joined, voted, quoted, checked, ranked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "desk.h"
#include "jobs/merge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const docs[] = {
    "Rope is old.\n\nThe budget was 1.2 million dollars. It rained.\n\nRope again.",
    "In short: a budget of $1,200,000 was agreed.\n\nAspirin and warfarin were given.\n\n"
    "Warfarin was stopped.\n\nIn May she paid 51 crowns, in June 51 crowns.",
    NULL,
};
enum { ROPE, BUDGET, ROPE_AGAIN, SHORT, BOTH_DRUGS, STOPPED, PAID };

static void init(struct desk *d, const char *plan)
{
    desk_init(d, docs, DESK_SERVER, "");
    desk_plan(d, plan);
    d->jobs.items = arena_array(d->arena, 64, sizeof *d->jobs.items);
}

/* An answered job; "absent" and "failed" for what they say. */
static struct job *add(struct desk *d, int task, int chunk, int sample,
                       const char *answer)
{
    struct job *j = &d->jobs.items[d->jobs.n++];
    *j = (struct job){
        .task = task,
        .chunk = chunk,
        .sample = sample,
        .state = JOB_ANSWERED,
        .screen = NAN,
        .margin = NAN,
        .strength = NAN,
        .answer = answer,
    };
    if (strcmp(answer, "absent") == 0) j->state = JOB_ABSENT;
    if (strcmp(answer, "failed") == 0) j->state = JOB_FAILED;
    if (j->state != JOB_ANSWERED) j->answer = NULL;
    return j;
}

static struct finding_list merge(struct desk *d)
{
    struct finding_list out;
    merge_jobs(&d->reading, &d->plan, &d->jobs, 1, &out);
    for (size_t i = 0; i < out.n; i++) {
        const struct finding *f = &out.items[i];
        const struct chunk *c = &d->chunks.items[f->chunk];
        assert_true(f->quote.start >= c->start && f->quote.end <= c->end);
        assert_int_equal(f->quote.match, QUOTE_EXACT);
        assert_int_equal(f->quote.doc, c->doc);
    }
    return out;
}

static const char *quote_text(const struct desk *d, const struct finding *f)
{
    return arena_strndup(d->arena, d->set.docs[f->quote.doc]->text + f->quote.start,
                         f->quote.end - f->quote.start);
}

/* Quotes are never checked by the Python program; here they are taken from the source. */
static void test_quote_is_the_sources(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"What was the budget?\"}]}");
    add(&d, 0, ROPE, 0, "absent");
    add(&d, 0, BUDGET, 0, "1.2 million dollars");
    add(&d, 0, ROPE_AGAIN, 0, "failed");
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 1);
    assert_string_equal(out.items[0].id, "f1");
    assert_string_equal(out.items[0].value, "1.2 million dollars");
    assert_string_equal(quote_text(&d, &out.items[0]),
                        "The budget was 1.2 million dollars.");
    assert_true(out.items[0].supported);
    assert_int_equal(out.items[0].votes, 1);
    assert_int_equal(out.items[0].of, 1);
    desk_release(&d);
}

static void test_equal_values_join(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"What was the budget?\"}]}");
    add(&d, 0, BUDGET, 0, "1.2 million")->strength = 2;
    add(&d, 0, SHORT, 0, "$1,200,000")->strength = 8;
    add(&d, 0, ROPE, 0, "rope");
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 2);
    assert_string_equal(out.items[0].value, "$1,200,000"); /* the more confident place */
    assert_int_equal(out.items[0].chunk, SHORT);
    assert_int_equal(out.items[0].votes, 2);
    assert_true(out.items[0].rank > out.items[1].rank);
    desk_release(&d);
}

/* Amounts that are to be summed are not one amount because they are equal. */
static void test_summed_values_stay_apart(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"budget\",\"reduce\":\"sum\"},"
             "{\"ask\":\"rope?\",\"answer\":\"yes_no\",\"reduce\":\"count\"}]}");
    add(&d, 0, BUDGET, 0, "1.2 million");
    add(&d, 0, SHORT, 0, "1,200,000");
    add(&d, 1, ROPE, 0, "Yes");
    add(&d, 1, ROPE_AGAIN, 0, "Yes");
    assert_int_equal(merge(&d).n, 4);
    desk_release(&d);
}

/* Within a part too, as often as they stand in it. */
static void test_equal_amounts_of_one_part(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"paid\",\"reduce\":\"sum\",\"samples\":2},"
             "{\"ask\":\"which\",\"answer\":\"list\"}]}");
    const char *items = "[\"51 crowns\",\"51 crowns\",\"51 crowns\"]";
    d.plan.tasks[0].answer = ANSWER_LIST; /* as for a question: jobs/question.h */
    add(&d, 0, PAID, 0, "x")->items = items;
    add(&d, 0, PAID, 1, "x")->items = "[\"51 crowns\",\"51 crowns\"]";
    add(&d, 1, PAID, 0, "x")->items = items;
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 3);
    assert_int_equal(out.items[1].task, 0);
    assert_int_equal(out.items[1].votes, 2);
    assert_int_equal(out.items[2].task, 1);
    desk_release(&d);
}

static void test_invented_numbers_are_not_supported(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"What was the budget?\"}]}");
    add(&d, 0, BUDGET, 0, "1.3 million dollars")->strength = 3;
    add(&d, 0, SHORT, 0, "$1,200,000")->strength = 2.9;
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 2);
    assert_string_equal(out.items[0].value, "$1,200,000");
    assert_false(out.items[1].supported);
    desk_release(&d);
}

/* Of equal values the place that supports it is kept, though another is surer. */
static void test_supporting_place_is_kept(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"What was the budget?\"}]}");
    add(&d, 0, ROPE, 0, "1.2 million")->strength = 9;
    add(&d, 0, BUDGET, 0, "1.2 million")->strength = 2;
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.items[0].chunk, BUDGET);
    assert_true(out.items[0].supported);
    desk_release(&d);
}

/* num_samples is ignored by the Python program; here samples vote. */
static void test_samples_vote(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"What was the budget?\",\"samples\":4}]}");
    const char *budget[] = { "7 dollars", "1.2 million", "1,200,000", "absent" };
    const char *rope[] = { "old", "absent", "absent", "failed" };
    for (int s = 0; s < 4; s++) add(&d, 0, BUDGET, s, budget[s]);
    for (int s = 0; s < 4; s++) add(&d, 0, ROPE, s, rope[s]);
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 1); /* of the other two samples saw nothing */
    assert_string_equal(out.items[0].value, "1.2 million");
    assert_int_equal(out.items[0].votes, 2);
    assert_int_equal(out.items[0].of, 4);
    desk_release(&d);
}

static void test_items_of_lists(void **state)
{
    (void)state;
    struct desk d;
    init(&d,
         "{\"tasks\":[{\"ask\":\"Which drugs?\",\"answer\":\"list\",\"samples\":2}]}");
    add(&d, 0, BOTH_DRUGS, 0, "x")->items = "[\"aspirin\",\"warfarin\",\"Aspirin\"]";
    add(&d, 0, BOTH_DRUGS, 1, "x")->items = "[\"warfarin\"]";
    add(&d, 0, STOPPED, 0, "x")->items = "[\"Warfarin\"]";
    add(&d, 0, STOPPED, 1, "absent");
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 2);
    assert_true(strcmp(out.items[0].value, "warfarin") == 0 ||
                strcmp(out.items[0].value, "Warfarin") == 0);
    assert_int_equal(out.items[0].votes, 3);
    assert_int_equal(out.items[0].of, 4);
    assert_string_equal(out.items[1].value, "aspirin");
    assert_int_equal(out.items[1].votes, 1); /* named twice in a sample counts once */
    desk_release(&d);
}

/* The same day and the same letter, but not the same. */
static void test_items_that_differ_in_little(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"Which?\",\"answer\":\"list\"}]}");
    add(&d, 0, ROPE, 0, "x")->items =
        "[\"Ann, 12 March 2022\",\"Bob, 12 March 2022\",\"C\",\"C++\",\"C#\"]";
    add(&d, 0, SHORT, 0, "x")->items =
        "[\"Cy, 12 March 2022\",\"Bob, 2022-03-12\",\"c#\"]";
    assert_int_equal(merge(&d).n, 6);
    desk_release(&d);
}

static void test_sorted_by_task_and_numbered_on(void **state)
{
    (void)state;
    struct desk d;
    struct finding_list out;
    init(&d, "{\"tasks\":[{\"ask\":\"a\"},{\"ask\":\"b\"}]}");
    add(&d, 1, BUDGET, 0, "dollars");
    add(&d, 0, ROPE, 0, "rope");
    merge_jobs(&d.reading, &d.plan, &d.jobs, 7, &out);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.items[0].task, 0);
    assert_string_equal(out.items[0].id, "f7");
    assert_string_equal(out.items[1].id, "f8");
    desk_release(&d);
}

static void test_nothing_answered(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"a\"}]}");
    add(&d, 0, ROPE, 0, "absent");
    assert_int_equal(merge(&d).n, 0);
    desk_release(&d);
}

static void test_same_value(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        { "1.2 million", "1,200,000" },
        { "$5", "5 dollars" },
        { "5.0", "5" },
        { "12 March 1956", "1956-03-12" },
        { "Paris", "paris." },
        { "Café", "cafe" },
        { "five years", "5 years" },
        { "-3 %", "−3%" },
        { "a  b", "A, B" },
        { "\"Ann Lee\"", "Ann Lee" },
        { "three (3) years", "three (3) years" },
        { "On 12 March 1956.", "Monday, 12.03.1956" },
        { "Ann, 12 March 2022", "Ann (2022-03-12)" },
        { "€500", "EUR 500" },
        { "5%", "5 per cent" },
        { "5", "$5" },
        { "#5", "5" },
        { "well-known", "well known" },
        { "C++", "c++." },
        { "1/2 cup", "0.5 cup" },
        { "$5 million", "US$5 million" },
        { "$5 million", "5 million US dollars" },
        { "$5", "US $5" },
        { "3 May 2021", "Mon, 3 May 2021" },
        { "Fri 3 May 2021", "3 May 2021" },
        { "as of May 3, 2021", "May 3, 2021" },
    };
    static const char *const other[][2] = {
        { "5 mg", "5 ml" },
        { "5", "-5" },
        { "12 March 1956", "12 March 1957" },
        { "Paris", "London" },
        { "2022", "in 2022 it was 5" },
        { "", "x" },
        { "March 1956", "March 1957" },
        { "type 1", "type 2" },
        { "Ann, 12 March 2022", "Bob, 12 March 2022" },
        { "1.1.2020 - 31.12.2022", "1.1.2020" },
        { "3 May 1901: leak", "3 May 1901: fire" },
        { "C", "C++" },
        { "C++", "C#" },
        { "A+", "A-" },
        { "A-", "A" },
        { "HIV+", "HIV−" },
        { "$500", "€500" },
        { "< 5 mg", "> 5 mg" },
        { "<5", "5" },
        { "≥ 5", "≤ 5" },
        { "+", "-" },
        { ".5 mg", "5 mg" },
        { "$5 a day", "$5" },
        { "5% of men", "5 men" },
        { "$5 million in all", "$5 million for us" },
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (!merge_same_value(same[i][0], same[i][1]))
            fail_msg("%s, %s", same[i][0], same[i][1]);
        assert_true(merge_same_value(same[i][1], same[i][0]));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        if (merge_same_value(other[i][0], other[i][1]))
            fail_msg("%s, %s", other[i][0], other[i][1]);
    }
}

/* Ten thousand different answers: sorted, not compared each with each. */
static void test_many(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"a\",\"reduce\":\"count\"}]}");
    d.jobs.items = arena_array(d.arena, 10000, sizeof *d.jobs.items);
    for (int i = 0; i < 10000; i++) {
        add(&d, 0, i % 6, 0, arena_printf(d.arena, "answer %d of them", i / 2));
    }
    struct finding_list out = merge(&d);
    assert_int_equal(out.n, 5000);
    desk_release(&d);
}

/* A plain question that is answered by yes: no word of it need stand in the text. */
static void test_yes_to_a_plain_question(void **state)
{
    (void)state;
    struct desk d;
    init(&d, "{\"tasks\":[{\"ask\":\"Was warfarin stopped?\"}]}");
    add(&d, 0, STOPPED, 0, "Yes.");
    struct finding_list found = merge(&d);
    assert_int_equal(found.n, 1);
    assert_true(found.items[0].supported);
    desk_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yes_to_a_plain_question),
        cmocka_unit_test(test_quote_is_the_sources),
        cmocka_unit_test(test_equal_values_join),
        cmocka_unit_test(test_summed_values_stay_apart),
        cmocka_unit_test(test_equal_amounts_of_one_part),
        cmocka_unit_test(test_invented_numbers_are_not_supported),
        cmocka_unit_test(test_supporting_place_is_kept),
        cmocka_unit_test(test_samples_vote),
        cmocka_unit_test(test_items_of_lists),
        cmocka_unit_test(test_items_that_differ_in_little),
        cmocka_unit_test(test_sorted_by_task_and_numbered_on),
        cmocka_unit_test(test_nothing_answered),
        cmocka_unit_test(test_same_value),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
