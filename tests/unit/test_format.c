/* test_format.c - the names of formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/format.h"

#include <llama.h>
#include <string.h>

static int type_of(const char *name)
{
    const struct format *f = NULL;
    assert_int_equal(format_find(name, &f, NULL), 0);
    return f->type;
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(type_of("Q4_0"), LLAMA_FTYPE_MOSTLY_Q4_0);
    assert_int_equal(type_of("q4_k_m"), LLAMA_FTYPE_MOSTLY_Q4_K_M);
    assert_int_equal(type_of("Q4_K"), LLAMA_FTYPE_MOSTLY_Q4_K_M);
    assert_int_equal(type_of("Q8_0"), LLAMA_FTYPE_MOSTLY_Q8_0);
    assert_int_equal(type_of("F32"), LLAMA_FTYPE_ALL_F32);
}

/* libllama calls Q4_K_M "Q4_K - Medium", F32 "all F32". */
static void test_libllama_knows_them_all(void **state)
{
    (void)state;
    for (const struct format *f = format_table(); f->name; f++) {
        const char *name = llama_ftype_name((enum llama_ftype)f->type);
        const char *at = strstr(name, "F32") ? strstr(name, "F32") : name;
        assert_memory_equal(at, f->name, 3);
    }
}

static void test_near_names(void **state)
{
    (void)state;
    const struct format *f = NULL;
    struct lw_error err;
    const char *const wrong[][2] = {
        { "Q4_O", "Q4_0" }, { "q4km", "Q4_K_M" }, { "Q5-K-S", "Q5_K_S" },
        { "fp16", "F16" },  { "Q8", "Q8_0" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char meant[32];
        snprintf(meant, sizeof meant, "did you mean %s?", wrong[i][1]);
        assert_int_equal(format_find(wrong[i][0], &f, &err), LW_ERR_USAGE);
        if (!strstr(err.message, meant)) fail_msg("%s: %s", wrong[i][0], err.message);
    }
    assert_null(f);
}

static void test_a_far_name_gets_the_list(void **state)
{
    (void)state;
    const struct format *f = NULL;
    struct lw_error err;
    assert_int_equal(format_find("zebra", &f, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "IQ1_S"));
    assert_non_null(strstr(err.message, "F32"));
}

static void test_whole_formats(void **state)
{
    (void)state;
    assert_true(format_is_whole("F16"));
    assert_true(format_is_whole("all F32"));
    assert_true(format_is_whole("bf16"));
    assert_false(format_is_whole("Q8_0"));
    assert_false(format_is_whole("Q4_K - Medium"));
    assert_false(format_is_whole(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_libllama_knows_them_all),
        cmocka_unit_test(test_near_names),
        cmocka_unit_test(test_a_far_name_gets_the_list),
        cmocka_unit_test(test_whole_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
