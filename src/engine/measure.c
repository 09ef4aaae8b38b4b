/* measure.c - samples of steps, and the order in which they are taken.
 *
 * Model and context are those that the engine would have (load.c); steps are
 * llama_decode() alone, without the engine around it, whose share is below
 * 2 %. Token ids are made up: time does not depend on what they say.
 *
 *     shape      tokens of a step           before each step
 *     prompt     1 sequence  x 32..512      the cache is emptied
 *     batch      n sequences x 1            nothing: replies grow
 *     check      1 sequence  x n            nothing: a reply grows
 *
 * Where there is an encoder it reads the prompts (llama_encode()), and one at a time,
 * so that there are no batches. */
#include "engine/measure.h"

#include "base/clock.h"
#include "engine/cpu.h"
#include "engine/load.h"
#include "engine/need.h"

#include <limits.h>
#include <stdlib.h>

enum {
    SAMPLES = 5,       /* clean ones of a quantity, at most */
    SAMPLES_MAX = 12,  /* with the disturbed ones */
    START_TOKENS = 16, /* of a reply's prompt */
    LOOK_TOKENS = 32,  /* of the first look */
    PROMPT_TOKENS_MIN = 32,
    CONTEXT = 1024, /* replies may fill it in a sample */
    DEFAULT_SECONDS = 60,
    LAST_END_FACTOR = 2, /* of the time given, and so many seconds more, it gives up */
    LAST_END_SECONDS = 60
};

/* A sample is so many seconds long: 1/100 of all, within these. */
static const double SAMPLE_SECONDS_MIN = 0.2, SAMPLE_SECONDS_MAX = 0.5;
/* Fewer threads than the best are tried until they are this much slower at prompts. */
static const double CLEARLY_WORSE = 0.8;
/* What reading a part takes: tokens of prompts and of replies (15 requests of a look-up
 * computed 2,802 and wrote 13), with more replies for those who ask for lists. */
static const double PART_PROMPT_TOKENS = 450, PART_REPLY_TOKENS = 8;
/* Fewer threads must save this much: medians vary by half of it. */
static const double FEWER_SAVES = 0.05;

static const int batch_sizes[MEASURE_BATCHES] = { 1, 2, 4, 8 };
static const int check_sizes[MEASURE_CHECKS] = { 1, 2, 3, 4, 5, 8, 16, 24, 32 };

/* --- The rules ------------------------------------------------------------ */

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

double measure_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, compare_doubles);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

int measure_fewer_threads(int n)
{
    return n - (n >= 8 ? n / 4 : 1);
}

static double part_seconds(const struct lw_speed *s)
{
    return PART_PROMPT_TOKENS / s->reads + PART_REPLY_TOKENS / s->writes;
}

size_t measure_best(const struct lw_speed *speeds, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        if (part_seconds(&speeds[i]) < (1 - FEWER_SAVES) * part_seconds(&speeds[best])) {
            best = i;
        }
    }
    return best;
}

int measure_prompt_tokens(double tokens_per_second, double seconds)
{
    int n = NEED_BATCH_TOKENS;

    while (n > PROMPT_TOKENS_MIN && n / tokens_per_second > seconds / 12) {
        n /= 2;
    }
    return n;
}

const char *measure_library(void)
{
    return llama_version();
}

/* --- Steps ---------------------------------------------------------------- */

struct shape {
    int n_seq, per_seq; /* tokens of a step */
    bool from_nothing;  /* the cache is emptied before each step */
};

struct bench {
    const struct measure_options *opt;
    struct loaded model;
    struct llama_batch batch;
    int threads;
    double began, ends, last_end; /* clock_seconds(); no step goes beyond the last */
    double sample_seconds;
    int done, total; /* quantities */
    bool disturbed;
};

/* libllama asks before every operation. */
static bool must_stop(void *user)
{
    const struct bench *b = user;

    return cancel_level(b->opt->cancel) != CANCEL_NONE || clock_seconds() > b->last_end;
}

