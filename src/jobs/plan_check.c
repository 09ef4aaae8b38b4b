/* plan_check.c - the door through which a supervisor's plan comes in.
 *
 * A plan is data from another machine: every field is optional but the
 * question, every size has a limit, every name is looked up. What is too much
 * (tasks, samples, terms) is cut; what is wrong gets a complaint that says
 * where, what was there and what is allowed, since it goes back to the model
 * that wrote it. A null counts as absent: models under a strict schema have to
 * write something. */
#include "jobs/plan_check.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "jobs/prompts.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HINT_BYTES_MAX = 1024, WORDS_BYTES_MAX = 256, TOP_MAX = 100000 };

struct checking {
    const struct doc_set *set;
    const struct plan_limits *limits;
    struct plan *plan;
    struct task *task; /* the one at hand */
    size_t number;     /* and its number, from 1 */
    struct lw_error *err;
};

__attribute__((format(printf, 2, 3))) static int complain(const struct checking *c,
                                                          const char *fmt, ...)
{
    char what[768];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return err_set(c->err, LW_ERR_INPUT, "task %zu: %s", c->number, what);
}

/* The field, NULL if it is absent or null. */
static const json_t *field(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

/* An optional text: *out is NULL, or a copy. Blank text is absent. */
static int take_text(const struct checking *c, const json_t *object, const char *key,
                     size_t bytes_max, char **out)
{
    const json_t *value = field(object, key);
    *out = NULL;
    if (!value) return 0;
    if (!json_is_string(value)) return complain(c, "\"%s\" must be a string", key);
    const char *text = json_string_value(value);
    text += strspn(text, " \t\r\n");
    if (*text == '\0') return 0;
    if (strlen(text) > bytes_max) {
        return complain(c, "\"%s\" is longer than %zu bytes", key, bytes_max);
    }
    *out = mem_strdup(text);
    return 0;
}

/* An optional list of texts, cut at most. */
static int take_texts(const struct checking *c, const json_t *object, const char *key,
                      size_t most, char ***out, size_t *n)
{
    const json_t *value = field(object, key);
    if (!value) return 0;
    if (!json_is_array(value))
        return complain(c, "\"%s\" must be a list of strings", key);
    size_t size = json_array_size(value) < most ? json_array_size(value) : most;
    *out = mem_array(size, sizeof **out);
    for (size_t i = 0; i < size; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text) return complain(c, "\"%s\" must be a list of strings", key);
        size_t len = utf8_floor(text, strlen(text), WORDS_BYTES_MAX);
        if (text[strspn(text, " \t\r\n")] != '\0')
            (*out)[(*n)++] = mem_strndup(text, len);
    }
    return 0;
}

/* --- Where -------------------------------------------------------------------- */

/* Ids count the documents from 1. */
static int find_doc(const struct doc_set *set, const char *id)
{
    unsigned long n = id[0] == 'd' ? strtoul(id + 1, NULL, 10) : 0;
    if (n < 1 || n > set->n_docs || strcmp(set->docs[n - 1]->id, id) != 0) return -1;
    return (int)n - 1;
}

static int take_docs(const struct checking *c, const json_t *where)
{
    const json_t *value = field(where, "docs");
    if (!value) return 0;
    if (!json_is_array(value))
        return complain(c, "\"docs\" must be a list of document ids");
    size_t n = json_array_size(value), most = c->set->n_docs;
    bool *known = mem_array(most, sizeof *known);
    int code = 0;
    c->task->docs = mem_array(n < most ? n : most, sizeof *c->task->docs);
    for (size_t i = 0; i < n && code == 0; i++) {
        const char *id = json_string_value(json_array_get(value, i));
        int doc = id ? find_doc(c->set, id) : -1;
        if (doc < 0) {
            code = complain(c, "there is no document \"%.40s\"; there are d1 to d%zu",
                            id ? id : "?", most);
        } else if (!known[doc]) {
            known[doc] = true;
            c->task->docs[c->task->n_docs++] = doc;
        }
    }
    mem_free(known);
    return code;
}

static int take_pages(const struct checking *c, const json_t *where)
{
    const json_t *value = field(where, "pages");
    if (!value || (json_is_array(value) && json_array_size(value) == 0)) return 0;
    json_int_t first = json_integer_value(json_array_get(value, 0));
    json_int_t last =
        json_integer_value(json_array_get(value, json_array_size(value) - 1));
    if (json_array_size(value) > 2 || first < 1 || last < first) {
        return complain(c, "\"pages\" must be [first, last], from page 1 on");
    }
    c->task->page_first = (int)(first < LIMIT_PAGES ? first : LIMIT_PAGES);
    c->task->page_last = (int)(last < LIMIT_PAGES ? last : LIMIT_PAGES);
    return 0;
}

