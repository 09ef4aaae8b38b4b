/* result.c - a result and its JSON, schema "legwork.answer/1".
 *
 * The keys and their order are a promise to scripts; legwork(1) describes each
 * (ORDER JSON: cli/man.c). Everything lives in the arena of the run, so a
 * result outlives the session. */
#include "run/result.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RUN_ID_BYTES = 32, RESULT_BYTES_MAX = 256 * 1024 * 1024 };

struct lw_result {
    struct arena *arena;
    const char *answer;
    struct lw_citation *citations;
    size_t n_citations;
    char *json;
};

/* ORDER MATCHES */
static const char *const match_names[] = {
    [LW_MATCH_NONE] = "none",
    [LW_MATCH_FOLDED] = "folded",
    [LW_MATCH_EXACT] = "exact",
};

/* --- JSON ---------------------------------------------------------------- */

/* What was said in the caller's schema, as the value that it is. */
static json_t *structured_value(const struct final *f)
{
    json_t *value = f->shaped ? json_parse(f->answer, strlen(f->answer), NULL) : NULL;
    return value ? value : json_null();
}

static json_t *seconds_value(double seconds)
{
    return json_real(round(seconds * 1000) / 1000);
}

static json_t *citation_json(const struct lw_citation *c)
{
    json_t *o = json_object();
    json_object_set_new(o, "n", json_integer(c->n));
    json_object_set_new(o, "doc", json_text(c->doc));
    json_object_set_new(o, "page", c->page > 0 ? json_integer(c->page) : json_null());
    json_object_set_new(o, "start", json_integer((json_int_t)c->start));
    json_object_set_new(o, "end", json_integer((json_int_t)c->end));
    json_object_set_new(o, "quote", json_text(c->quote));
    json_object_set_new(o, "match", json_string(match_names[c->match]));
    return o;
}

static json_t *coverage_json(const struct coverage *c)
{
    const struct {
        const char *key;
        size_t n;
    } counts[] = { { "chunks", c->chunks }, { "read", c->read },
                   { "found", c->found },   { "absent", c->absent },
                   { "failed", c->failed }, { "skipped", c->skipped } };
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_object_set_new(o, counts[i].key, json_integer((json_int_t)counts[i].n));
    }
    return o;
}

static json_t *usage_json(const struct usage *u)
{
    json_t *o = json_object();
    json_object_set_new(o, "requests", json_integer(u->requests));
    json_object_set_new(o, "prompt_tokens", json_integer(u->prompt_tokens));
    json_object_set_new(o, "cached_tokens", json_integer(u->cached_tokens));
    json_object_set_new(o, "completion_tokens", json_integer(u->completion_tokens));
    json_object_set_new(o, "seconds", seconds_value(u->seconds));
    return o;
}

static json_t *egress_json(const struct result_source *from)
{
    json_t *to = json_array(), *o = json_object();
    for (const char *const *host = from->left_to; *host; host++) {
        json_array_append_new(to, json_text(*host));
    }
    json_object_set_new(o, "calls", json_integer(from->egress->calls));
    json_object_set_new(o, "bytes", json_integer(from->egress->bytes));
    json_object_set_new(o, "document_chars", json_integer(from->egress->document_chars));
    json_object_set_new(o, "to", to);
    return o;
}

static json_t *warnings_json(const struct result_source *from)
{
    json_t *list = json_array();
    for (size_t i = 0; i < from->warnings->n; i++) {
        const struct warning *w = &from->warnings->items[i];
        if (w->of_documents || i >= from->first_of_run) {
            json_array_append_new(list, json_text(w->sentence));
        }
    }
    return list;
}

/* When, and six hex digits so that two runs of a second differ. */
static void make_run_id(char out[RUN_ID_BYTES])
{
    unsigned char random[3] = { 0 };
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t n = strftime(out, RUN_ID_BYTES, "%Y%m%d-%H%M%S", &utc);
    if (getentropy(random, sizeof random) != 0) random[0] = (unsigned char)getpid();
    snprintf(out + n, RUN_ID_BYTES - n, "-%02x%02x%02x", random[0], random[1], random[2]);
}

/* ORDER JSON */
static json_t *result_object(const lw_result *r, const struct result_source *from)
{
    char run[RUN_ID_BYTES];
    make_run_id(run);
    json_t *citations = json_array(), *usage = json_object(), *o = json_object();
    for (size_t i = 0; i < r->n_citations; i++) {
        json_array_append_new(citations, citation_json(&r->citations[i]));
    }
    json_object_set_new(usage, "local", usage_json(from->local));
    json_object_set_new(usage, "remote", usage_json(from->remote));
    json_object_set_new(o, "schema", json_string("legwork.answer/1"));
    json_object_set_new(o, "run", json_string(run));
    json_object_set_new(o, "protocol", json_string(from->protocol));
    json_object_set_new(o, "status", json_string(final_status_name(from->final->status)));
    json_object_set_new(o, "answer", json_text(r->answer));
    json_object_set_new(o, "structured", structured_value(from->final));
    json_object_set_new(o, "citations", citations);
    json_object_set_new(o, "coverage", coverage_json(&from->final->coverage));
    json_object_set_new(o, "usage", usage);
    json_object_set_new(o, "egress", egress_json(from));
    json_object_set_new(o, "seconds", seconds_value(from->seconds));
    json_object_set_new(o, "warnings", warnings_json(from));
    return o;
}

static char *result_text(const lw_result *r, const struct result_source *from)
{
    struct buf text;
    buf_init(&text, RESULT_BYTES_MAX);
    json_t *object = result_object(r, from);
    json_write(object, &text);
    json_decref(object);
    char *out = buf_take(&text, NULL);
    buf_release(&text);
    return out;
}

/* --- Results ------------------------------------------------------------- */

static void copy_citations(lw_result *r, const struct result_source *from)
{
    const struct final *f = from->final;
    r->n_citations = f->n_citations;
    r->citations = arena_array(r->arena, f->n_citations, sizeof *r->citations);
    for (size_t i = 0; i < f->n_citations; i++) {
        const struct quote *q = &f->citations[i].quote;
        const struct doc *doc = from->docs->docs[q->doc];
        r->citations[i] = (struct lw_citation){
            .n = (int)i + 1,
            .doc = arena_strdup(r->arena, doc->name),
            .page = doc_page_at(doc, q->start),
            .start = q->start,
            .end = q->end,
            .quote = f->citations[i].text,
            .match = (enum lw_match)q->match,
        };
    }
}

lw_result *result_new(const struct result_source *from)
{
    lw_result *r = mem_alloc(sizeof *r);
    r->arena = from->arena;
    r->answer = from->final->answer;
    copy_citations(r, from);
    r->json = result_text(r, from);
    return r;
}

void lw_result_close(lw_result *r)
{
    if (!r) return;
    arena_free(r->arena);
    mem_free(r->json);
    mem_free(r);
}

const char *lw_result_answer(const lw_result *r)
{
    return r->answer;
}

size_t lw_result_citation_count(const lw_result *r)
{
    return r->n_citations;
}

struct lw_citation lw_result_citation(const lw_result *r, size_t i)
{
    return r->citations[i];
}

const char *lw_result_json(const lw_result *r)
{
    return r->json;
}
