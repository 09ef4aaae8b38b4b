/* peer_engine.c - legwork's engine alone, as bench/peer.py compares it with a server.
 *
 * Reads jobs, a JSON object a line, and runs all of them in one llm_chat_many():
 *
 *     peer_engine MODEL.gguf THREADS JOBS.jsonl
 *     {"id": "c1q1", "system": "...", "user": ["Excerpt: ", "{excerpt}", "Question: "],
 *      "verbatim": 1, "tokens": 96, "schema": {...}}
 *
 * "verbatim" is the part of the user's message that is a document's; a job of
 * no "tokens" is scored only; "schema" may be absent. Replies go out as they
 * come, a line each, then one line {"total": ...}. Loading and a first small
 * request, which pays for page faults, are not measured. Replies are drafted as
 * far as that pays by what `legwork tune` measured of the model, if it did.
 *
 * What the engine does beside computing is seen from outside: the linker puts
 * the two functions here in front of llama_decode() and llama_synchronize()
 * (-Wl,--wrap), and they keep the time. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "run/tuned.h"

#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_BYTES_MAX = 1 << 20 };

/* --- The time that libllama takes ----------------------------------------- */

/* Of the engine thread, written by it while a call is under way; main() clears and
 * reads it only between calls. */
static struct {
    double cpu_begin, cpu_end; /* the thread's own, at the first step and the last */
    double wall, cpu;          /* inside libllama; cpu: of this thread alone */
    long steps, tokens;
} inside;

static double thread_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int32_t __real_llama_decode(struct llama_context *ctx, struct llama_batch batch);
int32_t __wrap_llama_decode(struct llama_context *ctx, struct llama_batch batch);
void __real_llama_synchronize(struct llama_context *ctx);
void __wrap_llama_synchronize(struct llama_context *ctx);

static void enter(double *wall, double *cpu)
{
    *wall = clock_seconds();
    *cpu = thread_cpu();
    if (inside.steps == 0 && inside.wall == 0) {
        inside.cpu_begin = *cpu;
    }
}

static void leave(double wall, double cpu)
{
    inside.wall += clock_seconds() - wall;
    inside.cpu_end = thread_cpu();
    inside.cpu += inside.cpu_end - cpu;
}

int32_t __wrap_llama_decode(struct llama_context *ctx, struct llama_batch batch)
{
    double wall, cpu;

    enter(&wall, &cpu);
    int32_t rc = __real_llama_decode(ctx, batch);
    leave(wall, cpu);
    inside.steps++;
    inside.tokens += batch.n_tokens;
    return rc;
}

void __wrap_llama_synchronize(struct llama_context *ctx)
{
    double wall, cpu;

    enter(&wall, &cpu);
    __real_llama_synchronize(ctx);
    leave(wall, cpu);
}

/* --- Jobs ------------------------------------------------------------------ */

struct jobs {
    struct arena *arena;
    json_t **lines; /* what the requests point into */
    struct llm_request *reqs;
    size_t n, cap_lines, cap_reqs;
    double began;
    struct usage usage;
    size_t failed;
};

static void die(const struct lw_error *err)
{
    fprintf(stderr, "peer_engine: %s\n", err->message);
    exit(1);
}

static void set_user(struct llm_message *m, const json_t *parts, int verbatim)
{
    *m = (struct llm_message){ .role = LLM_USER };
    for (size_t i = 0; i < json_array_size(parts) && i < LLM_PARTS_MAX; i++) {
        const json_t *part = json_array_get(parts, i);
        m->parts[m->n_parts++] = (struct llm_part){
            .text = json_string_value(part),
            .len = json_string_length(part),
            .verbatim = (int)i == verbatim,
        };
    }
}

static void add_job(struct jobs *jobs, json_t *line)
{
    struct llm_message *messages = arena_array(jobs->arena, 2, sizeof *messages);

    messages[0] = llm_message_text(LLM_SYSTEM, json_str(line, "system", ""));
    set_user(&messages[1], json_object_get(line, "user"),
             (int)json_int(line, "verbatim", -1, 0, LLM_PARTS_MAX));
    mem_grow((void **)&jobs->lines, &jobs->cap_lines, jobs->n + 1, sizeof *jobs->lines);
    mem_grow((void **)&jobs->reqs, &jobs->cap_reqs, jobs->n + 1, sizeof *jobs->reqs);
    jobs->lines[jobs->n] = line;
    jobs->reqs[jobs->n++] = (struct llm_request){
        .messages = messages,
        .n_messages = 2,
        .max_tokens = (int)json_int(line, "tokens", 0, 0, 4096),
        .schema = json_object_get(line, "schema"),
    };
}