static int take_top(const struct checking *c, const json_t *where)
{
    const json_t *value = field(where, "top");
    if (!value) return 0;
    if (!json_is_number(value) || json_number_value(value) < 0) {
        return complain(c, "\"top\" must be a number of chunks, 0 for all");
    }
    c->task->top = (int)json_int(where, "top", 0, 0, TOP_MAX);
    return 0;
}

static bool is_id(const char *id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(id);
    return len > 0 && len < sizeof((struct task *)0)->id && strspn(id, allowed) == len;
}

static int take_id(const struct checking *c, const json_t *object, const char *key,
                   char out[16])
{
    const json_t *value = field(object, key);
    if (!value || (json_is_string(value) && json_string_length(value) == 0)) return 0;
    const char *id = json_string_value(value);
    if (!id || !is_id(id)) {
        return complain(c, "\"%s\" must be 1 to 15 letters, digits, - or _", key);
    }
    snprintf(out, sizeof((struct task *)0)->id, "%s", id);
    return 0;
}

/* One that is not known would restrict nothing: all would be read. */
static int take_found_in(const struct checking *c, const json_t *where)
{
    const struct plan *earlier = c->limits->earlier;
    char *id = c->task->found_in;
    int code = take_id(c, where, "found_in", id);
    if (code || !*id || plan_find_task(c->plan, c->plan->n_tasks - 1, id) >= 0) {
        return code;
    }
    if (earlier && plan_find_task(earlier, earlier->n_tasks, id) >= 0) return 0;
    return complain(c,
                    "\"found_in\" is \"%s\"; it must be the id of a task before it, in "
                    "this plan or the last one",
                    id);
}

static int take_where(const struct checking *c, const json_t *object)
{
    const json_t *where = field(object, "where");
    if (!where) return 0;
    if (!json_is_object(where)) return complain(c, "\"where\" must be an object");
    struct task *t = c->task;
    int code = take_docs(c, where);
    if (code == 0) code = take_pages(c, where);
    if (code == 0)
        code = take_texts(c, where, "terms", LIMIT_TERMS, &t->terms, &t->n_terms);
    if (code == 0) code = take_top(c, where);
    if (code == 0) code = take_found_in(c, where);
    return code;
}

/* --- Answer and reduce ---------------------------------------------------------- */

/* An optional name of an enum; *out stays as it is without one. */
static int take_name(const struct checking *c, const json_t *object, const char *key,
                     int (*from_name)(const char *), const char *allowed, int *out)
{
    const json_t *value = field(object, key);
    if (!value) return 0;
    const char *name = json_string_value(value);
    int found = name ? from_name(name) : -1;
    if (found < 0) {
        return complain(c, "\"%s\" is \"%.40s\"; allowed are %s", key, name ? name : "?",
                        allowed);
    }
    *out = found;
    return 0;
}

/* The kind of answer that a reduce can work with; -1: any. */
static int needed_kind(enum reduce_kind reduce)
{
    switch (reduce) {
    case REDUCE_SUM:
    case REDUCE_MIN:
    case REDUCE_MAX: return ANSWER_NUMBER;
    case REDUCE_LATEST:
    case REDUCE_EARLIEST: return ANSWER_DATE;
    default: return -1;
    }
}

static int take_kinds(const struct checking *c, const json_t *object)
{
    int answer = -1, reduce = REDUCE_LIST;
    int code = take_name(c, object, "answer", answer_kind_from_name,
                         "text, number, date, yes_no, list, choice, gist", &answer);
    if (code == 0) {
        code = take_name(c, object, "reduce", reduce_kind_from_name,
                         "list, vote, count, sum, min, max, latest, earliest", &reduce);
    }
    if (code) return code;
    int needed = needed_kind((enum reduce_kind)reduce);
    if (answer < 0) answer = needed < 0 ? ANSWER_TEXT : needed;
    if (needed >= 0 && answer != needed) {
        return complain(c, "\"reduce\" is \"%s\", which needs \"answer\": \"%s\"",
                        reduce_kind_name((enum reduce_kind)reduce),
                        answer_kind_name((enum answer_kind)needed));
    }
    c->task->answer = (enum answer_kind)answer;
    c->task->reduce = (enum reduce_kind)reduce;
    return 0;
}

