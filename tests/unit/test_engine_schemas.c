/* test_engine_schemas.c - random schemas against models that want random things.
 *
 *     test_engine_schemas [COUNT [FIRST]]
 *
 * COUNT schemas of our subset (a hundred and fifty by default), numbered from FIRST; a
 * number always makes the same schema. A reply that ended by itself must be JSON of
 * its schema, any other must say that it was cut. minimum and maximum are left out:
 * they are checked and not generated (schema.h). */
#include "engine_help.h"

#include "base/mem.h"
#include "llm/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_DEFAULT = 150, AT_ONCE = 50, DEPTH_MAX = 4, REPLY_TOKENS = 400 };

/* --- Random schemas ------------------------------------------------------- */

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
    uint64_t z = dice_state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z >> 33) % sides);
}

static json_t *random_string(void)
{
    static const char *const texts[] = { "",
                                         "yes",
                                         "not stated",
                                         "a \"quoted\" word",
                                         "back\\slash",
                                         "line\nend",
                                         "tab\there",
                                         "\xC3\xA9t\xC3\xA9",
                                         "\xE2\x82\xAC 5",
                                         "\xF0\x9F\x98\x80",
                                         "{",
                                         "]",
                                         "</s>",
                                         "<|im_end|>",
                                         "\x01\x1f",
                                         "/" };

    return json_string(texts[dice(sizeof texts / sizeof texts[0])]);
}

static json_t *random_value(int depth)
{
    switch (dice(depth > 0 ? 7 : 5)) {
    case 0: return json_null();
    case 1: return json_boolean(dice(2));
    case 2: return json_integer((json_int_t)dice(2000) - 1000);
    case 3: return json_real((double)dice(1000) / 8 - 50);
    case 4: return random_string();
    case 5: {
        json_t *array = json_array();
        for (unsigned n = dice(3); n > 0; n--) {
            json_array_append_new(array, random_value(depth - 1));
        }
        return array;
    }
    default: {
        json_t *object = json_object();
        json_object_set_new(object, "k", random_value(depth - 1));
        return object;
    }
    }
}

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static void set_range(json_t *schema, const char *least, const char *most, unsigned limit)
{
    unsigned low = dice(limit), high = low + dice(limit);

    if (dice(2)) {
        json_object_set_new(schema, least, json_integer(low));
    }
    if (dice(4)) {
        json_object_set_new(schema, most, json_integer(high));
    }
}

static json_t *random_schema(int depth, bool refs);

static json_t *random_object(int depth, bool refs)
{
    static const char *const names[] = { "name", "a b", "q\"uote", "\xC3\xBC",
                                         "x/y",  "z~",  "",        "null" };
    json_t *schema = typed("object"), *properties = json_object();
    json_t *required = json_array();

    for (unsigned n = dice(4), at = dice(8); n > 0; n--) {
        const char *name = names[at++ % 8];
        json_object_set_new(properties, name, random_schema(depth - 1, refs));
        if (dice(2)) {
            json_array_append_new(required, json_string(name));
        }
    }
    json_object_set_new(schema, "properties", properties);
    json_object_set_new(schema, "required", required);
    if (dice(2)) {
        json_object_set_new(schema, "additionalProperties", json_false());
    }
    return schema;
}

static json_t *random_array(int depth, bool refs)
{
    json_t *schema = typed("array");

    json_object_set_new(schema, "items", random_schema(depth - 1, refs));
    set_range(schema, "minItems", "maxItems", 4);
    return schema;
}

static json_t *random_choice(int depth, bool refs)
{
    json_t *options = json_array();

    for (unsigned n = 1 + dice(3); n > 0; n--) {
        json_array_append_new(options, random_schema(depth - 1, refs));
    }
    return json_pack("{s:o}", "anyOf", options);
}

static json_t *random_enum(void)
{
    json_t *values = json_array();

    for (unsigned n = 1 + dice(4); n > 0; n--) {
        json_array_append_new(values, random_value(2));
    }
    return json_pack("{s:o}", "enum", values);
}

