/* schema_value.c - is a value of a schema?
 *
 * Works on checked schemas only (schema.c), so nothing here asks whether a
 * keyword is well formed. The first thing that is wrong becomes the complaint:
 * a place and a sentence that a model can act on. */
#include "llm/schema.h"

#include "base/utf8.h"
#include "llm/place.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* --- Types ---------------------------------------------------------------- */

bool schema_allows_type(const json_t *type, const char *name)
{
    if (json_is_string(type)) return strcmp(json_string_value(type), name) == 0;
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (strcmp(json_string_value(json_array_get(type, i)), name) == 0) return true;
    }
    return false;
}

static bool is_whole(const json_t *value)
{
    if (json_is_integer(value)) return true;
    return json_is_real(value) && floor(json_real_value(value)) == json_real_value(value);
}

static const char *type_of(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

/* An integer is a number too, and 1.0 an integer. */
bool schema_has_type(const json_t *type, const json_t *value)
{
    if (schema_allows_type(type, type_of(value))) return true;
    if (json_is_number(value) && schema_allows_type(type, "number")) return true;
    return is_whole(value) && schema_allows_type(type, "integer");
}

/* --- Values --------------------------------------------------------------- */

enum { SHOWN_BYTES_MAX = 300 };

struct validation {
    const json_t *root;
    struct place place;
    struct lw_error *err;
};

static int validate(struct validation *v, const json_t *schema, const json_t *value);

static int wrong(struct validation *v, const char *what)
{
    return err_set(v->err, LW_ERR_INPUT, "%s: %s",
                   v->place.len > 0 ? v->place.text : "the value", what);
}

/* Compact JSON for a message, cut where it would be long. */
static void show(const json_t *value, char out[SHOWN_BYTES_MAX])
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    if (json_write(value, &b)) buf_add_str(&b, "(a long value)");
    size_t len = utf8_floor(b.data, b.len, SHOWN_BYTES_MAX - 4);
    snprintf(out, SHOWN_BYTES_MAX, "%.*s%s", (int)len, b.data, len < b.len ? "..." : "");
    buf_release(&b);
}

static int validate_enum(struct validation *v, const json_t *allowed, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(allowed); i++) {
        if (json_equal(json_array_get(allowed, i), value)) return 0;
    }
    char got[SHOWN_BYTES_MAX], list[SHOWN_BYTES_MAX], what[2 * SHOWN_BYTES_MAX + 32];
    show(value, got);
    show(allowed, list);
    snprintf(what, sizeof what, "%s is not one of %s", got, list);
    return wrong(v, what);
}

static int validate_const(struct validation *v, const json_t *only, const json_t *value)
{
    if (json_equal(only, value)) return 0;
    char text[SHOWN_BYTES_MAX], what[SHOWN_BYTES_MAX + 32];
    show(only, text);
    snprintf(what, sizeof what, "must be %s", text);
    return wrong(v, what);
}

static int validate_type(struct validation *v, const json_t *type, const json_t *value)
{
    if (schema_has_type(type, value)) return 0;
    char wanted[SHOWN_BYTES_MAX], what[SHOWN_BYTES_MAX + 64];
    show(type, wanted);
    snprintf(what, sizeof what, "must be of type %s, but this is of type \"%s\"", wanted,
             type_of(value));
    return wrong(v, what);
}

/* n against a minimum and a maximum keyword; noun: "characters", "items". */
static int validate_count(struct validation *v, const json_t *schema,
                          const char *const keys[2], json_int_t n, const char *noun)
{
    const json_t *min = json_object_get(schema, keys[0]);
    const json_t *max = json_object_get(schema, keys[1]);
    char what[96];
    if (min && n < json_integer_value(min)) {
        snprintf(what, sizeof what, "must have at least %lld %s, but has %lld",
                 (long long)json_integer_value(min), noun, (long long)n);
        return wrong(v, what);
    }
    if (max && n > json_integer_value(max)) {
        snprintf(what, sizeof what, "may have at most %lld %s, but has %lld",
                 (long long)json_integer_value(max), noun, (long long)n);
        return wrong(v, what);
    }
    return 0;
}

