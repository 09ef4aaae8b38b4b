/* test_tuned.c - measurements: kept, read back, and not believed when damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/tuned.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 600 };

static const struct tuned_key key = { .model = "a model-Q4_0.gguf",
                                      .bytes = UINT64_C(98362432),
                                      .cpu = "Some Processor",
                                      .cores = 4,
                                      .library = "0.5.0" };
static const struct measure measured = {
    .speeds = { { 4, 100, 20 }, { 3, 250.5, 40.25 } },
    .n_speeds = 2,
    .best = 1,
    .batches = { { 1, 40.25 }, { 2, 70 }, { 4, 90 }, { 8, 100 } },
    .n_batches = 4,
    .checks = { { 1, 1 },
                { 2, 1.5 },
                { 3, 2 },
                { 4, 3 },
                { 5, 4 },
                { 8, 6 },
                { 16, 9 },
                { 24, 12 },
                { 32, 15 } },
    .prompt_tokens = 512,
    .seconds = 12.5,
};

static char parent[64], folder[80];

static int make_folder(void **state)
{
    (void)state;
    snprintf(parent, sizeof parent, "/tmp/legwork-tuned-XXXXXX");
    if (!mkdtemp(parent)) return -1;
    snprintf(folder, sizeof folder, "%s/tune", parent);
    return 0;
}

/* The one file in the folder; "" if there is none. */
static void find_file(char path[PATH_BYTES])
{
    DIR *d = opendir(folder);
    path[0] = '\0';
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') snprintf(path, PATH_BYTES, "%s/%s", folder, e->d_name);
    }
    if (d) closedir(d);
}

static int remove_folder(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    for (find_file(path); path[0]; find_file(path)) unlink(path);
    rmdir(folder);
    return rmdir(parent);
}

static void keep(const struct tuned_key *k, const struct measure *m)
{
    json_t *record = tuned_json(k, "Q4_0", m);
    struct lw_error err;
    assert_non_null(record);
    assert_int_equal(tuned_keep(folder, k, record, &err), 0);
    json_decref(record);
}

static void test_kept_and_found(void **state)
{
    (void)state;
    struct tuned t;
    struct stat st;
    char path[PATH_BYTES];
    assert_false(tuned_find(folder, &key, &t));
    keep(&key, &measured);
    assert_true(tuned_find(folder, &key, &t));
    assert_int_equal(t.threads, 3);
    assert_float_equal(t.reads, 250.5, 1e-9);
    assert_float_equal(t.writes, 40.25, 1e-9);
    assert_int_equal(t.n_checks, 9);
    assert_int_equal(t.checks[6].n, 16);
    assert_float_equal(t.checks[6].value, 9, 1e-9);
    find_file(path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_null(strchr(strrchr(path, '/'), ' '));
    assert_false(tuned_find(NULL, &key, &t));
}

static void test_all_of_it_is_kept(void **state)
{
    (void)state;
    json_t *o = tuned_json(&key, "Q4_0", &measured);
    assert_string_equal(json_str(o, "schema", ""), "legwork.tune/2");
    assert_int_equal(json_array_size(json_object_get(o, "speeds")), 2);
    assert_int_equal(json_array_size(json_object_get(o, "batches")), 4);
    const json_t *checks = json_object_get(o, "checks");
    assert_int_equal(json_array_size(checks), 9);
    assert_int_equal(json_int(json_array_get(checks, 6), "tokens", 0, 0, 100), 16);
    assert_float_equal(json_num(json_array_get(checks, 6), "cost", 0), 9, 1e-9);
    json_decref(o);
}

static void test_newer_replaces_older(void **state)
{
    (void)state;
    struct tuned t;
    struct measure second = measured;
    keep(&key, &measured);
    second.best = 0;
    second.disturbed = true;
    keep(&key, &second);
    assert_true(tuned_find(folder, &key, &t));
    assert_int_equal(t.threads, 4);
    assert_int_equal(t.n_checks, 0); /* drafts would depend on them */
}

static void test_fewer_than_all_cores_are_no_default_untried(void **state)
{
    (void)state;
    struct tuned t;
    struct measure few = measured;
    few.n_speeds = 1;
    few.best = 0;
    few.speeds[0].threads = 2;
    keep(&key, &few);
    assert_true(tuned_find(folder, &key, &t));
    assert_int_equal(t.threads, 0);
    assert_float_equal(t.reads, 100, 1e-9);
}

static void test_another_model_or_machine(void **state)
{
    (void)state;
    struct tuned t;
    keep(&key, &measured);
    for (int what = 0; what < 5; what++) {
        struct tuned_key other = key;
        if (what == 0) other.bytes++;
        if (what == 1) other.cores = 8;
        if (what == 2) other.cpu[0] = 's';
        if (what == 3) other.library[0] = '1';
        if (what == 4) other.model[0] = 'b';
        assert_false(tuned_find(folder, &other, &t));
    }
}

/* What is in the file that the key leads to. */
static bool found_with(const char *content)
{
    struct tuned t;
    char path[PATH_BYTES];
    find_file(path);
    assert_int_equal(file_replace(path, content, strlen(content), NULL), 0);
    return tuned_find(folder, &key, &t);
}

static void test_damaged_files_are_not_there(void **state)
{
    (void)state;
    keep(&key, &measured);
    assert_false(found_with(""));
    assert_false(found_with("{"));
    assert_false(found_with("[]"));
    assert_false(found_with("{\"schema\": \"legwork.tune/2\"}"));
    assert_false(
        found_with("{\"schema\": \"legwork.tune/2\", \"model\": 3, \"machine\": []}"));
}

/* The same record with one number changed. */
static bool found_with_number(const char *name, double number)
{
    struct buf text;
    json_t *o = tuned_json(&key, "Q4_0", &measured);
    buf_init(&text, 100000);
    json_object_set_new(o, name, json_real(number));
    assert_int_equal(json_write(o, &text), 0);
    bool found = found_with(text.data);
    json_decref(o);
    buf_release(&text);
    return found;
}

static void test_numbers_that_cannot_be(void **state)
{
    (void)state;
    keep(&key, &measured);
    assert_true(found_with_number("threads", 2));
    assert_false(found_with_number("threads", 0));
    assert_false(found_with_number("threads", 5));
    assert_false(found_with_number("threads", -1));
    assert_false(found_with_number("reads", 0));
    assert_false(found_with_number("reads", -3));
    assert_false(found_with_number("reads", 1e30));
    assert_false(found_with_number("writes", 0));
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct lw_error err;
    json_t *record = tuned_json(&key, "Q4_0", &measured);
    assert_int_equal(tuned_keep("/dev/null/tune", &key, record, &err), LW_ERR);
    json_decref(record);
}

static void test_key_of_a_file(void **state)
{
    (void)state;
    struct tuned_key k;
    assert_true(tuned_key_of(&k, "tests/unit/test_tuned.c"));
    assert_string_equal(k.model, "test_tuned.c");
    assert_true(k.bytes > 0 && k.cores > 0 && k.cpu[0] && k.library[0]);
    assert_false(tuned_key_of(&k, "tests/unit/no such file"));
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_kept_and_found),
        WITH_FOLDER(test_all_of_it_is_kept),
        WITH_FOLDER(test_newer_replaces_older),
        WITH_FOLDER(test_fewer_than_all_cores_are_no_default_untried),
        WITH_FOLDER(test_another_model_or_machine),
        WITH_FOLDER(test_damaged_files_are_not_there),
        WITH_FOLDER(test_numbers_that_cannot_be),
        WITH_FOLDER(test_a_folder_that_cannot_be_made),
        cmocka_unit_test(test_key_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
