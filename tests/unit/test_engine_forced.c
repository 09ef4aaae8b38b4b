/* test_engine_forced.c - what a grammar forces, and that it costs no steps.
 *
 * The vocabulary is that of a tiny random model; nothing is computed. */
#include "engine_help.h"

#include "base/mem.h"
#include "engine/call.h"
#include "engine/forced.h"
#include "llm/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct desk {
    struct loaded m;
    json_t *schema;
    struct llama_sampler *grammar;
    char text[FORCED_BYTES_MAX + 1];
};

static void desk_open(struct desk *d, const char *schema)
{
    char path[HELP_PATH_MAX];
    struct engine_options opt = { .path = path, .threads = 1, .context = 512 };
    struct buf text;

    *d = (struct desk){ .schema = json_loads(schema, 0, NULL) };
    if (!help_tiny_path("qwen3", path)) {
        skip();
    }
    assert_non_null(d->schema);
    assert_int_equal(load_model(&d->m, &opt, NULL), 0);
    buf_init(&text, 1 << 16);
    assert_int_equal(schema_to_gbnf(d->schema, &text, NULL), 0);
    d->grammar = llama_sampler_init_grammar(d->m.vocab.llama, text.data, "root");
    assert_non_null(d->grammar);
    buf_release(&text);
}

static void desk_close(struct desk *d)
{
    llama_sampler_free(d->grammar);
    json_decref(d->schema);
    load_release(&d->m);
}

/* What is forced after the text was written. */
static const char *forced_after(struct desk *d, const char *text)
{
    struct tokens ids = { .n = 0 };

    llama_sampler_reset(d->grammar);
    vocab_tokenize(&d->m.vocab, text, strlen(text), VOCAB_PLAIN, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        llama_sampler_accept(d->grammar, ids.ids[i]);
    }
    tokens_release(&ids);
    d->text[forced_text(&d->m.vocab, d->grammar, d->text)] = '\0';
    return d->text;
}

static void test_names_and_choices(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, "{\"type\":\"object\",\"properties\":{"
                  "\"direction\":{\"enum\":[\"not stated\",\"north\",\"\\u00e9st\"]},"
                  "\"why\":{\"type\":\"string\"}},"
                  "\"required\":[\"direction\",\"why\"],\"additionalProperties\":false}");
    assert_true(d.m.vocab.spells_bytes);
    assert_string_equal(forced_after(&d, ""), "{\"direction\":");
    assert_string_equal(forced_after(&d, "{\"dir"), "ection\":");
    assert_string_equal(forced_after(&d, "{\"direction\":"), ""); /* or a space */
    assert_string_equal(forced_after(&d, "{\"direction\": "), "\"");
    assert_string_equal(forced_after(&d, "{\"direction\": \""), "");
    assert_string_equal(forced_after(&d, "{\"direction\": \"n"), "o");
    assert_string_equal(forced_after(&d, "{\"direction\": \"nor"), "th\",");
    assert_string_equal(forced_after(&d, "{\"direction\": \"\xC3\xA9"), "st\",");
    assert_string_equal(forced_after(&d, "{\"direction\": \"north\", "), "\"why\":");
    assert_string_equal(forced_after(&d, "{\"direction\": \"north\", \"why\": \"a"), "");
    /* The closing bracket is forced; behind it the end is one choice of one. */
    assert_string_equal(forced_after(&d, "{\"direction\": \"north\", \"why\": \"a\""),
                        "}");
    assert_string_equal(forced_after(&d, "{\"direction\": \"north\", \"why\": \"a\"}"),
                        "");
    desk_close(&d);
}

/* Two letters that begin with the same byte: that byte is forced, and no text yet. */
static void test_no_half_characters(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, "{\"enum\":[\"x\\u00e9\",\"x\\u00e8\"]}");
    assert_string_equal(forced_after(&d, ""), "\"x");
    assert_string_equal(forced_after(&d, "\"x"), "");
    desk_close(&d);
}

