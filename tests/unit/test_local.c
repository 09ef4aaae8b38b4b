/* test_local.c - proto/local.c with a scripted worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void init(struct world *w, const char *question, const char *worker)
{
    world_init(w, &(struct world_options){ .question = question, .worker = worker });
}

static void assert_contains(const char *text, const char *needle)
{
    if (!strstr(text, needle)) fail_msg("\"%s\" is not in:\n%s", needle, text);
}

static const char finds_capex[] = "when user contains \"12 million dollars\"\n"
                                  "say 12 million dollars\n"
                                  "\n"
                                  "when any contains \"\"\n"
                                  "say not stated\n";

static void test_answer_with_citation(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What was the capital expenditure in 2022?", finds_capex);
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million dollars [1]");
    assert_int_equal(w.out.n_citations, 1);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_EXACT);
    assert_contains(w.out.citations[0].text, "12 million dollars");
    assert_int_equal(w.out.coverage.found, 1);
    assert_string_equal(w.stages.data, "reading\n");
    world_release(&w);
}

/* "What is X?" "X": the sentence says more. Not where a choice of words was asked for. */
static void test_an_answer_that_repeats_the_question(void **state)
{
    (void)state;
    static const struct {
        const char *question, *said, *answer;
    } cases[] = {
        { "What is Acme Works?", "Acme Works",
          "Acme Works is a maker of small pumps in Ghent. [1]" },
        { "What are Acme work?", "Acme works",
          "Acme Works is a maker of small pumps in Ghent. [1]" },
        { "What is Acme Works?", "a maker of small pumps", "a maker of small pumps [1]" },
        { "Is Acme Works in Ghent or in Leipzig?", "Ghent", "Ghent [1]" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char script[256];
        snprintf(script, sizeof script,
                 "when user contains \"maker of small pumps\"\nsay %s\n\n"
                 "when any contains \"\"\nsay not stated\n",
                 cases[i].said);
        init(&w, cases[i].question, script);
        assert_int_equal(world_run(&w, "local"), 0);
        assert_string_equal(w.out.answer, cases[i].answer);
        world_release(&w);
    }
}

static const char *const leases[] = {
    "The flat in Mill Lane is let to Ms Brown.\n\nThe notice period is three months.\n\n"
    "The rent is 800 crowns.",
    "The shop in High Street is let to Mr White.\n\nThe tenant may keep a dog.\n\n"
    "The rent is 1,900 crowns.",
    "The garage is let to nobody.\n\nThe notice period is two weeks.", NULL
};

static const char reads_leases[] =
    "when user contains \"three months.\"\nsay three months\n\n"
    "when user contains \"two weeks.\"\nsay two weeks\n\n"
    "when any contains \"\"\nsay not stated\n";

static void test_each_document_has_its_answer(void **state)
{
    (void)state;
    static const char *const questions[] = { "What is the notice period in each lease?",
                                             "Compare the notice periods of the leases" };
    for (size_t q = 0; q < 2; q++) {
        struct world w;
        world_init(&w, &(struct world_options){ .question = questions[q],
                                                .docs = leases,
                                                .worker = reads_leases });
        assert_int_equal(world_run(&w, "local"), 0);
        assert_int_equal(w.out.status, FINAL_ANSWERED);
        char expected[256];
        snprintf(expected, sizeof expected,
                 "%s: three months [1]\n%s: not found\n%s: two weeks [2]",
                 w.set.docs[0]->name, w.set.docs[1]->name, w.set.docs[2]->name);
        assert_string_equal(w.out.answer, expected);
        assert_int_equal(w.out.n_citations, 2);
        world_release(&w);
    }
}

/* A document whose parts failed is no document that does not say it. */
static void test_each_document_says_what_was_read(void **state)
{
    static const struct {
        const char *fails, *says;
    } cases[] = {
        { "High Street\"\nfinish failed busy\n\n"
          "when user contains \"keep a dog\"\nfinish failed busy\n\n"
          "when user contains \"1,900",
          "not read" },
        { "keep a dog", "not found in the 2 of 3 parts that were read" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char script[1024], expected[256];
        snprintf(script, sizeof script,
                 "when user contains \"%s\"\nfinish failed busy\n\n%s", cases[i].fails,
                 reads_leases);
        world_init(&w,
                   &(struct world_options){ .question = "What is the notice period in "
                                                        "each lease?",
                                            .docs = leases,
                                            .worker = script });
        assert_int_equal(world_run(&w, "local"), 0);
        snprintf(expected, sizeof expected,
                 "%s: three months [1]\n%s: %s\n%s: two weeks [2]", w.set.docs[0]->name,
                 w.set.docs[1]->name, cases[i].says, w.set.docs[2]->name);
        assert_string_equal(w.out.answer, expected);
        assert_int_equal(w.out.status, FINAL_PARTIAL);
        assert_contains(w.out.cause_message, "could not be read: busy");
        world_release(&w);
    }
}

static void stop_after_first(void *user, const struct reading_progress *p)
{
    struct world *w = user;
    if (p->done > 0 && cancel_level(&w->cancel) == CANCEL_NONE) cancel_raise(&w->cancel);
}

static void test_documents_behind_a_stop_are_not_read(void **state)
{
    (void)state;
    struct world w;
    char expected[256];
    world_init(&w, &(struct world_options){ .question = "What is the notice period in "
                                                        "each lease?",
                                            .docs = leases,
                                            .worker = reads_leases });
    w.run.reading.progress = stop_after_first;
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    snprintf(expected, sizeof expected,
             "%s: three months [1]\n%s: not read\n%s: not read", w.set.docs[0]->name,
             w.set.docs[1]->name, w.set.docs[2]->name);
    assert_string_equal(w.out.answer, expected);
    world_release(&w);
}

/* One document: what is told of both sides, where it is told. */
static void test_a_comparison_within_a_document(void **state)
{
    (void)state;
    static const char *const both[] = {
        "The flat's rent is 800 crowns.\n\nNobody may keep a dog.\n\n"
        "The shop's rent is 1,900 crowns.",
        NULL
    };
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "Compare the two rents",
                       .docs = both,
                       .worker = "when user contains \"is 800\"\nsay 800 crowns\n\n"
                                 "when user contains \"1,900\"\nsay 1,900 crowns\n\n"
                                 "when any contains \"\"\nsay not stated\n" });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_string_equal(w.out.answer, "800 crowns [1]; 1,900 crowns [2]");
    assert_int_equal(w.out.coverage.absent, 1);
    world_release(&w);
}

