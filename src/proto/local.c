/* local.c - no cloud at all: read the best parts, answer from what was found.
 *
 *     question --> jobs over the chunks --> findings --> settle --> answer
 *                                               `--> list, count, sum --> answer
 *
 * The question is a plan of one task (jobs/question.h). What looks one thing up: where
 * one finding stands clearly above the others, its value is the answer. Where
 * findings compete, the worker gets the same question once more over the found
 * sentences with their neighbours, a short text of its own; what it says then
 * counts only where one of these sentences shows it. What wants all there is has read
 * every part, and is put together here, from findings whose quotes show them. */
#include "proto/ways.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "jobs/merge.h"
#include "jobs/prompts.h"
#include "jobs/question.h"
#include "jobs/reply.h"
#include "jobs/run_jobs.h"
#include "proto/answer.h"
#include "proto/shape.h"
#include "text/quote.h"

#include <stdlib.h>
#include <string.h>

enum {
    RIVALS_MAX = 4,
    NEAR_BYTES = 240, /* of the document, on each side of a found sentence */
    PIECES_BYTES_MAX = RIVALS_MAX * 4096
};

/* The best finding's lead in confidence from which nothing contests it. Not fitted. */
static const double CLEAR_LEAD = 0.25;
/* Share of a value's words that its sentences must hold to be believed. */
static const double SUPPORT_MIN = 0.5;

/* A found sentence with its neighbours, as a chunk of its own. */
struct pieces {
    struct chunk items[RIVALS_MAX];
    size_t n;
};

/* --- Rivals -------------------------------------------------------------- */

/* Findings that contest the best one, itself first. */
static size_t count_rivals(const struct finding_list *findings)
{
    size_t n = 1;
    double best = findings->items[0].confidence;
    while (n < findings->n && n < RIVALS_MAX &&
           best - findings->items[n].confidence < CLEAR_LEAD) {
        n++;
    }
    return n;
}

static struct chunk piece_of(const struct reading *r, const struct finding *f)
{
    const struct chunk *chunk = &r->chunks->items[f->chunk];
    const struct doc *doc = r->set->docs[chunk->doc];
    struct chunk piece = *chunk;
    if (f->quote.match == QUOTE_NONE) return piece;
    if (f->quote.start > chunk->start + NEAR_BYTES) {
        piece.start = utf8_floor(doc->text, doc->len, f->quote.start - NEAR_BYTES);
    }
    if (f->quote.end + NEAR_BYTES < chunk->end) {
        piece.end = utf8_floor(doc->text, doc->len, f->quote.end + NEAR_BYTES);
    }
    return piece;
}

static bool overlap(const struct chunk *a, const struct chunk *b)
{
    return a->doc == b->doc && a->start < b->end && b->start < a->end;
}

static void add_piece(struct pieces *p, struct chunk piece)
{
    for (size_t i = 0; i < p->n; i++) {
        struct chunk *have = &p->items[i];
        if (!overlap(have, &piece)) continue;
        if (piece.start < have->start) have->start = piece.start;
        if (piece.end > have->end) have->end = piece.end;
        return;
    }
    p->items[p->n++] = piece;
}

/* --- The second look ------------------------------------------------------- */

static const char *text_of(const struct reading *r, const struct chunk *piece)
{
    return r->set->docs[piece->doc]->text + piece->start;
}

static void write_pieces(const struct reading *r, const struct pieces *p, struct buf *b)
{
    buf_init(b, PIECES_BYTES_MAX);
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0) buf_add_str(b, "\n\n");
        buf_add(b, text_of(r, &p->items[i]), p->items[i].end - p->items[i].start);
    }
}

/* What the worker answers over the pieces; NULL if nothing came of it. */
static const char *look_again(const struct proto_run *run, const struct task *task,
                              const struct pieces *p)
{
    const struct reading *r = &run->reading;
    struct llm_request req;
    struct llm_reply reply;
    struct buf excerpt;
    char *text = NULL;
    write_pieces(r, p, &excerpt);
    prompt_read(r->arena, excerpt.data, excerpt.len, task, &req);
    int code = llm_chat(r->worker, &req, &reply, &text, r->cancel, NULL);
    buf_release(&excerpt);
    usage_add(r->usage, &reply.usage);
    if (code) return NULL;
    const char *start = text + strspn(text, " \t\n");
    const char *value = arena_strndup(r->arena, start, strcspn(start, "\n"));
    mem_free(text);
    return !reply_says_absent(value, strlen(value)) ? value : NULL;
}