static void read_jobs(struct jobs *jobs, const char *path)
{
    char *text = mem_alloc(LINE_BYTES_MAX);
    struct lw_error err;
    FILE *in = fopen(path, "r");

    if (!in) {
        perror(path);
        exit(1);
    }
    while (fgets(text, LINE_BYTES_MAX, in)) {
        json_t *line = json_parse(text, strlen(text), &err);
        if (!line) die(&err);
        add_job(jobs, line);
    }
    fclose(in);
    mem_free(text);
}

static void free_jobs(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) json_decref(jobs->lines[i]);
    mem_free(jobs->lines);
    mem_free(jobs->reqs);
    arena_free(jobs->arena);
}

/* --- Replies --------------------------------------------------------------- */

/* Takes the value. */
static void print_line(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(value);
}

static void on_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct jobs *jobs = user;
    const struct usage *u = &reply->usage;

    usage_add(&jobs->usage, u);
    jobs->failed += reply->finish == LLM_FAILED;
    print_line(json_pack(
        "{s:s, s:o, s:i, s:s, s:f, s:I, s:I, s:I}", "id",
        json_str(jobs->lines[index], "id", ""), "text",
        json_stringn(reply->text, reply->len), "finish", (int)reply->finish, "error",
        reply->finish == LLM_FAILED ? reply->error.message : "", "seconds",
        clock_seconds() - jobs->began, "prompt_tokens", (json_int_t)u->prompt_tokens,
        "cached_tokens", (json_int_t)u->cached_tokens, "completion_tokens",
        (json_int_t)u->completion_tokens));
}

/* A line of /proc/self/status in bytes: "VmRSS", "VmHWM". 0 where there is none. */
static long status_bytes(const char *name)
{
    char line[256];
    long kib = 0;
    FILE *in = fopen("/proc/self/status", "r");

    while (in && fgets(line, sizeof line, in)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (in) fclose(in);
    return kib * 1024;
}

/* outside_cpu_s: what the engine thread itself computed between the first step and the
 * last, beside libllama. outside_s is all that is not libllama, waiting included. */
static void print_total(const struct jobs *jobs, double wall, const long rss[2],
                        bool tuned)
{
    double cpu = inside.cpu_end - inside.cpu_begin - inside.cpu;

    print_line(json_pack(
        "{s:{s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:b}}", "total",
        "jobs", (json_int_t)jobs->n, "failed", (json_int_t)jobs->failed, "wall_s", wall,
        "decode_s", inside.wall, "outside_s", wall - inside.wall, "outside_cpu_s", cpu,
        "steps", (json_int_t)inside.steps, "tokens", (json_int_t)inside.tokens,
        "rss_before", (json_int_t)rss[0], "rss_after", (json_int_t)rss[1], "rss_peak",
        (json_int_t)status_bytes("VmHWM"), "tuned", tuned));
}

/* --- Running --------------------------------------------------------------- */

static void warm_up(struct llm *llm)
{
    struct llm_message hello = llm_message_text(LLM_USER, "Hello");
    struct llm_request req = { .messages = &hello, .n_messages = 1, .max_tokens = 2 };
    struct llm_reply reply;
    struct lw_error err;

    if (llm_chat(llm, &req, &reply, NULL, NULL, &err)) die(&err);
    memset(&inside, 0, sizeof inside);
}

int main(int argc, char **argv)
{
    struct jobs jobs = { .arena = arena_new() };
    struct lw_error err;
    struct llm *llm;
    struct tuned tuned;
    long rss[2];

    if (argc != 4) {
        fprintf(stderr, "usage: peer_engine MODEL.gguf THREADS JOBS.jsonl\n");
        return 2;
    }
    struct engine_options opt = { .path = argv[1],
                                  .threads = (int)strtol(argv[2], NULL, 10) };
    if (tuned_of_model(argv[1], &tuned)) {
        opt.step_costs = tuned.checks;
        opt.n_step_costs = tuned.n_checks;
    }
    if (engine_open(&llm, &opt, &err)) die(&err);
    read_jobs(&jobs, argv[3]);
    warm_up(llm);
    rss[0] = status_bytes("VmRSS");
    jobs.began = clock_seconds();
    if (llm_chat_many(llm, jobs.reqs, jobs.n, on_reply, &jobs, NULL, &err)) die(&err);
    double wall = clock_seconds() - jobs.began;
    rss[1] = status_bytes("VmRSS");
    print_total(&jobs, wall, rss, opt.n_step_costs > 0);
    llm_close(llm);
    free_jobs(&jobs);
    return 0;
}
