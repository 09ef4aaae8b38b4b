/* load.c - check, load, make the context, warm it.
 *
 * libllama says why it failed only in its log, so the log is listened to while
 * loading and its first complaint becomes part of our sentence. Memory is
 * counted before: weights, KV cache and scratch from the header, against what
 * is free; a machine that starts to swap is worse than a refusal. */
#include "engine/load.h"

#include "base/file.h"
#include "engine/gguf_info.h"
#include "engine/machine.h"
#include "engine/need.h"
#include "engine/repack.h"
#include "engine/schedule.h"
#include "engine/template.h"
#include "engine/widen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The library's log ---------------------------------------------------- */

struct complaint {
    char text[400];
};

/* libllama has one log for the process and the loading thread is the one that
 * complains: each thread hears only itself. */
static _Thread_local struct complaint *listener;

static void hear(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (!listener || level != GGML_LOG_LEVEL_ERROR || listener->text[0] != '\0') {
        return;
    }
    /* "function_name: what happened\n" */
    const char *colon = strstr(text, ": ");
    const char *what =
        colon && !memchr(text, ' ', (size_t)(colon - text)) ? colon + 2 : text;
    snprintf(listener->text, sizeof listener->text, "%.*s", (int)strcspn(what, "\n"),
             what);
}

static void listen_to(struct complaint *c)
{
    listener = c;
    llama_log_set(hear, NULL);
}

/* --- Memory --------------------------------------------------------------- */

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024 * 1024);
}

/* Is there memory for the context? */
static int check_memory(const struct loaded *m, const struct gguf_info *info,
                        const char *path, struct lw_error *err)
{
    uint64_t free_bytes = machine_memory_free();
    struct need need = need_of(info, m->cells, m->use);

    if (free_bytes == 0 || need_sum(&need) <= free_bytes) {
        return 0;
    }
    uint64_t fixed = need.weights + need.scratch;
    uint64_t fit = 0;
    /* Nobody can ask for a smaller one of an embedding model. */
    if (m->use == NEED_TO_WRITE && free_bytes > fixed && info->kv_bytes_per_token > 0) {
        fit = (free_bytes - fixed) / info->kv_bytes_per_token / 256 * 256;
    }
    if (fit >= 512) {
        return err_set(
            err, LW_ERR_LOCAL,
            "the model %s with a context of %d tokens needs %.0f MiB of memory and "
            "%.0f are free: a context of %" PRIu64 " would fit, or a smaller model",
            path, m->context, mib(need_sum(&need)), mib(free_bytes), fit);
    }
    return err_set(
        err, LW_ERR_LOCAL,
        "the model %s needs %.0f MiB of memory (weights %.0f, context %.0f, working "
        "space %.0f) and %.0f are free: use a smaller model",
        path, mib(need_sum(&need)), mib(need.weights), mib(need.kv), mib(need.scratch),
        mib(free_bytes));
}

/* --- Loading -------------------------------------------------------------- */

/* ggml keeps what it was told first, and complains of every further time. */
static void use_numa(enum engine_numa numa)
{
    if (numa != ENGINE_NUMA_OFF && machine_has_nodes()) {
        llama_numa_init(numa == ENGINE_NUMA_ISOLATE ? GGML_NUMA_STRATEGY_ISOLATE
                                                    : GGML_NUMA_STRATEGY_DISTRIBUTE);
    }
}

static bool on_progress(float share, void *user)
{
    const struct engine_options *opt = user;

    if (opt->loading) {
        opt->loading(opt->user, (double)share);
    }
    return cancel_level(opt->cancel) == CANCEL_NONE;
}

static void notice(const struct engine_options *opt, const char *sentence)
{
    if (opt->notice) {
        opt->notice(opt->user, sentence);
    }
}

static int check_cancel(const struct engine_options *opt, struct lw_error *err)
{
    if (cancel_level(opt->cancel) == CANCEL_NONE) {
        return 0;
    }
    return cancel_timed_out(opt->cancel)
               ? err_set(err, LW_TIMEOUT, "the time limit ended the loading of the model")
               : err_set(err, LW_CANCELLED, "the loading of the model was cancelled");
}

static int load_failed(const struct engine_options *opt, const struct complaint *c,
                       const char *what, struct lw_error *err)
{
    int rc = check_cancel(opt, err);

    if (rc) {
        return rc;
    }
    return err_set(err, LW_ERR_LOCAL, "%s %s: %s", what, opt->path,
                   c->text[0] ? c->text : "libllama does not say why");
}

