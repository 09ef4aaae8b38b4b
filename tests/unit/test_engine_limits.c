/* test_engine_limits.c - the engine with a real model: constraints, limits, errors.
 *
 * Schemas and copies bind whatever the model would like to say; requests that
 * do not fit fail alone; cancelling takes effect within a step; files that are
 * no models are refused. */
#include "engine_help.h"
#include "gguf_write.h"

#include "base/clock.h"
#include "base/mem.h"
#include "llm/schema.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Constraints ---------------------------------------------------------- */

static void check_schema(struct llm *llm, const char *schema_text, const char *question)
{
    struct lw_error err;
    struct ask ask;
    json_t *schema = json_parse(schema_text, strlen(schema_text), &err);

    assert_non_null(schema);
    ask_init(&ask, "Text:\n", help_lease, question);
    ask.req.schema = schema;
    ask.req.max_tokens = 200;
    struct kept *kept = help_run(llm, &ask.req, 1);
    if (kept->reply.finish != LLM_STOP) {
        fail_msg("%s: %d, %s", question, kept->reply.finish, kept->text);
    }
    json_t *value = json_parse(kept->text, kept->reply.len, &err);
    if (!value || schema_validate(schema, value, &err) != 0) {
        fail_msg("%s: %s", kept->text, err.message);
    }
    json_decref(value);
    json_decref(schema);
    mem_free(kept);
}

static void test_schemas(void **state)
{
    struct llm *llm = help_engine(state);

    check_schema(llm,
                 "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\","
                 "\"maxLength\":30},\"rent\":{\"type\":\"integer\"}},"
                 "\"required\":[\"name\",\"rent\"],\"additionalProperties\":false}",
                 "\nWho is the tenant, and what is the rent?");
    check_schema(llm,
                 "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":12},"
                 "\"minItems\":2,\"maxItems\":3}",
                 "\nNames of people, as a list");
    check_schema(llm, "{\"enum\":[\"allowed\",\"forbidden\",\"not said\"]}",
                 "\nAre pets allowed?");
    check_schema(llm,
                 "{\"type\":\"object\",\"properties\":{\"found\":{\"type\":\"boolean\"},"
                 "\"answer\":{\"type\":[\"string\",\"null\"],\"maxLength\":20}},"
                 "\"required\":[\"found\",\"answer\"],\"additionalProperties\":false}",
                 "\nWhat colour is the house?");
}

static void test_bad_schema_fails_alone(void **state)
{
    struct llm *llm = help_engine(state);
    struct ask good, bad;
    json_t *schema = json_pack("{s:s}", "pattern", "a+");

    ask_init(&good, "Hello", NULL, NULL);
    ask_init(&bad, "Hello", NULL, NULL);
    bad.req.schema = schema;
    bad.req.max_tokens = 5;
    struct llm_request reqs[2] = { bad.req, good.req };
    struct kept *kept = help_run(llm, reqs, 2);
    assert_int_equal(kept[0].reply.finish, LLM_FAILED);
    assert_int_equal(kept[0].reply.error.code, LW_ERR_USAGE);
    assert_int_equal(kept[1].reply.finish, LLM_STOP);
    mem_free(kept);
    json_decref(schema);
}

static void test_copies_are_verbatim(void **state)
{
    static const char *const questions[] = { "\nQuote the sentence about pets.",
                                             "\nQuote who the landlord is.",
                                             "\nQuote something about elephants." };
    struct llm *llm = help_engine(state);
    struct ask asks[6];
    struct llm_request reqs[6];

    for (int i = 0; i < 6; i++) {
        ask_init(&asks[i], "Text:\n", help_lease, questions[i % 3]);
        reqs[i] = asks[i].req;
        reqs[i].copy_from = help_lease;
        reqs[i].copy_from_len = strlen(help_lease);
        reqs[i].max_tokens = i < 3 ? 40 : 4;
        reqs[i].temperature = i < 3 ? 0 : 1.2;
        reqs[i].seed = (uint32_t)i;
    }
    struct kept *kept = help_run(llm, reqs, 6);
    for (int i = 0; i < 6; i++) {
        const char *hit = strstr(help_lease, kept[i].text);
        assert_true(kept[i].reply.len > 0);
        assert_non_null(hit);
        char after = hit[kept[i].reply.len];
        char last = kept[i].text[kept[i].reply.len - 1];
        assert_true(last == '.' || after == '\0' || strchr(" .,", after));
    }
    mem_free(kept);
}

/* --- Limits and errors ---------------------------------------------------- */

static void test_too_long_fails_alone(void **state)
{
    enum { LONG = 9000 };
    struct llm *llm = help_engine(state);
    struct ask asks[2];
    char *text = mem_alloc(LONG + 1);

    for (int i = 0; i < LONG; i++) {
        text[i] = "word "[i % 5];
    }
    ask_init(&asks[0], "Excerpt:\n", text, "\nWho?");
    ask_init(&asks[1], "Excerpt:\n", help_lease, "\nWho?");
    struct llm_request reqs[2] = { asks[0].req, asks[1].req };
    struct kept *kept = help_run(llm, reqs, 2);
    assert_int_equal(kept[0].reply.finish, LLM_FAILED);
    assert_int_equal(kept[0].reply.error.code, LW_ERR_INPUT);
    assert_non_null(strstr(kept[0].reply.error.message, "512"));
    assert_int_equal(kept[1].reply.finish, LLM_STOP);
    mem_free(kept);
    mem_free(text);
}

