/* test_engine_origin.c - what kept states are said to depend on, with tiny models. */
#include "engine_help.h"

#include "documents.h"
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

/* --- A file that is replaced while it is loaded ---------------------------- */

struct swap {
    char path[HELP_PATH_MAX], other[HELP_PATH_MAX];
    int n_warnings;
    char warning[512];
};

/* Another model gets the name, as a download or mv does it. */
static void swap_files(void *user, double share)
{
    struct swap *swap = user;

    (void)share;
    rename(swap->other, swap->path);
}

static void hear_warning(void *user, const char *sentence)
{
    struct swap *swap = user;

    swap->n_warnings++;
    snprintf(swap->warning, sizeof swap->warning, "%s", sentence);
}

static void open_swapped(struct swap *swap, const char *folder, bool swaps)
{
    struct engine_options opt = { .path = swap->path,
                                  .threads = 1,
                                  .context = CELLS,
                                  .kv_folder = folder,
                                  .kv_bytes = 1 << 26,
                                  .loading = swaps ? swap_files : NULL,
                                  .warning = hear_warning,
                                  .user = swap };
    struct llm *llm = NULL;

    assert_int_equal(engine_open(&llm, &opt, NULL), 0);
    assert_int_equal(llm_info(llm)->kept_token_bytes > 0, !swaps);
    llm_close(llm);
}

static void test_a_replaced_file_keeps_nothing(void **state)
{
    const uint32_t one = 1024, other = 600;
    struct swap swap = { .n_warnings = 0 };
    char *folder = documents_folder();

    (void)state;
    help_tiny_changed("qwen2", "qwen2.context_length", &one, 4, swap.path);
    help_tiny_changed("qwen2", "qwen2.context_length", &other, 4, swap.other);
    open_swapped(&swap, folder, true);
    assert_int_equal(swap.n_warnings, 1);
    assert_non_null(strstr(swap.warning, "was replaced"));
    open_swapped(&swap, folder, false);
    assert_int_equal(swap.n_warnings, 1);
    unlink(swap.path);
    documents_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_library_is_in_it),
        cmocka_unit_test(test_a_replaced_file_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
