/* gbnf.c - a checked schema as a grammar of libllama's dialect (GBNF).
 *
 * One rule for each object, array, union, bounded string and definition, named
 * after its place, leaves first; the plain types are shared:
 *
 *     root-tags-more ::= "," " "? string
 *     root-tags ::= "[" (string root-tags-more{0,31})? "]"
 *     root ::= "{" "\"name\":" " "? string ("," " "? "\"tags\":" " "? root-tags)? "}"
 *     string ::= "\"" char{0,256} "\""
 *     char ::= [^"\\\x00-\x1F\uD800-\uDFFF] | "\\" ["\\/bfnrt]
 *
 * Two traps. libllama multiplies a repetition by the rules inside what is
 * repeated and refuses more than 2,000, so whatever repeats is a rule of its
 * own and groups stay small. And \u escapes are left out of strings: a grammar
 * that allowed them would have to pair surrogates, and any character can be
 * written as itself. */
#include "llm/schema.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    STRING_CHARS = 256, /* where the schema gives no maximum */
    ARRAY_ITEMS = 32,
    NAME_BYTES = 48, /* of a rule's name, without what makes it unique */
    RULE_BYTES_MAX = 1024 * 1024
};

/* The space behind a colon or comma is the model's choice. Forced to leave it out,
 * a small model writes {"answer":",12 million"}. */
static const char SPACE[] = "\" \"?", COMMA[] = "\",\" \" \"?";

/* The plain types, in the order in which they are written at the end. */
enum base_rule {
    BASE_STRING,
    BASE_CHAR,
    BASE_INTEGER,
    BASE_NUMBER,
    BASE_BOOLEAN,
    BASE_NULL,
    BASE_RULES
};

static const struct {
    const char *name;
    const char *body;
} bases[BASE_RULES] = {
    [BASE_STRING] = { "string", "\"\\\"\" char{0,256} \"\\\"\"" },
    [BASE_CHAR] = { "char",
                    "[^\"\\\\\\x00-\\x1F\\uD800-\\uDFFF] | \"\\\\\" [\"\\\\/bfnrt]" },
    [BASE_INTEGER] = { "integer", "\"-\"? (\"0\" | [1-9] [0-9]{0,14})" },
    [BASE_NUMBER] = { "number", "integer (\".\" [0-9]{1,15})?" },
    [BASE_BOOLEAN] = { "boolean", "\"true\" | \"false\"" },
    [BASE_NULL] = { "null", "\"null\"" },
};
_Static_assert(STRING_CHARS == 256, "the rule of BASE_STRING says so");

struct grammar {
    const json_t *root;
    struct buf rules; /* all but root and the plain types */
    json_t *names;    /* taken names of rules */
    json_t *defs;     /* $ref -> what stands for it in a rule */
    bool used[BASE_RULES];
};

static void add_node(struct grammar *g, const json_t *schema, const char *hint,
                     struct buf *out);

/* --- Names and literals --------------------------------------------------- */

static void use_base(struct grammar *g, enum base_rule rule, struct buf *out)
{
    g->used[rule] = true;
    buf_add_str(out, bases[rule].name);
}

/* Where a rule stands, as the beginning of its name. */
struct hint {
    char text[NAME_BYTES + 1];
};

/* What a name may not hold becomes '-'; what is too long is cut. */
static struct hint hint_below(const char *parent, const char *key)
{
    struct hint h;
    int n = snprintf(h.text, sizeof h.text, "%s-%s", parent, key);
    assert(n > 0);
    for (char *c = h.text; *c; c++) {
        if (!isascii((unsigned char)*c) || !isalnum((unsigned char)*c)) *c = '-';
    }
    return h;
}

