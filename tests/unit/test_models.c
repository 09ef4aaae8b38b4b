/* test_models.c - names to files, in a folder made for the test. */
#include "base/mem.h"
#include "gguf_write.h"
#include "models/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const files[] = { "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf",
                                     "my-model.Q8_0.gguf",
                                     "my-other.gguf",
                                     "Notes.txt",
                                     "half.gguf.part",
                                     ".hidden.gguf" };

enum { FILES = sizeof files / sizeof files[0] };

struct room {
    char dir[64];
    struct buf path;
    struct lw_error err;
};

/* The smallest file that is a model by its header: one tensor of `floats`. */
static void write_kind(const char *path, const char *architecture, uint64_t floats)
{
    struct gguf_file g;
    FILE *f = fopen(path, "wb");

    gguf_put_start(&g, 1, 1);
    gguf_put_text(&g, "general.architecture", architecture);
    gguf_put_tensor(&g, "t", 1, floats, TYPE_F32, 0);
    gguf_put_padding(&g, 32);
    gguf_put_zeros(&g, floats * sizeof(float));
    assert_non_null(f);
    assert_int_equal(fwrite(g.bytes, 1, g.len, f), g.len);
    assert_int_equal(fclose(f), 0);
}

static void write_model(const char *path, uint64_t floats)
{
    write_kind(path, "llama", floats);
}

static void path_of(const struct room *r, const char *file, char *out, size_t bytes)
{
    snprintf(out, bytes, "%s/%s", r->dir, file);
}

static int set_up(void **state)
{
    struct room *r = mem_alloc(sizeof *r);
    char path[256];

    snprintf(r->dir, sizeof r->dir, "/tmp/lw-models-XXXXXX");
    if (!mkdtemp(r->dir)) {
        return -1;
    }
    buf_init(&r->path, 4096);
    for (int i = 0; i < FILES; i++) {
        path_of(r, files[i], path, sizeof path);
        write_model(path, (uint64_t)(i == 2 ? 64 : 32));
    }
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct room *r = *state;
    char path[256];

    for (int i = 0; i < FILES; i++) {
        path_of(r, files[i], path, sizeof path);
        unlink(path);
    }
    rmdir(r->dir);
    buf_release(&r->path);
    mem_free(r);
    return 0;
}

static void expect_file(struct room *r, const char *name, const char *file)
{
    char path[256];

    path_of(r, file, path, sizeof path);
    if (models_find(r->dir, name, &r->path, &r->err) != 0) {
        fail_msg("%s: %s", name, r->err.message);
    }
    assert_string_equal(r->path.data, path);
}

static void expect_none(struct room *r, const char *name, const char *const *words)
{
    assert_int_equal(models_find(r->dir, name, &r->path, &r->err), LW_ERR_LOCAL);
    for (; *words; words++) {
        if (!strstr(r->err.message, *words)) {
            fail_msg("%s: \"%s\" does not say \"%s\"", name, r->err.message, *words);
        }
    }
}

static void test_names_that_are_there(void **state)
{
    struct room *r = *state;

    expect_file(r, "my-model.Q8_0.gguf", "my-model.Q8_0.gguf");
    expect_file(r, "my-model.Q8_0", "my-model.Q8_0.gguf");
    expect_file(r, "MY-OTHER", "my-other.gguf");
    expect_file(r, "my-m", "my-model.Q8_0.gguf");
    expect_file(r, "qwen2.5-1.5b", files[0]);
    expect_file(r, "Qwen2.5-1.5B", files[0]);
    expect_file(r, "qwen2.5-coder", files[0]);
}

static void test_a_path(void **state)
{
    struct room *r = *state;
    char path[256];

    path_of(r, "my-other.gguf", path, sizeof path);
    assert_int_equal(models_find("/nowhere", path, &r->path, &r->err), 0);
    assert_string_equal(r->path.data, path);
    expect_none(r, "/nowhere/x.gguf", (const char *const[]){ "/nowhere/x.gguf", NULL });
    path_of(r, "Notes.txt", path, sizeof path);
    expect_none(r, path, (const char *const[]){ "GGUF", NULL });
}

