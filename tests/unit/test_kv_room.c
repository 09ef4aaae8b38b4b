/* test_kv_room.c - who goes first, and what the whole folder can be asked. */
#include "base/buf.h"
#include "base/limits.h"
#include "cases.h"
#include "documents.h"
#include "engine/kv_folder.h"
#include "engine/kv_room.h"
#include "kv_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double day = 24 * 3600;

/* --- Text cases --------------------------------------------------------------- */

static void path_of_letter(const char *folder, char letter, char path[1024])
{
    char key[KV_FILE_KEY_CHARS + 1] = { 0 };

    memset(key, 'a', KV_FILE_KEY_CHARS);
    snprintf(key, sizeof key, "%032x", (unsigned)letter);
    snprintf(path, 1024, "%s/%s/%s.kv", folder,
             letter % 2 ? KV_HELP_DOC_1 : KV_HELP_DOC_2, key);
}

/* A file of so many bytes in all. */
static void make_state(const char *folder, char letter, int tokens, double cost,
                       size_t bytes, double days)
{
    struct kv_file file = { .origin = "",
                            .token_cost = cost,
                            .tokens = calloc((size_t)tokens, 4),
                            .n_tokens = tokens };
    char path[1024], document[1024];

    path_of_letter(folder, letter, path);
    snprintf(document, sizeof document, "%s", path);
    *strrchr(document, '/') = '\0';
    mkdir(document, 0700);
    file.state_bytes = bytes - (size_t)kv_file_bytes(&file);
    file.state = calloc(file.state_bytes, 1);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(kv_file_write(fd, &file), 0);
    close(fd);
    kv_help_age(path, days * day);
    free((void *)(uintptr_t)file.state);
    free((void *)(uintptr_t)file.tokens);
}

static void make_states(const char *folder, const char *lines)
{
    for (const char *line = lines; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char letter, cost[16];
        int tokens, n;
        size_t bytes;
        double days;
        n = sscanf(line, "%c %d %15s %zu %lf", &letter, &tokens, cost, &bytes, &days);
        assert_int_equal(n, 5);
        make_state(folder, letter, tokens, strtod(cost, NULL), bytes, days);
    }
}

static struct kv_room_result make_room(const char *folder, uint64_t max,
                                       const char *wanted)
{
    int tokens, fd = kv_folder_open(folder, KV_FOLDER_FIND, NULL);
    double cost;
    size_t bytes;

    assert_true(fd >= 0);
    assert_int_equal(sscanf(wanted, "%d %lf %zu", &tokens, &cost, &bytes), 3);
    struct kv_room_result result =
        kv_room_make(fd, &(struct kv_room){
                             .bytes_max = max,
                             .wanted = bytes,
                             .value = kv_disk_value(tokens, cost, bytes, 0),
                             .used_before = INFINITY,
                         });
    close(fd);
    return result;
}

static void check_left(const struct test_case *c, const char *folder)
{
    char left[64] = "", path[1024];
    size_t len = 0;

    for (char letter = 'a'; letter <= 'z'; letter++) {
        path_of_letter(folder, letter, path);
        if (access(path, F_OK) == 0) {
            len += (size_t)snprintf(left + len, sizeof left - len, "%s%c", len ? " " : "",
                                    letter);
        }
    }
    case_equal(c, "left", left, len);
}

static void run_case(const struct test_case *c)
{
    char *folder = documents_folder(), number[32];
    uint64_t max = (uint64_t)case_number(c, "max", -1), freed = 0;
    const char *wanted = case_text(c, "new");

    make_states(folder, case_need(c, "files"));
    if (wanted) {
        struct kv_room_result result = make_room(folder, max, wanted);
        const char *room = result.enough ? "yes" : "no";
        freed = result.freed;
        case_equal(c, "room", room, strlen(room));
        assert_int_equal(result.left, kv_help_bytes(folder));
    } else {
        assert_int_equal(kv_disk_prune(folder, max, &freed, NULL), 0);
    }
    check_left(c, folder);
    int len = snprintf(number, sizeof number, "%llu", (unsigned long long)freed);
    case_equal(c, "freed", number, (size_t)len);
    documents_remove(folder);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/kv_room", run_case);
}