static int take_choices(const struct checking *c, const json_t *object)
{
    struct task *t = c->task;
    int code =
        take_texts(c, object, "choices", LIMIT_CHOICES, &t->choices, &t->n_choices);
    if (code) return code;
    if (t->answer == ANSWER_CHOICE && t->n_choices < 2) {
        return complain(c,
                        "\"answer\" is \"choice\", which needs two or more \"choices\"");
    }
    return 0;
}

static int take_samples(const struct checking *c, const json_t *object)
{
    const json_t *value = field(object, "samples");
    if (value && !json_is_number(value))
        return complain(c, "\"samples\" must be a number");
    int most =
        c->limits->samples_max < LIMIT_SAMPLES ? c->limits->samples_max : LIMIT_SAMPLES;
    c->task->n_samples = (int)json_int(object, "samples", 1, 1, most > 1 ? most : 1);
    return 0;
}

/* --- Tasks ---------------------------------------------------------------------- */

static int check_unique(const struct checking *c)
{
    int other = plan_find_task(c->plan, c->plan->n_tasks - 1, c->task->id);
    if (other < 0) return 0;
    return complain(c, "its id \"%s\" is also that of task %d", c->task->id, other + 1);
}

static int take_task(struct checking *c, const json_t *object)
{
    struct task *t = c->task;
    if (!json_is_object(object)) return complain(c, "must be an object");
    int code = take_text(c, object, "ask", PLAN_ASK_BYTES_MAX, &t->ask);
    if (code == 0 && !t->ask) code = complain(c, "\"ask\" is missing or empty");
    if (code == 0) code = take_id(c, object, "id", t->id);
    if (code == 0) code = check_unique(c);
    if (code == 0) code = take_text(c, object, "hint", HINT_BYTES_MAX, &t->hint);
    if (code == 0) code = take_text(c, object, "unit", WORDS_BYTES_MAX, &t->unit);
    if (code == 0) code = take_where(c, object);
    if (code == 0) code = take_kinds(c, object);
    if (code == 0) code = take_choices(c, object);
    if (code == 0) code = take_samples(c, object);
    return code;
}

static int take_tasks(struct checking *c, const json_t *tasks, size_t *dropped)
{
    size_t n = json_array_size(tasks), most = (size_t)c->limits->tasks_max;
    if (most > LIMIT_TASKS) most = LIMIT_TASKS;
    *dropped = n > most ? n - most : 0;
    for (size_t i = 0; i < n && i < most; i++) {
        c->task = plan_add_task(c->plan);
        c->number = i + 1;
        int code = take_task(c, json_array_get(tasks, i));
        if (code) return code;
    }
    return 0;
}

static void take_note(struct plan *plan, const json_t *json)
{
    const char *note = json_str(json, "note", "");
    if (*note)
        plan->note =
            mem_strndup(note, utf8_floor(note, strlen(note), PLAN_ASK_BYTES_MAX));
}

int plan_from_json(const json_t *json, const struct doc_set *set,
                   const struct plan_limits *limits, struct plan *plan, size_t *dropped,
                   struct lw_error *err)
{
    *plan = (struct plan){ .tasks = NULL };
    *dropped = 0;
    if (!json_is_object(json)) {
        return err_set(err, LW_ERR_INPUT, "a plan must be an object with \"tasks\"");
    }
    const json_t *tasks = field(json, "tasks");
    if (!json_is_array(tasks)) {
        return err_set(err, LW_ERR_INPUT, "\"tasks\" must be a list of tasks");
    }
    if (json_array_size(tasks) == 0) {
        return err_set(err, LW_ERR_INPUT, "\"tasks\" is empty; give at least one task");
    }
    struct checking c = { .set = set, .limits = limits, .plan = plan, .err = err };
    int code = take_tasks(&c, tasks, dropped);
    if (code) {
        plan_release(plan);
        return code;
    }
    take_note(plan, json);
    return 0;
}

/* --- The worker's room ------------------------------------------------------------ */

static int largest_part(const struct chunk_list *chunks)
{
    int most = 0;
    for (size_t i = 0; i < chunks->n; i++) {
        if (chunks->items[i].n_tokens > most) most = chunks->items[i].n_tokens;
    }
    return most;
}

/* A reply that is longer than that of a text is cut rather than turned away. */
static int task_tokens(const struct task *task, const struct reading *r)
{
    struct task plain = *task;
    plain.answer = ANSWER_TEXT;
    return prompt_overhead_tokens(r->worker, &plain);
}