/* A name that no other rule has. Owned by g->names. */
static const char *new_name(struct grammar *g, const char *hint)
{
    char name[NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s", hint);
    for (int i = 2; json_object_get(g->names, name); i++) {
        snprintf(name, sizeof name, "%s-%d", hint, i);
    }
    json_object_set_new(g->names, name, json_string(name));
    return json_string_value(json_object_get(g->names, name));
}

/* Text as a GBNF literal. */
static void add_literal(const char *text, size_t len, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20)
            buf_addf(out, "\\x%02X", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static void add_value(const json_t *value, struct buf *out)
{
    struct buf text;
    buf_init(&text, RULE_BYTES_MAX);
    if (json_write(value, &text))
        out->failed = true;
    else
        add_literal(text.data, text.len, out);
    buf_release(&text);
}

/* Close a rule: `name ::= body`. Takes the body. */
static void finish_rule(struct grammar *g, const char *name, struct buf *body)
{
    if (buf_failed(body)) g->rules.failed = true;
    buf_addf(&g->rules, "%s ::= ", name);
    buf_add(&g->rules, body->data, body->len);
    buf_add_char(&g->rules, '\n');
    buf_release(body);
}

static long count_of(const json_t *schema, const char *key, long fallback)
{
    return json_int(schema, key, fallback, 0, SCHEMA_REPEAT_MAX);
}

/* The maximum that a schema without one gets, but never under its minimum. */
static long max_of(const json_t *schema, const char *key, long min, long fallback)
{
    long max = count_of(schema, key, min > fallback ? min : fallback);
    return max < min ? min : max;
}

/* --- Strings and arrays --------------------------------------------------- */

static void add_string(struct grammar *g, const json_t *schema, const char *hint,
                       struct buf *out)
{
    long min = count_of(schema, "minLength", 0);
    long max = max_of(schema, "maxLength", min, STRING_CHARS);
    if (max == 0) {
        buf_add_str(out, "\"\\\"\\\"\"");
        return;
    }
    g->used[BASE_CHAR] = true;
    if (min == 0 && max == STRING_CHARS) {
        use_base(g, BASE_STRING, out);
        return;
    }
    const char *name = new_name(g, hint);
    struct buf body;
    buf_init(&body, RULE_BYTES_MAX);
    buf_addf(&body, "\"\\\"\" char{%ld,%ld} \"\\\"\"", min, max);
    finish_rule(g, name, &body);
    buf_add_str(out, name);
}

/* `name-more ::= "," " "? item`, returned as its name. */
static const char *add_more(struct grammar *g, const char *name, const char *item)
{
    const char *more = new_name(g, hint_below(name, "more").text);
    struct buf body;
    buf_init(&body, RULE_BYTES_MAX);
    buf_addf(&body, "%s %s", COMMA, item);
    finish_rule(g, more, &body);
    return more;
}

static void add_array(struct grammar *g, const json_t *schema, const char *hint,
                      struct buf *out)
{
    long min = count_of(schema, "minItems", 0);
    long max = max_of(schema, "maxItems", min, ARRAY_ITEMS);
    if (max == 0) {
        buf_add_str(out, "\"[]\"");
        return;
    }
    const char *name = new_name(g, hint);
    struct buf item, body;
    buf_init(&item, RULE_BYTES_MAX);
    buf_init(&body, RULE_BYTES_MAX);
    add_node(g, json_object_get(schema, "items"), hint_below(name, "item").text, &item);
    buf_addf(&body, "\"[\" %s%s", min == 0 ? "(" : "", item.data);
    if (max > 1) {
        buf_addf(&body, " %s{%ld,%ld}", add_more(g, name, item.data),
                 min > 0 ? min - 1 : 0, max - 1);
    }
    buf_add_str(&body, min == 0 ? ")? \"]\"" : " \"]\"");
    if (buf_failed(&item)) g->rules.failed = true;
    buf_release(&item);
    finish_rule(g, name, &body);
    buf_add_str(out, name);
}

/* --- Objects -------------------------------------------------------------- */

/* One property of an object while its rule is written. */
struct member {
    char *text; /* "\"key\":" and the rule of its value */
    bool required;
};

static bool is_required(const json_t *schema, const char *key)
{
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        if (strcmp(json_string_value(json_array_get(required, i)), key) == 0) return true;
    }
    return false;
}

static char *member_text(struct grammar *g, const json_t *value, const char *key,
                         const char *name)
{
    struct buf text, quoted;
    buf_init(&text, RULE_BYTES_MAX);
    buf_init(&quoted, RULE_BYTES_MAX);
    json_write_string(key, strlen(key), &quoted);
    buf_add_char(&quoted, ':');
    add_literal(quoted.data, quoted.len, &text);
    buf_addf(&text, " %s ", SPACE);
    add_node(g, value, hint_below(name, key).text, &text);
    if (buf_failed(&text) || buf_failed(&quoted)) g->rules.failed = true;
    buf_release(&quoted);
    char *taken = buf_take(&text, NULL);
    buf_release(&text);
    return taken;
}

/* A member that is not the first one written. */
static void add_later(const struct member *m, struct buf *out)
{
    buf_addf(out, m->required ? "%s %s" : "(%s %s)?", COMMA, m->text);
}

/* Optional members before the first required one: any of them may be written
 * first, without a comma. `name-first ::= m0 name-after-0 | m1 name-after-1 ...`, where
 * name-after-i is everything behind member i. */
static const char *add_first(struct grammar *g, const char *name,
                             const struct member *members, size_t n, size_t last)
{
    const char *first = new_name(g, hint_below(name, "first").text), *after = NULL;
    struct buf choice;
    buf_init(&choice, RULE_BYTES_MAX);
    for (size_t i = n; i-- > 0;) {
        if (i <= last) {
            buf_addf(&choice, "%s%s%s%s", choice.len ? " | " : "", members[i].text,
                     after ? " " : "", after ? after : "");
        }
        if (i == 0) break;
        struct buf body;
        buf_init(&body, RULE_BYTES_MAX);
        add_later(&members[i], &body);
        if (after) buf_addf(&body, " %s", after);
        after = new_name(g, hint_below(name, "after").text);
        finish_rule(g, after, &body);
    }
    finish_rule(g, first, &choice);
    return first;
}

static void add_members(struct grammar *g, const char *name, const struct member *members,
                        size_t n, struct buf *body)
{
    size_t last = 0; /* the first required one; n: there is none */
    while (last < n && !members[last].required) last++;
    buf_add_str(body, "\"{\" ");
    if (last == 0) {
        buf_add_str(body, members[0].text);
        for (size_t i = 1; i < n; i++) {
            buf_add_char(body, ' ');
            add_later(&members[i], body);
        }
    } else {
        buf_addf(body, "%s%s", add_first(g, name, members, n, last),
                 last == n ? "?" : "");
    }
    buf_add_str(body, " \"}\"");
}

static void add_object(struct grammar *g, const json_t *schema, const char *hint,
                       struct buf *out)
{
    const json_t *properties = json_object_get(schema, "properties");
    size_t n = json_object_size(properties), i = 0;
    if (n == 0) {
        buf_add_str(out, "\"{}\"");
        return;
    }
    const char *name = new_name(g, hint), *key;
    struct member *members = mem_array(n, sizeof *members);
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)properties, key, value) {
        members[i++] = (struct member){
            .text = member_text(g, value, key, name),
            .required = is_required(schema, key),
        };
    }
    struct buf body;
    buf_init(&body, RULE_BYTES_MAX);
    add_members(g, name, members, n, &body);
    finish_rule(g, name, &body);
    buf_add_str(out, name);
    for (i = 0; i < n; i++) mem_free(members[i].text);
    mem_free(members);
}

