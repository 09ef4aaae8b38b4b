/* test_engine_header.c - models whose header says what others do not.
 *
 * Copies of tiny models with one number changed. libllama ends the process over some of
 * them; here each is a model that works or a sentence. */
#include "engine_help.h"

#include "base/mem.h"
#include "engine/measure.h"
#include "engine/need.h"
#include "gguf_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- Small contexts ------------------------------------------------------- */

enum { ASKS = 8 };

static void change_context(const char *kind, uint32_t context, char path[HELP_PATH_MAX])
{
    char key[64];

    snprintf(key, sizeof key, "%s.context_length", kind);
    help_tiny_changed(kind, key, &context, sizeof context, path);
}

/* Together more tokens than a step of this context may have. */
static void check_small(const char *kind, uint32_t context)
{
    static char heads[ASKS][16], excerpt[1024];
    char path[HELP_PATH_MAX];
    struct ask asks[ASKS];
    struct llm_request reqs[ASKS];
    struct llm *llm = NULL;
    struct lw_error err;

    change_context(kind, context, path);
    struct engine_options opt = { .path = path, .threads = 1 };
    if (engine_open(&llm, &opt, &err) != 0) {
        fail_msg("%s: %s", kind, err.message);
    }
    unlink(path);
    assert_int_equal(llm_info(llm)->context, context);
    snprintf(excerpt, sizeof excerpt, "%s %.*s", help_lease, 100, help_garden);
    for (int i = 0; i < ASKS; i++) {
        snprintf(heads[i], sizeof heads[i], "%d:\n", i);
        ask_init(&asks[i], heads[i], excerpt, "\nWho?");
        reqs[i] = asks[i].req;
        reqs[i].max_tokens = 4;
    }
    struct kept *kept = help_run(llm, reqs, ASKS);
    for (int i = 0; i < ASKS; i++) {
        assert_true(kept[i].reply.finish != LLM_FAILED);
        assert_true(kept[i].reply.usage.prompt_tokens > 60);
    }
    mem_free(kept);
    llm_close(llm);
}

static void test_small_contexts(void **state)
{
    (void)state;
    check_small("qwen2", 400);
    check_small("qwen2", 256);
    check_small("qwen2", 200);
    check_small("jamba", 400);
    check_small("gemma2", 300);
    check_small("t5", 250);
}

static void test_small_contexts_are_measured(void **state)
{
    char path[HELP_PATH_MAX];
    struct measure m;
    struct lw_error err;
    (void)state;

    change_context("qwen2", 256, path);
    struct measure_options opt = { .path = path, .threads = 1, .seconds = 0.2 };
    if (measure_model(&opt, &m, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(m.prompt_tokens > 0 && m.prompt_tokens <= 256);
    unlink(path);
    change_context("qwen2", 8, path);
    assert_int_equal(measure_model(&opt, &m, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "8 tokens"));
    unlink(path);
}

/* Widths of steps and numbers of replies that no kind may compute at once are not asked
 * of it. */
static void test_every_kind_is_measured(void **state)
{
    static const char *const kinds[] = { "gemma2", "mamba", "jamba", "t5" };
    (void)state;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[HELP_PATH_MAX];
        struct measure m;
        struct lw_error err;
        if (!help_tiny_path(kinds[i], path)) {
            skip();
        }
        struct measure_options opt = { .path = path, .threads = 1, .seconds = 0.2 };
        if (measure_model(&opt, &m, &err) != 0) {
            fail_msg("%s: %s", kinds[i], err.message);
        }
        assert_int_equal(m.n_batches, strcmp(kinds[i], "t5") == 0 ? 1 : MEASURE_BATCHES);
        assert_true(m.checks[MEASURE_CHECKS - 1].value > 0);
    }
}

/* --- Wrong values --------------------------------------------------------- */

static void expect_refused(const char *path, const char *words)
{
    struct engine_options opt = { .path = path, .threads = 1, .context = HELP_CONTEXT };
    struct llm *llm = NULL;
    struct lw_error err = { .message = "" };

    assert_int_equal(engine_open(&llm, &opt, &err), LW_ERR_LOCAL);
    if (!strstr(err.message, words)) {
        fail_msg("%s", err.message);
    }
    unlink(path);
}

static void test_wrong_values_are_refused(void **state)
{
    const uint32_t none = 0;
    const float negative = -1;
    char path[HELP_PATH_MAX];
    (void)state;

    help_tiny_changed("qwen2", "qwen2.block_count", &none, 4, path);
    expect_refused(path, "no model has");
    help_tiny_changed("jamba", "jamba.ssm.inner_size", &none, 4, path);
    expect_refused(path, "no model has");
    help_tiny_changed("qwen2", "qwen2.attention.layer_norm_rms_epsilon", &negative, 4,
                      path);
    expect_refused(path, "epsilon");
}

/* The token behind <0xE2> in the list is <0xE3>; its name loses its number. */
static void test_a_vocabulary_without_a_byte(void **state)
{
    static const char name[] = "\0\0\0\0<0x!!>";
    char path[HELP_PATH_MAX];
    (void)state;

    help_tiny_changed("llama", "<0xE2>", name, sizeof name - 1, path);
    expect_refused(path, "single bytes");
}

/* --- Room for several excerpts -------------------------------------------- */

/* A model of which only the header is real, with so many bytes of weights: what a cache
 * that nobody asked for takes more than one of the default context. */
static uint64_t room_for_more(uint64_t weights)
{
    char path[] = "/tmp/legwork-header-XXXXXX";
    struct gguf_file f = { .len = 0 };
    struct engine_options opt = { .path = path };

    gguf_put_start(&f, 1, 6);
    gguf_put_text(&f, "general.architecture", "qwen2");
    gguf_put_u32(&f, "qwen2.context_length", 32768);
    gguf_put_u32(&f, "qwen2.block_count", 4);
    gguf_put_u32(&f, "qwen2.embedding_length", 256);
    gguf_put_u32(&f, "qwen2.attention.head_count", 4);
    gguf_put_u32(&f, "qwen2.attention.head_count_kv", 1);
    gguf_put_tensor(&f, "t", weights / 1024, 256, TYPE_F32, 0);
    gguf_put_padding(&f, 32);
    gguf_save(&f, path);
    assert_int_equal(truncate(path, (off_t)(f.len + weights)), 0);
    uint64_t roomy = engine_need(&opt);
    opt.context = NEED_CONTEXT_DEFAULT;
    uint64_t plain = engine_need(&opt);
    unlink(path);
    assert_true(plain > weights);
    return roomy - plain;
}

static void test_room_where_it_is_cheap(void **state)
{
    /* 4 layers, 64 floats of keys and of values, 2 bytes each. */
    const uint64_t each = 4 * 2 * 64 * 2, cache = each * NEED_CELLS;
    const uint64_t masks = NEED_BATCH_TOKENS * 4; /* need.c */
    (void)state;

    assert_int_equal(room_for_more(8 * cache),
                     (NEED_CELLS - NEED_CONTEXT_DEFAULT) * (each + masks));
    assert_int_equal(room_for_more(4 * cache), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_contexts),
        cmocka_unit_test(test_small_contexts_are_measured),
        cmocka_unit_test(test_every_kind_is_measured),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_a_vocabulary_without_a_byte),
        cmocka_unit_test(test_room_where_it_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