static void test_reply_ends_at_the_context(void **state)
{
    struct llm *llm = help_engine(state);
    struct ask ask;
    char text[3000] = "";

    for (int i = 0; llm_count_tokens(llm, text, strlen(text)) < 470; i++) {
        snprintf(text + strlen(text), 40, "%d apples and %d pears. ", i * 7919 % 1000, i);
    }
    ask_init(&ask, "Go on: ", text, NULL);
    ask.req.max_tokens = 500;
    struct kept *kept = help_run(llm, &ask.req, 1);
    int64_t sum = kept->reply.usage.prompt_tokens + kept->reply.usage.completion_tokens;
    assert_true(sum <= HELP_CONTEXT);
    assert_true(kept->reply.finish != LLM_LENGTH || sum == HELP_CONTEXT);
    assert_int_not_equal(kept->reply.finish, LLM_FAILED);
    mem_free(kept);
}

/* --- Cancelling ----------------------------------------------------------- */

struct raiser {
    struct cancel cancel;
    int times;
};

static void *raise_soon(void *arg)
{
    struct raiser *r = arg;

    clock_sleep_ms(150);
    for (int i = 0; i < r->times; i++) {
        cancel_raise(&r->cancel);
    }
    return NULL;
}

/* Work for minutes, cut after a moment. */
static void cancel_while_running(struct llm *llm, int times, int expect)
{
    enum { N = 200 };
    struct ask *asks = mem_array(N, sizeof *asks);
    struct llm_request *reqs = mem_array(N, sizeof *reqs);
    struct kept *kept = mem_array(N, sizeof *kept);
    struct raiser r = { .times = times };
    struct lw_error err = { .code = 0 };
    char heads[N][32];
    pthread_t thread;
    int n_cancelled = 0;

    for (int i = 0; i < N; i++) {
        snprintf(heads[i], sizeof heads[i], "Number %d: ", i);
        ask_init(&asks[i], heads[i], help_lease, help_garden);
        reqs[i] = asks[i].req;
        reqs[i].max_tokens = 100;
    }
    cancel_init(&r.cancel, 0);
    assert_int_equal(pthread_create(&thread, NULL, raise_soon, &r), 0);
    int64_t begin = clock_ms();
    int rc = llm_chat_many(llm, reqs, N, keep_reply, kept, &r.cancel, &err);
    int64_t took = clock_ms() - begin;
    pthread_join(thread, NULL);
    assert_int_equal(rc, expect);
    for (int i = 0; i < N; i++) {
        assert_int_equal(kept[i].times, 1);
        n_cancelled += kept[i].reply.finish == LLM_CANCELLED;
    }
    assert_true(n_cancelled > N / 2);
    assert_true(took < 20000); /* all of it would take minutes */
    mem_free(asks);
    mem_free(reqs);
    mem_free(kept);
}

static void test_cancelling(void **state)
{
    struct llm *llm = help_engine(state);
    struct ask ask;

    cancel_while_running(llm, 1, 0);
    cancel_while_running(llm, 2, LW_CANCELLED);
    /* The engine is as good as before. */
    ask_init(&ask, "Count: one, two, three, four", NULL, NULL);
    ask.req.prefill = "one, two, three,";
    ask.req.max_tokens = 1;
    struct kept *kept = help_run(llm, &ask.req, 1);
    assert_string_equal(kept->text, " four");
    mem_free(kept);
}

static void test_cancelled_before(void **state)
{
    struct llm *llm = help_engine(state);
    struct kept kept = { .times = 0 };
    struct cancel cancel;
    struct ask ask;

    cancel_init(&cancel, 1); /* a deadline long past */
    ask_init(&ask, "Hello", NULL, NULL);
    ask.req.max_tokens = 5;
    assert_int_equal(llm_chat_many(llm, &ask.req, 1, keep_reply, &kept, &cancel, NULL),
                     0);
    assert_int_equal(kept.times, 1);
    assert_int_equal(kept.reply.finish, LLM_CANCELLED);
    assert_int_equal(kept.reply.usage.prompt_tokens, 0);
}

/* From then on no more prompts are made, which may be very many: not even what is wrong
 * with one is found. */
static void test_cancelled_while_it_is_built(void **state)
{
    enum { LONG = 9000 };
    struct llm *llm = help_engine(state);
    struct kept kept[2] = { { .times = 0 } };
    struct cancel cancel;
    struct ask asks[2];
    char *text = mem_alloc(LONG + 1);

    memset(text, 'a', LONG);
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    ask_init(&asks[0], "Excerpt:\n", text, "\nWho?");
    ask_init(&asks[1], "Excerpt:\n", help_lease, "\nWho?");
    struct llm_request reqs[2] = { asks[0].req, asks[1].req };
    reqs[1].prefill = "It is";
    assert_int_equal(llm_chat_many(llm, reqs, 2, keep_reply, kept, &cancel, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kept[i].times, 1);
        assert_int_equal(kept[i].reply.finish, LLM_CANCELLED);
        assert_int_equal(kept[i].reply.usage.prompt_tokens, 0);
    }
    mem_free(text);
}