static void test_only_what_was_not_used_lately(void **state)
{
    char *folder = documents_folder(), path[1024];
    struct kv_room room = { .bytes_max = 500, .wanted = 500, .value = INFINITY };
    (void)state;

    make_state(folder, 'a', 100, 1, 1000, 2);
    make_state(folder, 'b', 100, 1, 1000, 0);
    path_of_letter(folder, 'b', path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, NULL);
    room.used_before = (double)st.st_mtim.tv_sec - 60;
    /* Not enough: then none goes. */
    assert_false(kv_room_make(fd, &room).enough);
    assert_int_equal(kv_help_count(folder, ".kv"), 2);
    room.bytes_max = 1500;
    assert_true(kv_room_make(fd, &room).enough);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(kv_help_count(folder, ".kv"), 1);
    close(fd);
    documents_remove(folder);
}

/* A clock was wrong once: such files are as old as any. */
static void test_times_ahead(void **state)
{
    static const char dead[] = KV_HELP_DOC_1 "/0000000000000000000000000000006f.9.tmp";
    char *folder = documents_folder(), path[1024];
    struct kv_room room = { .bytes_max = 1500, .wanted = 1000, .value = INFINITY };
    struct stat st;
    (void)state;

    make_state(folder, 'a', 100, 1, 1000, 0);
    path_of_letter(folder, 'a', path);
    assert_int_equal(stat(path, &st), 0);
    room.used_before = (double)st.st_mtim.tv_sec - 60;
    kv_help_age(path, -400 * day);
    documents_write(folder, dead, "xy", 2);
    snprintf(path, sizeof path, "%s/%s", folder, dead);
    kv_help_age(path, -400 * day);
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, NULL);
    assert_true(kv_room_make(fd, &room).enough);
    assert_int_equal(kv_help_count(folder, ""), 0);
    close(fd);
    documents_remove(folder);
}

static void test_values(void **state)
{
    (void)state;
    assert_true(kv_disk_value(100, 1, 1000, 0) > kv_disk_value(99, 1, 1000, 0));
    assert_true(fabs(kv_disk_value(100, 2, 1000, 7 * day) - 0.1) < 1e-9);
    assert_true(kv_disk_value(100, 1, 1000, -5) <= kv_disk_value(100, 1, 1000, 0));
    assert_true(kv_disk_value(0, 1, 1000, 0) <= 0);
    assert_true(kv_disk_value(100, NAN, 1000, 0) <= 0);
    assert_true(kv_disk_value(100, 1, 0, 0) <= 0);
}

/* --- The whole folder --------------------------------------------------------- */

static void append(void *user, const struct kv_disk_document *d)
{
    struct buf *out = user;

    buf_addf(out, "%.2s %s: %zu states, %lld tokens, %llu bytes\n", d->id, d->name,
             d->n_states, (long long)d->n_tokens, (unsigned long long)d->bytes);
    assert_true(d->used > 1000000000);
}

static void assert_list(const char *folder, const char *expected)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(kv_disk_list(folder, append, &out, NULL), 0);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void put_name(const char *folder, const char *id, const char *name)
{
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, NULL);
    int document = kv_folder_document(fd, id, KV_FOLDER_MAKE);

    assert_true(document >= 0);
    kv_folder_put_name(document, name);
    close(document);
    close(fd);
}

static void test_list(void **state)
{
    char *folder = documents_folder();
    (void)state;

    assert_list("/tmp/legwork-test-not-there", "");
    assert_list(folder, "");
    make_state(folder, 'a', 100, 1, 1000, 2);
    make_state(folder, 'b', 50, 1, 700, 1);
    make_state(folder, 'c', 10, 1, 500, 3);
    put_name(folder, KV_HELP_DOC_1, "report.pdf");
    /* Kept as it was first called; made fit for a terminal. */
    put_name(folder, KV_HELP_DOC_2, "two\nlines \x1b[31m");
    put_name(folder, KV_HELP_DOC_2, "another");
    /* What is not ours does not count. */
    documents_write(folder, "notes.txt", "x", 1);
    documents_write(folder, KV_HELP_DOC_1 "/notes.txt", "x", 1);
    documents_write(folder, "0123/00000000000000000000000000000061.kv", "x", 1);
    assert_list(folder, "ff two lines  [31m: 1 states, 50 tokens, 700 bytes\n"
                        "00 report.pdf: 2 states, 110 tokens, 1500 bytes\n");
    documents_remove(folder);
}

static void test_long_names(void **state)
{
    char *folder = documents_folder(), name[3 * LIMIT_KV_NAME_BYTES + 1], path[1024];
    char got[LIMIT_KV_NAME_BYTES + 1];
    (void)state;

    for (size_t i = 0; i + 1 < sizeof name; i += 2) {
        memcpy(name + i, "\xc3\xa9", 2);
    }
    name[sizeof name - 1] = '\0';
    put_name(folder, KV_HELP_DOC_1, name);
    snprintf(path, sizeof path, "%s/%s", folder, KV_HELP_DOC_1);
    int document = open(path, O_RDONLY | O_DIRECTORY);
    kv_folder_get_name(document, got, sizeof got);
    assert_int_equal(strlen(got), LIMIT_KV_NAME_BYTES - 2);
    assert_memory_equal(got, name, strlen(got));
    close(document);
    documents_remove(folder);
}

