/* minion.c - Minion: the supervisor asks the worker, one thing at a time.
 *
 *     supervisor: message --> worker reads --> findings with quotes --> supervisor
 *                                                        answers, or the next message
 *
 * The supervisor never sees the documents. The worker reads all of them at once
 * where they fit its context, else the parts that best match this message,
 * found again for each. One call of the supervisor a round, and one before the
 * first; each holds everything that was asked and found so far, so nothing
 * depends on a conversation. */
#include "proto/ways.h"

#include "base/mem.h"
#include "jobs/plan_check.h"
#include "jobs/question.h"
#include "jobs/reply.h"
#include "jobs/run_jobs.h"
#include "proto/answer.h"
#include "proto/rounds.h"
#include "proto/schemas.h"
#include "proto/supervise.h"
#include "proto/whole.h"
#include "text/quote.h"

#include <string.h>

enum {
    WHOLE_REPLY_TOKENS = 256,
    WHOLE_PROMPT_TOKENS = 256, /* our words, without the message */
    SAID_MAX = 4               /* sentences of a reply that are kept */
};

struct minion {
    struct proto_run *run;
    struct rounds rounds;
    const char *message; /* what to ask the worker next */
    const char *whole;   /* the documents as one text; NULL: read in parts */
    size_t whole_len;
    int64_t whole_tokens;
};

/* --- The worker's turn: everything at once --------------------------------- */

/* Do the documents fit the worker's context together with this message? */
static bool fits_worker(const struct minion *m, const char *message)
{
    struct llm *worker = m->run->reading.worker;
    int64_t rest = WHOLE_REPLY_TOKENS + WHOLE_PROMPT_TOKENS +
                   llm_count_tokens(worker, message, strlen(message));
    return m->whole_tokens + rest <= llm_info(worker)->context;
}

static void take_whole(struct minion *m)
{
    const struct reading *r = &m->run->reading;
    if (llm_info(r->worker)->context <= 0) return;
    m->whole_tokens = whole_tokens(r, r->worker);
    if (fits_worker(m, "")) m->whole = whole_text(r, &m->whole_len);
}

/* The reply's sentences become findings, each with the sentence of the
 * documents that holds most of it. One whose surroundings do not hold enough of it is
 * the worker's invention, and not supported. */
struct said {
    const struct reading *r;
    const char *text;
    struct finding findings[SAID_MAX];
    size_t n;
};

static struct quote best_quote(const struct reading *r, const char *sentence,
                               double *overlap)
{
    struct quote best = { .match = QUOTE_NONE };
    *overlap = 0;
    for (size_t i = 0; i < r->chunks->n; i++) {
        double share = 0;
        struct quote q =
            quote_choose(r->set, &r->chunks->items[i], sentence, NULL, &share);
        if (q.match == QUOTE_NONE || share <= *overlap) continue;
        best = q;
        *overlap = share;
    }
    return best;
}

static bool shows(const struct reading *r, const struct quote *q, const char *sentence)
{
    if (q->match == QUOTE_NONE) return false;
    const struct chunk *c =
        &r->chunks->items[chunk_list_find(r->chunks, q->doc, q->start)];
    const char *text = r->set->docs[c->doc]->text;
    return quote_is_supported(sentence, text + c->start, c->end - c->start);
}

static void add_sentence(void *user, size_t start, size_t end)
{
    struct said *s = user;
    double overlap;
    if (s->n == SAID_MAX) return;
    const char *sentence = arena_strndup(s->r->arena, s->text + start, end - start);
    struct quote quote = best_quote(s->r, sentence, &overlap);
    s->findings[s->n++] = (struct finding){
        .value = sentence,
        .quote = quote,
        .supported = shows(s->r, &quote, sentence),
        .confidence = overlap,
        .rank = overlap,
        .votes = 1,
        .of = 1,
    };
}

static int read_whole(struct minion *m, struct lw_error *err)
{
    const struct reading *r = &m->run->reading;
    struct llm_message messages[SUPERVISOR_MESSAGES];
    struct said said = { .r = r };
    struct llm_reply reply;
    char *text = NULL;
    prompt_whole(m->run, m->whole, m->whole_len, m->message, messages);
    struct llm_request req = {
        .messages = messages,
        .n_messages = SUPERVISOR_MESSAGES,
        .prefill = "Answer:",
        .max_tokens = WHOLE_REPLY_TOKENS,
    };
    int code = llm_chat(r->worker, &req, &reply, &text, r->cancel, err);
    usage_add(r->usage, &reply.usage);
    if (code == LW_ERR_INPUT) {
        const char *why = arena_strdup(r->arena, err->message);
        record_add_whole(&m->rounds.record, m->message, NULL, 0, why);
        return 0;
    }
    if (code) return code;
    said.text = text;
    if (!reply_says_absent(text, reply.len))
        quote_sentences(text, reply.len, add_sentence, &said);
    record_add_whole(&m->rounds.record, m->message, said.findings, said.n, NULL);
    mem_free(text);
    return 0;
}

