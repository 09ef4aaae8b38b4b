/* world.c - documents, two scripted models and a run, for tests of protocols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/mem.h"
#include "flow/doc.h"
#include "guard/guard.h"
#include "text/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES_MAX = 4 * 1024 * 1024 };

const char *const world_docs[] = {
    "Acme Works is a maker of small pumps in Ghent.\n\n"
    "Capital expenditure was 12 million dollars in fiscal 2022.\n\n"
    "It fell because the new plant in Leipzig was finished in 2021.\n\n"
    "The board met nine times and has seven members.\n",

    "Minutes of the meeting of the council, held on 3 March 2023.\n\n"
    "The treasurer reported that membership fees rose to 45 euros a year.\n\n"
    "There being no further business, the meeting was closed at noon.\n",
    NULL,
};
const size_t world_docs_chunks = 7;

/* --- Documents ------------------------------------------------------------- */

static void add_chunks(struct world *w, int index)
{
    const struct doc *doc = w->set.docs[index];
    size_t start = 0;
    while (start < doc->len) {
        const char *blank = strstr(doc->text + start, "\n\n");
        size_t end = blank ? (size_t)(blank - doc->text) + 2 : doc->len;
        chunk_list_add(&w->chunks, (struct chunk){
                                       .doc = index,
                                       .start = start,
                                       .end = end,
                                       .n_tokens = (int)(end - start) / 4,
                                   });
        start = end;
    }
}

static void add_docs(struct world *w, const char *const *texts)
{
    for (int i = 0; texts[i]; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%d.txt", WORLD_SECRET_NAME, i);
        size_t len = strlen(texts[i]);
        doc_set_take(&w->set, doc_new(name, DOC_TEXT, mem_strndup(texts[i], len), len));
        add_chunks(w, i);
    }
}

/* --- The run --------------------------------------------------------------- */

static void keep_line(struct buf *b, const char *line)
{
    buf_addf(b, "%s\n", line);
}

static void on_warn(void *user, const char *sentence)
{
    keep_line(&((struct world *)user)->warnings, sentence);
}

static void on_trace(void *user, const char *sentence)
{
    keep_line(&((struct world *)user)->traces, sentence);
}

static void on_stage(void *user, const char *what)
{
    keep_line(&((struct world *)user)->stages, what);
}

static void open_models(struct world *w, const struct world_options *opt)
{
    if (fake_open(&w->worker, opt->worker, &opt->worker_is, &w->err)) {
        fail_msg("%s", w->err.message);
    }
    if (!opt->supervisor) return;
    if (fake_open(&w->supervisor, opt->supervisor, &opt->supervisor_is, &w->err)) {
        fail_msg("%s", w->err.message);
    }
    w->run.supervisor = guard_wrap(w->supervisor, &w->set, &w->egress);
}

void world_init(struct world *w, const struct world_options *opt)
{
    *w = (struct world){ .arena = arena_new() };
    cancel_init(&w->cancel, 0);
    buf_init(&w->warnings, KEPT_BYTES_MAX);
    buf_init(&w->traces, KEPT_BYTES_MAX);
    buf_init(&w->stages, KEPT_BYTES_MAX);
    doc_set_init(&w->set);
    add_docs(w, opt->docs ? opt->docs : world_docs);
    assert_int_equal(search_open(&w->search, &w->set, &w->chunks, &w->err), 0);
    open_models(w, opt);
    w->run.reading = (struct reading){
        .worker = w->worker,
        .set = &w->set,
        .chunks = &w->chunks,
        .search = w->search,
        .arena = w->arena,
        .cancel = &w->cancel,
        .question = opt->question,
        .usage = &w->local,
        .trace = on_trace,
        .user = w,
    };
    w->run.remote_usage = &w->remote;
    w->run.rounds_max = 3;
    w->run.tasks_max = 8;
    w->run.samples = 1;
    w->run.stage = on_stage;
    w->run.warn = on_warn;
    w->run.user = w;
}

void world_release(struct world *w)
{
    llm_close(w->worker);
    llm_close(w->run.supervisor);
    search_close(w->search);
    chunk_list_release(&w->chunks);
    doc_set_release(&w->set);
    arena_free(w->arena);
    buf_release(&w->warnings);
    buf_release(&w->traces);
    buf_release(&w->stages);
}

/* --- What holds for every final -------------------------------------------- */

static void check_coverage(const struct world *w)
{
    const struct coverage *c = &w->out.coverage;
    assert_int_equal(c->chunks, w->chunks.n);
    assert_int_equal(c->found + c->absent + c->failed + c->skipped, c->chunks);
    assert_int_equal(c->read, c->found + c->absent);
}

static void check_citations(const struct world *w)
{
    for (size_t i = 0; i < w->out.n_citations; i++) {
        const struct citation *c = &w->out.citations[i];
        assert_non_null(c->text);
        if (c->quote.match == QUOTE_NONE) continue;
        const struct doc *doc = w->set.docs[c->quote.doc];
        size_t len = c->quote.end - c->quote.start;
        assert_true(c->quote.end <= doc->len && len > 0);
        assert_int_equal(strlen(c->text), len);
        assert_memory_equal(c->text, doc->text + c->quote.start, len);
    }
}

/* Every [n] of the answer is a citation, every citation is marked. */
static void check_marks(const struct world *w)
{
    bool *marked = arena_array(w->arena, w->out.n_citations + 1, sizeof *marked);
    for (const char *s = strchr(w->out.answer, '['); s; s = strchr(s + 1, '[')) {
        char *end;
        unsigned long n = strtoul(s + 1, &end, 10);
        if (end == s + 1 || *end != ']') continue;
        assert_in_range(n, 1, w->out.n_citations);
        marked[n - 1] = true;
    }
    for (size_t i = 0; i < w->out.n_citations; i++) assert_true(marked[i]);
}

int world_run(struct world *w, const char *protocol)
{
    const struct protocol *p = protocol_find(protocol);
    assert_non_null(p);
    int code = p->run(&w->run, &w->out, &w->err);
    if (code) {
        assert_int_equal(code, w->err.code);
        assert_true(*w->err.message);
        return code;
    }
    assert_non_null(w->out.answer);
    assert_true(*w->out.answer);
    if (w->out.status == FINAL_ANSWERED) assert_int_equal(w->out.cause, 0);
    if (w->out.status == FINAL_PARTIAL) assert_int_not_equal(w->out.cause, 0);
    check_coverage(w);
    check_citations(w);
    if (!w->run.schema) check_marks(w);
    return 0;
}

/* --- What was sent --------------------------------------------------------- */

char *world_sent(const struct llm *fake)
{
    struct buf b;
    buf_init(&b, KEPT_BYTES_MAX);
    for (size_t i = 0; i < fake_request_count(fake); i++) {
        buf_addf(&b, "--- request %zu\n%s\n", i, fake_request_at(fake, i));
    }
    assert_false(buf_failed(&b));
    char *text = buf_take(&b, NULL);
    buf_release(&b);
    return text;
}

size_t world_count(const char *text, const char *needle)
{
    size_t n = 0;
    for (const char *s = strstr(text, needle); s; s = strstr(s + 1, needle)) n++;
    return n;
}
