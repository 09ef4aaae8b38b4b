/* index.c - documents are read before anybody asks: what lw_index() does.
 *
 * Batch by batch, so that after each of them what the states take on disk is known and
 * not guessed: formats and compression are the store's. From the mean so far follows how
 * many parts there is room for, and no more are begun: a store that is full would push
 * out the first parts for the sake of the last. */
#include "base/clock.h"
#include "base/size.h"
#include "engine/kv_disk.h"
#include "jobs/read_ahead.h"
#include "run/kept_room.h"
#include "run/prepare.h"
#include "run/resolve.h"
#include "run/vectors.h"

#include <stdio.h>
#include <string.h>

enum {
    BATCH_PARTS = 32,
    TOKENS_AROUND = 60 /* instructions and template, in each state; rather too many */
};

/* How long a question may be so that it finds these parts; only small contexts care. */
static const char SOME_QUESTION[] =
    "Which of the conditions that the two parties agreed upon in the contract have to be "
    "fulfilled before the end of the year, and by whom?";

struct indexing {
    lw_session *s;
    struct llm *worker;
    struct lw_indexed *out;
    struct read_ahead done;
    struct kv_disk_document before, now; /* of the session's documents together */
    double began;
};

/* --- Checks -------------------------------------------------------------- */

static int check_options(const lw_session *s, struct lw_error *err)
{
    if (worker_is_server(s)) {
        return err_set(err, LW_ERR_USAGE,
                       "only a model in this process keeps what it has read, and the "
                       "worker is a server: name a GGUF file with --local");
    }
    if (options_size(&s->options, OPT_KV_CACHE) == 0) {
        return err_set(err, LW_ERR_USAGE,
                       "nothing that is read may be kept: kv-cache is 0");
    }
    return matter_check(s, err);
}

/* The store is allowed, and yet the worker keeps nothing: why? */
static int check_worker(lw_session *s, struct llm *worker, struct lw_error *err)
{
    if (llm_info(worker)->kept_token_bytes > 0) return 0;
    if (!kept_folder(s)) {
        return err_set(err, LW_ERR,
                       "there is no cache folder to keep anything in: neither HOME nor "
                       "XDG_CACHE_HOME is set");
    }
    if (s->kept_room == 0) {
        return err_set(err, LW_ERR,
                       "the disk of %s is too full to keep anything: 2 GiB stay free",
                       kept_folder(s));
    }
    return err_set(err, LW_ERR_LOCAL,
                   "%s keeps no states that a later question could go on from",
                   llm_info(worker)->name);
}

/* --- Room ---------------------------------------------------------------- */

struct sum {
    const struct doc_set *docs;
    struct kv_disk_document *out;
};

static void add_ours(void *user, const struct kv_disk_document *document)
{
    struct sum *sum = user;
    for (size_t i = 0; i < sum->docs->n_docs; i++) {
        if (strcmp(sum->docs->docs[i]->content, document->id) != 0) continue;
        sum->out->n_states += document->n_states;
        sum->out->bytes += document->bytes;
        return;
    }
}

static int look(struct indexing *ix, struct kv_disk_document *out, struct lw_error *err)
{
    struct sum sum = { .docs = &ix->s->docs, .out = out };
    *out = (struct kv_disk_document){ .id = "" };
    return kv_disk_list(kept_folder(ix->s), add_ours, &sum, err);
}

/* Bytes that a token of a state takes; an estimate before the first was written. */
static double token_bytes(const struct indexing *ix)
{
    if (ix->done.tokens_kept > 0 && ix->now.bytes > ix->before.bytes) {
        return (double)(ix->now.bytes - ix->before.bytes) / (double)ix->done.tokens_kept;
    }
    return (double)llm_info(ix->worker)->kept_token_bytes;
}

/* How many parts, from the first, there is room for. *need: bytes for all. */
static size_t parts_that_fit(const struct indexing *ix, double *need)
{
    const struct chunk_list *chunks = &ix->s->matter.chunks;
    double each = token_bytes(ix);
    size_t n = 0;
    *need = 0;
    for (size_t i = 0; i < chunks->n; i++) {
        *need += each * (chunks->items[i].n_tokens + TOKENS_AROUND);
        if (*need <= (double)ix->s->kept_room) n = i + 1;
    }
    return n;
}

enum { LIMIT_TEXT_MAX = 80 };

/* What sets the limit, as the end of a sentence; returns out. */
static const char *limit_text(const lw_session *s, char out[LIMIT_TEXT_MAX])
{
    char room[SIZE_TEXT_BYTES];
    bool is_limit = s->kept_room == options_size(&s->options, OPT_KV_CACHE);
    snprintf(out, LIMIT_TEXT_MAX, "%s %s",
             is_limit ? "kv-cache allows" : "there is room for",
             size_text(s->kept_room, room));
    return out;
}

