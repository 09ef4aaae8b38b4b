/* test_engine_embed.c - embeddings from a tiny random model: alone and together. */
#include "engine_help.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/embed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS = 24, WIDTH = 64, LONG_BYTES = 6000 };

static struct llm *open_embedder(void)
{
    char path[HELP_PATH_MAX];
    struct lw_error err;
    struct llm *llm = NULL;

    if (!help_tiny_path("bert", path)) {
        skip();
    }
    struct engine_options opt = { .path = path, .threads = 1 };
    if (embed_open(&llm, &opt, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(llm_info(llm)->embedding, WIDTH);
    return llm;
}

static double dot(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < WIDTH; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

static struct llm_part part_of(const char *text, size_t len)
{
    return (struct llm_part){ .text = text, .len = len, .verbatim = true };
}

static void test_together_as_alone(void **state)
{
    static char long_text[LONG_BYTES];
    static float together[TEXTS][WIDTH];
    float alone[WIDTH];
    struct llm *llm = open_embedder();
    struct llm_part texts[TEXTS];

    (void)state;
    for (size_t i = 0; i + 16 < sizeof long_text; i += 8) {
        snprintf(long_text + i, 9, "lease %zu ", i / 8 % 10);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = i % 2 ? help_lease : help_garden;
        texts[i] = part_of(text + i, strlen(text) - 3 * i);
    }
    texts[5] = part_of(long_text, strlen(long_text));
    texts[6] = part_of("", 0);
    assert_int_equal(llm_embed(llm, texts, TEXTS, together[0], NULL, NULL), 0);
    for (int i = 0; i < TEXTS; i++) {
        double want = i == 6 ? 0 : 1;
        assert_int_equal(llm_embed(llm, &texts[i], 1, alone, NULL, NULL), 0);
        assert_true(fabs(dot(together[i], together[i]) - want) < 1e-5);
        assert_true(fabs(dot(together[i], alone) - want) < 1e-4);
    }
    /* Another text is elsewhere. */
    assert_true(dot(together[0], together[1]) < 0.999);
    llm_close(llm);
}

static void test_special_tokens_do_not_act(void **state)
{
    struct llm *llm = open_embedder();

    (void)state;
    assert_true(help_tokens(llm, "[SEP]") > 1);
    llm_close(llm);
}

static void test_cancel_and_chat(void **state)
{
    struct llm *llm = open_embedder();
    struct llm_part text = part_of(help_lease, strlen(help_lease));
    struct cancel cancel;
    struct lw_error err;
    struct ask ask;
    float out[WIDTH];

    (void)state;
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    assert_int_equal(llm_embed(llm, &text, 1, out, &cancel, &err), LW_CANCELLED);
    ask_init(&ask, "Who?", NULL, NULL);
    struct kept *kept = help_run(llm, &ask.req, 1);
    assert_int_equal(kept->reply.finish, LLM_FAILED);
    assert_non_null(strstr(kept->reply.error.message, "cannot write"));
    mem_free(kept);
    llm_close(llm);
}

/* One text of very many steps: the time that it takes to find its tokens is there twice,
 * that to embed them is not. */
static void test_long_texts_end_in_time(void **state)
{
    enum { BYTES = 1 << 20 };
    struct llm *llm = open_embedder();
    char *text = mem_alloc(BYTES);
    struct cancel cancel;
    struct lw_error err;
    float out[WIDTH];

    (void)state;
    memset(text, ' ', BYTES);
    for (size_t i = 0; i < BYTES; i += 2) {
        text[i] = 'a';
    }
    struct llm_part part = part_of(text, BYTES);
    int64_t start = clock_ms();
    assert_true(llm_count_tokens(llm, text, BYTES) > BYTES / 4);
    int64_t now = clock_ms();
    cancel_init(&cancel, now + 2 * (now - start) + 20);
    assert_int_equal(llm_embed(llm, &part, 1, out, &cancel, &err), LW_TIMEOUT);
    /* And the next one is not cancelled. */
    part.len = 100;
    assert_int_equal(llm_embed(llm, &part, 1, out, NULL, &err), 0);
    mem_free(text);
    llm_close(llm);
}

/* [CLS] and [SEP] alone take two tokens. */
static void test_no_room_for_a_text(void **state)
{
    char path[HELP_PATH_MAX];
    struct llm_part text = part_of(help_lease, 40);
    struct lw_error err;
    struct llm *llm = NULL;
    float out[WIDTH];

    (void)state;
    if (!help_tiny_path("bert", path)) {
        skip();
    }
    for (int context = 1; context <= 2; context++) {
        struct engine_options opt = { .path = path, .threads = 1, .context = context };
        assert_int_equal(embed_open(&llm, &opt, &err), LW_ERR_LOCAL);
        assert_non_null(strstr(err.message, "no room for the text"));
    }
    struct engine_options opt = { .path = path, .threads = 1, .context = 3 };
    assert_int_equal(embed_open(&llm, &opt, &err), 0);
    assert_int_equal(llm_embed(llm, &text, 1, out, NULL, &err), 0);
    llm_close(llm);
}

/* However much it was trained for, it has a step of tokens in memory, and one that only
 * has an encoder no cache at all. */
static void test_needs_a_step_of_tokens(void **state)
{
    char paths[2][HELP_PATH_MAX];
    uint64_t needs[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint32_t context = i == 0 ? 512 : 2048;
        help_tiny_changed("bert", "bert.context_length", &context, 4, paths[i]);
        struct engine_options opt = { .path = paths[i] };
        needs[i] = embed_need(&opt);
        assert_true(needs[i] > 0 && needs[i] < engine_need(&opt));
        unlink(paths[i]);
    }
    assert_int_equal(needs[0], needs[1]);
}

static void test_chat_models_make_none(void **state)
{
    char path[HELP_PATH_MAX];
    struct llm_part text = part_of("x", 1);
    struct lw_error err;
    struct llm *llm = NULL;
    float out[WIDTH];

    (void)state;
    if (!help_tiny_path("qwen2", path)) {
        skip();
    }
    struct engine_options opt = { .path = path, .threads = 1 };
    assert_int_equal(embed_open(&llm, &opt, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "makes no embeddings"));
    llm = help_open_tiny("qwen2", NULL);
    assert_int_equal(llm_info(llm)->embedding, 0);
    assert_int_equal(llm_embed(llm, &text, 1, out, NULL, &err), LW_ERR_USAGE);
    llm_close(llm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together_as_alone),
        cmocka_unit_test(test_special_tokens_do_not_act),
        cmocka_unit_test(test_cancel_and_chat),
        cmocka_unit_test(test_long_texts_end_in_time),
        cmocka_unit_test(test_no_room_for_a_text),
        cmocka_unit_test(test_needs_a_step_of_tokens),
        cmocka_unit_test(test_chat_models_make_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
