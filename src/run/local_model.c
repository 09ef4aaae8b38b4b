/* local_model.c - a GGUF file in this process, as the options of the session say. */
#include "run/local_model.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/embed.h"
#include "engine/engine.h"
#include "engine/machine.h"
#include "models/resident.h"
#include "run/kept_room.h"

#include <stdio.h>
#include <string.h>

/* A model in this process: what its resident needs to open it, now and again. */
struct local_model {
    lw_session *s;
    struct model_slot *slot;
    char *path;
};

static struct engine_options engine_options_of(const struct local_model *m)
{
    const struct options *o = &m->s->options;
    bool all_layers = !options_string(o, OPT_GPU_LAYERS);
    int gpu_layers = all_layers ? 0 : (int)options_int(o, OPT_GPU_LAYERS);
    struct engine_options opt = {
        .path = m->path,
        .threads = (int)options_int(o, OPT_THREADS),
        .gpu_layers = gpu_layers > 0 || all_layers ? gpu_layers : ENGINE_NO_GPU,
        .mmap = (enum engine_mmap)options_choice(o, OPT_MMAP),
        .repack = (enum engine_repack)options_choice(o, OPT_REPACK),
        .notice = event_post_notice,
        .user = &m->s->events,
        .cancel = &m->s->cancel,
    };
    if (m->slot == &m->s->embedder) return opt;
    opt.context = (int)options_int(o, OPT_CONTEXT);
    opt.sequences = (int)options_int(o, OPT_PARALLEL);
    opt.kv_q8 = strcmp(options_string(o, OPT_KV_TYPE), "q8_0") == 0;
    return opt;
}

static uint64_t local_need(void *user)
{
    const struct local_model *m = user;
    struct engine_options opt = engine_options_of(m);
    return m->slot == &m->s->embedder ? embed_need(&opt) : engine_need(&opt);
}

/* As many threads as the user says, else as measured best, else as there are cores. What
 * else was measured holds for the best number only. */
static void use_tuned(struct local_model *m, bool again, struct engine_options *opt)
{
    char sentence[256];
    struct tuned *tuned = &m->slot->tuned;
    if (opt->threads > 0 || !tuned_of_model(m->path, tuned) || tuned->threads <= 0) {
        return;
    }
    opt->threads = tuned->threads;
    opt->step_costs = tuned->n_checks > 0 ? tuned->checks : NULL;
    opt->n_step_costs = tuned->n_checks;
    if (again) return;
    snprintf(sentence, sizeof sentence, "%d thread%s, as legwork tune measured",
             opt->threads, opt->threads == 1 ? "" : "s");
    event_trace(&m->s->events, sentence);
}

static int local_open(void *user, bool again, struct llm **out, struct lw_error *err)
{
    struct local_model *m = user;
    lw_session *s = m->s;
    struct engine_options opt = engine_options_of(m);
    if (!s->numa_told) opt.numa = (enum engine_numa)options_choice(&s->options, OPT_NUMA);
    s->numa_told = s->numa_told || opt.numa != ENGINE_NUMA_OFF;
    if (again) opt.notice = NULL; /* said before */
    m->slot->file = identity_stamp_of(m->path);
    if (m->slot == &s->embedder) return embed_open(out, &opt, err);
    use_tuned(m, again, &opt);
    s->kept_room = kept_room_now(s);
    opt.kv_folder = kept_folder(s);
    opt.kv_bytes = s->kept_room;
    opt.warning = event_post_warning;
    opt.trace = event_post_trace;
    return engine_open(out, &opt, err);
}

static void local_release(void *user)
{
    struct local_model *m = user;
    mem_free(m->path);
    mem_free(m);
}

void local_models_set_idle(lw_session *s)
{
    int64_t ms = 1000 * options_int(&s->options, OPT_UNLOAD_AFTER);
    if (s->residents) residents_set_idle(s->residents, ms);
}

static void make_residents(lw_session *s)
{
    struct residents_options opt = { .memory_free = machine_memory_free,
                                     .trace = event_post_trace,
                                     .user = &s->events };
    if (!s->residents) s->residents = residents_new(&opt);
    local_models_set_idle(s);
}

int local_model_open(lw_session *s, const char *path, struct model_slot *slot,
                     struct lw_error *err)
{
    const char *name = file_name(path);
    char stage[256];
    snprintf(stage, sizeof stage, "loading %s", name);
    event_stage(&s->events, stage);
    struct local_model *m = mem_alloc(sizeof *m);
    *m = (struct local_model){ .s = s, .slot = slot, .path = mem_strdup(path) };
    struct resident_model model = { .name = name,
                                    .need = local_need,
                                    .open = local_open,
                                    .release = local_release,
                                    .user = m,
                                    .cancel = &s->cancel };
    make_residents(s);
    int code = resident_open(&slot->llm, s->residents, &model, err);
    if (code) {
        local_release(m);
        return code;
    }
    slot->path = mem_strdup(path);
    slot->resident = slot->llm;
    return 0;
}