int plan_fits_worker(const struct plan *plan, const struct reading *r,
                     struct lw_error *err)
{
    int context = llm_info(r->worker)->context;
    int room = context - largest_part(r->chunks);
    for (size_t i = 0; i < plan->n_tasks && context > 0; i++) {
        int tokens = task_tokens(&plan->tasks[i], r);
        if (tokens <= room) continue;
        return err_set(err, LW_ERR_INPUT,
                       "task %zu: with \"ask\", \"hint\" and \"choices\" it is too long "
                       "for the small model, which takes %d tokens beside a part of a "
                       "document; ask for one thing in a sentence",
                       i + 1, room);
    }
    return 0;
}

/* --- To JSON -------------------------------------------------------------------- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text && *text) json_object_set_new(object, key, json_string(text));
}

static json_t *texts_to_json(char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *where_to_json(const struct task *t, const struct doc_set *set)
{
    json_t *where = json_object();
    if (t->n_docs > 0) {
        json_t *docs = json_array();
        for (size_t i = 0; i < t->n_docs; i++) {
            json_array_append_new(docs, json_string(set->docs[t->docs[i]]->id));
        }
        json_object_set_new(where, "docs", docs);
    }
    if (t->page_first > 0) {
        json_object_set_new(where, "pages",
                            json_pack("[i, i]", t->page_first, t->page_last));
    }
    if (t->n_terms > 0) {
        json_object_set_new(where, "terms", texts_to_json(t->terms, t->n_terms));
    }
    if (t->top > 0) json_object_set_new(where, "top", json_integer(t->top));
    set_text(where, "found_in", t->found_in);
    return where;
}

static json_t *task_to_json(const struct task *t, const struct doc_set *set)
{
    json_t *object = json_object(), *where = where_to_json(t, set);
    set_text(object, "id", t->id);
    set_text(object, "ask", t->ask);
    set_text(object, "hint", t->hint);
    if (json_object_size(where) > 0) json_object_set(object, "where", where);
    json_decref(where);
    set_text(object, "answer", answer_kind_name(t->answer));
    if (t->n_choices > 0) {
        json_object_set_new(object, "choices", texts_to_json(t->choices, t->n_choices));
    }
    set_text(object, "unit", t->unit);
    json_object_set_new(object, "samples", json_integer(t->n_samples));
    set_text(object, "reduce", reduce_kind_name(t->reduce));
    return object;
}

json_t *plan_to_json(const struct plan *plan, const struct doc_set *set)
{
    json_t *json = json_object(), *tasks = json_array();
    for (size_t i = 0; i < plan->n_tasks; i++) {
        json_array_append_new(tasks, task_to_json(&plan->tasks[i], set));
    }
    json_object_set_new(json, "tasks", tasks);
    set_text(json, "note", plan->note);
    return json;
}

/* --- The schema ------------------------------------------------------------------ */

/* Limits here are for a model that a grammar holds to them: short plans. */
static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"tasks\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":16,\"items\":{"
    "\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":15},"
    "\"ask\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":400},"
    "\"hint\":{\"type\":\"string\",\"maxLength\":200},"
    "\"where\":{\"type\":\"object\",\"properties\":{"
    "\"docs\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":8}},"
    "\"pages\":{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,"
    "\"items\":{\"type\":\"integer\",\"minimum\":1}},"
    "\"terms\":{\"type\":\"array\",\"maxItems\":12,"
    "\"items\":{\"type\":\"string\",\"maxLength\":60}},"
    "\"top\":{\"type\":\"integer\",\"minimum\":0},"
    "\"found_in\":{\"type\":\"string\",\"maxLength\":15}},"
    "\"additionalProperties\":false},"
    /* ORDER ANSWERS */
    "\"answer\":{\"enum\":[\"text\",\"number\",\"date\",\"yes_no\",\"list\",\"choice\","
    "\"gist\"]},"
    "\"choices\":{\"type\":\"array\",\"maxItems\":16,"
    "\"items\":{\"type\":\"string\",\"maxLength\":60}},"
    "\"unit\":{\"type\":\"string\",\"maxLength\":40},"
    "\"samples\":{\"type\":\"integer\",\"minimum\":1},"
    /* ORDER REDUCES */
    "\"reduce\":{\"enum\":[\"list\",\"vote\",\"count\",\"sum\",\"min\",\"max\","
    "\"latest\",\"earliest\"]}},"
    "\"required\":[\"ask\"],\"additionalProperties\":false}},"
    "\"note\":{\"type\":\"string\",\"maxLength\":400}},"
    "\"required\":[\"tasks\"],\"additionalProperties\":false}";

json_t *plan_schema(void)
{
    return json_parse(schema_text, sizeof schema_text - 1, NULL);
}