/* Files that are GGUF and no model of their own. */
static int check_file(const struct gguf_info *info, const char *path,
                      struct lw_error *err)
{
    if (strcmp(info->architecture, "clip") == 0) {
        return err_set(err, LW_ERR_LOCAL,
                       "%s is the part of a model that looks at pictures (a projector): "
                       "name the model that it belongs to",
                       path);
    }
    if (strcmp(info->type, "adapter") == 0) {
        return err_set(err, LW_ERR_LOCAL,
                       "%s is an adapter and no model: merge it into the model that it "
                       "belongs to",
                       path);
    }
    return 0;
}

static int not_a_writer(const char *path, struct lw_error *err)
{
    return err_set(err, LW_ERR_LOCAL,
                   "the model %s makes embeddings and cannot write: a worker is a chat "
                   "model",
                   path);
}

/* Encoder and decoder: the encoder reads a prompt in one step. */
static int set_two_sided(struct loaded *m, const struct engine_options *opt,
                         struct lw_error *err)
{
    m->decoder_start = llama_model_decoder_start_token(m->model);
    if (m->decoder_start == LLAMA_TOKEN_NULL) {
        m->decoder_start = llama_vocab_bos(llama_model_get_vocab(m->model));
    }
    if (m->decoder_start == LLAMA_TOKEN_NULL) {
        return err_set(err, LW_ERR_LOCAL,
                       "the model %s does not say which token its decoder begins with",
                       opt->path);
    }
    m->sharing = LOAD_SHARE_NOTHING;
    m->context = m->context < NEED_BATCH_TOKENS ? m->context : NEED_BATCH_TOKENS;
    m->cells = m->context;
    return 0;
}

static int check_vocabulary(const struct loaded *m, const struct engine_options *opt,
                            struct lw_error *err)
{
    const struct llama_vocab *vocab = llama_model_get_vocab(m->model);

    if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE ||
        llama_vocab_n_tokens(vocab) < 2) {
        return err_set(err, LW_ERR_LOCAL, "the model %s has no vocabulary", opt->path);
    }
    if (!vocab_takes_any_text(m->model)) {
        return err_set(err, LW_ERR_LOCAL,
                       "the model %s cannot be used: its vocabulary is damaged, or of "
                       "another kind than it says (it has no tokens for single bytes)",
                       opt->path);
    }
    return 0;
}

/* What kind of model it is; an error for those that cannot hold a chat. */
static int check_kind(struct loaded *m, const struct engine_options *opt,
                      struct lw_error *err)
{
    if (!llama_model_has_decoder(m->model)) {
        return not_a_writer(opt->path, err);
    }
    if (llama_model_is_diffusion(m->model)) {
        return err_set(
            err, LW_ERR_LOCAL,
            "the model %s is a diffusion model: legwork reads with models that "
            "write from left to right",
            opt->path);
    }
    int rc = check_vocabulary(m, opt, err);
    if (rc) {
        return rc;
    }
    if (llama_model_has_encoder(m->model)) {
        return set_two_sided(m, opt, err);
    }
    bool whole = llama_model_is_recurrent(m->model) || llama_model_is_hybrid(m->model) ||
                 llama_model_n_swa(m->model) > 0;
    m->sharing = whole ? LOAD_SHARE_WHOLE : LOAD_SHARE_ANY;
    return 0;
}

/* What an encoder has read belongs to the context and not to a sequence: one at a
 * time. Recurrent layers keep a state for every sequence there may be. */
static void choose_sequences(struct loaded *m, const struct engine_options *opt)
{
    int n = opt->sequences > 0 ? opt->sequences : NEED_SEQUENCES;
    int most = SCHED_RUNNING_MAX;

    if (m->decoder_start != LLAMA_TOKEN_NULL) {
        most = 1;
    } else if (llama_model_is_recurrent(m->model) || llama_model_is_hybrid(m->model)) {
        most = NEED_STATES;
    }
    m->sequences = n < most ? n : most;
    m->n_seq = m->sequences + SCHED_GROUPS_MAX;
}

