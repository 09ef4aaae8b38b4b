/* local.c - no cloud at all: read the best parts, answer from what was found.
 *
 *     question --> jobs over the chunks --> findings --> the best one --> answer
 *                                               |--> list, count, sum --> answer
 *                                               `--> points (summary.h) --> answer
 *
 * The question is a plan of one task, or one a document (jobs/question.h). What looks
 * one thing up is answered by the best finding, of each document where it asks for each.
 * What wants all there is has read every part, and is put together here, from findings
 * whose quotes show them. Of what changes, "in the end" is what the last part says. Who
 * is only described ("the owner of the lantern") is asked for by itself first. The worker
 * is not asked to choose or to combine, but for a summary: on 20 questions a second look
 * at rival findings made none right. */
#include "proto/ways.h"

#include "base/mem.h"
#include "jobs/decide.h"
#include "jobs/merge.h"
#include "jobs/question.h"
#include "jobs/run_jobs.h"
#include "jobs/two_hop.h"
#include "proto/answer.h"
#include "proto/shape.h"
#include "proto/summary.h"
#include "text/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- All there is ---------------------------------------------------------- */

struct place {
    size_t index; /* of a finding */
    int doc;
    size_t start;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->doc != y->doc) return x->doc < y->doc ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

/* A reader expects what is listed in the order of the documents. */
static void sort_by_place(const struct record *rec, size_t *from, size_t n)
{
    struct place *places = mem_array(n, sizeof *places);
    for (size_t i = 0; i < n; i++) {
        const struct quote *q = &rec->findings.items[from[i]].quote;
        places[i] = (struct place){ from[i], q->doc, q->start };
    }
    if (n > 0) qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 0; i < n; i++) from[i] = places[i].index;
    mem_free(places);
}

/* Findings of the question whose quotes show them. */
static size_t verified(const struct record *rec, size_t *from)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->findings.n; i++) {
        if (answer_is_verified(&rec->findings.items[i])) from[n++] = i;
    }
    return n;
}

static void answer_all(const struct proto_run *run, const struct record *rec,
                       enum question_kind kind, struct final *out)
{
    const struct asked *asked = &rec->asked[0];
    bool sum = kind == QUESTION_SUM;
    struct answer_parts parts = {
        .equals = sum ? " = " : ": ",
        .joint = sum ? " + " : "; ",
    };
    size_t *from = arena_array(rec->reading->arena, rec->findings.n, sizeof *from);
    if (kind == QUESTION_LIST || kind == QUESTION_SUMMARY) {
        parts.n = verified(rec, from);
    } else if (sum && !asked->reduced) { /* nothing that can be added up */
        parts.n = verified(rec, from);
        parts.joint = "; ";
    } else if (asked->reduced) {
        parts.total = asked->reduced;
        parts.n = asked->n_from;
        memcpy(from, asked->from, asked->n_from * sizeof *from);
        parts.left = asked->left;
        parts.n_left = asked->n_left;
    }
    sort_by_place(rec, from, parts.n);
    parts.from = from;
    if (parts.n == 0) {
        answer_not_found(rec, out);
    } else if (kind == QUESTION_SUMMARY) {
        summary_answer(run, rec, parts.from, parts.n, out);
    } else if (kind == QUESTION_ANY) {
        answer_from_value(rec, "Yes", parts.from, parts.n, out);
    } else {
        answer_from_parts(rec, &parts, out);
    }
}

/* --- What was looked up ---------------------------------------------------- */

/* "What are RVPs?" "RVPs": all words of the value stand in the question. Where the
 * question offers a choice of words that is as it should be. */
static bool repeats(const char *question, const char *value)
{
    bool numbers_ok;
    if (strstr(question, " or ") || quote_supports(value, "", 0, &numbers_ok) >= 1) {
        return false;
    }
    return quote_supports(value, question, strlen(question), &numbers_ok) >= 1;
}

/* The sentence that a finding was taken from, on one line. */
static const char *sentence_of(const struct record *rec, const struct quote *q)
{
    const struct doc *doc = rec->reading->set->docs[q->doc];
    char *line =
        arena_strndup(rec->reading->arena, doc->text + q->start, q->end - q->start);
    size_t n = 0;
    for (const char *s = line; *s; s++) {
        bool blank = isspace((unsigned char)*s);
        if (!blank || (n > 0 && line[n - 1] != ' ')) line[n++] = (char)(blank ? ' ' : *s);
    }
    line[n] = '\0';
    return line;
}

