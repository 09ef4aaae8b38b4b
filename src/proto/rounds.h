/* rounds.h - what minion and minions share: rounds that end with the supervisor's turn.
 *
 *     ask --> read --> conclude --> answer
 *              ^           |
 *              +-- next ---+
 *
 * What is asked and how it is read differs, and stands in the protocol; here is
 * the state of all rounds, the supervisor's turn at the end of each, and the end
 * of the run.
 *
 * Life: rounds_init() / rounds_end(), which always releases.
 * Threads: the run's thread. */
#ifndef LW_PROTO_ROUNDS_H
#define LW_PROTO_ROUNDS_H

#include "flow/final.h"
#include "proto/prompts.h"

struct rounds {
    struct proto_run *run;
    struct record record; /* all that was found, in all rounds */
    int round;            /* from 1; 0: before the first */
    enum prompt_round kind;
    bool answered;
};

/* How a protocol asks at the end of a round. user is its own state. */
struct rounds_turn {
    void (*prompt)(void *user, const char *found, struct llm_message *messages);
    json_t *(*schema)(const struct proto_run *run, enum prompt_round kind);
    /* The reply gives no answer and this is not the last round: what does it want next?
     * 0, or LW_ERR_INPUT with a complaint that the supervisor can act on. */
    int (*check_next)(void *user, const json_t *reply, struct lw_error *err);
    /* The reply counts: take from it what the next round needs. */
    void (*keep)(void *user, const json_t *reply);
    void *user;
};

void rounds_init(struct rounds *r, struct proto_run *run);
/* The next round begins. */
void rounds_next(struct rounds *r);
/* The supervisor sees what was found. It answers, and r->answered is true and *out
 * filled, or it says what to read next. One that cannot say that is asked once more, as
 * in the last round. */
int rounds_conclude(struct rounds *r, const struct rounds_turn *turn, struct final *out,
                    struct lw_error *err);
/* The run is over, with code 0 and *out filled or with *why: what was found until then
 * is the answer where there is none, and is put into the caller's schema. Returns the
 * code that the run ends with. */
int rounds_end(struct rounds *r, int code, struct lw_error *why, struct final *out,
               struct lw_error *err);

#endif