/* Said as soon as it is known, which may be hours before the end. */
static void say_short(struct indexing *ix, size_t fit, double need)
{
    char sentence[320], needed[SIZE_TEXT_BYTES], limit[LIMIT_TEXT_MAX];
    snprintf(sentence, sizeof sentence,
             "The documents need about %s on disk, and %s: the first %zu of %zu parts "
             "will be kept.",
             size_text((uint64_t)need, needed), limit_text(ix->s, limit), fit,
             ix->out->parts);
    event_notice(&ix->s->events, sentence);
}

/* --- Reading ------------------------------------------------------------- */

static void on_progress(void *user, const struct reading_progress *p)
{
    lw_session *s = user;
    event_progress(&s->events, p);
}

static void report(struct indexing *ix)
{
    ix->out->there = ix->done.n_there;
    ix->out->kept = ix->done.n_kept;
    ix->out->tokens = ix->done.tokens_kept;
    if (ix->now.bytes > ix->before.bytes) {
        ix->out->bytes = ix->now.bytes - ix->before.bytes;
    }
    ix->out->seconds = clock_seconds() - ix->began;
}

/* Are there as many states as were read? why: what the store says where it could not
 * write one; "" nothing. */
static int check_written(const struct indexing *ix, const char *why, struct lw_error *err)
{
    size_t written = ix->now.n_states - ix->before.n_states;
    if (ix->done.n_failed > 0) {
        return err_set(err, ix->done.failure.code, "%s", ix->done.failure.message);
    }
    if (ix->now.n_states >= ix->before.n_states + ix->done.n_kept) return 0;
    ix->out->kept = ix->now.n_states > ix->before.n_states ? written : 0;
    return err_set(err, ix->out->kept + ix->out->there > 0 ? LW_PARTIAL : LW_ERR,
                   "%zu of %zu parts are kept: %s", ix->out->kept + ix->out->there,
                   ix->out->parts, *why ? why : "the others were removed meanwhile");
}

/* What stands in the way of going on: 0 nothing. */
static int check_stopped(const struct indexing *ix, struct lw_error *err)
{
    if (cancel_level(&ix->s->cancel) == CANCEL_NONE) return 0;
    return err_set(err, LW_CANCELLED,
                   "interrupted: %zu of %zu parts are kept, and the next time it goes on "
                   "from there",
                   ix->done.n_there + ix->done.n_kept, ix->out->parts);
}

static int read_batch(struct indexing *ix, size_t from, size_t to, struct lw_error *err)
{
    lw_session *s = ix->s;
    struct reading r = { .worker = ix->worker,
                         .set = &s->docs,
                         .chunks = &s->matter.chunks,
                         .sources = s->matter.sources,
                         .cancel = &s->cancel,
                         .progress = on_progress,
                         .user = s };
    struct lw_error why = { .code = 0 };
    int code = read_ahead(&ix->done, &r, from, to, &why);
    int looked = look(ix, &ix->now, err);
    report(ix);
    if (code == LW_CANCELLED) return err_set(err, code, "%s", why.message);
    code = looked ? looked : check_stopped(ix, err);
    return code ? code : check_written(ix, why.message, err);
}

static int read_all(struct indexing *ix, struct lw_error *err)
{
    double need;
    size_t from = 0, n = ix->s->matter.chunks.n;
    bool said = false;
    ix->out->parts = n;
    read_ahead_init(&ix->done, n);
    while (from < n) {
        size_t fit = parts_that_fit(ix, &need), to = from + BATCH_PARTS;
        if (fit < n && !said && (from > 0 || fit == 0)) {
            say_short(ix, fit, need);
            said = true;
        }
        to = to < fit ? to : fit;
        if (to <= from) {
            char limit[LIMIT_TEXT_MAX];
            return err_set(err, from > 0 ? LW_PARTIAL : LW_ERR,
                           "%zu of %zu parts are kept: %s", from, n,
                           limit_text(ix->s, limit));
        }
        int code = read_batch(ix, from, to, err);
        if (code) return code;
        from = to;
    }
    return 0;
}

static int index_documents(struct indexing *ix, struct lw_error *err)
{
    lw_session *s = ix->s;
    struct llm *embedder;
    const struct meaning *meaning;
    int code = check_options(s, err);
    if (!code) code = embedder_get(s, &embedder, err);
    if (!code) code = worker_get(s, &ix->worker, err);
    if (!code) code = check_worker(s, ix->worker, err);
    if (!code) code = matter_get(s, ix->worker, SOME_QUESTION, err);
    if (!code) code = vectors_get(s, &meaning, err);
    if (!code) code = look(ix, &ix->before, err);
    if (code) return code;
    ix->now = ix->before;
    event_stage(&s->events, "reading ahead");
    return read_all(ix, err);
}

int lw_index(lw_session *s, struct lw_indexed *out, struct lw_error *err)
{
    struct indexing ix = { .s = s, .out = out, .began = clock_seconds() };
    *out = (struct lw_indexed){ .parts = 0 };
    int code = index_documents(&ix, err);
    events_drain(&s->events);
    session_take_warnings(s);
    session_rearm(s);
    return code;
}
