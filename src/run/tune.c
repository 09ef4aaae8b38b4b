/* tune.c - lw_tune(): measure models, keep what is worth keeping.
 *
 * A measurement that other programs disturbed is shown but not kept: a wrong
 * number of threads would cost every run from then on. */
#include "base/file.h"
#include "base/mem.h"
#include "engine/gguf_info.h"
#include "run/event.h"
#include "run/model_list.h"
#include "run/tuned.h"

#include <string.h>

enum { JSON_BYTES_MAX = 64 * 1024 };

struct tuner {
    lw_session *s;
    const struct lw_tuning *tuning;
    lw_tuned_fn fn;
    void *user;
    char *folder; /* NULL: nothing can be kept */
    size_t n_measured;
    struct lw_error first; /* why the first that failed did */
};

static int measure_one(struct tuner *t, const char *path, struct measure *m,
                       struct lw_error *err)
{
    char stage[256];
    snprintf(stage, sizeof stage, "measuring %s", file_name(path));
    event_stage(&t->s->events, stage);
    struct measure_options opt = {
        .path = path,
        .threads = (int)options_int(&t->s->options, OPT_THREADS),
        .seconds = t->tuning->seconds,
        .progress = event_steps,
        .user = &t->s->events,
        .cancel = &t->s->cancel,
    };
    return measure_model(&opt, m, err);
}

/* A failure to write is said, and the numbers are shown all the same. */
static bool keep(struct tuner *t, const struct tuned_key *key, const struct measure *m,
                 const json_t *record)
{
    struct lw_error why;
    if (m->disturbed && !t->tuning->force) return false;
    if (!t->folder) {
        event_notice(&t->s->events,
                     "There is no data folder to keep the measurement in.");
        return false;
    }
    if (tuned_keep(t->folder, key, record, &why) == 0) return true;
    event_notice(&t->s->events, why.message);
    return false;
}

static void report(struct tuner *t, const char *path, const struct gguf_info *info,
                   const struct measure *m)
{
    struct tuned_key key;
    struct buf json;
    if (!tuned_key_of(&key, path)) return;
    json_t *record = tuned_json(&key, info->quantisation, m);
    bool kept = keep(t, &key, m, record);
    buf_init(&json, JSON_BYTES_MAX);
    json_write(record, &json);
    t->fn(t->user, &(struct lw_tuned){
                       .name = file_name(path),
                       .path = path,
                       .quantisation = info->quantisation,
                       .bytes = info->file_bytes,
                       .threads = m->speeds[m->best].threads,
                       .reads = m->speeds[m->best].reads,
                       .writes = m->speeds[m->best].writes,
                       .speeds = m->speeds,
                       .n_speeds = m->n_speeds,
                       .batches = m->batches,
                       .n_batches = m->n_batches,
                       .checks = m->checks,
                       .n_checks = MEASURE_CHECKS,
                       .seconds = m->seconds,
                       .others = m->others,
                       .disturbed = m->disturbed,
                       .kept = kept,
                       .json = json.data,
                   });
    json_decref(record);
    buf_release(&json);
}

/* Only a cancel ends the round: one model that does not load is not the others' fault. */
static int tune_one(struct tuner *t, const char *path, struct lw_error *err)
{
    struct gguf_info info = { .architecture = "" };
    struct measure m;
    struct lw_error why;
    int code = gguf_info_read(path, &info, &why);
    if (!code) code = measure_one(t, path, &m, &why);
    events_drain(&t->s->events);
    if (code == LW_CANCELLED) return err_set(err, code, "%s", why.message);
    if (code) {
        if (!t->first.code) t->first = why;
        t->fn(t->user, &(struct lw_tuned){ .name = file_name(path),
                                           .path = path,
                                           .quantisation = info.quantisation,
                                           .bytes = info.file_bytes,
                                           .problem = why.message });
        return 0;
    }
    t->n_measured++;
    report(t, path, &info, &m);
    return 0;
}

int lw_tune(lw_session *s, const struct lw_tuning *tuning, lw_tuned_fn fn, void *user,
            struct lw_error *err)
{
    struct tuner t = {
        .s = s, .tuning = tuning, .fn = fn, .user = user, .folder = tuned_folder()
    };
    struct model_list list;
    int code = model_list_get(&list, s, tuning->models, tuning->n_models, err);
    for (size_t i = 0; i < list.n && !code; i++) code = tune_one(&t, list.paths[i], err);
    if (!code && t.n_measured == 0) {
        code = err_set(err, t.first.code, "%s", t.first.message);
    }
    session_rearm(s);
    model_list_release(&list);
    mem_free(t.folder);
    return code;
}