static int explain_stop(const struct bench *b, struct lw_error *err)
{
    if (cancel_level(b->opt->cancel) != CANCEL_NONE) {
        return err_set(err, LW_CANCELLED, "measuring was stopped");
    }
    return err_set(
        err, LW_ERR,
        "the model %s was not measured within %.0f seconds: the machine is too "
        "busy, or needs more time (--seconds)",
        b->opt->path, b->last_end - b->began);
}

static void add_token(struct bench *b, int seq, int pos, bool logits)
{
    int i = b->batch.n_tokens++;

    b->batch.token[i] = (llama_token)(((unsigned)pos * 7919u + (unsigned)seq * 104729u) %
                                      (unsigned)b->model.vocab.n);
    b->batch.pos[i] = pos;
    b->batch.n_seq_id[i] = 1;
    b->batch.seq_id[i][0] = seq;
    b->batch.logits[i] = logits;
}

static bool has_encoder(const struct bench *b)
{
    return b->model.decoder_start != LLAMA_TOKEN_NULL;
}

static int compute(struct bench *b, bool is_prompt, struct lw_error *err)
{
    bool encodes = is_prompt && has_encoder(b);
    int rc = encodes ? llama_encode(b->model.ctx, b->batch)
                     : llama_decode(b->model.ctx, b->batch);

    llama_synchronize(b->model.ctx);
    if (must_stop(b)) {
        return explain_stop(b, err);
    }
    return rc == 0 ? 0
                   : err_set(err, LW_ERR_LOCAL,
                             "the model %s does not compute (libllama says %d)",
                             b->opt->path, rc);
}

/* Sequences whose next token is that of position `from`. All tokens of replies want their
 * logits; libllama ends the process where a step wants more than its context gives. */
static int step(struct bench *b, const struct shape *shape, int from,
                struct lw_error *err)
{
    int wanted = shape->from_nothing ? 1 : b->model.logits_most;

    b->batch.n_tokens = 0;
    for (int s = 0; s < shape->n_seq; s++) {
        for (int i = 0; i < shape->per_seq; i++) {
            add_token(b, s, from + i, i >= shape->per_seq - wanted);
        }
    }
    return compute(b, shape->from_nothing, err);
}

/* The position where a reply begins: its prompt may be on the encoder's side. */
static int reply_start(const struct bench *b)
{
    return has_encoder(b) ? 0 : START_TOKENS;
}

/* Replies begin behind a prompt that they share. */
static int start_replies(struct bench *b, const struct shape *shape, struct lw_error *err)
{
    const struct shape prompt = { 1, START_TOKENS, true };

    llama_memory_clear(b->model.memory, true);
    int code = step(b, &prompt, 0, err);
    for (int s = 1; s < shape->n_seq && !code; s++) {
        llama_memory_seq_cp(b->model.memory, 0, s, -1, -1);
    }
    return code;
}

/* --- Samples -------------------------------------------------------------- */

struct sample {
    double seconds; /* of a step */
    bool clean;
};

static int take_sample(struct bench *b, const struct shape *shape, struct sample *out,
                       struct lw_error *err)
{
    int pos = shape->from_nothing ? 0 : reply_start(b), n = 0;
    int most = shape->from_nothing
                   ? INT_MAX
                   : (b->model.cells - START_TOKENS) / (shape->n_seq * shape->per_seq);
    int code = shape->from_nothing ? 0 : start_replies(b, shape, err);
    struct cpu_times before = cpu_look(), after = before;

    while (!code && n < most && after.wall - before.wall < b->sample_seconds) {
        if (shape->from_nothing) {
            llama_memory_clear(b->model.memory, false);
        }
        code = step(b, shape, pos, err);
        pos += shape->from_nothing ? 0 : shape->per_seq;
        n++;
        after.wall = clock_seconds();
    }
    after = cpu_look();
    double wall = after.wall - before.wall;
    out->seconds = wall / (n > 0 ? n : 1);
    double others = cpu_others(&before, &after);
    out->clean = !cpu_disturbed(others, wall, after.cores, b->threads);
    return code;
}