static void test_both_sides_have_their_answer(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "What is the difference between the rent of the flat "
                                   "and that of the garage?",
                       .docs = leases,
                       .worker = "when user contains \"rent of the flat?\"\n"
                                 "when user contains \"is 800\"\nsay 800 crowns\n\n"
                                 "when any contains \"\"\nsay not stated\n" });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_string_equal(w.out.answer, "What is the rent of the flat? 800 crowns [1]\n"
                                      "What is the rent of the garage? not found");
    assert_int_equal(w.out.coverage.skipped, 0); /* all of it was read */
    world_release(&w);
}

static void test_nothing_in_any_document(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "What is the deposit in each lease?",
                       .docs = leases,
                       .worker = "when any contains \"\"\nsay not stated\n" });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    world_release(&w);
}

static void test_not_found_says_what_was_read(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What is the telephone number?", "when any contains \"\"\nsay not stated\n");
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_string_equal(w.out.answer,
                        "The documents do not state this. All 7 parts were read.");
    assert_int_equal(w.out.coverage.absent, world_docs_chunks);
    assert_int_equal(w.out.n_citations, 0);
    world_release(&w);
}

static void test_worker_that_scores_is_screened(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "What was the capital expenditure in 2022?",
                       .worker = "when user contains \"12 million dollars\"\n"
                                 "when user contains \"Reply Yes or No\"\n"
                                 "say Yes\n"
                                 "absent -0.01 -6\n"
                                 "\n"
                                 "when user contains \"12 million dollars\"\n"
                                 "say 12 million dollars\n"
                                 "absent -7\n"
                                 "\n"
                                 "when user contains \"Reply Yes or No\"\n"
                                 "say No\n"
                                 "absent -6 -0.01\n"
                                 "\n"
                                 "when any contains \"\"\n"
                                 "say not stated\n"
                                 "absent -0.02\n",
                       .worker_is = { .in_process = true, .context = 4096 },
                   });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "12 million dollars [1]");
    world_release(&w);
}

