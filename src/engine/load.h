/* load.h - a GGUF file becomes a model with a context, or a clear sentence.
 *
 * Threads: loading belongs to the caller's thread; afterwards the context
 * belongs to the engine thread, model and vocabulary may be read by all. */
#ifndef LW_ENGINE_LOAD_H
#define LW_ENGINE_LOAD_H

#include "engine/engine.h"
#include "engine/identity.h"
#include "engine/need.h"
#include "engine/vocab.h"

/* Texts that are embedded in one step; the library wants a divisor of its tokens. */
enum { LOAD_TEXTS = 16 };

/* What llama_decode() and llama_encode() return where the context's abort callback ended
 * the step. */
enum { LOAD_STEP_ABORTED = 2 };

/* How far the memory of this architecture can be shared between sequences. */
enum load_sharing {
    LOAD_SHARE_NOTHING, /* an encoder: what it read belongs to the context */
    LOAD_SHARE_WHOLE,   /* recurrent, sliding window: from the end of what was computed */
    LOAD_SHARE_ANY      /* from any position */
};

struct loaded {
    struct identity_stamp file; /* before it was read */
    struct llama_model *model;
    struct llama_context *ctx;
    llama_memory_t memory;
    struct vocab vocab;
    const char *tmpl; /* chat template; NULL: the plain one */
    enum load_sharing sharing;
    /* An encoder reads the prompt, one at a time, and the decoder begins its reply with
     * this token; LLAMA_TOKEN_NULL: there is no encoder. */
    llama_token decoder_start;
    int sequences; /* requests in flight */
    int n_seq;     /* of the context: theirs and those of prefixes */
    int context;   /* tokens a request may use */
    int cells;     /* of the KV cache */
    enum need_use use;
    /* Tokens of one step, at most: libllama ends the process over more. Fewer than
     * NEED_BATCH_TOKENS where the context is smaller. */
    int step_tokens;
    bool on_gpu;     /* layers of it, and their cache */
    int logits_most; /* tokens of a step whose logits there are */
    uint64_t kv_bytes_per_token;
    bool widened;                       /* the weights are not as in the file (widen.h) */
    bool rearranged;                    /* nor is their order (repack.h) */
    struct llama_context_params params; /* that the context was made with */
    char name[160];
};

int load_model(struct loaded *out, const struct engine_options *opt,
               struct lw_error *err);
/* A model that makes embeddings of texts; memory is NULL where it only has an encoder. */
int load_embedder(struct loaded *out, const struct engine_options *opt,
                  struct lw_error *err);
void load_release(struct loaded *m);

/* Bytes of memory that either of them would take; 0: the file cannot be read. */
uint64_t load_need(const struct engine_options *opt, enum need_use use);

/* Has the model short and long rope factors, and is its cache long enough for the long
 * ones? */
bool load_is_long_rope(const struct loaded *m);

/* The threads that decode: opt->threads or the cores there are. */
int load_threads(const struct engine_options *opt);

#endif
