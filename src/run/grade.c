/* grade.c - lw_grade(): models read the same short excerpts, and are compared.
 *
 * Each line is a document of one part, read by protocol local as lw_ask() would:
 * same prompts, same decision, same quotes; there is no second way of reading to
 * keep in step. Only the number of right answers is new. */
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "proto/proto.h"
#include "run/agree.h"
#include "run/model_list.h"
#include "run/resolve.h"
#include "text/load.h"

#include <string.h>

struct grader {
    lw_session *s;
    const char *path;
    struct buf text; /* of the file; each line ended by a NUL */
    void (*fn)(void *user, const struct lw_graded *graded);
    void *user;
    int n_lines;
    size_t n_graded;
    struct lw_error first; /* why the first model that failed did */
};

/* A line, whose strings are the JSON's. */
struct item {
    const char *excerpt, *question, *answer; /* answer NULL: the excerpt holds none */
};

/* --- The file ------------------------------------------------------------- */

static int wrong_line(const struct grader *g, int line, const char *what,
                      struct lw_error *err)
{
    return err_set(err, LW_ERR_INPUT, "%s, line %d: %s", g->path, line, what);
}

/* *object owns what the item points to. */
static int read_item(const struct grader *g, const char *text, int line, json_t **object,
                     struct item *out, struct lw_error *err)
{
    *object = json_parse(text, strlen(text), err);
    if (!*object) {
        err_prefix(err, "%s, line %d", g->path, line);
        return LW_ERR_INPUT;
    }
    const json_t *answer = json_object_get(*object, "answer");
    *out = (struct item){ .excerpt = json_str(*object, "excerpt", ""),
                          .question = json_str(*object, "question", ""),
                          .answer = json_string_value(answer) };
    if (!*out->excerpt || !*out->question) {
        return wrong_line(g, line, "excerpt and question must be there, as strings", err);
    }
    if (!json_is_null(answer) && (!out->answer || !*out->answer)) {
        return wrong_line(g, line, "answer must be a string, or null for none", err);
    }
    return 0;
}

typedef int (*item_fn)(struct grader *g, const struct item *item, void *user,
                       struct lw_error *err);

/* Blank lines count but hold nothing. */
static int each_item(struct grader *g, item_fn fn, void *user, struct lw_error *err)
{
    const char *at = g->text.data, *end = at + g->text.len;
    int code = 0;
    for (int line = 1; at < end && !code; line++, at += strlen(at) + 1) {
        json_t *object = NULL;
        struct item item;
        if (at[strspn(at, " \t\r")] == '\0') continue;
        code = read_item(g, at, line, &object, &item, err);
        if (!code) code = fn(g, &item, user, err);
        json_decref(object);
    }
    return code;
}

static int count_item(struct grader *g, const struct item *item, void *user,
                      struct lw_error *err)
{
    (void)item;
    (void)user;
    (void)err;
    g->n_lines++;
    return 0;
}

/* Every line is looked at before any model is loaded. */
static int load_lines(struct grader *g, struct lw_error *err)
{
    int code = file_read(g->path, &g->text, err);
    if (code) return code;
    if (memchr(g->text.data, '\0', g->text.len)) {
        return err_set(err, LW_ERR_INPUT, "%s is not a text file", g->path);
    }
    for (char *c = g->text.data; (c = strchr(c, '\n')) != NULL; c++) *c = '\0';
    code = each_item(g, count_item, NULL, err);
    if (code || g->n_lines > 0) return code;
    return err_set(err, LW_ERR_INPUT, "%s holds no line", g->path);
}

/* --- One line ------------------------------------------------------------- */

/* What a run is made of. */
struct excerpt {
    struct doc_set set;
    struct chunk_list chunks;
    struct search *search;
    struct arena *arena;
    struct usage usage;
};

static int excerpt_init(struct excerpt *e, struct llm *worker, const char *text,
                        struct lw_error *err)
{
    *e = (struct excerpt){ .arena = arena_new() };
    doc_set_init(&e->set);
    int code = load_text(&e->set, "excerpt", text, strlen(text), err);
    if (code) return code;
    const struct doc *doc = e->set.docs[0];
    chunk_list_add(&e->chunks, (struct chunk){ .end = doc->len,
                                               .n_tokens = llm_count_tokens(
                                                   worker, doc->text, doc->len) });
    return search_open(&e->search, &e->set, &e->chunks, err);
}

static void excerpt_release(struct excerpt *e)
{
    if (e->search) search_close(e->search);
    chunk_list_release(&e->chunks);
    doc_set_release(&e->set);
    arena_free(e->arena);
}

static int read_excerpt(struct grader *g, struct excerpt *e, struct llm *worker,
                        const char *question, struct final *out, struct lw_error *err)
{
    struct proto_run run = {
        .reading = { .worker = worker,
                     .set = &e->set,
                     .chunks = &e->chunks,
                     .search = e->search,
                     .arena = e->arena,
                     .cancel = &g->s->cancel,
                     .question = question,
                     .usage = &e->usage },
        .rounds_max = 1,
        .tasks_max = 1,
        .samples = 1,
    };
    return protocol_find("local")->run(&run, out, err);
}

