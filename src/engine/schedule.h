/* schedule.h - which tokens of which request go into the next batch.
 *
 * Requests that begin with the same tokens form a group: instructions and
 * excerpt once, then the questions. The group's prefix is computed into a
 * sequence of its own; each request starts as a copy of it.
 *
 *     group     prefix [#########]
 *     request            `-------[##?]           its own tokens, then the reply
 *     request            `-------[####?]         one token a step
 *     twin                        `---[?]        the same prompt again
 *
 * A kept state may bring more into the group's sequence than its prefix: the beginning
 * of a question that was asked before. A request starts from as much of it as it shares.
 *
 * Room. The cache has a number of cells, a token in any number of sequences
 * takes one. A group that is let in reserves its prefix and what its hungriest
 * request may need; further requests are let in as there is room. So a group
 * that is in can always go on, and the cache never overflows.
 *
 * Order. Groups come in the order in which they were added, callers take turns
 * group by group, and of those inside the caller with the fewest requests
 * inside comes first. The next group is let in only when a batch has room that
 * those inside do not fill.
 *
 * Phases. A caller's requests are read first, as many as there is room for, excerpts
 * before questions, and then reply together; when these are over, or a few go on for
 * long, the next ones are read. A step of many replies costs little more than a step of
 * one, and a reply in a step that reads costs more than it looks like: attention takes 64
 * tokens of a step at a time past every cell that one of them sees (Zhong et al. 2024,
 * "DistServe", section 2.3, on that interference). Each caller has its own phase:
 * nobody's reply waits for another one's reading.
 *
 * Resting. Cells that nobody in a step sees are not free either: each 64 tokens of it
 * look at all cells in use. So while further excerpts of a caller are read, those that
 * are complete rest outside the cache; they come back before their questions.
 *
 * Nothing here knows a model: the hooks do what has to be done to the cache.
 * Threads: one. Memory: everything is the caller's and stays until over. */
#ifndef LW_ENGINE_SCHEDULE_H
#define LW_ENGINE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SCHED_RUNNING_MAX = 32, /* requests inside at once */
    SCHED_GROUPS_MAX = 6,   /* groups inside at once */
    SCHED_SEQ_MAX = SCHED_RUNNING_MAX + SCHED_GROUPS_MAX,
    SCHED_PIECES_MAX = SCHED_SEQ_MAX
};

enum sched_state { SCHED_WAITING, SCHED_INSIDE, SCHED_OVER };

/* Tokens [0, n_tokens) of a sequence, of which [0, n_done) are in the cache. */
struct sched_work {
    int seq; /* the sequence while inside, else -1 */
    int n_tokens, n_done;
};

struct sched_request {
    struct sched_work work;     /* n_tokens: the prompt, later prompt and reply */
    int n_prompt;               /* tokens to read before it replies */
    int n_total;                /* the most tokens it may come to */
    struct sched_request *twin; /* an earlier one with an equal prompt, or NULL */
    enum sched_state state;
    struct sched_group *group;
    struct sched_request *next;
};

struct sched_group {
    struct sched_work prefix; /* n_tokens may be 0: nothing is shared */
    int n_behind;             /* tokens in its sequence behind the whole prefix */
    enum sched_state state;
    struct sched_request *first, *last;
    struct sched_request *waiting; /* none before it waits */
    int n_waiting, n_inside;
    int cells_own_max; /* of the hungriest request, without the prefix */
    int cells_own;     /* of those inside */
    bool may_reply;    /* one of its requests, at least */
    bool rests;        /* its prefix is kept elsewhere; of it, n_done tokens stay */
    bool stays;        /* it cannot rest, or did */
    struct sched_call *call;
    struct sched_group *next;
};

/* One caller's groups, in order. */
struct sched_call {
    struct sched_group *first, *last;
    struct sched_group *waiting; /* none before it waits */
    int n_inside;                /* of its requests */
    bool replies;                /* its phase; false: it reads */
    int n_began;                 /* requests inside when it began to reply */
    int n_alone;                 /* steps since then that only few of these went on */
    struct sched_call *next;     /* a ring */
};