/* --- Somebody who is only described ------------------------------------------- */

static const char *const lantern[] = {
    "The blue lantern belongs to Kaspar Voss.\n\n"
    "Kaspar Voss has lived in Corvane for many years.\n\n"
    "Lanterns are sold in Longmere.",
    NULL,
};
static const char asks_for_town[] =
    "In which town does the owner of the blue lantern live?";

static void run_lantern(struct world *w, const char *const *docs, const char *worker)
{
    world_init(w, &(struct world_options){
                      .question = asks_for_town, .docs = docs, .worker = worker });
    assert_int_equal(world_run(w, "local"), 0);
}

static void test_who_is_meant_is_asked_first(void **state)
{
    (void)state;
    struct world w;
    run_lantern(&w, lantern,
                "when user contains \"belongs to\"\n"
                "when user contains \"Who is the owner of the blue lantern?\"\n"
                "say Kaspar Voss\n\n"
                "when user contains \"has lived\"\n"
                "when user contains \"In which town does Kaspar Voss live?\"\n"
                "say Corvane\n\n"
                "when any contains \"\"\nsay not stated\n");
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer,
                        "Corvane [1]\nthe owner of the blue lantern: Kaspar Voss [2]");
    assert_int_equal(w.out.n_citations, 2);
    assert_int_equal(w.out.citations[0].quote.match, QUOTE_EXACT);
    assert_string_equal(w.run.reading.question, asks_for_town);
    world_release(&w);
}

/* Nobody is named, or nothing is told of who is: then the question as it is. */
static void test_where_the_name_does_not_help(void **state)
{
    (void)state;
    static const char *const names[] = { "not stated", "a merchant", "Kaspar Voss" };
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        char script[512];
        snprintf(script, sizeof script,
                 "when user contains \"belongs to\"\n"
                 "when user contains \"Who is the owner\"\nsay %s\n\n"
                 "when user contains \"Longmere\"\n"
                 "when user contains \"the owner of the blue lantern live\"\n"
                 "say Longmere\n\n"
                 "when any contains \"\"\nsay not stated\n",
                 names[i]);
        run_lantern(&w, lantern, script);
        assert_string_equal(w.out.answer, "Longmere [1]");
        world_release(&w);
        run_lantern(&w, lantern, "when any contains \"\"\nsay not stated\n");
        assert_int_equal(w.out.status, FINAL_NOT_FOUND);
        assert_int_equal(w.out.coverage.absent, 3);
        world_release(&w);
    }
}

/* The name is found, and then the worker fails, or the user stops waiting: the name is
 * what there is. */
#define NAMES_THE_OWNER                                              \
    "when user contains \"belongs to\"\n"                            \
    "when user contains \"Who is the owner of the blue lantern?\"\n" \
    "say Kaspar Voss\n\n"                                            \
    "when user contains \"Who is\"\nsay not stated\n\n"

static void test_a_failure_behind_the_name(void **state)
{
    (void)state;
    struct world w;
    run_lantern(&w, lantern,
                NAMES_THE_OWNER "when any contains \"\"\nfinish failed out of memory\n");
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_string_equal(w.out.answer,
                        "not read\nthe owner of the blue lantern: Kaspar Voss [1]");
    assert_contains(w.out.cause_message, "out of memory");
    world_release(&w);
}

