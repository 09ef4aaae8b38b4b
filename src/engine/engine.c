/* engine.c - the llm that is a model in this process.
 *
 * This is the caller's side: it opens the model, starts the engine thread,
 * turns a batch of requests into a call and hands out what comes back. All the
 * work is elsewhere: load.c (file to context), call.c (requests to groups),
 * schedule.c (what goes into a batch), loop.c (the engine thread), kv_disk.c
 * (states on disk). */
#include "engine/engine.h"

#include "base/mem.h"
#include "base/thread.h"
#include "engine/loop.h"
#include "engine/machine.h"
#include "engine/origin.h"

#include <math.h>
#include <string.h>

struct engine {
    struct llm llm; /* first */
    struct llm_info info;
    struct loaded model;
    struct kv_disk *disk; /* NULL: none */
    struct loop *loop;
    pthread_t thread;
};

static const struct llm_info *engine_info(struct llm *llm)
{
    return &((struct engine *)llm)->info;
}

static int engine_count_tokens(struct llm *llm, const char *text, size_t len)
{
    struct engine *e = (struct engine *)llm;
    struct tokens t = { .n = 0 };

    vocab_tokenize(&e->model.vocab, text, len, VOCAB_PLAIN, &t);
    int n = (int)t.n;
    tokens_release(&t);
    return n;
}

/* Hand one event to the caller; false after the last. */
static bool deliver(const struct event *event, const struct llm_request *reqs,
                    llm_reply_fn on_reply, void *user)
{
    const struct llm_request *req = &reqs[event->index];

    switch (event->kind) {
    case EVENT_TEXT: req->on_text(req->user, event->text, event->len); return true;
    case EVENT_REPLY: on_reply(user, event->index, &event->reply); return true;
    case EVENT_END: break;
    }
    return false;
}

static int engine_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                            llm_reply_fn on_reply, void *user,
                            const struct cancel *cancel, struct lw_error *err)
{
    struct engine *e = (struct engine *)llm;
    bool more = true;

    if (n == 0) {
        return 0;
    }
    struct call *call = call_new(&e->model, reqs, n, cancel);
    loop_submit(e->loop, call);
    while (more) {
        struct event *event = queue_take(call->events, -1);
        more = deliver(event, reqs, on_reply, user);
        mem_free(event);
    }
    call_free(call);
    bool keeps = e->disk && reqs[0].keep_only;
    if (keeps) {
        kv_disk_flush(e->disk);
    }
    if (cancel_level(cancel) == CANCEL_ABORT) {
        return err_set(err, LW_CANCELLED, "cancelled");
    }
    return keeps ? kv_disk_check(e->disk, err) : 0;
}

static void engine_close(struct llm *llm)
{
    struct engine *e = (struct engine *)llm;

    loop_stop(e->loop);
    pthread_join(e->thread, NULL);
    loop_free(e->loop);
    kv_disk_close(e->disk);
    load_release(&e->model);
    mem_free(e);
}

static const struct llm_ops engine_ops = {
    .close = engine_close,
    .info = engine_info,
    .count_tokens = engine_count_tokens,
    .chat_many = engine_chat_many,
};

static void *run(void *arg)
{
    loop_run(arg);
    return NULL;
}

/* With a disk behind it only what is answered from at once needs to be in memory. */
static uint64_t kept_bytes(const struct engine *e, const struct engine_options *opt)
{
    const uint64_t most = UINT64_C(1024 * 1024) * (e->disk ? 48 : 144);

    if (opt->kv_ram_bytes > 0) {
        return opt->kv_ram_bytes;
    }
    uint64_t quarter = machine_memory_free() / 4;
    return quarter < most ? quarter : most;
}

/* And what rests while other excerpts are read (schedule.h): as much as the cache holds,
 * where that is little beside the weights. */
static uint64_t rest_bytes(const struct engine *e, const struct engine_options *opt)
{
    uint64_t kept = kept_bytes(e, opt), part = llama_model_size(e->model.model) / 8;
    uint64_t cache = e->model.kv_bytes_per_token * (uint64_t)e->model.cells;
    uint64_t more = e->disk && opt->kv_ram_bytes == 0 ? cache < part ? cache : part : 0;

    return kept + more;
}

/* No file of states is worth a run: where they cannot be kept a warning says why. */
static void open_disk(struct engine *e, const struct engine_options *opt)
{
    struct buf origin;
    struct lw_error err;

    if (!opt->kv_folder || opt->kv_bytes == 0 || e->model.sharing == LOAD_SHARE_NOTHING) {
        return;
    }
    buf_init(&origin, ORIGIN_BYTES_MAX);
    if (origin_of(&e->model, opt->path, &origin, &err) == 0) {
        e->disk = kv_disk_open(&(struct kv_disk_options){
            .folder = opt->kv_folder,
            .bytes_max = opt->kv_bytes,
            .origin = origin.data,
            .token_cost = (double)llama_model_n_params(e->model.model),
            .notice = opt->warning,
            .user = opt->user,
        });
        uint64_t each = e->model.kv_bytes_per_token;
        e->info.kept_token_bytes = each > 0 ? each : 1; /* recurrent: a state, no cells */
    } else if (opt->warning) {
        opt->warning(opt->user, err.message);
    }
    buf_release(&origin);
}

static struct loop *new_loop(struct engine *e, const struct engine_options *opt)
{
    struct loop_options loop = {
        .kept_bytes_max = kept_bytes(e, opt),
        .rest_bytes_max = rest_bytes(e, opt),
        .disk = e->disk,
        .step_costs = opt->step_costs,
        .n_step_costs = opt->n_step_costs,
        .trace = opt->trace,
        .user = opt->user,
    };

    return loop_new(&e->model, &loop);
}

uint64_t engine_need(const struct engine_options *opt)
{
    return load_need(opt, NEED_TO_WRITE);
}

int engine_open(struct llm **out, const struct engine_options *opt, struct lw_error *err)
{
    struct engine *e = mem_alloc(sizeof *e);
    int rc = load_model(&e->model, opt, err);

    if (rc) {
        goto fail_load;
    }
    e->llm.ops = &engine_ops;
    e->info = (struct llm_info){
        .name = e->model.name,
        .where = "this process",
        .on_device = true,
        .in_process = true,
        .cheap_scoring = true,
        .prefill = true,
        .context = e->model.context,
        .parallel = e->model.sequences,
    };
    open_disk(e, opt);
    e->loop = new_loop(e, opt);
    if (thread_start(&e->thread, run, e->loop) != 0) {
        rc = err_set(err, LW_ERR_LOCAL, "no thread could be started for the model");
        goto fail_thread;
    }
    *out = &e->llm;
    return 0;

fail_thread:
    loop_free(e->loop);
    kv_disk_close(e->disk);
    load_release(&e->model);
fail_load:
    mem_free(e);
    return rc;
}