/* --- Opening -------------------------------------------------------------- */

static void expect_no_open(const char *path, const char *word)
{
    struct llm *llm = NULL;
    struct lw_error err = { .code = 0 };

    assert_int_equal(engine_open(&llm, &(struct engine_options){ .path = path }, &err),
                     LW_ERR_LOCAL);
    assert_null(llm);
    if (!strstr(err.message, word) || !strstr(err.message, path)) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    }
}

/* The first n bytes of a file, with one byte changed where at < n. */
static void copy_file(const char *from, const char *to, size_t n, size_t at)
{
    char block[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");

    assert_non_null(in);
    assert_non_null(out);
    for (size_t done = 0; done < n;) {
        size_t want = n - done < sizeof block ? n - done : sizeof block;
        size_t len = fread(block, 1, want, in);
        if (len == 0) {
            break;
        }
        if (at >= done && at < done + len) {
            block[at - done] ^= 0x55;
        }
        assert_int_equal(fwrite(block, 1, len, out), len);
        done += len;
    }
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void test_bad_files(void **state)
{
    char model[HELP_PATH_MAX], path[] = "/tmp/lw-model-XXXXXX";
    (void)state;

    expect_no_open("/nowhere/model.gguf", "No such file");
    if (!help_model_path(model)) {
        skip();
    }
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    expect_no_open(path, "not a GGUF file");
    copy_file(model, path, 3000000, SIZE_MAX);
    expect_no_open(path, "cut short");
    copy_file(model, path, 500000, SIZE_MAX);
    expect_no_open(path, "cut short");
    copy_file(model, path, SIZE_MAX, 1000000); /* within the vocabulary or its merges */
    struct llm *llm = NULL;
    if (engine_open(&llm, &(struct engine_options){ .path = path, .context = 256 },
                    NULL) == 0) {
        llm_close(llm);
    }
    unlink(path);
}

/* A header that promises a model too large for any machine: refused before it is loaded.
 */
static void test_too_large_for_the_memory(void **state)
{
    char path[] = "/tmp/lw-model-XXXXXX";
    struct gguf_file f;
    (void)state;

    gguf_put_start(&f, 1, 5);
    gguf_put_text(&f, "general.architecture", "llama");
    gguf_put_u32(&f, "llama.context_length", 1 << 20);
    gguf_put_u32(&f, "llama.block_count", 512);
    gguf_put_u32(&f, "llama.embedding_length", 1 << 19);
    gguf_put_u32(&f, "llama.attention.head_count", 256);
    gguf_put_tensor(&f, "t", 1, 8, TYPE_F32, 0);
    gguf_put_padding(&f, 32);
    gguf_put_zeros(&f, 64);
    gguf_save(&f, path);
    expect_no_open(path, "MiB of memory");
    expect_no_open(path, "are free");
    /* Who waited for the memory until the time was over is told of the time. */
    struct llm *llm = NULL;
    struct lw_error err;
    struct cancel cancel;
    cancel_init(&cancel, 1);
    struct engine_options opt = { .path = path, .cancel = &cancel };
    assert_int_equal(engine_open(&llm, &opt, &err), LW_TIMEOUT);
    unlink(path);
}

static void count_share(void *user, double share)
{
    assert_true(share >= 0 && share <= 1);
    ++*(int *)user;
}

static void test_loading_is_reported_and_cancelled(void **state)
{
    char path[HELP_PATH_MAX];
    struct llm *llm = NULL;
    struct lw_error err;
    struct cancel cancel;
    int n = 0;
    (void)state;

    if (!help_model_path(path)) {
        skip();
    }
    cancel_init(&cancel, 0);
    struct engine_options opt = { .path = path,
                                  .context = 256,
                                  .loading = count_share,
                                  .user = &n,
                                  .cancel = &cancel };
    assert_int_equal(engine_open(&llm, &opt, &err), 0);
    assert_true(n > 2);
    assert_int_equal(llm_info(llm)->context, 256);
    llm_close(llm);
    cancel_raise(&cancel);
    llm = NULL;
    assert_int_equal(engine_open(&llm, &opt, &err), LW_CANCELLED);
    assert_null(llm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_bad_schema_fails_alone),
        cmocka_unit_test(test_copies_are_verbatim),
        cmocka_unit_test(test_too_long_fails_alone),
        cmocka_unit_test(test_reply_ends_at_the_context),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_cancelled_before),
        cmocka_unit_test(test_cancelled_while_it_is_built),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_too_large_for_the_memory),
        cmocka_unit_test(test_loading_is_reported_and_cancelled),
    };

    return cmocka_run_group_tests(tests, help_open_group, help_close_group);
}