/* One finding; if it only repeats the question its sentence answers instead. */
static void answer_one(const struct record *rec, size_t i, struct final *out)
{
    const struct finding *f = &rec->findings.items[i];
    const char *value = f->value;
    if (answer_is_verified(f) && repeats(rec->reading->question, value)) {
        value = sentence_of(rec, &f->quote);
    }
    answer_from_value(rec, value, &i, 1, out);
}

/* --- In the end, in the beginning --------------------------------------------- */

/* Does the job tell the state in this document, as surely as an answer has to be? */
static bool tells_state(const struct record *rec, const struct job *j, int doc)
{
    return j->sample == 0 && j->state == JOB_ANSWERED && decide_sure(j->strength) &&
           rec->reading->chunks->items[j->chunk].doc == doc;
}

/* What the part says for itself, whatever others say: job and its further samples. False:
 * nothing that its quote shows. */
static bool finding_of(const struct record *rec, const struct plan *plan, struct job *job,
                       struct finding *out)
{
    struct job_list alone = { .items = job, .n = (size_t)plan->tasks[0].n_samples };
    struct finding_list found;
    merge_jobs(rec->reading, plan, &alone, 1, &found);
    if (found.n == 0 || !answer_is_verified(&found.items[0])) return false;
    *out = found.items[0];
    return true;
}

/* In the document of the best finding, what the last part (the first one) tells; the best
 * finding if none does. Returns its index. */
static size_t find_state(struct record *rec, const struct plan *plan,
                         const struct job_list *jobs, bool last)
{
    int doc = rec->findings.items[0].quote.doc, at = -1;
    struct finding state;
    for (size_t i = 0; i < jobs->n; i++) {
        struct job *j = &jobs->items[i];
        bool further = at < 0 || (last ? j->chunk > at : j->chunk < at);
        bool tells = further && tells_state(rec, j, doc);
        if (tells && finding_of(rec, plan, j, &state)) at = j->chunk;
    }
    return at < 0 ? 0 : record_add_finding(rec, &state);
}

/* --- In each document, on both sides ----------------------------------------- */

/* Findings that are told of a comparison within a document that names no sides. */
enum { COMPARED_MAX = 5 };

/* The first `most` verified findings of the question; returns how many. */
static size_t best_of(const struct record *rec, const struct asked *asked, size_t most,
                      size_t *from)
{
    size_t n = 0, end = asked->first + asked->n;
    for (size_t i = asked->first; i < end && n < most; i++) {
        if (answer_is_verified(&rec->findings.items[i])) from[n++] = i;
    }
    return n;
}

/* What a document is called: by its name to the user, by its id to others. */
enum naming { BY_NAME, BY_ID };

/* Is the task one document's, it is told by that; else by what was asked. */
static const char *label_of(const struct record *rec, const struct task *task,
                            enum naming naming)
{
    struct arena *a = rec->reading->arena;
    if (task->n_docs != 1) return arena_printf(a, "%s ", task->ask);
    const struct doc *doc = rec->reading->set->docs[task->docs[0]];
    return arena_printf(a, "%s: ", naming == BY_NAME ? doc->name : doc->id);
}

static const char *nothing_of(const struct record *rec, const struct asked *asked)
{
    return words_none(rec->reading->arena, asked->parts_read, asked->parts);
}

/* A line for each task. */
static void answer_each(const struct record *rec, const struct plan *plan,
                        enum naming naming, struct final *out)
{
    struct arena *a = rec->reading->arena;
    size_t *from = arena_array(a, plan->n_tasks, sizeof *from), n = 0;
    struct answer_line *lines = arena_array(a, plan->n_tasks, sizeof *lines);
    for (size_t i = 0; i < plan->n_tasks; i++) {
        lines[i].label = label_of(rec, &plan->tasks[i], naming);
        lines[i].nothing = nothing_of(rec, &rec->asked[i]);
        lines[i].from = &from[i];
        lines[i].n = best_of(rec, &rec->asked[i], 1, &from[i]);
        n += lines[i].n;
    }
    if (n == 0) {
        answer_not_found(rec, out);
    } else {
        answer_from_lines(rec, lines, plan->n_tasks, out);
    }
}

static void answer_compared(const struct record *rec, struct final *out)
{
    size_t from[COMPARED_MAX];
    size_t n = best_of(rec, &rec->asked[0], COMPARED_MAX, from);
    sort_by_place(rec, from, n);
    const struct answer_parts parts = { .joint = "; ", .from = from, .n = n };
    if (n == 0) {
        answer_not_found(rec, out);
    } else {
        answer_from_parts(rec, &parts, out);
    }
}

