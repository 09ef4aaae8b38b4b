/* test_engine_repack.c - weights that are rearranged while they are loaded, and not. */
#include "engine/repack.h"

#include "base/mem.h"
#include "engine/load.h"
#include "engine/quantize.h"
#include "engine_help.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ggml-cpu.h>

static const double CLOSE = 0.001;

static void test_most_weights_decide(void **state)
{
    bool tiles = ggml_cpu_has_avx2() && !ggml_cpu_has_amx_int8();
    struct gguf_info info = { .tensor_bytes = 100, .k_bytes = 50 };
    (void)state;

    assert_true(repack_pays(&info));
    info.k_bytes = 51;
    assert_int_equal(repack_pays(&info), !tiles);
}

/* A small model in Q4_0, which ggml can rearrange. */
static void make_model(char path[HELP_PATH_MAX])
{
    char whole[HELP_PATH_MAX];
    struct quantize_result result;
    struct lw_error err = { .code = 0 };

    if (!help_tiny_path("qwen2", whole)) skip();
    snprintf(path, HELP_PATH_MAX, "/tmp/lw-repack-%ld.gguf", (long)getpid());
    struct quantize_job job = { .in = whole, .out = path, .type = "Q4_0", .force = true };
    if (quantize_file(&job, &result, &err)) fail_msg("%s", err.message);
}

/* ln P(reply begins as `alt` does). */
static double score(const struct engine_options *opt)
{
    static const char *const alt[] = { " not", "not" };
    struct lw_error err = { .code = 0 };
    struct llm *llm;
    struct ask ask;

    if (engine_open(&llm, opt, &err)) fail_msg("%s", err.message);
    ask_init(&ask, "Excerpt:\n", help_lease, "\nWho is it?");
    ask.req.alt = alt;
    ask.req.n_alt = 2;
    ask.req.max_tokens = 0;
    struct kept *reply = help_run(llm, &ask.req, 1);
    double out = reply->reply.logprob_alt;
    mem_free(reply);
    llm_close(llm);
    return out;
}

static void test_both_compute_alike(void **state)
{
    char path[HELP_PATH_MAX];
    struct lw_error err = { .code = 0 };
    double scores[3];
    (void)state;

    make_model(path);
    for (int i = ENGINE_REPACK_AUTO; i <= ENGINE_REPACK_NO; i++) {
        struct engine_options opt = { .path = path, .repack = (enum engine_repack)i };
        struct loaded m;
        assert_int_equal(load_model(&m, &opt, &err), 0);
        assert_int_equal(m.rearranged, i != ENGINE_REPACK_NO);
        load_release(&m);
        scores[i] = score(&opt);
    }
    unlink(path);
    assert_true(scores[ENGINE_REPACK_AUTO] == scores[ENGINE_REPACK_YES]);
    assert_true(fabs(scores[ENGINE_REPACK_YES] - scores[ENGINE_REPACK_NO]) < CLOSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_weights_decide),
        cmocka_unit_test(test_both_compute_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