/* The tokens of a request. Texts to embed go in pieces that fit into a step. */
static void choose_context(struct loaded *m, const struct gguf_info *info,
                           const struct engine_options *opt)
{
    m->context = opt->context > 0 ? opt->context : NEED_CONTEXT_DEFAULT;
    if (info->context > 0 && m->context > info->context) {
        m->context = info->context;
        if (opt->context > 0) {
            char text[128];
            snprintf(text, sizeof text,
                     "the model was trained for %d tokens; no more are used",
                     info->context);
            notice(opt, text);
        }
    }
    if (m->use == NEED_TO_EMBED && m->context > NEED_BATCH_TOKENS) {
        m->context = NEED_BATCH_TOKENS;
    }
}

static bool fits_memory(const struct gguf_info *info, int cells, enum need_use use)
{
    struct need need = need_of(info, cells, use);
    uint64_t free_bytes = machine_memory_free();

    return free_bytes == 0 || need_sum(&need) <= free_bytes;
}

/* The cache: a whole request fits, and those that are worked on at once share the room.
 * More excerpts are read before their replies begin where more fit, so if nobody asked
 * for a size there is room for four instead of three, as long as that is cheap beside
 * the weights. */
static void choose_cells(struct loaded *m, const struct gguf_info *info,
                         const struct engine_options *opt)
{
    m->cells = m->use == NEED_TO_EMBED ? NEED_BATCH_TOKENS : m->context;
    if (m->use == NEED_TO_WRITE && opt->context == 0 && m->cells < NEED_CELLS &&
        info->kv_bytes_per_token * NEED_CELLS <= info->tensor_bytes / NEED_CELLS_PART &&
        fits_memory(info, NEED_CELLS, m->use)) {
        m->cells = NEED_CELLS;
    }
}

static void name_model(struct loaded *m, const struct engine_options *opt)
{
    const char *file = file_name(opt->path);
    size_t len = strlen(file);

    if (len > 5 && strcmp(file + len - 5, ".gguf") == 0) {
        len -= 5;
    }
    snprintf(m->name, sizeof m->name, "%.*s (in process)", (int)(len < 128 ? len : 128),
             file);
}

int load_threads(const struct engine_options *opt)
{
    return opt->threads > 0 ? opt->threads : machine_cores();
}

bool load_is_long_rope(const struct loaded *m)
{
    char name[96], key[160], value[32];

    if (llama_model_meta_val_str(m->model, "general.architecture", name, sizeof name) <=
        0) {
        return false;
    }
    snprintf(key, sizeof key, "%s.rope.scaling.original_context_length", name);
    return llama_model_meta_val_str(m->model, key, value, sizeof value) > 0 &&
           m->cells > atoi(value);
}

static struct llama_context_params choose_params(const struct loaded *m,
                                                 const struct engine_options *opt)
{
    struct llama_context_params params = llama_context_default_params();

    params.n_ctx = (uint32_t)m->cells;
    params.n_batch = NEED_BATCH_TOKENS;
    params.n_ubatch = NEED_BATCH_TOKENS;
    params.n_seq_max = (uint32_t)m->n_seq;
    params.n_outputs_max = (uint32_t)(m->n_seq > NEED_LOGITS ? m->n_seq : NEED_LOGITS);
    params.n_threads = params.n_threads_batch = load_threads(opt);
    params.kv_unified = true;
    params.swa_full = true;
    if (opt->kv_q8) {
        params.type_k = params.type_v = GGML_TYPE_Q8_0;
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED; /* V needs it */
    }
    return params;
}

/* The first step pays for page faults; let loading pay, not the first question. */
static int warm(struct loaded *m, const struct engine_options *opt, struct lw_error *err)
{
    llama_token token = m->vocab.bos != LLAMA_TOKEN_NULL ? m->vocab.bos : 0;
    int rc = 0;

    if (m->decoder_start != LLAMA_TOKEN_NULL) {
        rc = llama_encode(m->ctx, llama_batch_get_one(&token, 1));
        token = m->decoder_start;
    }
    rc = rc ? rc : llama_decode(m->ctx, llama_batch_get_one(&token, 1));
    if (rc != 0) {
        return err_set(err, LW_ERR_LOCAL,
                       "the model %s does not compute (libllama says %d)", opt->path, rc);
    }
    llama_synchronize(m->ctx);
    llama_memory_clear(m->memory, true);
    return 0;
}

static enum llama_load_mode choose_mode(const struct loaded *m,
                                        const struct engine_options *opt)
{
    switch (opt->mmap) {
    case ENGINE_MMAP_YES: return LLAMA_LOAD_MODE_MMAP;
    case ENGINE_MMAP_NO: return LLAMA_LOAD_MODE_NONE;
    case ENGINE_MMAP_AUTO: break;
    }
    if (llama_supports_gpu_offload()) {
        return LLAMA_LOAD_MODE_AUTO;
    }
    return m->rearranged || m->widened ? LLAMA_LOAD_MODE_NONE : LLAMA_LOAD_MODE_MMAP;
}

