/* rounds.c - the supervisor's turn at the end of a round, and the end of all rounds.
 *
 * Each turn is one call that is complete in itself: it holds everything that was
 * asked and found in all rounds, as much of it as has room, best first. */
#include "proto/rounds.h"

#include "proto/answer.h"
#include "proto/findings_text.h"
#include "proto/shape.h"
#include "proto/supervise.h"

void rounds_init(struct rounds *r, struct proto_run *run)
{
    *r = (struct rounds){ .run = run };
    record_init(&r->record, &run->reading);
}

void rounds_next(struct rounds *r)
{
    r->round++;
    r->kind = r->round < supervise_rounds(r->run) ? ROUND_MIDDLE : ROUND_LAST;
}

/* --- The supervisor's turn ------------------------------------------------- */

struct turn {
    struct rounds *rounds;
    const struct rounds_turn *of;
};

static int check_reply(void *user, const json_t *reply, struct lw_error *err)
{
    const struct turn *t = user;
    if (!answer_is_blank(json_str(reply, "answer", ""))) return 0;
    if (t->rounds->kind == ROUND_LAST) {
        return err_set(err, LW_ERR_INPUT,
                       "\"answer\" is empty, and this is the last round");
    }
    return t->of->check_next(t->of->user, reply, err);
}

static int ask(struct turn *t, struct final *out, struct lw_error *err)
{
    struct rounds *r = t->rounds;
    struct llm_message messages[SUPERVISOR_MESSAGES];
    json_t *reply = NULL;
    t->of->prompt(t->of->user, "", messages);
    int room = supervise_room(r->run->supervisor, messages);
    const char *found = findings_text(&r->record, r->run->supervisor, room);
    t->of->prompt(t->of->user, found, messages);
    int code = supervise(r->run, messages, t->of->schema(r->run, r->kind), check_reply, t,
                         &reply, err);
    if (code) return code;
    r->answered = answer_from_reply(&r->record, reply, out);
    t->of->keep(t->of->user, reply);
    json_decref(reply);
    return 0;
}

/* A supervisor that cannot say what to read next may still be able to answer; a
 * small one would answer also from nothing. */
int rounds_conclude(struct rounds *r, const struct rounds_turn *turn, struct final *out,
                    struct lw_error *err)
{
    struct turn t = { .rounds = r, .of = turn };
    proto_stage(r->run, "concluding");
    if (prompt_is_small(r->run) && r->record.findings.n == 0) {
        answer_not_found(&r->record, out);
        r->answered = true;
        return 0;
    }
    int code = ask(&t, out, err);
    if (supervise_is_broken(code) && r->kind == ROUND_MIDDLE) {
        r->kind = ROUND_LAST;
        code = ask(&t, out, err);
    }
    return supervise_failure(code, err);
}

/* --- The end --------------------------------------------------------------- */

/* An answer does not say which parts it is without. */
static void tell_failed(const struct rounds *r, const struct final *out)
{
    bool tells = out->status == FINAL_NOT_FOUND;
    if (out->coverage.failed == 0 || tells) return;
    proto_warn(r->run, "%s", record_unread(&r->record, out->coverage.failed));
}

int rounds_end(struct rounds *r, int code, struct lw_error *why, struct final *out,
               struct lw_error *err)
{
    const struct proto_run *run = r->run;
    if (code) code = answer_after_error(&r->record, code, out, why);
    if (code) {
        err_set(err, code, "%s", why->message);
    } else {
        tell_failed(r, out);
        shape_answer(run, &r->record, run->supervisor, run->remote_usage, out->answer,
                     out);
    }
    record_release(&r->record);
    return code;
}
