/* test_gbnf.c - schemas as grammars: their text, and what libllama makes of it.
 *
 * The grammar goes through libllama's own parser and matcher, on the vocabulary
 * of a very small model where one is on the machine. Every sentence that a case
 * lets through must also pass schema_validate(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cases.h"
#include "engine_help.h"
#include "llm/schema.h"

#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TOKENS_MAX = 4096 };

static struct llama_model *vocabulary; /* NULL: the test is skipped */

static json_t *parse(const char *text)
{
    struct lw_error err;
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value) fail_msg("%s\n%s", err.message, text);
    return value;
}

/* --- The text ---------------------------------------------------------------- */

static void check_text(const struct test_case *c)
{
    struct lw_error err;
    struct buf grammar;
    buf_init(&grammar, 1024 * 1024);
    json_t *schema = parse(case_need(c, "schema"));
    int code = schema_to_gbnf(schema, &grammar, &err);
    if (code)
        case_fail(c, "%s", err.message);
    else if (case_text(c, "grammar"))
        case_equal(c, "grammar", grammar.data, grammar.len);
    json_decref(schema);
    buf_release(&grammar);
}

static void test_text(void **state)
{
    (void)state;
    cases_run("tests/cases/gbnf", check_text);
}

static void test_errors_of_the_schema(void **state)
{
    (void)state;
    struct lw_error err;
    struct buf out;
    buf_init(&out, 1024);
    json_t *schema = parse("{\"type\":\"string\",\"format\":\"date\"}");
    assert_int_equal(schema_to_gbnf(schema, &out, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "/format"));
    json_decref(schema);
    buf_release(&out);
}

static void test_too_large_for_its_buffer(void **state)
{
    (void)state;
    struct lw_error err;
    struct buf out;
    buf_init(&out, 64);
    json_t *schema = parse("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
    assert_int_equal(schema_to_gbnf(schema, &out, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "too large"));
    json_decref(schema);
    buf_release(&out);
}

/* --- libllama ------------------------------------------------------------------ */

static bool allows(struct llama_sampler *grammar, llama_token token)
{
    llama_token_data one = { .id = token, .logit = 0, .p = 0 };
    llama_token_data_array all = { .data = &one, .size = 1, .selected = -1 };
    llama_sampler_apply(grammar, &all);
    return all.size == 1 && isfinite(one.logit);
}

/* Does the grammar let this text through, to its end? */
static bool accepts(const char *gbnf, const char *text)
{
    static llama_token tokens[TOKENS_MAX];
    const struct llama_vocab *vocab = llama_model_get_vocab(vocabulary);
    struct llama_sampler *grammar = llama_sampler_init_grammar(vocab, gbnf, "root");
    if (!grammar) fail_msg("libllama does not take the grammar:\n%s", gbnf);
    int n =
        llama_tokenize(vocab, text, (int)strlen(text), tokens, TOKENS_MAX, false, false);
    assert_in_range(n, 0, TOKENS_MAX);
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        ok = allows(grammar, tokens[i]);
        if (ok) llama_sampler_accept(grammar, tokens[i]);
    }
    ok = ok && allows(grammar, llama_vocab_eos(vocab));
    llama_sampler_free(grammar);
    return ok;
}

/* A line of a section: a sentence. */
static void check_sentence(const struct test_case *c, const json_t *schema,
                           const char *gbnf, const char *line, bool wanted)
{
    bool got = accepts(gbnf, line);
    if (got != wanted) case_fail(c, "%s: %s", wanted ? "refused" : "let through", line);
    if (!wanted) return;
    struct lw_error err;
    json_t *value = parse(line);
    if (schema_validate(schema, value, &err)) case_fail(c, "%s: %s", line, err.message);
    json_decref(value);
}

static void check_sentences(const struct test_case *c, const json_t *schema,
                            const char *gbnf, const char *section, bool wanted)
{
    const char *text = case_text(c, section);
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        char *line = mem_strndup(text, len);
        check_sentence(c, schema, gbnf, line, wanted);
        mem_free(line);
        text += len;
        text += *text == '\n';
    }
}

static void check_grammar(const struct test_case *c)
{
    struct buf grammar;
    buf_init(&grammar, 1024 * 1024);
    json_t *schema = parse(case_need(c, "schema"));
    if (schema_to_gbnf(schema, &grammar, NULL) == 0) {
        check_sentences(c, schema, grammar.data, "yes", true);
        check_sentences(c, schema, grammar.data, "no", false);
    }
    json_decref(schema);
    buf_release(&grammar);
}

static void test_sentences(void **state)
{
    (void)state;
    if (!vocabulary) skip();
    cases_run("tests/cases/gbnf", check_grammar);
}

/* A string of the longest length allowed, and one more. */
static void test_long_strings(void **state)
{
    (void)state;
    if (!vocabulary) skip();
    static const char gbnf_of[] = "{\"type\":\"string\",\"maxLength\":5000}";
    char text[SCHEMA_REPEAT_MAX + 4] = "\"";
    struct buf grammar;
    buf_init(&grammar, 1024 * 1024);
    json_t *schema = parse(gbnf_of);
    assert_int_equal(schema_to_gbnf(schema, &grammar, NULL), 0);
    memset(text + 1, 'x', SCHEMA_REPEAT_MAX + 1);
    text[SCHEMA_REPEAT_MAX + 1] = '"';
    assert_true(accepts(grammar.data, text));
    text[SCHEMA_REPEAT_MAX + 1] = 'x';
    text[SCHEMA_REPEAT_MAX + 2] = '"';
    assert_false(accepts(grammar.data, text));
    json_decref(schema);
    buf_release(&grammar);
}

/* An object of 300 optional properties is far over what groups could hold. */
static void test_many_optional_properties(void **state)
{
    (void)state;
    if (!vocabulary) skip();
    struct buf text, grammar;
    buf_init(&text, 64 * 1024);
    buf_init(&grammar, 1024 * 1024);
    buf_add_str(&text, "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"null\"}");
    for (int i = 0; i < 300; i++) buf_addf(&text, ",\"p%d\":{\"type\":\"integer\"}", i);
    buf_add_str(&text, "}}");
    json_t *schema = parse(text.data);
    assert_int_equal(schema_to_gbnf(schema, &grammar, NULL), 0);
    assert_true(accepts(grammar.data, "{}"));
    assert_true(accepts(grammar.data, "{\"p7\":1,\"p299\":-2}"));
    assert_false(accepts(grammar.data, "{\"p299\":1,\"p7\":2}"));
    json_decref(schema);
    buf_release(&text);
    buf_release(&grammar);
}

/* --- Set-up -------------------------------------------------------------------- */

static void say_nothing(enum ggml_log_level level, const char *text, void *user)
{
    (void)level;
    (void)text;
    (void)user;
}

static struct llama_model *load_vocabulary(void)
{
    char path[HELP_PATH_MAX];
    if (!help_model_path(path)) return NULL;
    struct llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    return llama_model_load_from_file(path, params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_errors_of_the_schema),
        cmocka_unit_test(test_too_large_for_its_buffer),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_many_optional_properties),
    };
    llama_log_set(say_nothing, NULL);
    llama_backend_init();
    vocabulary = load_vocabulary();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    llama_model_free(vocabulary);
    llama_backend_free();
    return failed;
}