static int open_model(struct loaded *m, const struct engine_options *opt,
                      const struct complaint *heard, struct lw_error *err)
{
    struct llama_model_params params = llama_model_default_params();

    params.load_mode = choose_mode(m, opt);
    params.use_extra_bufts = m->rearranged;
    if (opt->gpu_layers != 0) {
        params.n_gpu_layers = opt->gpu_layers == ENGINE_NO_GPU ? 0 : opt->gpu_layers;
    }
    params.progress_callback = on_progress;
    /* The library takes a plain pointer; the callback only reads. */
    params.progress_callback_user_data = (void *)(uintptr_t)opt;
    FILE *wide = m->widened ? widen_open(opt->path) : NULL;
    m->widened = wide != NULL;
    if (wide) {
        m->model = llama_model_load_from_file_ptr(wide, params);
        fclose(wide);
    } else {
        m->model = llama_model_load_from_file(opt->path, params);
    }
    return m->model ? 0 : load_failed(opt, heard, "cannot load the model", err);
}

/* Models with short and long rope factors choose by the size of the cache: room that
 * nobody asked for must not change what they compute. */
static int open_context(struct loaded *m, const struct engine_options *opt,
                        const struct complaint *heard, struct lw_error *err)
{
    if (load_is_long_rope(m)) {
        m->cells = m->context;
    }
    m->params = choose_params(m, opt);
    m->ctx = llama_init_from_model(m->model, m->params);
    if (!m->ctx) {
        return load_failed(opt, heard, "cannot make a context for the model", err);
    }
    m->memory = llama_get_memory(m->ctx);
    if (!m->memory || llama_pooling_type(m->ctx) > LLAMA_POOLING_TYPE_NONE) {
        return not_a_writer(opt->path, err);
    }
    m->cells = (int)llama_n_ctx(m->ctx);
    m->step_tokens = (int)llama_n_batch(m->ctx); /* of n_ctx before it was rounded up */
    m->logits_most = (int)m->params.n_outputs_max;
    m->logits_most = m->logits_most < m->step_tokens ? m->logits_most : m->step_tokens;
    return 0;
}

static void choose_order(struct loaded *m, const struct gguf_info *info,
                         const struct engine_options *opt)
{
    switch (opt->repack) {
    case ENGINE_REPACK_YES: m->rearranged = true; break;
    case ENGINE_REPACK_NO: m->rearranged = false; break;
    case ENGINE_REPACK_AUTO: m->rearranged = repack_pays(info); break;
    }
}

/* Wider weights where they are computed with as they stand in memory of our own, and
 * there is room for them. */
static void choose_weights(struct loaded *m, struct gguf_info *info,
                           const struct engine_options *opt)
{
    uint64_t more = widen_more(info);

    if (more == 0 || m->on_gpu || opt->mmap == ENGINE_MMAP_YES) {
        return;
    }
    info->tensor_bytes += more;
    m->widened = fits_memory(info, m->context, m->use);
    if (!m->widened) {
        info->tensor_bytes -= more;
    }
}

/* What the header says, and the context and the weights' form that follow from it. */
static int read_header(struct loaded *m, const struct engine_options *opt,
                       struct gguf_info *info, struct lw_error *err)
{
    int rc = gguf_info_read(opt->path, info, err);

    if (rc || (rc = check_file(info, opt->path, err))) {
        return rc;
    }
    if (opt->kv_q8) {
        info->kv_bytes_per_token =
            ggml_row_size(GGML_TYPE_Q8_0, (int64_t)info->kv_bytes_per_token / 2);
    }
    m->kv_bytes_per_token = info->kv_bytes_per_token;
    m->on_gpu = llama_supports_gpu_offload() && opt->gpu_layers != ENGINE_NO_GPU;
    choose_context(m, info, opt);
    choose_order(m, info, opt);
    choose_weights(m, info, opt);
    choose_cells(m, info, opt);
    return 0;
}

uint64_t load_need(const struct engine_options *opt, enum need_use use)
{
    struct engine_options quiet = *opt;
    struct loaded m = { .use = use };
    struct gguf_info info;
    struct lw_error err;

    quiet.notice = NULL;
    if (read_header(&m, &quiet, &info, &err)) {
        return 0;
    }
    struct need need = need_of(&info, m.cells, use);
    return need_sum(&need);
}