static void stop_behind_the_name(void *user, const char *sentence)
{
    struct world *w = user;
    if (strstr(sentence, "asked with the name")) cancel_raise(&w->cancel);
}

static void test_a_stop_behind_the_name(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){ .question = asks_for_town,
                                            .docs = lantern,
                                            .worker = NAMES_THE_OWNER
                                            "when any contains \"\"\nsay not stated\n" });
    w.run.reading.trace = stop_behind_the_name;
    w.run.reading.user = &w;
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_string_equal(w.out.answer,
                        "not read\nthe owner of the blue lantern: Kaspar Voss [1]");
    world_release(&w);
}

/* What the documents say in the question's own words is looked up in those. */
static void test_a_description_of_the_documents(void **state)
{
    (void)state;
    static const char *const docs[] = {
        "The owner of the blue lantern lives in Corvane.\n\nAnn owns a red one.", NULL
    };
    struct world w;
    run_lantern(&w, docs,
                "when user contains \"lives in Corvane\"\n"
                "when user contains \"the owner of the blue lantern live\"\n"
                "say Corvane\n\n"
                "when any contains \"\"\nsay not stated\n");
    char *sent = world_sent(w.worker);
    assert_string_equal(w.out.answer, "Corvane [1]");
    assert_int_equal(world_count(sent, "Who is the owner"), 0);
    mem_free(sent);
    world_release(&w);
}

/* --- Findings that compete --------------------------------------------------- */

static const char *const rival_docs[] = {
    "The fee for members is 45 euros a year, as decided in March.\n\n"
    "The fee for guests of members is 60 euros a day, as before.\n\n"
    "Nothing else of any kind was decided on that day in March.\n",
    NULL,
};

/* The worker is surer of the second. */
static void test_the_surest_of_rivals_is_the_answer(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "How high is the fee?",
                       .docs = rival_docs,
                       .worker = "when user contains \"45 euros\"\n"
                                 "when user contains \"Reply Yes or No\"\n"
                                 "say Yes\n"
                                 "absent -0.3 -1.3\n"
                                 "\n"
                                 "when user contains \"60 euros\"\n"
                                 "when user contains \"Reply Yes or No\"\n"
                                 "say Yes\n"
                                 "absent -0.01 -4\n"
                                 "\n"
                                 "when user contains \"45 euros\"\n"
                                 "say 45 euros\n"
                                 "absent -2\n"
                                 "\n"
                                 "when user contains \"60 euros\"\n"
                                 "say 60 euros\n"
                                 "absent -2\n"
                                 "\n"
                                 "when any contains \"\"\n"
                                 "say not stated\n"
                                 "absent -0.01\n",
                       .worker_is = { .in_process = true, .context = 4096 },
                   });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, "60 euros [1]");
    assert_contains(w.out.citations[0].text, "The fee for guests");
    world_release(&w);
}

/* The globe moves twice, is said to be elsewhere by a part that hardly tells of it, and
 * another document has another globe. */
static const char *const globe_docs[] = {
    "In spring the globe was taken to Dunholt by the man who had bought it there.\n\n"
    "In summer the globe was moved on to Marrowby, which was a long way from there.\n\n"
    "In autumn the globe was moved on to Elmsgate, and nobody knows by whom it was.\n\n"
    "In winter somebody may have thought of bringing a globe of some kind to Ostwick.\n",
    "The globe of the other house has always stood in Thistledown, as is well known.\n",
    NULL,
};

#define TELLS_AS(words, place, sure)           \
    "when user contains \"" words "\"\n"       \
    "when user contains \"Reply Yes or No\"\n" \
    "say Yes\nabsent " sure "\n\n"             \
    "when user contains \"" words "\"\n"       \
    "say " place "\nabsent -2\n\n"
#define TELLS(place, sure) TELLS_AS(place, place, sure)

static const char tells_places[] =
    TELLS("Dunholt", "-0.1 -2.5") TELLS("Marrowby", "-0.01 -4")
        TELLS("Elmsgate", "-0.1 -2.5") TELLS("Ostwick", "-0.7 -0.7")
            TELLS("Thistledown",
                  "-0.1 -2.5") "when any contains \"\"\nsay not stated\nabsent -0.01\n";