/* --- The answer ------------------------------------------------------------ */

/* Parts that an answer is missing: that failed, for one of its questions if not for all,
 * and where every part has to be read those that there was no room for in the plan. */
static size_t unread_parts(const struct record *rec, bool all)
{
    struct coverage coverage;
    record_coverage(rec, &coverage);
    size_t n = coverage.failed + (all ? coverage.skipped : 0);
    for (size_t i = 0; i < rec->n_asked; i++) {
        if (rec->asked[i].parts_failed > n) n = rec->asked[i].parts_failed;
    }
    return n;
}

/* Is there nothing in a line because of parts that failed? */
static bool lacks_line(const struct record *rec, const struct plan *plan)
{
    size_t from, n = plan->n_tasks > 1 ? rec->n_asked : 0;
    for (size_t i = 0; i < n; i++) {
        const struct asked *asked = &rec->asked[i];
        if (asked->parts_failed > 0 && best_of(rec, asked, 1, &from) == 0) return true;
    }
    return false;
}

/* What is found stays found without the parts that failed; a total of all does not stay
 * one. plan: NULL for what was looked up. That nothing was found says itself what was
 * read. */
static void tell_unread(const struct proto_run *run, const struct record *rec,
                        const struct plan *plan, struct final *out)
{
    /* One yes is enough, whatever the others would have said. */
    bool total = plan && plan->tasks[0].answer != ANSWER_YES_NO;
    bool all = total && plan->tasks[0].read_all;
    size_t n = unread_parts(rec, all);
    if (n == 0 || out->status != FINAL_ANSWERED) return;
    if (all || (plan && lacks_line(rec, plan))) {
        answer_partial(rec, out, LW_PARTIAL, record_unread(rec, n));
    } else {
        proto_warn(run, "%s", record_unread(rec, n));
    }
}

/* The answer as the worker may read it, which may be a server elsewhere. */
static const char *told_to_worker(const struct proto_run *run, const struct record *rec,
                                  const struct plan *plan, const struct final *out)
{
    struct final by_id;
    bool names = plan && plan->n_tasks > 1;
    if (!names || !run->schema || llm_info(run->reading.worker)->on_device) {
        return out->answer;
    }
    answer_each(rec, plan, BY_ID, &by_id);
    return by_id.answer;
}

static void end_answer(const struct proto_run *run, const struct record *rec,
                       const struct plan *plan, struct final *out)
{
    if (cancel_level(run->reading.cancel)) answer_stopped(rec, out);
    tell_unread(run, rec, plan, out);
    const char *told = told_to_worker(run, rec, plan, out);
    shape_answer(run, rec, run->reading.worker, run->reading.usage, told, out);
}

static void answer_question(struct proto_run *run, const struct plan *plan,
                            const struct job_list *jobs, struct final *out)
{
    struct record rec;
    record_init(&rec, &run->reading);
    record_add_jobs(&rec, plan, jobs);
    enum question_kind kind = question_kind(run->reading.question);
    if (rec.findings.n == 0) {
        answer_not_found(&rec, out);
    } else if (plan->n_tasks > 1) {
        answer_each(&rec, plan, BY_NAME, out);
    } else if (kind == QUESTION_COMPARE) {
        answer_compared(&rec, out);
    } else if (kind == QUESTION_LAST || kind == QUESTION_FIRST) {
        answer_one(&rec, find_state(&rec, plan, jobs, kind == QUESTION_LAST), out);
    } else if (kind != QUESTION_LOOK_UP && kind != QUESTION_EACH) {
        answer_all(run, &rec, kind, out);
    } else {
        answer_one(&rec, 0, out);
    }
    end_answer(run, &rec, plan, out);
    record_release(&rec);
}

/* Released by the caller: plan_release(). */
static int read_for(const struct proto_run *run, const char *question, struct plan *plan,
                    struct job_list *jobs, struct lw_error *err)
{
    *plan = (struct plan){ .tasks = NULL };
    question_plan(plan, question, run->reading.set->n_docs);
    proto_set_samples(run, plan);
    return run_jobs(&run->reading, plan, NULL, NULL, jobs, err);
}

/* --- Somebody who is only described ------------------------------------------- */

