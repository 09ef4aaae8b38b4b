/* llm.h - what any model is to the rest of legwork.
 *
 * A model takes chat requests and gives replies. Whether it runs in this
 * process (engine/), behind HTTP (providers/) or follows a script (fake.c),
 * and whether it is wrapped (guard/), callers never know.
 *
 * Many requests at once is the normal case: llm_chat_many() lets the engine
 * reorder and share work, and a server run as many in flight as it allows. One
 * request is one conversation; requests are never merged.
 *
 * Sharing. The parts of a message are concatenated without anything between.
 * A model in process tokenises each part apart, so that requests whose leading
 * messages and parts are equal share their state: put what repeats first, and
 * end a part where the sharing ends. Document text always stands in a part of
 * its own with `verbatim` set: it is tokenised as plain text, so special
 * tokens in it never act.
 *
 * Reasoning. What a model thinks before it replies is no part of the reply: a model
 * in process is told not to think where its template has a word for that, and a
 * block <think>...</think> at the beginning is taken out by all (reasoning.h). Only
 * a server may find the stop string in it. Thoughts alone are LLM_FAILED.
 *
 * Life: an implementation makes a struct llm (llm.ops and its own fields after
 * it), llm_close() ends it. Wrappers own what they wrap.
 * Threads: one llm_chat_many() at a time a caller; several threads may call
 * the same llm. on_reply runs on the calling thread.
 * Errors: a request fails alone, in its reply; llm_chat_many() itself returns an error
 * only when nothing can go on (LW_CANCELLED: the token reached ABORT) or what was to be
 * kept was not (keep_only). */
#ifndef LW_LLM_LLM_H
#define LW_LLM_LLM_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/json.h"
#include "flow/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum llm_role { LLM_SYSTEM, LLM_USER, LLM_ASSISTANT };

struct llm_part {
    const char *text;
    size_t len;
    bool verbatim; /* text of a document: no special tokens */
};

enum { LLM_PARTS_MAX = 4 };

struct llm_message {
    enum llm_role role;
    struct llm_part parts[LLM_PARTS_MAX];
    size_t n_parts;
};

/* The document that the verbatim parts of a request are of. */
struct llm_source {
    const char *id;   /* of its content: 32 hex digits */
    const char *name; /* for people */
};

struct llm_request {
    const struct llm_message *messages;
    size_t n_messages;
    /* A model in process keeps the state of what repeats under this document beyond
     * the process, where the user lets it. NULL: nothing is kept there. */
    const struct llm_source *source;
    /* Nothing is asked: what repeats is to be kept under `source`, if it is not there
     * yet (then nothing is computed, and usage says so). Only with max_tokens 0, and
     * where info.kept_token_bytes is not 0. Kept when llm_chat_many() returns 0, else
     * LW_ERR_LOCAL says why not all are. */
    bool keep_only;
    /* The assistant's turn begins with this text (NULL: nothing). The reply's
     * text does not repeat it. Where info.prefill is false it is dropped. */
    const char *prefill;

    /* Screening. The first token of the reply is compared with these
     * alternatives (whole first tokens, or their beginnings where the server
     * reports text): reply.logprob_alt = ln of the sum of their probabilities.
     * With a second list, reply.logprob_alt2 is the same for it (Yes / No). */
    const char *const *alt;
    size_t n_alt;
    const char *const *alt2;
    size_t n_alt2;
    bool forbid_alt; /* the reply may not begin with one of the first list */

    int max_tokens;     /* 0: score the first token only, decode nothing */
    const char *stop;   /* NULL, or what ends the reply and is no part of it ("\n") */
    double temperature; /* 0: greedy */
    uint32_t seed;

    /* At most one of: */
    const json_t *schema;  /* the reply is JSON of this schema (our subset, schema.h) */
    const char *copy_from; /* the reply is a verbatim piece of this text */
    size_t copy_from_len;
    bool say_schema; /* a server is told the schema in words, too: it may look away from
                      * response_format */

    /* Streaming: called with pieces of the reply as they come, on the calling
     * thread; NULL: none. */
    void (*on_text)(void *user, const char *text, size_t len);
    void *user;
};

enum llm_finish {
    LLM_STOP,   /* ended by itself or at the stop string */
    LLM_LENGTH, /* cut at max_tokens or the context: text is incomplete */
    LLM_REPEAT, /* cut because the model repeated itself without end */
    LLM_CANCELLED,
    LLM_FAILED /* see error */
};