/* What every kind needs: a header that holds, memory, the weights. */
static int load_weights(struct loaded *m, const struct engine_options *opt,
                        const struct complaint *heard, struct gguf_info *info,
                        struct lw_error *err)
{
    int rc = read_header(m, opt, info, err);

    if (rc || (rc = check_memory(m, info, opt->path, err)) ||
        (rc = open_model(m, opt, heard, err))) {
        return rc;
    }
    name_model(m, opt);
    return 0;
}

static int load_writer(struct loaded *m, const struct engine_options *opt,
                       const struct complaint *heard, struct lw_error *err)
{
    struct gguf_info info;
    int rc;

    if ((rc = load_weights(m, opt, heard, &info, err)) ||
        (rc = check_kind(m, opt, err))) {
        return rc;
    }
    choose_sequences(m, opt);
    vocab_init(&m->vocab, m->model);
    if ((rc = open_context(m, opt, heard, err)) || (rc = warm(m, opt, err))) {
        return rc;
    }
    m->tmpl = template_of(m->model);
    if (!m->tmpl && m->decoder_start == LLAMA_TOKEN_NULL) {
        notice(opt,
               "the model has no chat template that libllama knows; a plain one is used");
    }
    return 0;
}

/* The context, with the model's own pooling; where it has none and only an encoder,
 * the mean. */
static struct llama_context *pooled_context(struct loaded *m,
                                            const struct engine_options *opt)
{
    m->params = choose_params(m, opt);
    m->params.embeddings = true;
    m->params.n_outputs_max = m->params.n_batch;
    struct llama_context *ctx = llama_init_from_model(m->model, m->params);
    if (ctx && llama_pooling_type(ctx) == LLAMA_POOLING_TYPE_NONE &&
        !llama_get_memory(ctx)) {
        llama_free(ctx);
        m->params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
        ctx = llama_init_from_model(m->model, m->params);
    }
    return ctx;
}

static int load_pooled(struct loaded *m, const struct engine_options *opt,
                       const struct complaint *heard, struct lw_error *err)
{
    struct gguf_info info;
    int rc = load_weights(m, opt, heard, &info, err);

    if (rc || (rc = check_vocabulary(m, opt, err))) {
        return rc;
    }
    m->sequences = m->n_seq = LOAD_TEXTS;
    vocab_init(&m->vocab, m->model);
    m->ctx = pooled_context(m, opt);
    if (!m->ctx) {
        return load_failed(opt, heard, "cannot make a context for the model", err);
    }
    m->memory = llama_get_memory(m->ctx);
    enum llama_pooling_type pooling = llama_pooling_type(m->ctx);
    if (pooling == LLAMA_POOLING_TYPE_NONE || pooling == LLAMA_POOLING_TYPE_RANK) {
        return err_set(err, LW_ERR_LOCAL, "the model %s makes no embeddings of texts",
                       opt->path);
    }
    return 0;
}

static int load_for(enum need_use use, struct loaded *out,
                    const struct engine_options *opt, struct lw_error *err)
{
    struct complaint heard = { .text = "" };

    *out = (struct loaded){ .file = identity_stamp_of(opt->path),
                            .use = use,
                            .decoder_start = LLAMA_TOKEN_NULL };
    listen_to(&heard);
    llama_backend_init();
    use_numa(opt->numa);
    int rc = check_cancel(opt, err); /* before memory: a wait for it may be what ended */
    if (rc == 0) {
        rc = (use == NEED_TO_EMBED ? load_pooled : load_writer)(out, opt, &heard, err);
    }
    listener = NULL;
    if (rc) {
        load_release(out);
    }
    return rc;
}

int load_model(struct loaded *out, const struct engine_options *opt, struct lw_error *err)
{
    return load_for(NEED_TO_WRITE, out, opt, err);
}

int load_embedder(struct loaded *out, const struct engine_options *opt,
                  struct lw_error *err)
{
    return load_for(NEED_TO_EMBED, out, opt, err);
}

void load_release(struct loaded *m)
{
    if (m->ctx) {
        llama_free(m->ctx);
    }
    vocab_release(&m->vocab);
    if (m->model) {
        llama_model_free(m->model);
    }
    *m = (struct loaded){ .model = NULL };
}