static void test_the_first_and_the_last_of_changing_states(void **state)
{
    static const char *const cases[][2] = {
        { "Where was the globe?", "Marrowby [1]" },
        { "Where was the globe in the end?", "Elmsgate [1]" },
        { "Where was the globe at first?", "Dunholt [1]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_init(&w, &(struct world_options){
                           .question = cases[i][0],
                           .docs = globe_docs,
                           .worker = tells_places,
                           .worker_is = { .in_process = true, .context = 4096 } });
        assert_int_equal(world_run(&w, "local"), 0);
        assert_int_equal(w.out.status, FINAL_ANSWERED);
        assert_string_equal(w.out.answer, cases[i][1]);
        world_release(&w);
    }
}

/* It comes back where it was: the last part says so, the surest one does not tell when.
 */
static void test_the_last_state_is_cited_from_the_last_part(void **state)
{
    static const char *const docs[] = {
        "In summer the globe was moved on to Marrowby, which was a long way from "
        "there.\n\n"
        "In autumn the globe was moved on to Elmsgate, and nobody knows by whom it "
        "was.\n\n"
        "In winter the globe was brought back to the house of its owner in Marrowby.\n",
        NULL,
    };
    static const char worker[] = TELLS_AS("moved on to Marrowby", "Marrowby", "-0.01 -4")
        TELLS("Elmsgate", "-0.1 -2.5")
            TELLS_AS("owner in Marrowby", "Marrowby", "-0.1 -2.5");
    static const char *const cited[] = { "moved on to", "brought back" };
    (void)state;
    for (int last = 0; last < 2; last++) {
        struct world w;
        world_init(&w, &(struct world_options){
                           .question = last ? "Where was the globe in the end?"
                                            : "Where was the globe?",
                           .docs = docs,
                           .worker = worker,
                           .worker_is = { .in_process = true, .context = 4096 } });
        assert_int_equal(world_run(&w, "local"), 0);
        assert_string_equal(w.out.answer, "Marrowby [1]");
        assert_int_equal(w.out.n_citations, 1);
        assert_contains(w.out.citations[0].text, cited[last]);
        world_release(&w);
    }
}

/* --- All there is ------------------------------------------------------------ */

static const char *const fee_docs[] = {
    "In May she paid 51 crowns to the office of Marrowby, a long way from her home.\n"
    "The weather was bad in those days and nothing else is told of that month.\n",
    "In June she paid 64 crowns to the office of Thistledown, which had been closed.\n"
    "It was closed again before the end of that year, for reasons nobody wrote down.\n",
    "Nothing at all is told of the month of July in this one of the three papers.\n",
    NULL,
};

static const char tells_fees[] =
    "when user contains \"51 crowns\"\n"
    "say {\"items\": [\"51 crowns to Marrowby\"]}\n"
    "\n"
    "when user contains \"64 crowns\"\n"
    "say {\"items\": [\"64 crowns to Thistledown\", \"99 crowns to nobody\"]}\n"
    "\n"
    "when any contains \"\"\n"
    "say {\"items\": []}\n";

static void check_all(const char *question, const char *worker, const char *answer,
                      size_t citations)
{
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = question, .docs = fee_docs, .worker = worker });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_string_equal(w.out.answer, answer);
    assert_int_equal(w.out.n_citations, citations);
    assert_int_equal(w.out.coverage.skipped, 0);
    world_release(&w);
}

/* What an excerpt does not show is in none of them. */
static void test_lists_counts_and_sums_are_put_together_here(void **state)
{
    (void)state;
    check_all("Name all fees that she paid.", tells_fees,
              "51 crowns to Marrowby [1]; 64 crowns to Thistledown [2]", 2);
    check_all("How many crowns did she pay in all?", tells_fees,
              "115 = 51 crowns to Marrowby [1] + 64 crowns to Thistledown [2]", 2);
    check_all("How many times did she pay?", tells_fees,
              "2: 51 crowns to Marrowby [1]; 64 crowns to Thistledown [2]", 2);
}