struct llm_reply {
    enum llm_finish finish;
    const char *text; /* valid until on_reply returns; "" when nothing */
    size_t len;
    double logprob_alt; /* NAN where the model gives none */
    double logprob_alt2;
    double logprob_mean; /* of the reply's tokens; NAN where unknown */
    struct usage usage;
    struct lw_error error; /* LLM_FAILED: code and sentence. LW_ERR_INPUT: the
                            * request does not fit the context of a model in process,
                            * or is larger than LIMIT_REQUEST_BYTES for a server */
};

struct llm_info {
    const char *name;  /* for messages: "openai/gpt-5", "qwen2.5-1.5b" */
    const char *where; /* "this process", or host:port */
    bool on_device;    /* nothing leaves this machine: in process or loopback */
    bool in_process;
    bool cheap_scoring; /* max_tokens 0 costs no decode, and shares prefixes where the
                         * model can: screen first, then answer */
    bool prefill;       /* llm_request.prefill is honoured */
    /* About what a token of a state takes that is kept beyond the process; 0: none is. */
    uint64_t kept_token_bytes;
    int context;   /* tokens really served for one request; 0: unknown */
    int parallel;  /* requests worth having in flight */
    int embedding; /* numbers in an embedding; 0: it makes none */
};

/* One without text and scores, that ended like this. */
struct llm_reply llm_no_reply(enum llm_finish finish);

typedef void (*llm_reply_fn)(void *user, size_t index, const struct llm_reply *reply);

/* Who wants to know what a model sends over a network, told by who sends it. */
struct llm_meter {
    /* The body of a request (len bytes, JSON; 0: it has none) was begun on a connection
     * `tries` times, at least once, and `bytes` of it left in all. Called once for each
     * request, when it has ended in any way, on the thread that called the model and
     * before its reply is handed over; so when a call returns, all that it sent has been
     * told. What was not begun (no connection, cancelled before) is not told; neither are
     * headers. */
    void (*sent)(void *user, const char *body, size_t len, int64_t tries, int64_t bytes);
    void *user;
};

struct llm;

struct llm_ops {
    void (*close)(struct llm *llm);
    const struct llm_info *(*info)(struct llm *llm);
    /* Exact for a model in process; an estimate (bytes / 3) elsewhere. Thread-safe. */
    int (*count_tokens)(struct llm *llm, const char *text, size_t len);
    int (*chat_many)(struct llm *llm, const struct llm_request *reqs, size_t n,
                     llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                     struct lw_error *err);
    void (*meter)(struct llm *llm, const struct llm_meter *meter); /* NULL: has no wire */
    /* NULL: it makes no embeddings. */
    int (*embed)(struct llm *llm, const struct llm_part *texts, size_t n, float *out,
                 const struct cancel *cancel, struct lw_error *err);
};

struct llm {
    const struct llm_ops *ops;
};

void llm_close(struct llm *llm); /* NULL allowed */
const struct llm_info *llm_info(struct llm *llm);
int llm_count_tokens(struct llm *llm, const char *text, size_t len);

/* From now on the meter (copied) is told of all that leaves, questions to a server about
 * itself included. Before the first call of the model. False: nothing of this model goes
 * over a network, and the meter is never called. */
bool llm_set_meter(struct llm *llm, const struct llm_meter *meter);

/* Run n requests; on_reply is called exactly once for each index, in any
 * order, before this returns. CANCEL_FINISH: requests not begun end as
 * LLM_CANCELLED, those under way are cut soon. */
int llm_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                  llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                  struct lw_error *err);

/* One request; the reply's text is copied into *text (mem_free), which may be
 * NULL if it is not wanted. Returns 0 also for LLM_LENGTH and LLM_REPEAT; an
 * LLM_FAILED reply becomes *err, a cancelled one LW_CANCELLED or LW_TIMEOUT. */
int llm_chat(struct llm *llm, const struct llm_request *req, struct llm_reply *reply,
             char **text, const struct cancel *cancel, struct lw_error *err);

/* What each text means, as info.embedding numbers whose squares sum to 1 (all 0 for a
 * text without words): out gets n times as many. A text that is longer than the model
 * reads at once is read in pieces and their mean taken, by length. LW_ERR_USAGE: this
 * model makes none. */
int llm_embed(struct llm *llm, const struct llm_part *texts, size_t n, float *out,
              const struct cancel *cancel, struct lw_error *err);

/* Message with one plain part. */
struct llm_message llm_message_text(enum llm_role role, const char *text);
/* Bytes of all parts of all messages. */
size_t llm_request_bytes(const struct llm_request *req);

#endif