static void test_forget(void **state)
{
    char *folder = documents_folder();
    struct kv_disk_freed freed = { .bytes = 7 };
    struct lw_error err;
    (void)state;

    make_state(folder, 'a', 100, 1, 1000, 2);
    make_state(folder, 'b', 50, 1, 700, 1);
    make_state(folder, 'c', 10, 1, 500, 3);
    put_name(folder, KV_HELP_DOC_1, "report.pdf");
    documents_write(folder, KV_HELP_DOC_1 "/0000000000000000000000000000006f.9.tmp", "xy",
                    2);
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, &freed, &err), 0);
    assert_true(freed.there);
    assert_int_equal(freed.n_states, 2);
    assert_int_equal(freed.bytes, 1502);
    assert_int_equal(kv_help_count(folder, ""), 1);
    assert_list(folder, "ff : 1 states, 50 tokens, 700 bytes\n");
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, &freed, &err), 0);
    assert_false(freed.there);
    assert_int_equal(freed.n_states + freed.bytes, 0);
    assert_int_equal(kv_disk_forget("/tmp/legwork-not-there", KV_HELP_DOC_1, NULL, &err),
                     0);
    assert_int_equal(kv_disk_forget(folder, "../etc", NULL, &err), LW_ERR_USAGE);
    assert_int_equal(kv_disk_forget(folder, "", NULL, &err), LW_ERR_USAGE);
    documents_remove(folder);
}

/* What a killed first write leaves: half a file and a name, a name, a bare folder. */
static void test_what_the_killed_left_is_listed(void **state)
{
    char *folder = documents_folder(), path[1024];
    const char *third = "00ff00ff00ff00ff00ff00ff00ff00ff";
    struct kv_disk_freed freed;
    (void)state;

    put_name(folder, KV_HELP_DOC_1, "report.pdf");
    documents_write(folder, KV_HELP_DOC_1 "/0000000000000000000000000000006f.9.tmp", "xy",
                    2);
    put_name(folder, KV_HELP_DOC_2, "notes.txt");
    snprintf(path, sizeof path, "%s/%s", folder, third);
    assert_int_equal(mkdir(path, 0700), 0);
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(kv_disk_list(folder, append, &out, NULL), 0);
    assert_non_null(strstr(out.data, "00 report.pdf: 0 states, 0 tokens, 2 bytes\n"));
    assert_non_null(strstr(out.data, "ff notes.txt: 0 states, 0 tokens, 0 bytes\n"));
    assert_non_null(strstr(out.data, "00 : 0 states, 0 tokens, 0 bytes\n"));
    buf_release(&out);
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, &freed, NULL), 0);
    assert_true(freed.there && freed.n_states == 0 && freed.bytes == 2);
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_2, NULL, NULL), 0);
    assert_int_equal(kv_disk_forget(folder, third, &freed, NULL), 0);
    assert_true(freed.there && freed.n_states == 0 && freed.bytes == 0);
    assert_list(folder, "");
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    documents_remove(folder);
}

/* What is not ours stays, and so does its folder. */
static void test_strange_files_stay(void **state)
{
    char *folder = documents_folder();
    (void)state;

    make_state(folder, 'a', 100, 1, 1000, 2);
    documents_write(folder, KV_HELP_DOC_1 "/notes.txt", "x", 1);
    documents_write(folder, "elsewhere/00000000000000000000000000000061.kv", "x", 1);
    put_name(folder, KV_HELP_DOC_1, "report.pdf");
    struct kv_disk_freed freed;
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, &freed, NULL), 0);
    assert_true(freed.there && freed.n_states == 1);
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, &freed, NULL), 0);
    assert_false(freed.there);
    assert_int_equal(kv_help_count(folder, "notes.txt"), 1);
    assert_int_equal(kv_help_count(folder, ""), 2);
    assert_list(folder, "");
    assert_int_equal(kv_disk_prune(folder, 0, NULL, NULL), 0);
    assert_int_equal(kv_help_count(folder, ""), 2);
    documents_remove(folder);
}