/* What is missing from a sum is told with it. */
static void test_sum_tells_what_it_leaves_out(void **state)
{
    (void)state;
    check_all("How many crowns did she pay in all?",
              "when user contains \"51 crowns\"\n"
              "say {\"items\": [\"51 crowns to Marrowby\", \"crowns\"]}\n"
              "\n"
              "when user contains \"64 crowns\"\n"
              "say {\"items\": [\"64 crowns\"]}\n"
              "\n"
              "when any contains \"\"\n"
              "say {\"items\": []}\n",
              "115 = 51 crowns to Marrowby [1] + 64 crowns [2]; not added: crowns [1]",
              2);
}

static void test_anything_at_all(void **state)
{
    (void)state;
    check_all("Is there anything about Thistledown?",
              "when user contains \"office of Thistledown\"\n"
              "say yes\n"
              "\n"
              "when any contains \"\"\n"
              "say not stated\n",
              "Yes [1]", 1);
}

/* A part that says no, or talks around it, is no evidence. */
static void test_only_a_yes_is_evidence(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "Is there anything about Thistledown?",
                       .docs = fee_docs,
                       .worker = "when user contains \"office of Thistledown\"\n"
                                 "say Yes\n"
                                 "\n"
                                 "when user contains \"July\"\n"
                                 "say There is no mention of it.\n"
                                 "\n"
                                 "when any contains \"\"\n"
                                 "say No\n",
                   });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_string_equal(w.out.answer, "Yes [1]");
    assert_int_equal(w.out.n_citations, 1);
    assert_int_equal(w.out.citations[0].quote.doc, 1);
    world_release(&w);
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, &(struct world_options){
                       .question = "Is there anything about penguins?",
                       .docs = fee_docs,
                       .worker = "when user contains \"July\"\n"
                                 "say There is no mention of penguins.\n"
                                 "\n"
                                 "when any contains \"\"\nsay no\n",
                   });
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_int_equal(w.out.coverage.skipped, 0);
    world_release(&w);
}

/* --- Failures ---------------------------------------------------------------- */

/* What all parts say together is less than it seems where one was not read. */
static void test_a_total_without_some_parts_is_partial(void **state)
{
    static const char *const cases[][2] = {
        { "How many crowns did she pay in all?", "51 = 51 crowns to Marrowby [1]" },
        { "Name all fees that she paid.", "51 crowns to Marrowby [1]" },
        { "How many times did she pay?", "1: 51 crowns to Marrowby [1]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        world_init(&w, &(struct world_options){
                           .question = cases[i][0],
                           .docs = fee_docs,
                           .worker = "when user contains \"51 crowns\"\n"
                                     "say {\"items\": [\"51 crowns to Marrowby\"]}\n"
                                     "\n"
                                     "when user contains \"64 crowns\"\n"
                                     "finish failed the server is busy\n"
                                     "\n"
                                     "when any contains \"\"\n"
                                     "say {\"items\": []}\n" });
        assert_int_equal(world_run(&w, "local"), 0);
        assert_int_equal(w.out.status, FINAL_PARTIAL);
        assert_int_equal(w.out.cause, LW_PARTIAL);
        assert_string_equal(w.out.answer, cases[i][1]);
        assert_string_equal(w.out.cause_message,
                            "1 of 3 parts could not be read: the server is busy");
        world_release(&w);
    }
}

static void test_one_failed_part_does_not_end_the_run(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What was the capital expenditure in 2022?",
         "when user contains \"12 million dollars\"\n"
         "say 12 million dollars\n"
         "\n"
         "when user contains \"nine times\"\n"
         "finish failed the server is busy\n"
         "\n"
         "when any contains \"\"\n"
         "say not stated\n");
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_ANSWERED);
    assert_contains(w.out.answer, "12 million dollars");
    assert_contains(w.warnings.data,
                    "1 of 7 parts could not be read: the server is busy");
    world_release(&w);
}