static int validate_string(struct validation *v, const json_t *schema,
                           const json_t *value)
{
    static const char *const keys[2] = { "minLength", "maxLength" };
    size_t n = utf8_count(json_string_value(value), json_string_length(value));
    return validate_count(v, schema, keys, (json_int_t)n, "characters");
}

static int validate_number(struct validation *v, const json_t *schema,
                           const json_t *value)
{
    const json_t *min = json_object_get(schema, "minimum");
    const json_t *max = json_object_get(schema, "maximum");
    double n = json_number_value(value);
    char what[96];
    if (min && n < json_number_value(min)) {
        snprintf(what, sizeof what, "must be at least %g", json_number_value(min));
        return wrong(v, what);
    }
    if (max && n > json_number_value(max)) {
        snprintf(what, sizeof what, "may be at most %g", json_number_value(max));
        return wrong(v, what);
    }
    return 0;
}

static int validate_array(struct validation *v, const json_t *schema, const json_t *value)
{
    static const char *const keys[2] = { "minItems", "maxItems" };
    const json_t *items = json_object_get(schema, "items");
    int code =
        validate_count(v, schema, keys, (json_int_t)json_array_size(value), "items");
    for (size_t i = 0; items && code == 0 && i < json_array_size(value); i++) {
        size_t before = place_push_index(&v->place, i);
        code = validate(v, items, json_array_get(value, i));
        place_pop(&v->place, before);
    }
    return code;
}

static int validate_required(struct validation *v, const json_t *schema,
                             const json_t *value)
{
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (json_object_get(value, name)) continue;
        char what[128];
        snprintf(what, sizeof what, "\"%.100s\" is missing", name);
        return wrong(v, what);
    }
    return 0;
}

static int validate_object(struct validation *v, const json_t *schema,
                           const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    int code = validate_required(v, schema, value);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (code) return code;
        const json_t *own = json_object_get(properties, key);
        size_t before = place_push(&v->place, key);
        if (own)
            code = validate(v, own, member);
        else if (closed)
            code = wrong(v, "the schema has no such property");
        place_pop(&v->place, before);
    }
    return code;
}

static int validate_any_of(struct validation *v, const json_t *schemas,
                           const json_t *value)
{
    struct lw_error *err = v->err;
    int code = LW_ERR_INPUT;
    v->err = NULL;
    for (size_t i = 0; i < json_array_size(schemas) && code; i++) {
        code = validate(v, json_array_get(schemas, i), value);
    }
    v->err = err;
    return code ? wrong(v, "fits none of the alternatives that the schema allows") : 0;
}

static int validate_by_type(struct validation *v, const json_t *schema,
                            const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return validate_object(v, schema, value);
    case JSON_ARRAY: return validate_array(v, schema, value);
    case JSON_STRING: return validate_string(v, schema, value);
    case JSON_INTEGER:
    case JSON_REAL: return validate_number(v, schema, value);
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL: break;
    }
    return 0;
}

static int validate(struct validation *v, const json_t *schema, const json_t *value)
{
    schema = schema_resolve(v->root, schema);
    const json_t *any_of = json_object_get(schema, "anyOf");
    if (any_of) return validate_any_of(v, any_of, value);
    const json_t *type = json_object_get(schema, "type");
    const json_t *allowed = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    int code = type ? validate_type(v, type, value) : 0;
    if (code == 0 && allowed) code = validate_enum(v, allowed, value);
    if (code == 0 && only) code = validate_const(v, only, value);
    return code ? code : validate_by_type(v, schema, value);
}

int schema_validate(const json_t *schema, const json_t *value, struct lw_error *err)
{
    struct validation v = { .root = schema, .err = err };
    return validate(&v, schema, value);
}