/* The piece that shows the value best, as a finding; false if none shows it. */
static bool find_support(const struct reading *r, const struct pieces *p,
                         const char *value, struct finding *out)
{
    double best = SUPPORT_MIN;
    bool found = false;
    for (size_t i = 0; i < p->n; i++) {
        const struct chunk *piece = &p->items[i];
        bool numbers_ok = false;
        double overlap_share = 0;
        double share = quote_supports(value, text_of(r, piece), piece->end - piece->start,
                                      &numbers_ok);
        if (!numbers_ok || share < best || (found && share <= best)) continue;
        struct quote quote =
            quote_choose(r->set, piece, value, r->question, &overlap_share);
        if (quote.match == QUOTE_NONE) continue;
        best = share;
        found = true;
        *out = (struct finding){
            .chunk = (int)chunk_list_find(r->chunks, quote.doc, quote.start),
            .value = value,
            .quote = quote,
            .supported = true,
            .votes = 1,
            .of = 1,
        };
    }
    return found;
}

/* --- Settling ------------------------------------------------------------ */

/* Index of the finding to answer with. */
static size_t settle(const struct proto_run *run, struct record *rec,
                     const struct task *task)
{
    struct pieces pieces = { .n = 0 };
    struct finding second;
    size_t n = count_rivals(&rec->findings);
    if (n < 2 || cancel_level(run->reading.cancel)) return 0;
    for (size_t i = 0; i < n; i++) {
        add_piece(&pieces, piece_of(&run->reading, &rec->findings.items[i]));
    }
    const char *value = look_again(run, task, &pieces);
    if (!value) return 0;
    proto_trace(run, "%zu findings compete; a second look says: %s", n, value);
    for (size_t i = 0; i < n; i++) {
        if (merge_same_value(rec->findings.items[i].value, value)) return i;
    }
    if (!find_support(&run->reading, &pieces, value, &second)) return 0;
    return record_add_finding(rec, &second);
}

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

static bool says_nothing(enum question_kind kind, const struct asked *asked)
{
    return kind == QUESTION_ANY && strcmp(asked->reduced, "0") == 0;
}

static void answer_all(const struct record *rec, enum question_kind kind,
                       struct final *out)
{
    const struct asked *asked = &rec->asked[0];
    struct answer_parts parts = { .joint = kind == QUESTION_SUM ? " + " : "; " };
    size_t *from = arena_array(rec->reading->arena, rec->findings.n, sizeof *from);
    if (kind == QUESTION_LIST) {
        parts.n = verified(rec, from);
    } else if (asked->reduced && !says_nothing(kind, asked)) {
        parts.total = asked->reduced;
        parts.n = asked->n_from;
        memcpy(from, asked->from, asked->n_from * sizeof *from);
    }
    sort_by_place(rec, from, parts.n);
    parts.from = from;
    if (parts.n == 0) {
        answer_not_found(rec, out);
    } else if (kind == QUESTION_ANY) {
        answer_from_value(rec, "Yes", parts.from, parts.n, out);
    } else {
        answer_from_parts(rec, &parts, out);
    }
}

/* --- The answer ------------------------------------------------------------ */

static void answer_question(struct proto_run *run, const struct plan *plan,
                            const struct job_list *jobs, struct final *out)
{
    struct record rec;
    record_init(&rec, &run->reading);
    record_add_jobs(&rec, plan, jobs);
    enum question_kind kind = question_kind(run->reading.question);
    if (rec.findings.n == 0) {
        answer_not_found(&rec, out);
    } else if (kind != QUESTION_LOOK_UP) {
        answer_all(&rec, kind, out);
    } else {
        size_t best = settle(run, &rec, &plan->tasks[0]);
        answer_from_value(&rec, rec.findings.items[best].value, &best, 1, out);
    }
    if (cancel_level(run->reading.cancel)) answer_stopped(&rec, out);
    shape_answer(run, &rec, run->reading.worker, run->reading.usage, out);
    record_release(&rec);
}

int local_run(struct proto_run *run, struct final *out, struct lw_error *err)
{
    struct plan plan = { .tasks = NULL };
    struct job_list jobs = { .items = NULL };
    question_plan(&plan, run->reading.question);
    proto_trace(run, "the question is read as a %s",
                question_kind_name(question_kind(run->reading.question)));
    proto_set_samples(run, &plan);
    proto_stage(run, "reading");
    int code = run_jobs(&run->reading, &plan, NULL, NULL, &jobs, err);
    if (code == 0) answer_question(run, &plan, &jobs, out);
    plan_release(&plan);
    return code;
}
