/* turn.h - one request under way: the assistant's turn in one chat.
 *
 * A turn is built on the calling thread (call.c), scheduled by its prompt
 * (schedule.h), and then grows: each time its logits are there turn_go_on()
 * scores, chooses a token, appends its text, and says whether it goes on.
 *
 * Threads: the caller's until the call is submitted, then the engine thread's. */
#ifndef LW_ENGINE_TURN_H
#define LW_ENGINE_TURN_H

#include "engine/copy.h"
#include "engine/detok.h"
#include "engine/draft.h"
#include "engine/sample.h"
#include "engine/schedule.h"
#include "llm/llm.h"
#include "llm/reasoning.h"

struct call;

/* Turns that share their first tokens. */
struct turn_group {
    struct sched_group sched; /* first: the schedule hands out pointers to it */
    struct tokens prefix;
    struct tokens behind; /* what stands in its sequence behind the prefix */
    double promise;       /* the best screening score of its turns */
    bool has_source;      /* some turn of it has one */
    bool spoiled;         /* a model that went on from it computed no numbers */
    uint64_t hash;
};

/* One request: the assistant's turn in one chat. */
struct turn {
    struct sched_request sched; /* first */
    struct call *call;
    size_t index; /* of the request */
    const struct llm_request *req;
    struct tokens source; /* what the encoder reads, where the model has one */
    struct tokens own;    /* behind the group's prefix: prompt, then reply */
    int n_prompt, n_reply;
    int n_forced; /* of the reply: tokens that nobody chose */
    int max_reply;
    llama_token draft[DRAFT_MAX]; /* what may follow, checked in the step under way */
    int n_draft;
    bool read; /* the logits behind its prompt were there */
    struct tokens alt, alt2;
    struct sampler sampler;
    struct copier copier;
    struct reasoning reasoning; /* takes thoughts out on the way to the text */
    struct detok out;
    size_t n_streamed;
    double logprob_alt, logprob_alt2, logprob_sum;
    /* Prompt tokens computed on its behalf, and of these in its own sequence and in its
     * group's, as long as they stand there. */
    int n_computed, n_in_own, n_in_group;
    double seconds;
    struct lw_error *error; /* NULL: none; a kilobyte, and few turns have one */
    bool has_twins;
    bool first_of_source; /* of its group's turns; false where it has none */
    bool over;
};

/* Is the turn scored by the first list alone: how sure is the model not to say this?
 * Such scores are what states are kept by. */
bool turn_screens(const struct turn *t);

/* The turn's error, made when it is needed. */
struct lw_error *turn_error(struct turn *t);
void turn_release(struct turn *t);

/* The prompt is complete: add what the reply begins with by force, if anything. */
void turn_begin(struct turn *t);

/* The logits behind the turn's last token are there. Returns true if at least one token
 * was added (how many: own.n tells) and the turn goes on; else it is over, with
 * *finish. */
bool turn_go_on(struct turn *t, const struct logits *l, enum llm_finish *finish);

/* Guess at most `most` tokens that may follow, from what all its group's turns read. */
void turn_draft(struct turn *t, int most);

/* Of the draft's tokens behind the first n_right: how many more are what the turn has
 * since it was n_own long? */
int turn_draft_right(const struct turn *t, size_t n_own, int n_right);

/* Send the reply to the caller; the turn is over. read: its whole prompt was
 * computed or found. */
void turn_reply(struct turn *t, enum llm_finish finish, bool read);

#endif