static void test_prune_removes_what_the_dead_left(void **state)
{
    char *folder = documents_folder(), path[1024];
    const char *fresh = KV_HELP_DOC_1 "/0000000000000000000000000000006f.9.tmp";
    const char *old = KV_HELP_DOC_2 "/0000000000000000000000000000006f.9.tmp";
    uint64_t freed;
    (void)state;

    documents_write(folder, fresh, "xy", 2);
    documents_write(folder, old, "xy", 2);
    snprintf(path, sizeof path, "%s/%s", folder, old);
    kv_help_age(path, 2 * 3600);
    assert_int_equal(kv_disk_prune(folder, 1000, &freed, NULL), 0);
    assert_int_equal(kv_help_count(folder, ".tmp"), 1);
    /* One that may be being written stays, and keeps no other from going. */
    make_state(folder, 'a', 100, 1, 1000, 2);
    assert_int_equal(kv_disk_prune(folder, 0, &freed, NULL), 0);
    assert_int_equal(freed, 1000);
    assert_int_equal(kv_help_count(folder, ".tmp"), 1);
    /* And folders in which nothing is left. */
    snprintf(path, sizeof path, "%s/%s", folder, KV_HELP_DOC_2);
    assert_int_not_equal(access(path, F_OK), 0);
    documents_remove(folder);
}

/* --- What the folder must not be ---------------------------------------------- */

static void test_links_and_files_in_its_place(void **state)
{
    char *folder = documents_folder(), path[1024], with_slash[1025];
    struct lw_error err;
    (void)state;

    make_state(folder, 'a', 100, 1, 1000, 2);
    snprintf(path, sizeof path, "%s-link", folder);
    snprintf(with_slash, sizeof with_slash, "%s/", path);
    assert_int_equal(symlink(folder, path), 0);
    assert_int_equal(kv_disk_list(path, append, NULL, &err), LW_ERR_LOCAL);
    assert_int_equal(kv_disk_list(with_slash, append, NULL, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "it is no folder, or a link"));
    assert_int_equal(kv_disk_prune(path, 0, NULL, &err), LW_ERR_LOCAL);
    assert_int_equal(kv_disk_forget(path, KV_HELP_DOC_1, NULL, &err), LW_ERR_LOCAL);
    unlink(path);
    assert_int_equal(chmod(folder, 0720), 0);
    assert_int_equal(kv_disk_prune(folder, 0, NULL, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "others may write to it"));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(kv_help_count(folder, ".kv"), 1);
    documents_write(folder, "file", "x", 1);
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(kv_disk_list(path, append, NULL, &err), LW_ERR_LOCAL);
    documents_remove(folder);
}

/* A link in place of a document's folder leads nowhere. */
static void test_a_document_that_is_a_link(void **state)
{
    char *folder = documents_folder(), *outside = documents_folder(), path[1024];
    struct lw_error err;
    (void)state;

    make_state(outside, 'a', 100, 1, 1000, 2);
    snprintf(path, sizeof path, "%s/%s", outside, KV_HELP_DOC_1);
    char link_path[1024];
    snprintf(link_path, sizeof link_path, "%s/%s", folder, KV_HELP_DOC_1);
    assert_int_equal(symlink(path, link_path), 0);
    assert_list(folder, "");
    assert_int_equal(kv_disk_prune(folder, 0, NULL, &err), 0);
    assert_int_equal(kv_disk_forget(folder, KV_HELP_DOC_1, NULL, &err), LW_ERR_LOCAL);
    assert_int_equal(kv_help_count(outside, ".kv"), 1);
    documents_remove(folder);
    documents_remove(outside);
}

/* A link with the name of a state: the link goes, what it leads to stays. */
static void test_a_state_that_is_a_link(void **state)
{
    char *folder = documents_folder(), *outside = documents_folder(), path[1024];
    char target[1024];
    (void)state;

    documents_write(outside, "precious", "x", 1);
    make_state(folder, 'a', 100, 1, 1000, 2);
    path_of_letter(folder, 'c', path);
    snprintf(target, sizeof target, "%s/precious", outside);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(kv_disk_prune(folder, 0, NULL, NULL), 0);
    assert_int_equal(kv_help_count(folder, ""), 0);
    assert_int_equal(kv_help_count(outside, ""), 1);
    documents_remove(folder);
    documents_remove(outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_only_what_was_not_used_lately),
        cmocka_unit_test(test_times_ahead),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_what_the_killed_left_is_listed),
        cmocka_unit_test(test_strange_files_stay),
        cmocka_unit_test(test_prune_removes_what_the_dead_left),
        cmocka_unit_test(test_links_and_files_in_its_place),
        cmocka_unit_test(test_a_document_that_is_a_link),
        cmocka_unit_test(test_a_state_that_is_a_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