struct sched_hooks {
    /* A group got its sequence. Returns how many tokens of the prefix stand in it
     * already (a kept state, or a copy of another's beginning). May bring more, after
     * sched_reserve_behind(). */
    int (*group_begins)(void *user, struct sched_group *group);
    /* The whole prefix is in the group's sequence, and nobody needs it for some steps:
     * keep it elsewhere. Returns how many tokens of it stay in the sequence, not all;
     * negative: it cannot be done, and all stay. When it is needed the sequence is
     * emptied, and group_begins() called again. */
    int (*group_rests)(void *user, struct sched_group *group);
    /* Nothing of the group will run any more; its sequence is still there. */
    void (*group_ends)(void *user, struct sched_group *group);
    /* A request got its sequence, which is empty, and its group has a prefix, which is
     * complete. Copy it there, with what is behind it as far as it is the request's too.
     * Returns how many tokens that is, fewer than the request has. */
    int (*request_begins)(void *user, struct sched_request *r);
    /* Copy the first n tokens of sequence `from` to sequence `to`, which is empty. */
    void (*copy)(void *user, int from, int to, int n);
    /* The sequence is free: empty it. */
    void (*clear)(void *user, int seq);
};

/* A run of tokens of one sequence in the batch. */
struct sched_piece {
    struct sched_work *work;
    struct sched_request *request; /* NULL: of the group's prefix */
    struct sched_group *group;
    int start, count;
    bool logits; /* of the last token: the request goes on from there */
};

struct schedule {
    int batch_tokens, running_max, cells;
    const struct sched_hooks *hooks;
    void *user;

    struct sched_call *turn; /* whose group is let in next; NULL: no caller */
    struct sched_group *groups[SCHED_GROUPS_MAX]; /* inside, the longest first */
    int n_groups;
    struct sched_request *running[SCHED_RUNNING_MAX]; /* inside, the longest first */
    int n_running;
    int cells_used; /* reserved */
    bool seq_used[SCHED_SEQ_MAX];
};

void sched_init(struct schedule *s, int batch_tokens, int running_max, int cells,
                const struct sched_hooks *hooks, void *user);

/* --- Building a call, before it is added ---------------------------------- */

void sched_call_init(struct sched_call *call);
void sched_group_init(struct sched_group *group, int n_prefix);
void sched_request_init(struct sched_request *r, int n_prompt, int n_total);
void sched_call_append(struct sched_call *call, struct sched_group *group);
/* n_prompt > n_prefix of the group: something must be left to compute. */
void sched_group_append(struct sched_group *group, struct sched_request *r);

/* --- The loop ------------------------------------------------------------- */

/* Can this request ever run? */
bool sched_fits(const struct schedule *s, const struct sched_request *r);
void sched_add(struct schedule *s, struct sched_call *call);
/* All of the call's requests must be over. */
void sched_remove(struct schedule *s, struct sched_call *call);

/* Let in what there is room for and fill a batch; returns the number of
 * pieces, 0 if there is nothing to do. A piece with logits is the last of what
 * its request has. */
int sched_plan(struct schedule *s, struct sched_piece pieces[SCHED_PIECES_MAX]);
/* The batch was computed. */
void sched_done(struct schedule *s, const struct sched_piece *pieces, int n);
/* The request got n more tokens. */
void sched_extend(struct sched_request *r, int n);
/* For group_begins: n tokens are to stand behind the group's prefix (0: none after all).
 * False: there is no room for them. */
bool sched_reserve_behind(struct schedule *s, struct sched_group *group, int n);
/* The piece was not computed, and its sequence is not as it was: it is emptied. A prefix
 * is computed again; a request waits again, to start from its group's prefix once more:
 * in its own sequence there is no room for that. */
void sched_lost(struct schedule *s, const struct sched_piece *piece);
/* Let a waiting twin in beside `leader`, whose prompt was computed just now.
 * False: no room yet; it will run later by itself. */
bool sched_join(struct schedule *s, struct sched_request *leader,
                struct sched_request *twin);
/* The request needs nothing more, whatever its state was. */
void sched_finish(struct schedule *s, struct sched_request *r);

#endif