/* The time that this quantity may take: its share of what is left. */
static double share_ends(const struct bench *b)
{
    double now = clock_seconds();
    int left = b->total > b->done ? b->total - b->done : 1;

    return now + (b->ends - now) / left;
}

/* Seconds of a step: the median of the clean samples, or of all where fewer than two
 * are clean. */
static int quantity(struct bench *b, const struct shape *shape, double *seconds,
                    struct lw_error *err)
{
    double clean[SAMPLES_MAX], all[SAMPLES_MAX];
    size_t n_clean = 0, n = 0;
    double ends = share_ends(b);
    int code = 0;

    while (!code && n < SAMPLES_MAX && n_clean < SAMPLES &&
           (n == 0 || clock_seconds() < ends)) {
        struct sample s;
        code = take_sample(b, shape, &s, err);
        all[n++] = s.seconds;
        if (s.clean) {
            clean[n_clean++] = s.seconds;
        }
    }
    bool enough = n_clean >= 2 || n_clean == n;
    b->disturbed |= !enough;
    *seconds = enough ? measure_median(clean, n_clean) : measure_median(all, n);
    b->done++;
    if (b->opt->progress) {
        b->opt->progress(b->opt->user, b->done, b->done > b->total ? b->done : b->total);
    }
    return code;
}

/* --- Quantities ----------------------------------------------------------- */

static void use_threads(struct bench *b, int threads)
{
    b->threads = threads;
    llama_set_n_threads(b->model.ctx, threads, threads);
}

static int measure_speed(struct bench *b, int prompt_tokens, struct lw_speed *out,
                         struct lw_error *err)
{
    const struct shape prompt = { 1, prompt_tokens, true }, reply = { 1, 1, false };
    double reading = 0, writing = 0;

    use_threads(b, out->threads);
    int code = quantity(b, &prompt, &reading, err);
    if (!code) {
        code = quantity(b, &reply, &writing, err);
    }
    if (!code) {
        out->reads = prompt_tokens / reading;
        out->writes = 1 / writing;
    }
    return code;
}

static int measure_speeds(struct bench *b, int threads, struct measure *m,
                          struct lw_error *err)
{
    double best = 0;
    int code = 0;

    while (!code && threads > 0 && m->n_speeds < MEASURE_SPEEDS_MAX) {
        struct lw_speed *s = &m->speeds[m->n_speeds++];
        *s = (struct lw_speed){ .threads = threads };
        code = measure_speed(b, m->prompt_tokens, s, err);
        best = s->reads > best ? s->reads : best;
        threads = s->reads < CLEARLY_WORSE * best ? 0 : measure_fewer_threads(threads);
    }
    return code;
}

static size_t n_batches(const struct bench *b)
{
    return has_encoder(b) ? 1 : MEASURE_BATCHES;
}

static int measure_batches(struct bench *b, struct measure *m, struct lw_error *err)
{
    int code = 0;

    m->batches[0] = (struct lw_point){ 1, m->speeds[m->best].writes };
    m->n_batches = n_batches(b);
    for (size_t i = 1; i < m->n_batches && !code; i++) {
        const struct shape shape = { batch_sizes[i], 1, false };
        double seconds = 0;
        code = quantity(b, &shape, &seconds, err);
        m->batches[i] = (struct lw_point){ batch_sizes[i], batch_sizes[i] / seconds };
    }
    return code;
}

static int measure_checks(struct bench *b, struct measure *m, struct lw_error *err)
{
    double one = 1 / m->speeds[m->best].writes;
    int code = 0;

    m->checks[0] = (struct lw_point){ 1, 1 };
    for (int i = 1; i < MEASURE_CHECKS && !code; i++) {
        const struct shape shape = { 1, check_sizes[i], false };
        double seconds = 0;
        code = quantity(b, &shape, &seconds, err);
        m->checks[i] = (struct lw_point){ check_sizes[i], seconds / one };
    }
    return code;
}