/* Look one thing up. *best: its best finding, -1 if there is none. */
static int look_up(struct proto_run *run, struct record *rec, const char *question,
                   long *best, struct lw_error *err)
{
    struct plan plan;
    struct job_list jobs;
    run->reading.question = question;
    int code = read_for(run, question, &plan, &jobs, err);
    *best = -1;
    if (code == 0) {
        record_add_jobs(rec, &plan, &jobs);
        const struct asked *asked = &rec->asked[rec->n_asked - 1];
        if (asked->n > 0) *best = (long)asked->first;
    }
    plan_release(&plan);
    return code;
}

static bool is_shown(const struct record *rec, long i)
{
    return i >= 0 && answer_is_verified(&rec->findings.items[i]);
}

/* *who: the finding that names who is described; *what: the one that answers, with the
 * name. Each -1 if there is none that its quote shows. */
static int look_up_in_two(struct proto_run *run, struct record *rec,
                          const struct two_hop *h, long *who, long *what,
                          struct lw_error *err)
{
    proto_trace(run, "asked first: %s", h->first);
    int code = look_up(run, rec, h->first, who, err);
    const char *name = is_shown(rec, *who) ? rec->findings.items[*who].value : "";
    if (!two_hop_is_name(name)) *who = -1;
    if (*who < 0) return code;
    const char *second = two_hop_second(run->reading.arena, h, name);
    proto_trace(run, "asked with the name: %s", second);
    code = look_up(run, rec, second, what, err);
    if (!is_shown(rec, *what)) *what = -1;
    return code;
}

/* What was found (-1: not), and on a line of its own who is described. */
static void tell_both(const struct record *rec, const struct two_hop *h, long what,
                      long who, struct final *out)
{
    size_t answer = (size_t)what, name = (size_t)who;
    const char *described = h->question + h->at;
    /* A question that failed is not on the record: then the last is the one for who. */
    const struct asked *last = &rec->asked[rec->n_asked - 1];
    const struct asked unasked = { .parts = 1 };
    const struct answer_line lines[] = {
        { .label = "",
          .nothing = nothing_of(rec, name < last->first ? last : &unasked),
          .from = &answer,
          .n = what >= 0 },
        { .label = arena_printf(rec->reading->arena, "%.*s: ", (int)h->len, described),
          .from = &name,
          .n = 1 },
    };
    answer_from_lines(rec, lines, 2, out);
}

/* Where the documents use the description themselves it may well stand beside what is
 * asked: then the question as it is comes first. */
static int look_up_described(struct proto_run *run, struct record *rec,
                             const struct two_hop *h, struct final *out,
                             struct lw_error *err)
{
    long as_is = -1, who = -1, what = -1;
    int code = 0;
    if (h->as_described) code = look_up(run, rec, h->question, &as_is, err);
    if (code == 0 && as_is < 0) code = look_up_in_two(run, rec, h, &who, &what, err);
    if (code == 0 && what < 0 && !h->as_described) {
        code = look_up(run, rec, h->question, &as_is, err);
    }
    run->reading.question = h->question;
    bool ended = code != 0 || cancel_level(run->reading.cancel) != CANCEL_NONE;
    if (as_is >= 0) {
        answer_one(rec, (size_t)as_is, out);
    } else if (what >= 0 || (who >= 0 && ended)) {
        tell_both(rec, h, what, who, out);
        if (code) answer_partial(rec, out, code, err->message);
        code = 0;
    } else {
        answer_not_found(rec, out);
    }
    return code;
}

static int answer_described(struct proto_run *run, const struct two_hop *h,
                            struct final *out, struct lw_error *err)
{
    struct record rec;
    record_init(&rec, &run->reading);
    int code = look_up_described(run, &rec, h, out, err);
    if (code == 0) end_answer(run, &rec, NULL, out);
    record_release(&rec);
    return code;
}

int local_run(struct proto_run *run, struct final *out, struct lw_error *err)
{
    const char *question = run->reading.question;
    enum question_kind kind = question_kind(question);
    struct two_hop hop;
    proto_trace(run, "the question is read as a %s", question_kind_name(kind));
    proto_stage(run, "reading");
    if (kind == QUESTION_LOOK_UP &&
        two_hop_find(run->reading.arena, question, run->reading.set, &hop)) {
        return answer_described(run, &hop, out, err);
    }
    struct plan plan;
    struct job_list jobs;
    int code = read_for(run, question, &plan, &jobs, err);
    if (code == 0) answer_question(run, &plan, &jobs, out);
    plan_release(&plan);
    return code;
}