static void test_worker_that_cannot_be_reached_is_an_error(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What?", "when any contains \"\"\nfinish failed connection refused\n");
    assert_true(world_run(&w, "local") != 0);
    assert_contains(w.err.message, "connection refused");
    world_release(&w);
}

static void test_cancel_returns_what_was_found(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What was the capital expenditure in 2022?", finds_capex);
    w.run.reading.progress = stop_after_first;
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_PARTIAL);
    assert_int_equal(w.out.cause, LW_PARTIAL);
    assert_true(w.out.coverage.read > 0);
    world_release(&w);
}

static void test_deadline_before_anything(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What was the capital expenditure in 2022?", finds_capex);
    w.cancel.deadline_ms = 1;
    assert_int_equal(world_run(&w, "local"), 0);
    assert_int_equal(w.out.status, FINAL_NOT_FOUND);
    assert_int_equal(w.out.cause, LW_TIMEOUT);
    assert_int_equal(w.out.coverage.skipped, world_docs_chunks);
    world_release(&w);
}

static void test_schema_is_filled_by_the_worker(void **state)
{
    (void)state;
    struct world w;
    init(&w, "What was the capital expenditure in 2022?",
         "when user contains \"Put this answer into JSON\"\n"
         "say {\"capex\": \"12 million dollars\"}\n"
         "\n"
         "when user contains \"12 million dollars\"\n"
         "say 12 million dollars\n"
         "\n"
         "when any contains \"\"\n"
         "say not stated\n");
    json_t *schema =
        json_pack("{s:s, s:{s:{s:s}}, s:[s]}", "type", "object", "properties", "capex",
                  "type", "string", "required", "capex");
    w.run.schema = schema;
    assert_int_equal(world_run(&w, "local"), 0);
    assert_string_equal(w.out.answer, "{\"capex\":\"12 million dollars\"}");
    assert_int_equal(w.out.n_citations, 1);
    json_decref(schema);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_with_citation),
        cmocka_unit_test(test_an_answer_that_repeats_the_question),
        cmocka_unit_test(test_each_document_has_its_answer),
        cmocka_unit_test(test_each_document_says_what_was_read),
        cmocka_unit_test(test_documents_behind_a_stop_are_not_read),
        cmocka_unit_test(test_a_comparison_within_a_document),
        cmocka_unit_test(test_both_sides_have_their_answer),
        cmocka_unit_test(test_nothing_in_any_document),
        cmocka_unit_test(test_not_found_says_what_was_read),
        cmocka_unit_test(test_worker_that_scores_is_screened),
        cmocka_unit_test(test_who_is_meant_is_asked_first),
        cmocka_unit_test(test_where_the_name_does_not_help),
        cmocka_unit_test(test_a_failure_behind_the_name),
        cmocka_unit_test(test_a_stop_behind_the_name),
        cmocka_unit_test(test_a_description_of_the_documents),
        cmocka_unit_test(test_the_surest_of_rivals_is_the_answer),
        cmocka_unit_test(test_the_first_and_the_last_of_changing_states),
        cmocka_unit_test(test_the_last_state_is_cited_from_the_last_part),
        cmocka_unit_test(test_lists_counts_and_sums_are_put_together_here),
        cmocka_unit_test(test_sum_tells_what_it_leaves_out),
        cmocka_unit_test(test_anything_at_all),
        cmocka_unit_test(test_only_a_yes_is_evidence),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_a_total_without_some_parts_is_partial),
        cmocka_unit_test(test_one_failed_part_does_not_end_the_run),
        cmocka_unit_test(test_worker_that_cannot_be_reached_is_an_error),
        cmocka_unit_test(test_cancel_returns_what_was_found),
        cmocka_unit_test(test_deadline_before_anything),
        cmocka_unit_test(test_schema_is_filled_by_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
