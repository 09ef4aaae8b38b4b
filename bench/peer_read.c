/* peer_read.c - legwork's reading of given excerpts, as bench/peer.py compares it
 * with a server that gets a JSON job for each.
 *
 * The same pieces of text and the same questions for both sides; here they go
 * the way of a plan with one task a question: screen every piece, answer the
 * few that may hold something, take the quote from the piece (jobs/).
 *
 *     peer_read MODEL.gguf THREADS INPUT.json
 *     {"text": "...", "cuts": [0, 2990, ...], "questions": ["...", ...]}
 *
 * cuts are byte offsets, the first 0, the last the text's length. One line goes
 * out for each question, the best finding or an empty answer, then a line
 * {"total": ...}. Loading, the search index and a first small request are
 * not measured. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "jobs/run_jobs.h"
#include "proto/record.h"
#include "text/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 24 };

static void die(const struct lw_error *err)
{
    fprintf(stderr, "peer_read: %s\n", err->message);
    exit(1);
}

static json_t *read_input(const char *path)
{
    char *text = mem_alloc(INPUT_BYTES_MAX);
    struct lw_error err;
    FILE *in = fopen(path, "r");

    if (!in) {
        perror(path);
        exit(1);
    }
    size_t len = fread(text, 1, INPUT_BYTES_MAX, in);
    fclose(in);
    json_t *input = json_parse(text, len, &err);
    if (!input) die(&err);
    mem_free(text);
    return input;
}

/* --- The pieces and the plan ------------------------------------------------ */

static void add_document(struct doc_set *set, const json_t *input)
{
    const json_t *text = json_object_get(input, "text");
    size_t len = json_string_length(text);
    char *copy = mem_strndup(json_string_value(text), len);

    doc_set_take(set, doc_new("text", DOC_TEXT, copy, len));
}

static void add_chunks(struct chunk_list *chunks, struct llm *llm,
                       const struct doc_set *set, const json_t *input)
{
    const json_t *cuts = json_object_get(input, "cuts");
    const char *text = set->docs[0]->text;

    for (size_t i = 0; i + 1 < json_array_size(cuts); i++) {
        size_t start = (size_t)json_integer_value(json_array_get(cuts, i));
        size_t end = (size_t)json_integer_value(json_array_get(cuts, i + 1));
        int n_tokens = llm_count_tokens(llm, text + start, end - start);
        chunk_list_add(
            chunks, (struct chunk){ .start = start, .end = end, .n_tokens = n_tokens });
    }
}

static void add_tasks(struct plan *plan, const json_t *input)
{
    const json_t *questions = json_object_get(input, "questions");

    for (size_t i = 0; i < json_array_size(questions); i++) {
        struct task *task = plan_add_task(plan);
        task->ask = mem_strdup(json_string_value(json_array_get(questions, i)));
    }
}

/* --- Reading ---------------------------------------------------------------- */

static void print_line(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(value);
}

static void print_asked(const struct record *rec, size_t i)
{
    const struct asked *asked = &rec->asked[i];
    const struct doc *doc = rec->reading->set->docs[0];

    if (asked->n == 0) {
        print_line(json_pack("{s:s, s:s, s:i}", "answer", "", "quote", "", "chunk", -1));
        return;
    }
    const struct finding *f = &rec->findings.items[asked->first];
    size_t len = f->quote.match == QUOTE_NONE ? 0 : f->quote.end - f->quote.start;
    print_line(json_pack("{s:s, s:o, s:i, s:b}", "answer", f->value, "quote",
                         json_stringn(doc->text + f->quote.start, len), "chunk", f->chunk,
                         "supported", f->supported));
}

static void read_all(struct reading *reading, const struct plan *plan)
{
    struct job_list jobs;
    struct record rec;
    struct lw_error err;
    double began = clock_seconds();

    record_init(&rec, reading);
    if (run_jobs(reading, plan, NULL, NULL, &jobs, &err)) die(&err);
    record_add_jobs(&rec, plan, &jobs);
    double wall = clock_seconds() - began;
    for (size_t i = 0; i < rec.n_asked; i++) print_asked(&rec, i);
    const struct usage *u = reading->usage;
    print_line(json_pack("{s:{s:f, s:I, s:I, s:I, s:I}}", "total", "wall_s", wall,
                         "requests", (json_int_t)u->requests, "prompt_tokens",
                         (json_int_t)u->prompt_tokens, "cached_tokens",
                         (json_int_t)u->cached_tokens, "completion_tokens",
                         (json_int_t)u->completion_tokens));
    record_release(&rec);
}

static void warm_up(struct llm *llm)
{
    struct llm_message hello = llm_message_text(LLM_USER, "Hello");
    struct llm_request req = { .messages = &hello, .n_messages = 1, .max_tokens = 2 };
    struct llm_reply reply;
    struct lw_error err;

    if (llm_chat(llm, &req, &reply, NULL, NULL, &err)) die(&err);
}

static void run(struct llm *llm, const json_t *input)
{
    struct doc_set set;
    struct chunk_list chunks = { .n = 0 };
    struct plan plan = { .n_tasks = 0 };
    struct usage usage = { .requests = 0 };
    struct lw_error err;
    struct reading reading = { .worker = llm,
                               .set = &set,
                               .chunks = &chunks,
                               .arena = arena_new(),
                               .usage = &usage };

    doc_set_init(&set);
    add_document(&set, input);
    add_chunks(&chunks, llm, &set, input);
    add_tasks(&plan, input);
    reading.question = plan.tasks[0].ask;
    if (search_open(&reading.search, &set, &chunks, &err)) die(&err);
    warm_up(llm);
    read_all(&reading, &plan);
    search_close(reading.search);
    arena_free(reading.arena);
    plan_release(&plan);
    chunk_list_release(&chunks);
    doc_set_release(&set);
}

int main(int argc, char **argv)
{
    struct lw_error err;
    struct llm *llm;

    if (argc != 4) {
        fprintf(stderr, "usage: peer_read MODEL.gguf THREADS INPUT.json\n");
        return 2;
    }
    struct engine_options opt = { .path = argv[1],
                                  .threads = (int)strtol(argv[2], NULL, 10) };
    if (engine_open(&llm, &opt, &err)) die(&err);
    json_t *input = read_input(argv[3]);
    run(llm, input);
    json_decref(input);
    llm_close(llm);
    return 0;
}