/* --- The worker's turn: the parts that match ------------------------------- */

static int read_parts(struct minion *m, struct lw_error *err)
{
    struct plan plan = { .tasks = NULL };
    struct job_list jobs = { .items = NULL };
    question_plan(&plan, m->message, 1);
    proto_set_samples(m->run, &plan);
    int code = run_jobs(&m->run->reading, &plan, NULL, NULL, &jobs, err);
    if (code == 0) record_add_jobs(&m->rounds.record, &plan, &jobs);
    plan_release(&plan);
    return code;
}

static int read_message(struct minion *m, struct lw_error *err)
{
    proto_trace(m->run, "round %d: %s", m->rounds.round, m->message);
    proto_stage(m->run, "reading");
    bool whole = m->whole && fits_worker(m, m->message);
    return whole ? read_whole(m, err) : read_parts(m, err);
}

/* --- The supervisor's turn ------------------------------------------------- */

static int check_length(const struct minion *m, const char *message, struct lw_error *err)
{
    struct plan plan = { .tasks = NULL };
    struct lw_error why;
    if (strlen(message) > PLAN_ASK_BYTES_MAX) {
        return err_set(err, LW_ERR_INPUT,
                       "\"message\" is longer than %d bytes; ask for one thing in a "
                       "sentence or two",
                       PLAN_ASK_BYTES_MAX);
    }
    if (m->whole && fits_worker(m, message)) return 0;
    question_plan(&plan, message, 1);
    int code = plan_fits_worker(&plan, &m->run->reading, &why);
    plan_release(&plan);
    if (code == 0) return 0;
    return err_set(err, code,
                   "\"message\" is too long for the small model beside a part of a "
                   "document; ask for one thing in a sentence");
}

/* A message that was not asked before: at temperature 0 the same question would get
 * the same reply for ever. */
static int check_message(void *user, const json_t *reply, struct lw_error *err)
{
    const struct minion *m = user;
    const char *message = json_str(reply, "message", "");
    if (answer_is_blank(message))
        return err_set(err, LW_ERR_INPUT, "\"message\" is empty");
    if (record_has_asked(&m->rounds.record, message)) {
        return err_set(err, LW_ERR_INPUT, "this \"message\" was asked before");
    }
    return check_length(m, message, err);
}

static void keep_message(void *user, const json_t *reply)
{
    struct minion *m = user;
    m->message = arena_strdup(m->run->reading.arena, json_str(reply, "message", ""));
}

/* A small supervisor would lose half of the question on the way. */
static int ask_first(struct minion *m, struct lw_error *err)
{
    struct llm_message messages[SUPERVISOR_MESSAGES];
    json_t *reply = NULL;
    if (prompt_is_small(m->run)) {
        m->message = m->run->reading.question;
        return 0;
    }
    proto_stage(m->run, "planning");
    prompt_first_message(m->run, messages);
    int code = supervise(m->run, messages, schema_of_first_message(), check_message, m,
                         &reply, err);
    if (code == 0) keep_message(m, reply);
    json_decref(reply);
    if (!supervise_is_broken(code)) return code;
    proto_warn(m->run, "no message came: %s; the question itself is asked instead",
               err->message);
    m->message = m->run->reading.question;
    return 0;
}

static void ask_for_next(void *user, const char *found, struct llm_message *messages)
{
    const struct minion *m = user;
    prompt_next_message(m->run, found, m->rounds.kind, messages);
}

static int conclude(struct minion *m, struct final *out, struct lw_error *err)
{
    const struct rounds_turn turn = {
        .prompt = ask_for_next,
        .schema = schema_of_next_message,
        .check_next = check_message,
        .keep = keep_message,
        .user = m,
    };
    return rounds_conclude(&m->rounds, &turn, out, err);
}

int minion_run(struct proto_run *run, struct final *out, struct lw_error *err)
{
    struct minion m = { .run = run };
    struct lw_error why = { .code = 0 };
    rounds_init(&m.rounds, run);
    take_whole(&m);
    int code = ask_first(&m, &why);
    while (code == 0 && !m.rounds.answered) {
        rounds_next(&m.rounds);
        code = read_message(&m, &why);
        if (code == 0) code = conclude(&m, out, &why);
    }
    return rounds_end(&m.rounds, code, &why, out, err);
}
