/* summary.c - join neighbours until few enough are left.
 *
 * All groups of a level are one call, so a worker in process reads them side by
 * side. Groups are as equal as can be: 17 notes become 8 groups of two and three. */
#include "proto/summary.h"

#include "base/mem.h"
#include "jobs/reply.h"
#include "proto/answer.h"
#include "proto/prompts.h"
#include "text/quote.h"

#include <string.h>

enum {
    GROUP_MAX = 24, /* notes that are joined at once: about 1,000 tokens */
    NOTE_TOKENS = 100
};

/* The share of a sentence's words that the notes must hold, and one of them to be
 * cited beside the nearest. */
static const double HELD_SHARE = 0.4, CITED_SHARE = 0.4;

struct level {
    const struct proto_run *run;
    struct answer_point *notes; /* of the level below */
    size_t n;
    struct answer_point *joined; /* of this one */
    size_t n_joined;
    struct group {
        size_t index;      /* of the note that it becomes */
        const char *notes; /* as lines */
    } * groups;            /* that are asked, one a request */
    /* Of all levels: groups that were asked; for which no reply came; why the first. */
    size_t n_asked, n_failed;
    const char *why;
};

/* Notes [from, to) of group g. */
static size_t group_begin(const struct level *l, size_t g)
{
    return g * l->n / l->n_joined;
}

/* --- What a sentence rests on ------------------------------------------------ */

static double share_in(const char *sentence, const struct answer_point *note)
{
    bool numbers_ok;
    return quote_supports(sentence, note->text, strlen(note->text), &numbers_ok);
}

/* The findings of the nearest notes, at most POINT_FROM_MAX. */
static void rest_on(const struct level *l, const struct answer_point *notes, size_t n,
                    struct answer_point *out)
{
    struct arena *a = l->run->reading.arena;
    size_t *from = arena_array(a, POINT_FROM_MAX, sizeof *from);
    bool *taken = arena_array(a, n, sizeof *taken);
    out->from = from;
    out->n = 0;
    while (out->n < POINT_FROM_MAX) {
        size_t best = n;
        double most = out->n == 0 ? -1 : CITED_SHARE;
        for (size_t i = 0; i < n; i++) {
            double share = taken[i] ? -1 : share_in(out->text, &notes[i]);
            if (share > most) {
                most = share;
                best = i;
            }
        }
        if (best == n) break;
        taken[best] = true;
        from[out->n++] = notes[best].from[0];
    }
}

/* Does it say nothing but what the notes say? */
static bool holds_to(const char *sentence, const char *notes)
{
    bool numbers_ok = true;
    double share = quote_supports(sentence, notes, strlen(notes), &numbers_ok);
    return numbers_ok && share >= HELD_SHARE;
}

/* --- A level ------------------------------------------------------------------ */

static void take_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct level *l = user;
    const struct group *group = &l->groups[index];
    size_t first = group_begin(l, group->index);
    size_t n = group_begin(l, group->index + 1) - first;
    struct answer_point *note = &l->joined[group->index];
    struct task task = { .answer = ANSWER_GIST };
    struct reply_value v;
    usage_add(l->run->reading.usage, &reply->usage);
    if (reply->finish == LLM_FAILED && l->n_failed++ == 0) {
        l->why = arena_strdup(l->run->reading.arena, reply->error.message);
    }
    reply_read(l->run->reading.arena, &task, NULL, reply, REPLY_CUT_KEEPS, &v);
    if (v.state != JOB_ANSWERED || !holds_to(v.answer, group->notes)) return;
    note->text = v.answer;
    rest_on(l, &l->notes[first], n, note);
}

static const char *lines_of(struct arena *a, const struct answer_point *notes, size_t n)
{
    const char *lines = "";
    for (size_t i = 0; i < n; i++)
        lines = arena_printf(a, "%s- %s\n", lines, notes[i].text);
    return lines;
}

static struct llm_request join_request(const struct level *l, const char *notes)
{
    struct arena *a = l->run->reading.arena;
    struct llm_message *messages = arena_array(a, SUPERVISOR_MESSAGES, sizeof *messages);
    prompt_join(l->run, notes, messages);
    return (struct llm_request){
        .messages = messages,
        .n_messages = SUPERVISOR_MESSAGES,
        .max_tokens = NOTE_TOKENS,
        .stop = "\n",
    };
}

/* Every group begins as the note in its middle; what the worker says replaces it, so
 * the level is whole also after an error. */
static int join_level(struct level *l, struct lw_error *err)
{
    const struct reading *r = &l->run->reading;
    size_t groups = (l->n + GROUP_MAX - 1) / GROUP_MAX, n_reqs = 0;
    l->n_joined = groups > SUMMARY_POINTS ? groups : SUMMARY_POINTS;
    l->joined = arena_array(r->arena, l->n_joined, sizeof *l->joined);
    l->groups = arena_array(r->arena, l->n_joined, sizeof *l->groups);
    struct llm_request *reqs = arena_array(r->arena, l->n_joined, sizeof *reqs);
    for (size_t g = 0; g < l->n_joined; g++) {
        size_t first = group_begin(l, g), n = group_begin(l, g + 1) - first;
        l->joined[g] = l->notes[first + n / 2];
        if (n == 1) continue;
        const char *notes = lines_of(r->arena, &l->notes[first], n);
        l->groups[n_reqs] = (struct group){ .index = g, .notes = notes };
        reqs[n_reqs++] = join_request(l, notes);
    }
    l->n_asked += n_reqs;
    int code = llm_chat_many(r->worker, reqs, n_reqs, take_reply, l, r->cancel, err);
    l->notes = l->joined;
    l->n = l->n_joined;
    return code;
}

/* The notes in the middle of those groups stand for the others. */
static void tell_failed(const struct level *l, const struct record *rec,
                        struct final *out)
{
    if (l->n_failed == 0) return;
    answer_partial(rec, out, LW_PARTIAL,
                   arena_printf(l->run->reading.arena,
                                "%zu of %zu groups of notes could not be joined: %s",
                                l->n_failed, l->n_asked, l->why));
}

void summary_answer(const struct proto_run *run, const struct record *rec,
                    const size_t *from, size_t n, struct final *out)
{
    struct arena *a = run->reading.arena;
    struct lw_error err = { .code = 0 };
    struct level l = { .run = run, .n = n };
    l.notes = arena_array(a, n, sizeof *l.notes);
    for (size_t i = 0; i < n; i++) {
        l.notes[i] = (struct answer_point){
            .text = rec->findings.items[from[i]].value,
            .from = &from[i],
            .n = 1,
        };
    }
    if (n > SUMMARY_POINTS) proto_stage(run, "writing");
    while (l.n > SUMMARY_POINTS) {
        struct lw_error why;
        if (join_level(&l, &why) && !err.code) err = why;
    }
    answer_from_points(rec, l.notes, l.n, out);
    if (err.code) answer_partial(rec, out, err.code, err.message);
    tell_failed(&l, rec, out);
}