static json_t *random_plain(void)
{
    static const char *const types[] = { "integer", "number", "boolean", "null" };
    json_t *schema;

    switch (dice(6)) {
    case 0: return json_pack("{s:[s,s]}", "type", types[dice(4)], "string");
    case 1: return random_enum();
    case 2: return json_pack("{s:o}", "const", random_value(2));
    case 3: return typed(types[dice(4)]);
    default:
        schema = typed("string");
        set_range(schema, "minLength", "maxLength", 12);
        return schema;
    }
}

static json_t *random_schema(int depth, bool refs)
{
    switch (depth > 0 ? dice(8) : 7) {
    case 0:
    case 1:
    case 2: return random_object(depth, refs);
    case 3:
    case 4: return random_array(depth, refs);
    case 5: return random_choice(depth, refs);
    case 6: return refs ? json_pack("{s:s}", "$ref", "#/$defs/d") : random_plain();
    default: return random_plain();
    }
}

static json_t *numbered_schema(unsigned number)
{
    dice_state = number * UINT64_C(0x2545F4914F6CDD1D);
    json_t *schema = random_schema(DEPTH_MAX, true);
    json_object_set_new(schema, "$defs",
                        json_pack("{s:o}", "d", random_schema(1, false)));
    return schema;
}

/* --- Replies -------------------------------------------------------------- */

static unsigned count = COUNT_DEFAULT, first_number;

struct tally {
    unsigned ended, cut;
};

static void check_one(const char *kind, unsigned number, const json_t *schema,
                      const struct kept *kept, struct tally *tally)
{
    struct lw_error err = { .code = 0 };

    if (kept->reply.finish == LLM_LENGTH || kept->reply.finish == LLM_REPEAT) {
        tally->cut++;
        return;
    }
    json_t *value = kept->reply.finish == LLM_STOP
                        ? json_parse(kept->text, kept->reply.len, &err)
                        : NULL;
    if (!value || schema_validate(schema, value, &err) != 0) {
        char *text = json_dumps(schema, 0);
        fail_msg("%s, schema %u: %s\n%s\n%s", kind, number, text, kept->text,
                 kept->reply.finish == LLM_FAILED ? kept->reply.error.message
                                                  : err.message);
    }
    tally->ended++;
    json_decref(value);
}

static void run_some(struct llm *llm, const char *kind, unsigned from, unsigned n,
                     struct tally *tally)
{
    struct ask ask;
    struct llm_request reqs[AT_ONCE];
    json_t *schemas[AT_ONCE];

    ask_init(&ask, "Text:\n", help_lease, "\nAnswer in JSON.");
    for (unsigned i = 0; i < n; i++) {
        schemas[i] = numbered_schema(from + i);
        reqs[i] = ask.req;
        reqs[i].schema = schemas[i];
        reqs[i].max_tokens = REPLY_TOKENS;
        reqs[i].temperature = (double)((from + i) % 3);
        reqs[i].seed = from + i;
    }
    struct kept *kept = help_run(llm, reqs, n);
    for (unsigned i = 0; i < n; i++) {
        check_one(kind, from + i, schemas[i], &kept[i], tally);
        json_decref(schemas[i]);
    }
    mem_free(kept);
}

static void test_replies_are_of_their_schema(void **state)
{
    const char *kind = *state;
    struct llm *llm = help_open_tiny(kind, &(struct engine_options){ .context = 1024 });
    struct tally tally = { .ended = 0 };

    for (unsigned done = 0; done < count; done += AT_ONCE) {
        unsigned n = count - done < AT_ONCE ? count - done : AT_ONCE;
        run_some(llm, kind, first_number + done, n, &tally);
    }
    print_message("%s: %u replies of their schema, %u cut\n", kind, tally.ended,
                  tally.cut);
    assert_true(tally.ended > tally.cut);
    llm_close(llm);
}

int main(int argc, char **argv)
{
    /* One vocabulary of letters that are bytes, one with bytes beside letters. */
    static char bpe[] = "qwen2", sentence_piece[] = "llama";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_replies_are_of_their_schema, bpe),
        cmocka_unit_test_prestate(test_replies_are_of_their_schema, sentence_piece),
    };

    if (argc > 1) {
        count = (unsigned)strtoul(argv[1], NULL, 10);
    }
    if (argc > 2) {
        first_number = (unsigned)strtoul(argv[2], NULL, 10);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