static void test_long_text_in_pieces(void **state)
{
    struct desk d;
    char schema[1200], name[1000];
    (void)state;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(schema, sizeof schema, "{\"const\":\"%s\"}", name);
    desk_open(&d, schema);
    forced_after(&d, "");
    assert_int_equal(strlen(d.text), FORCED_BYTES_MAX);
    desk_close(&d);
}

/* The last token of what is forced is the model's. */
static void test_the_last_token_is_left(void **state)
{
    struct desk d;
    struct tokens all = { .n = 0 }, forced = { .n = 0 };
    (void)state;

    desk_open(&d, "{\"type\":\"object\",\"properties\":{\"direction\":{\"type\":"
                  "\"string\"}},\"required\":[\"direction\"],"
                  "\"additionalProperties\":false}");
    vocab_tokenize(&d.m.vocab, "{\"direction\":", 13, VOCAB_PLAIN, &all);
    forced_tokens(&d.m.vocab, d.grammar, &forced);
    assert_true(all.n > 2);
    assert_int_equal(forced.n, all.n - 1);
    assert_memory_equal(forced.ids, all.ids, forced.n * sizeof *forced.ids);
    tokens_release(&all);
    tokens_release(&forced);
    desk_close(&d);
}

/* A model that wants to write `text` does it in as many steps as it has choices and
 * seams; returns their number. */
static int write_reply(struct desk *d, const char *text, char reply[HELP_TEXT_MAX])
{
    struct ask ask;
    enum llm_finish finish = LLM_STOP;
    int n_steps = 0;
    bool more = true;

    ask_init(&ask, "Which?", NULL, NULL);
    ask.req.schema = d->schema;
    ask.req.max_tokens = 400;
    struct call *call = call_new(&d->m, &ask.req, 1, NULL);
    struct turn *t = &call->turns[0];
    float *at = mem_array((size_t)d->m.vocab.n, sizeof *at);
    while (more) {
        struct tokens rest = { .n = 0 };
        size_t written = t->out.text.len + t->out.n_held;
        assert_true(written < strlen(text));
        vocab_tokenize(&d->m.vocab, text + written, strlen(text + written), VOCAB_PLAIN,
                       &rest);
        at[rest.ids[0]] = 20;
        struct logits l = logits_of(at, d->m.vocab.n);
        more = turn_go_on(t, &l, &finish);
        at[rest.ids[0]] = 0;
        tokens_release(&rest);
        n_steps++;
    }
    assert_int_equal(finish, LLM_STOP);
    assert_int_equal(t->n_reply, n_steps + t->n_forced);
    snprintf(reply, HELP_TEXT_MAX, "%s", t->out.text.data);
    mem_free(at);
    call_free(call);
    return n_steps;
}

static void test_a_reply_takes_fewer_steps(void **state)
{
    static const char text[] = "{\"direction\": \"not stated\", \"why\": \"no\"}";
    struct desk d;
    struct tokens all = { .n = 0 };
    char reply[HELP_TEXT_MAX];
    (void)state;

    desk_open(&d, "{\"type\":\"object\",\"properties\":{"
                  "\"direction\":{\"enum\":[\"not stated\",\"north\"]},"
                  "\"why\":{\"type\":\"string\"}},"
                  "\"required\":[\"direction\",\"why\"],\"additionalProperties\":false}");
    vocab_tokenize(&d.m.vocab, text, sizeof text - 1, VOCAB_PLAIN, &all);
    int n_steps = write_reply(&d, text, reply);
    assert_string_equal(reply, text);
    assert_true(n_steps < (int)all.n * 2 / 3);
    tokens_release(&all);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_choices),
        cmocka_unit_test(test_no_half_characters),
        cmocka_unit_test(test_long_text_in_pieces),
        cmocka_unit_test(test_the_last_token_is_left),
        cmocka_unit_test(test_a_reply_takes_fewer_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