/* --- Any schema ----------------------------------------------------------- */

static void add_type(struct grammar *g, const json_t *schema, const char *type,
                     const char *hint, struct buf *out)
{
    if (strcmp(type, "object") == 0) {
        add_object(g, schema, hint, out);
    } else if (strcmp(type, "array") == 0) {
        add_array(g, schema, hint, out);
    } else if (strcmp(type, "string") == 0) {
        add_string(g, schema, hint, out);
    } else if (strcmp(type, "integer") == 0) {
        use_base(g, BASE_INTEGER, out);
    } else if (strcmp(type, "number") == 0) {
        g->used[BASE_INTEGER] = true;
        use_base(g, BASE_NUMBER, out);
    } else if (strcmp(type, "boolean") == 0) {
        use_base(g, BASE_BOOLEAN, out);
    } else {
        use_base(g, BASE_NULL, out);
    }
}

static void add_enum(const json_t *values, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        buf_add_str(out, i == 0 ? "(" : " | ");
        add_value(json_array_get(values, i), out);
    }
    buf_add_char(out, ')');
}

/* A rule of alternatives: of anyOf, or of a list of types. */
static void add_union(struct grammar *g, const json_t *schema, const json_t *alternatives,
                      const char *hint, struct buf *out)
{
    const char *name = new_name(g, hint);
    struct buf body;
    buf_init(&body, RULE_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        const json_t *one = json_array_get(alternatives, i);
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        struct hint below = hint_below(name, number);
        if (i > 0) buf_add_str(&body, " | ");
        if (json_is_string(one)) {
            add_type(g, schema, json_string_value(one), below.text, &body);
        } else {
            add_node(g, one, below.text, &body);
        }
    }
    finish_rule(g, name, &body);
    buf_add_str(out, name);
}

