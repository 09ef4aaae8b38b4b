/* schema.c - what our part of JSON Schema allows.
 *
 * schema_check() goes over a schema once and turns away everything that the
 * rest (the grammar, the validator, a server's json_schema mode) would have to
 * guess at. What it has let through obeys rules that others rely on: every
 * schema says its type by type, enum, const, anyOf or $ref; the last two stand
 * alone; every $ref leads to #/$defs and none leads back to itself; followed
 * through all its refs, no schema is deeper than LIMIT_JSON_DEPTH. */
#include "llm/schema.h"

#include "base/limits.h"
#include "llm/place.h"

#include <stdint.h>
#include <string.h>

/* --- Checking a schema ---------------------------------------------------- */

struct check {
    const json_t *defs; /* of the root; may be NULL */
    json_t *heights;    /* def name -> levels below it; -1 while it is walked */
    struct place place;
    int depth, deepest;
    struct lw_error *err;
};

static int check_schema(struct check *c, const json_t *schema);

static int refuse(struct check *c, const char *what)
{
    return err_set(c->err, LW_ERR_USAGE, "the schema at %s: %s",
                   c->place.len > 0 ? c->place.text : "its top", what);
}

static int check_ignored(struct check *c, const json_t *value)
{
    (void)c;
    (void)value;
    return 0;
}

static bool is_type_name(const json_t *value)
{
    static const char *const names[] = { "object",  "array",   "string", "number",
                                         "integer", "boolean", "null" };
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

static int check_type(struct check *c, const json_t *value)
{
    if (is_type_name(value)) return 0;
    if (json_array_size(value) == 0) return refuse(c, "not the name of a type");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!is_type_name(json_array_get(value, i))) {
            return refuse(c, "not a list of names of types");
        }
    }
    return 0;
}

static int check_properties(struct check *c, const json_t *value)
{
    if (!json_is_object(value)) return refuse(c, "must be an object");
    const char *key;
    json_t *schema;
    json_object_foreach((json_t *)(uintptr_t)value, key, schema) {
        size_t before = place_push(&c->place, key);
        int code = check_schema(c, schema);
        if (code) return code;
        place_pop(&c->place, before);
    }
    return 0;
}

static int check_required(struct check *c, const json_t *value)
{
    if (!json_is_array(value)) return refuse(c, "must be a list of names");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            return refuse(c, "must be a list of names");
        }
    }
    return 0;
}

static int check_false(struct check *c, const json_t *value)
{
    return json_is_false(value) ? 0 : refuse(c, "can only be false here");
}

static int check_count(struct check *c, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return refuse(c, "must be a whole number, 0 or more");
    }
    return 0;
}

static int check_minimum_count(struct check *c, const json_t *value)
{
    int code = check_count(c, value);
    if (code) return code;
    return json_integer_value(value) <= SCHEMA_REPEAT_MAX ? 0 : refuse(c, "is too large");
}

static int check_number(struct check *c, const json_t *value)
{
    return json_is_number(value) ? 0 : refuse(c, "must be a number");
}

static int check_enum(struct check *c, const json_t *value)
{
    return json_array_size(value) > 0 ? 0 : refuse(c, "must be a list of values");
}

static int check_any_of(struct check *c, const json_t *value)
{
    if (json_array_size(value) == 0) return refuse(c, "must be a list of schemas");
    for (size_t i = 0; i < json_array_size(value); i++) {
        size_t before = place_push_index(&c->place, i);
        int code = check_schema(c, json_array_get(value, i));
        if (code) return code;
        place_pop(&c->place, before);
    }
    return 0;
}

static const char *ref_name(const json_t *ref)
{
    static const char prefix[] = "#/$defs/";
    const char *text = json_string_value(ref);
    if (!text || strncmp(text, prefix, sizeof prefix - 1) != 0) return NULL;
    return text + sizeof prefix - 1;
}

/* Walk a definition the first time it is met; its height is remembered, so
 * that definitions that use others many times cost no more. */
static int check_definition(struct check *c, const char *name, const json_t *schema)
{
    int from = c->depth, deepest = c->deepest;
    json_object_set_new(c->heights, name, json_integer(-1));
    c->deepest = from;
    int code = check_schema(c, schema);
    json_object_set_new(c->heights, name, json_integer(c->deepest - from));
    if (deepest > c->deepest) c->deepest = deepest;
    return code;
}

static int check_ref(struct check *c, const json_t *value)
{
    const char *name = ref_name(value);
    if (!name) return refuse(c, "can only lead to #/$defs/NAME");
    const json_t *schema = json_object_get(c->defs, name);
    if (!schema) return refuse(c, "leads to a definition that is not there");
    const json_t *known = json_object_get(c->heights, name);
    if (!known) return check_definition(c, name, schema);
    int height = (int)json_integer_value(known);
    if (height < 0) return refuse(c, "leads back to itself");
    if (c->depth + height > LIMIT_JSON_DEPTH) return refuse(c, "is nested too deeply");
    if (c->depth + height > c->deepest) c->deepest = c->depth + height;
    return 0;
}

