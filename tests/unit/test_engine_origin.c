/* test_engine_origin.c - what kept states are said to depend on, with tiny models. */
#include "engine_help.h"

#include "engine/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 512 };

/* Another libllama computes otherwise, even where ggml is the same. */
static void test_the_library_is_in_it(void **state)
{
    char path[HELP_PATH_MAX], line[128];
    struct engine_options opt = { .path = path, .threads = 1, .context = CELLS };
    struct loaded m;
    struct buf origin;

    (void)state;
    if (!help_tiny_path("qwen2", path)) {
        skip();
    }
    assert_int_equal(load_model(&m, &opt, NULL), 0);
    buf_init(&origin, ORIGIN_BYTES_MAX);
    assert_int_equal(origin_of(&m, path, &origin, NULL), 0);
    snprintf(line, sizeof line, "\nlibllama %s\n", llama_version());
    assert_non_null(strstr(origin.data, line));
    buf_release(&origin);
    load_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_library_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