/* What a $ref leads to, made when it is first met. */
static void add_definition(struct grammar *g, const json_t *schema, struct buf *out)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!json_object_get(g->defs, ref)) {
        struct buf text;
        buf_init(&text, RULE_BYTES_MAX);
        add_node(g, schema_resolve(g->root, schema),
                 hint_below("def", strrchr(ref, '/') + 1).text, &text);
        json_object_set_new(g->defs, ref, json_stringn(text.data, text.len));
        if (buf_failed(&text)) g->rules.failed = true;
        buf_release(&text);
    }
    buf_add_str(out, json_string_value(json_object_get(g->defs, ref)));
}

static void add_node(struct grammar *g, const json_t *schema, const char *hint,
                     struct buf *out)
{
    const json_t *ref = json_object_get(schema, "$ref");
    const json_t *any_of = json_object_get(schema, "anyOf");
    const json_t *only = json_object_get(schema, "const");
    const json_t *values = json_object_get(schema, "enum");
    const json_t *type = json_object_get(schema, "type");
    if (ref)
        add_definition(g, schema, out);
    else if (any_of)
        add_union(g, schema, any_of, hint, out);
    else if (only)
        add_value(only, out);
    else if (values)
        add_enum(values, out);
    else if (json_is_array(type))
        add_union(g, schema, type, hint, out);
    else
        add_type(g, schema, json_string_value(type), hint, out);
}

/* --- The whole ------------------------------------------------------------ */

static void write_rules(struct grammar *g, const struct buf *root, struct buf *out)
{
    buf_add(out, g->rules.data, g->rules.len);
    if (strcmp(root->data, "root") != 0) buf_addf(out, "root ::= %s\n", root->data);
    for (int i = 0; i < BASE_RULES; i++) {
        if (g->used[i]) buf_addf(out, "%s ::= %s\n", bases[i].name, bases[i].body);
    }
    if (buf_failed(&g->rules) || buf_failed(root)) out->failed = true;
}

int schema_to_gbnf(const json_t *schema, struct buf *out, struct lw_error *err)
{
    int code = schema_check(schema, err);
    if (code) return code;
    struct grammar g = { .root = schema, .names = json_object(), .defs = json_object() };
    for (int i = 0; i < BASE_RULES; i++) {
        json_object_set_new(g.names, bases[i].name, json_true());
    }
    struct buf root;
    buf_init(&root, RULE_BYTES_MAX);
    buf_init(&g.rules, RULE_BYTES_MAX);
    add_node(&g, schema, "root", &root);
    write_rules(&g, &root, out);
    buf_release(&root);
    buf_release(&g.rules);
    json_decref(g.names);
    json_decref(g.defs);
    if (!buf_failed(out)) return 0;
    return err_set(err, LW_ERR_USAGE, "the schema is too large for a grammar");
}