/* Definitions are walked where they are used; here those that are not. */
static int check_defs(struct check *c, const json_t *value)
{
    if (value != c->defs) return refuse(c, "can only stand at the top of the schema");
    if (!json_is_object(value)) return refuse(c, "must be an object");
    const char *name;
    json_t *schema;
    json_object_foreach((json_t *)(uintptr_t)value, name, schema) {
        if (json_object_get(c->heights, name)) continue;
        size_t before = place_push(&c->place, name);
        int code = check_definition(c, name, schema);
        if (code) return code;
        place_pop(&c->place, before);
    }
    return 0;
}

static const struct keyword {
    const char *name;
    int (*check)(struct check *c, const json_t *value);
} keywords[] = {
    { "type", check_type },
    { "properties", check_properties },
    { "required", check_required },
    { "additionalProperties", check_false },
    { "items", check_schema },
    { "minItems", check_minimum_count },
    { "maxItems", check_count },
    { "enum", check_enum },
    { "const", check_ignored },
    { "minimum", check_number },
    { "maximum", check_number },
    { "minLength", check_minimum_count },
    { "maxLength", check_count },
    { "anyOf", check_any_of },
    { "$ref", check_ref },
    { "$defs", check_defs },
    { "description", check_ignored },
    { "title", check_ignored },
    { "default", check_ignored },
    { "examples", check_ignored },
    { "$schema", check_ignored },
};

static const struct keyword *keyword_find(const char *name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (strcmp(keywords[i].name, name) == 0) return &keywords[i];
    }
    return NULL;
}

static bool is_annotation(const char *name)
{
    const struct keyword *k = keyword_find(name);
    return k->check == check_ignored && strcmp(name, "const") != 0;
}

/* anyOf and $ref say all; what stood beside them would have to be merged in. */
static int check_alone(struct check *c, const json_t *schema)
{
    if (!json_object_get(schema, "anyOf") && !json_object_get(schema, "$ref")) return 0;
    int n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
        n += !is_annotation(key) && strcmp(key, "$defs") != 0;
    }
    return n == 1 ? 0 : refuse(c, "anyOf and $ref cannot stand beside other keywords");
}

static int check_required_known(struct check *c, const json_t *schema)
{
    const json_t *required = json_object_get(schema, "required");
    const json_t *properties = json_object_get(schema, "properties");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (json_object_get(properties, name)) continue;
        place_push(&c->place, "required");
        place_push_index(&c->place, i);
        return refuse(c, "names a property that is not among the properties");
    }
    return 0;
}

/* A value of enum or const that its own type forbids could never be produced. */
static int check_values(struct check *c, const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    const json_t *values = json_object_get(schema, "enum");
    const json_t *one = json_object_get(schema, "const");
    bool fits = !one || !type || schema_has_type(type, one);
    for (size_t i = 0; i < json_array_size(values) && type; i++) {
        fits = fits && schema_has_type(type, json_array_get(values, i));
    }
    return fits ? 0 : refuse(c, "a value of enum or const is not of the type beside it");
}

/* What only the keywords together can say. */
static int check_whole(struct check *c, const json_t *schema)
{
    static const char *const says_type[] = { "type", "enum", "const", "anyOf", "$ref" };
    bool typed = false;
    for (size_t i = 0; i < sizeof says_type / sizeof *says_type; i++) {
        typed = typed || json_object_get(schema, says_type[i]);
    }
    if (!typed) return refuse(c, "needs a type (or enum, const, anyOf, $ref)");
    const json_t *type = json_object_get(schema, "type");
    bool fixed = json_object_get(schema, "enum") || json_object_get(schema, "const");
    if (!fixed && schema_allows_type(type, "array") &&
        !json_object_get(schema, "items")) {
        return refuse(c, "an array needs items");
    }
    if (!fixed && schema_allows_type(type, "object") &&
        !json_object_get(schema, "properties")) {
        return refuse(c, "an object needs properties");
    }
    int code = check_alone(c, schema);
    if (code == 0) code = check_required_known(c, schema);
    if (code == 0) code = check_values(c, schema);
    return code;
}

static int check_schema(struct check *c, const json_t *schema)
{
    if (!json_is_object(schema)) return refuse(c, "a schema must be an object");
    if (c->depth >= LIMIT_JSON_DEPTH) return refuse(c, "is nested too deeply");
    c->depth++;
    if (c->depth > c->deepest) c->deepest = c->depth;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
        size_t before = place_push(&c->place, key);
        const struct keyword *k = keyword_find(key);
        int code = k ? k->check(c, value)
                     : refuse(c, "legwork does not know this keyword of JSON Schema");
        if (code) return code;
        place_pop(&c->place, before);
    }
    int code = check_whole(c, schema);
    c->depth--;
    return code;
}

int schema_check(const json_t *schema, struct lw_error *err)
{
    struct check c = {
        .defs = json_object_get(schema, "$defs"),
        .heights = json_object(),
        .err = err,
    };
    int code = check_schema(&c, schema);
    json_decref(c.heights);
    return code;
}

const json_t *schema_resolve(const json_t *root, const json_t *schema)
{
    const json_t *ref;
    while ((ref = json_object_get(schema, "$ref"))) {
        schema = json_object_get(json_object_get(root, "$defs"), ref_name(ref));
    }
    return schema;
}
