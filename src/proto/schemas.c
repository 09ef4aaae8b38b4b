/* schemas.c - the forms of a supervisor's replies.
 *
 * A model in this process is small and follows a grammar: it gets few fields
 * and bounds on them, or it would fill in every one. A server's reply is only
 * checked, so bounds there would turn away what can be used: none are set,
 * and plan_from_json() caps what is too much. */
#include "proto/schemas.h"

#include "jobs/plan_check.h"

#include <string.h>

enum {
    SMALL_ANSWER_CHARS = 600,
    SMALL_ASK_CHARS = 200,
    SMALL_HINT_BYTES_MAX = 300,
    SMALL_IDS = 6,
    SMALL_QUOTES = 4,
    SMALL_QUOTE_CHARS = 300
};

static json_t *object_of(json_t *properties, json_t *required)
{
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                     "required", required, "additionalProperties", 0);
}

static json_t *string_of(int chars_max)
{
    json_t *s = json_pack("{s:s}", "type", "string");
    if (chars_max > 0) json_object_set_new(s, "maxLength", json_integer(chars_max));
    return s;
}

static json_t *array_of(json_t *items, int n_max)
{
    json_t *a = json_pack("{s:s, s:o}", "type", "array", "items", items);
    if (n_max > 0) json_object_set_new(a, "maxItems", json_integer(n_max));
    return a;
}

/* Take the bounds out, at every depth. */
static void loosen(json_t *value)
{
    static const char *const bounds[] = {
        "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum",
    };
    const char *key;
    size_t index;
    json_t *child;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        /* A property may be called so: then its value is an object. */
        if (json_is_integer(json_object_get(value, bounds[i]))) {
            json_object_del(value, bounds[i]);
        }
    }
    json_object_foreach(value, key, child) loosen(child);
    json_array_foreach(value, index, child) loosen(child);
}

static json_t *loose_plan(void)
{
    json_t *plan = plan_schema();
    loosen(plan);
    return plan;
}

/* --- Plans --------------------------------------------------------------- */

json_t *schema_of_plan(const struct proto_run *run)
{
    if (!prompt_is_small(run)) return loose_plan();
    json_t *questions = array_of(string_of(SMALL_ASK_CHARS), run->tasks_max);
    json_object_set_new(questions, "minItems", json_integer(1));
    return object_of(json_pack("{s:o}", "questions", questions),
                     json_pack("[s]", "questions"));
}

/* A part of the question may lean on the rest of it ("why did it fall?"). */
static json_t *task_of(const json_t *ask, size_t n, const char *question)
{
    json_t *task = json_pack("{s:O}", "ask", ask);
    if (n > 1 && strlen(question) <= SMALL_HINT_BYTES_MAX) {
        json_object_set_new(task, "hint", json_sprintf("part of: %s", question));
    }
    return task;
}

json_t *schema_plan_of_questions(const json_t *reply, const char *question)
{
    const json_t *questions = json_object_get(reply, "questions");
    json_t *tasks = json_array();
    size_t n = json_array_size(questions);
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(tasks, task_of(json_array_get(questions, i), n, question));
    }
    return json_pack("{s:o}", "tasks", tasks);
}

/* --- Conclusions ---------------------------------------------------------- */

static json_t *answer_properties(const struct proto_run *run)
{
    bool small = prompt_is_small(run);
    return json_pack("{s:o, s:o}", "rests_on",
                     array_of(string_of(0), small ? SMALL_IDS : 0), "answer",
                     string_of(small ? SMALL_ANSWER_CHARS : 0));
}

/* What plan_schema() says of one of its fields, with the definitions it may refer to. */
static void take_field(json_t *properties, const json_t *plan, const char *field)
{
    json_t *value = json_object_get(json_object_get(plan, "properties"), field);
    if (value) json_object_set(properties, field, value);
}

static json_t *full_conclusion(json_t *properties)
{
    json_t *plan = loose_plan();
    json_object_set_new(properties, "missing", string_of(0));
    take_field(properties, plan, "tasks");
    take_field(properties, plan, "note");
    json_t *schema = object_of(properties, json_pack("[s, s]", "rests_on", "answer"));
    json_t *definitions = json_object_get(plan, "$defs");
    if (definitions) json_object_set(schema, "$defs", definitions);
    json_decref(plan);
    return schema;
}

json_t *schema_of_conclusion(const struct proto_run *run, enum prompt_round round)
{
    json_t *properties = answer_properties(run);
    if (round == ROUND_MIDDLE) return full_conclusion(properties);
    return object_of(properties, json_pack("[s, s]", "rests_on", "answer"));
}

/* --- Messages ------------------------------------------------------------ */

json_t *schema_of_first_message(void)
{
    return object_of(json_pack("{s:o}", "message", string_of(0)),
                     json_pack("[s]", "message"));
}

json_t *schema_of_next_message(const struct proto_run *run, enum prompt_round round)
{
    json_t *properties = answer_properties(run);
    if (round == ROUND_MIDDLE) json_object_set_new(properties, "message", string_of(0));
    return object_of(properties, json_pack("[s, s]", "rests_on", "answer"));
}

json_t *schema_of_cited_answer(const struct proto_run *run)
{
    bool small = prompt_is_small(run);
    json_t *text = string_of(small ? SMALL_QUOTE_CHARS : 0);
    json_t *quote = object_of(json_pack("{s:o, s:o}", "doc", string_of(0), "quote", text),
                              json_pack("[s, s]", "doc", "quote"));
    json_t *quotes = array_of(quote, small ? SMALL_QUOTES : 0);
    json_t *answer = string_of(small ? SMALL_ANSWER_CHARS : 0);
    /* Left the choice, a small model gives none. */
    if (small) json_object_set_new(quotes, "minItems", json_integer(1));
    return object_of(json_pack("{s:o, s:o}", "answer", answer, "quotes", quotes),
                     json_pack("[s, s]", "answer", "quotes"));
}