static void count_result(struct lw_graded *m, const struct item *item,
                         const struct final *f)
{
    bool found = f->status != FINAL_NOT_FOUND;
    bool failed = !found && f->coverage.failed > 0;
    m->failed += failed;
    if (item->answer) {
        m->found += found;
        m->right += found && answer_agrees(f->answer, item->answer);
    } else {
        m->absent += !found && !failed;
    }
}

/* A model on its way through the lines. */
struct pupil {
    struct llm *worker;
    struct lw_graded graded;
};

static int grade_item(struct grader *g, const struct item *item, void *user,
                      struct lw_error *err)
{
    struct pupil *p = user;
    struct excerpt e;
    struct final f = { .status = FINAL_NOT_FOUND };
    struct lw_error why = { .code = 0 };
    double began = clock_seconds();
    int code = excerpt_init(&e, p->worker, item->excerpt, &why);
    if (!code) code = read_excerpt(g, &e, p->worker, item->question, &f, &why);
    if (cancel_level(&g->s->cancel) != CANCEL_NONE) {
        excerpt_release(&e);
        return err_set(err, LW_CANCELLED, "comparing was stopped");
    }
    p->graded.seconds += clock_seconds() - began;
    p->graded.lines++;
    p->graded.present += item->answer != NULL;
    p->graded.missing += item->answer == NULL;
    if (code) {
        p->graded.failed++;
        event_trace(&g->s->events, why.message);
    } else {
        count_result(&p->graded, item, &f);
    }
    excerpt_release(&e);
    event_steps(&g->s->events, p->graded.lines, g->n_lines);
    return 0;
}

/* --- The models ----------------------------------------------------------- */

static void swap_local(lw_session *s, char **value, enum option_source *source)
{
    char *old = s->options.value[OPT_LOCAL];
    enum option_source old_source = s->options.source[OPT_LOCAL];
    s->options.value[OPT_LOCAL] = *value;
    s->options.source[OPT_LOCAL] = *source;
    *value = old;
    *source = old_source;
}

/* What the user calls it; of a path its last part. */
static const char *short_name(const char *model)
{
    const char *slash = strstr(model, "://") ? NULL : strrchr(model, '/');
    return slash ? slash + 1 : model;
}

static int grade_as_local(struct grader *g, const char *model, struct lw_error *err)
{
    struct pupil p = { .graded = { .name = short_name(model) } };
    struct lw_error why = { .code = 0 };
    int code = worker_get(g->s, &p.worker, &why);
    if (!code) code = server_ask(g->s, p.worker, &why);
    if (!code) {
        char stage[256];
        snprintf(stage, sizeof stage, "reading with %s", p.graded.name);
        event_stage(&g->s->events, stage);
        code = each_item(g, grade_item, &p, &why);
        g->n_graded += code == 0;
    }
    events_drain(&g->s->events);
    if (code == LW_CANCELLED) return err_set(err, code, "%s", why.message);
    if (code && !g->first.code) g->first = why;
    if (code) p.graded.problem = why.message;
    g->fn(g->user, &p.graded);
    return 0;
}

/* Only a cancel ends the round. */
static int grade_model(struct grader *g, const char *model, struct lw_error *err)
{
    char *value = mem_strdup(model);
    enum option_source source = SOURCE_SET;
    swap_local(g->s, &value, &source);
    int code = grade_as_local(g, model, err);
    swap_local(g->s, &value, &source);
    mem_free(value);
    return code;
}

static int grade_models(struct grader *g, const char *const *models, size_t n,
                        struct lw_error *err)
{
    struct model_list list = { .n = 0 };
    int code = n > 0 ? 0 : model_list_get(&list, g->s, NULL, 0, err);
    for (size_t i = 0; i < n && !code; i++) code = grade_model(g, models[i], err);
    for (size_t i = 0; i < list.n && !code; i++) {
        code = grade_model(g, list.paths[i], err);
    }
    model_list_release(&list);
    if (code || g->n_graded > 0) return code;
    return err_set(err, g->first.code, "%s", g->first.message);
}

int lw_grade(lw_session *s, const char *path, const char *const *models, size_t n_models,
             void (*fn)(void *user, const struct lw_graded *graded), void *user,
             struct lw_error *err)
{
    struct grader g = { .s = s, .path = path, .fn = fn, .user = user };
    if (!path) return err_set(err, LW_ERR_USAGE, "the name of the file is NULL");
    buf_init(&g.text, LIMIT_FILE_BYTES);
    int code = model_names_check(models, n_models, err);
    if (!code) code = load_lines(&g, err);
    if (!code) code = grade_models(&g, models, n_models, err);
    session_rearm(s);
    buf_release(&g.text);
    return code;
}