/* One quick look, to choose how long the prompts are. */
static int choose_prompt(struct bench *b, double seconds, int *tokens,
                         struct lw_error *err)
{
    const struct shape shape = { 1, LOOK_TOKENS, true };
    double began;
    int code = step(b, &shape, 0, err); /* the first one pays for page faults */

    if (code) {
        return code;
    }
    llama_memory_clear(b->model.memory, false);
    began = clock_seconds();
    code = step(b, &shape, 0, err);
    *tokens = measure_prompt_tokens(LOOK_TOKENS / (clock_seconds() - began), seconds);
    *tokens = *tokens < b->model.step_tokens ? *tokens : b->model.step_tokens;
    return code;
}

static int count_quantities(const struct bench *b, int threads)
{
    int n = (int)n_batches(b) - 1 + MEASURE_CHECKS - 1;

    for (int i = 0; threads > 0 && i < 3; i++) {
        n += 2;
        threads = measure_fewer_threads(threads);
    }
    return n;
}

static int measure_all(struct bench *b, int threads, double seconds, struct measure *m,
                       struct lw_error *err)
{
    int code;

    use_threads(b, threads);
    if ((code = choose_prompt(b, seconds, &m->prompt_tokens, err)) ||
        (code = measure_speeds(b, threads, m, err))) {
        return code;
    }
    m->best = measure_best(m->speeds, m->n_speeds);
    use_threads(b, m->speeds[m->best].threads);
    if ((code = measure_batches(b, m, err))) {
        return code;
    }
    return measure_checks(b, m, err);
}

static double sample_seconds(double all)
{
    double s = all / 100;

    return s < SAMPLE_SECONDS_MIN   ? SAMPLE_SECONDS_MIN
           : s > SAMPLE_SECONDS_MAX ? SAMPLE_SECONDS_MAX
                                    : s;
}

/* The shortest prompt and the widest check have to fit into a step. */
static int load_bench(struct bench *b, const struct engine_options *opt,
                      struct lw_error *err)
{
    int code = load_model(&b->model, opt, err);

    if (!code && b->model.step_tokens < PROMPT_TOKENS_MIN) {
        code =
            err_set(err, LW_ERR_LOCAL,
                    "the context of the model %s is too small to measure it: %d tokens",
                    opt->path, b->model.step_tokens);
        load_release(&b->model);
    }
    return code;
}

int measure_model(const struct measure_options *opt, struct measure *out,
                  struct lw_error *err)
{
    /* No notices: they would be about a context and a chat that nobody asked for. */
    const struct engine_options engine = { .path = opt->path,
                                           .context = CONTEXT,
                                           .threads = opt->threads,
                                           .cancel = opt->cancel };
    double seconds = opt->seconds > 0 ? opt->seconds : DEFAULT_SECONDS;
    int threads = load_threads(&engine);
    struct bench b = { .opt = opt };

    int code = load_bench(&b, &engine, err);
    if (code) {
        return code;
    }
    *out = (struct measure){ .n_speeds = 0 };
    b.batch = llama_batch_init(NEED_BATCH_TOKENS, 0, 1);
    b.sample_seconds = sample_seconds(seconds);
    b.total = count_quantities(&b, threads);
    struct cpu_times before = cpu_look();
    b.began = before.wall;
    b.ends = b.began + seconds;
    b.last_end = b.began + LAST_END_FACTOR * seconds + LAST_END_SECONDS;
    llama_set_abort_callback(b.model.ctx, must_stop, &b);
    code = measure_all(&b, threads, seconds, out, err);
    struct cpu_times after = cpu_look();
    out->seconds = after.wall - before.wall;
    out->others = cpu_others(&before, &after);
    out->disturbed = b.disturbed;
    llama_batch_free(b.batch);
    load_release(&b.model);
    return code;
}
