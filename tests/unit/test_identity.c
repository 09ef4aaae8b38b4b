/* test_identity.c - the same model under any name, another one whatever changed. */
#include "engine/identity.h"
#include "documents.h"
#include "gguf_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SMALL_BYTES = 4 * 64 * 4, LARGE_ROWS = 512, LARGE_BYTES = LARGE_ROWS * 64 * 4 };

/* Two tensors, of 1,024 and 131,072 bytes, all zeros. */
struct model {
    char path[32];
    long small, large; /* where their data begins */
};

static void make(struct model *m, const char *name)
{
    struct gguf_file f = { .len = 0 };

    gguf_put_start(&f, 2, 2);
    gguf_put_text(&f, "general.architecture", "llama");
    gguf_put_text(&f, "general.name", name);
    gguf_put_tensor(&f, "small", 4, 64, TYPE_F32, 0);
    gguf_put_tensor(&f, "large", LARGE_ROWS, 64, TYPE_F32, SMALL_BYTES);
    gguf_put_padding(&f, 32);
    snprintf(m->path, sizeof m->path, "/tmp/lw-identity-XXXXXX");
    gguf_save(&f, m->path);
    m->small = (long)f.len;
    m->large = (long)f.len + SMALL_BYTES;
    assert_int_equal(truncate(m->path, m->large + LARGE_BYTES), 0);
}

static void change(const struct model *m, long at)
{
    FILE *file = fopen(m->path, "r+b");

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(1, file);
    fclose(file);
}

static void identify(const struct model *m, char out[IDENTITY_BYTES])
{
    struct lw_error err = { .code = 0 };

    if (identity_of_file(m->path, out, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(strlen(out), IDENTITY_BYTES - 1);
}

static void test_the_name_of_the_file_is_no_part_of_it(void **state)
{
    struct model a, b;
    char first[IDENTITY_BYTES], second[IDENTITY_BYTES];

    (void)state;
    make(&a, "one");
    make(&b, "one");
    identify(&a, first);
    identify(&b, second);
    assert_string_equal(first, second);
    unlink(a.path);
    unlink(b.path);
}

static void test_any_change_is_seen(void **state)
{
    struct model m;
    char before[IDENTITY_BYTES], after[IDENTITY_BYTES];

    (void)state;
    make(&m, "one");
    identify(&m, before);
    const long places[] = { m.small, m.small + SMALL_BYTES - 1, m.large,
                            m.large + LARGE_BYTES / 2 };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        change(&m, places[i]);
        identify(&m, after);
        assert_string_not_equal(before, after);
        memcpy(before, after, sizeof before);
    }
    unlink(m.path);
}

static void test_metadata_is_part_of_it(void **state)
{
    struct model a, b;
    char first[IDENTITY_BYTES], second[IDENTITY_BYTES];

    (void)state;
    make(&a, "one");
    make(&b, "two");
    identify(&a, first);
    identify(&b, second);
    assert_string_not_equal(first, second);
    unlink(a.path);
    unlink(b.path);
}

/* The weights of all its files. */
static void test_every_part_is_seen(void **state)
{
    char *folder = documents_folder(), paths[2][128];
    char before[IDENTITY_BYTES], after[IDENTITY_BYTES];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct gguf_file f;
        gguf_put_start(&f, 1, GGUF_PART_KEYS + (i == 0));
        if (i == 0) gguf_put_text(&f, "general.architecture", "llama");
        gguf_put_part(&f, i, 2, 2);
        gguf_put_tensor(&f, "small", 4, 64, TYPE_F32, 0);
        gguf_put_padding(&f, 32);
        gguf_put_zeros(&f, SMALL_BYTES);
        char name[32];
        snprintf(name, sizeof name, "m-%05d-of-00002.gguf", i + 1);
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
        documents_write(folder, name, (char *)f.bytes, f.len);
    }
    struct identity_stamp stamp = identity_stamp_of(paths[0]);
    assert_int_equal(identity_of_loaded(paths[0], &stamp, before, NULL), 0);
    FILE *file = fopen(paths[1], "r+b");
    fseek(file, -1, SEEK_END);
    fputc(1, file);
    fclose(file);
    assert_int_equal(identity_of_loaded(paths[0], &stamp, after, NULL), 0);
    assert_string_not_equal(before, after);
    documents_remove(folder);
}

static void test_what_is_no_model_has_none(void **state)
{
    char out[IDENTITY_BYTES];
    struct lw_error err = { .code = 0 };
    struct model m;

    (void)state;
    assert_int_equal(identity_of_file("/none.gguf", out, &err), LW_ERR_LOCAL);
    make(&m, "one");
    assert_int_equal(truncate(m.path, m.large + 5), 0);
    assert_int_equal(identity_of_file(m.path, out, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "cut short"));
    unlink(m.path);
}

static void test_another_file_has_another_stamp(void **state)
{
    struct model a, b;
    char out[IDENTITY_BYTES];
    struct lw_error err;

    (void)state;
    make(&a, "one");
    make(&b, "one");
    struct identity_stamp before = identity_stamp_of(a.path);
    struct identity_stamp other = identity_stamp_of(b.path);
    struct identity_stamp none = identity_stamp_of("/none.gguf");
    assert_true(identity_same_file(&before, &before));
    assert_false(identity_same_file(&before, &other));
    assert_false(identity_same_file(&none, &none));
    assert_int_equal(identity_of_loaded(a.path, &before, out, &err), 0);
    assert_int_equal(rename(b.path, a.path), 0);
    assert_int_equal(identity_of_loaded(a.path, &before, out, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, a.path));
    unlink(a.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_of_the_file_is_no_part_of_it),
        cmocka_unit_test(test_any_change_is_seen),
        cmocka_unit_test(test_metadata_is_part_of_it),
        cmocka_unit_test(test_every_part_is_seen),
        cmocka_unit_test(test_what_is_no_model_has_none),
        cmocka_unit_test(test_another_file_has_another_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