static void test_names_that_are_not(void **state)
{
    struct room *r = *state;
    char name[5000];

    expect_none(r, "my-",
                (const char *const[]){ "several", "my-model.Q8_0", "my-other", NULL });
    expect_none(r, "my-othr2", (const char *const[]){ "did you mean my-other", NULL });
    expect_none(r, "qwen2.5-1.5",
                (const char *const[]){ "did you mean qwen2.5-1.5b", NULL });
    expect_none(r, "qwen2.5-0.5b",
                (const char *const[]){ "tools/get-model qwen2.5-0.5b", NULL });
    expect_none(r, "llama-3.2-3b",
                (const char *const[]){ "Llama-3.2-3B", "Hugging Face", NULL });
    expect_none(r, "xyzzyxyzzy",
                (const char *const[]){ "no model is called", r->dir, NULL });
    assert_null(strstr(r->err.message, "did you mean"));
    expect_none(r, "", (const char *const[]){ "empty", NULL });
    expect_none(r, "half", (const char *const[]){ "no model", NULL });
    memset(name, 'q', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    expect_none(r, name, (const char *const[]){ "no model", NULL });
}

static void test_the_default(void **state)
{
    struct room *r = *state;
    char path[256];

    assert_int_equal(models_default(r->dir, &r->path, &r->err), 0);
    path_of(r, files[0], path, sizeof path);
    assert_string_equal(r->path.data, path);
    /* Without a known reader, or with a damaged one, the largest that is sound. */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(models_default(r->dir, &r->path, &r->err), 0);
    assert_non_null(strstr(r->path.data, "my-other.gguf"));
    /* But none that makes embeddings, however large. */
    write_kind(path, "nomic-bert", 1000);
    assert_int_equal(models_default(r->dir, &r->path, &r->err), 0);
    assert_non_null(strstr(r->path.data, "my-other.gguf"));
    write_model(path, 32);
    assert_int_equal(models_default("/nowhere", &r->path, &r->err), LW_ERR_LOCAL);
    assert_non_null(strstr(r->err.message, "make demo"));
}

struct seen {
    char names[8][64];
    bool problem[8];
    int n;
};

static void see(void *user, const struct lw_model *model)
{
    struct seen *seen = user;

    snprintf(seen->names[seen->n], sizeof seen->names[0], "%s", model->name);
    seen->problem[seen->n] = model->problem != NULL;
    assert_non_null(model->path);
    if (!model->problem) {
        assert_string_equal(model->architecture, "llama");
        assert_true(model->bytes >= 128 + 32 * 4);
    }
    seen->n++;
}

static void test_the_list(void **state)
{
    struct room *r = *state;
    struct seen seen = { .n = 0 };
    char path[256];

    path_of(r, "my-other.gguf", path, sizeof path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("no model", f);
    fclose(f);
    assert_int_equal(models_list(r->dir, see, &seen, &r->err), 0);
    assert_int_equal(seen.n, 3);
    assert_string_equal(seen.names[0], "qwen2.5-1.5b");
    assert_string_equal(seen.names[1], "my-model.Q8_0");
    assert_string_equal(seen.names[2], "my-other");
    assert_false(seen.problem[0] || seen.problem[1]);
    assert_true(seen.problem[2]);
    seen.n = 0;
    assert_int_equal(models_list("/nowhere", see, &seen, &r->err), 0);
    assert_int_equal(seen.n, 0);
}

static void check_found(void *user, const struct lw_model *model)
{
    struct room *r = user;

    if (models_find(r->dir, model->name, &r->path, &r->err) != 0) {
        fail_msg("%s", r->err.message);
    }
    assert_string_equal(r->path.data, model->path);
}

/* Where several files may bear one name it is that of the file it leads to. */
static void test_listed_names_lead_back(void **state)
{
    static const char *const more[] = { "qwen2.5-1.5b-instruct-q4_k_m.gguf",
                                        "qwen2.5-1.5b.gguf", "MY-OTHER.gguf" };
    struct room *r = *state;
    char path[256];

    for (int i = 0; i < 3; i++) {
        path_of(r, more[i], path, sizeof path);
        write_model(path, 32);
        assert_int_equal(models_list(r->dir, check_found, r, &r->err), 0);
    }
    for (int i = 0; i < 3; i++) {
        path_of(r, more[i], path, sizeof path);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_that_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_that_are_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listed_names_lead_back, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
