/* test_kv_disk.c - the store on disk: one process, several, and all that goes wrong.
 *
 * Children report by their exit status: cmocka's assertions are the parent's. */
#include "base/clock.h"
#include "documents.h"
#include "engine/kv_disk.h"
#include "kv_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t roomy = UINT64_C(1) << 30;
static const char doc[] = KV_HELP_DOC_1, doc_2[] = KV_HELP_DOC_2;

/* Of a file of KV_HELP_STATE bytes of state. */
static uint64_t file_bytes(void)
{
    return 72 + sizeof KV_HELP_ORIGIN - 1 + KV_HELP_TOKENS * 4 + KV_HELP_STATE;
}

static void save(struct kv_disk *d, const char *document, int i)
{
    kv_help_save(d, document, i, KV_HELP_STATE);
    kv_disk_flush(d);
}

/* --- One process ---------------------------------------------------------------- */

static void test_round_trip(void **state)
{
    char *folder = documents_folder(), *deep = malloc(1024);
    struct kv_help_notices notices = { 0 };
    (void)state;

    snprintf(deep, 1024, "%s/not/yet/there/", folder);
    struct kv_disk *d = kv_help_open(deep, roomy, &notices);
    assert_int_equal(kv_help_load(d, doc, 1), 0);
    assert_false(kv_help_has(d, doc, 1));
    save(d, doc, 1);
    assert_true(kv_help_has(d, doc, 1));
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    assert_int_equal(kv_help_load(d, doc, 2), 0);
    assert_int_equal(kv_help_load(d, doc_2, 1), 0);
    kv_disk_close(d);
    /* And in the next run. */
    d = kv_help_open(deep, roomy, &notices);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    kv_disk_close(d);
    assert_int_equal(notices.n, 0);
    assert_int_equal(kv_help_count(deep, ".tmp"), 0);
    kv_disk_close(NULL);
    free(deep);
    documents_remove(folder);
}

static void test_close_writes_all(void **state)
{
    char *folder = documents_folder();
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    for (int i = 0; i < 50; i++) {
        kv_help_save(d, i % 2 ? doc : doc_2, i, KV_HELP_STATE);
    }
    kv_disk_close(d);
    assert_int_equal(kv_help_count(folder, ".kv"), 50);
    assert_int_equal(kv_help_count(folder, "name"), 2);
    documents_remove(folder);
}

static void test_another_origin_shares_nothing(void **state)
{
    char *folder = documents_folder();
    int32_t tokens[KV_HELP_TOKENS];
    size_t bytes;
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    save(d, doc, 1);
    struct kv_disk *other = kv_disk_open(&(struct kv_disk_options){
        .folder = folder, .bytes_max = roomy, .origin = "another", .token_cost = 1 });
    kv_help_tokens(1, tokens);
    assert_false(kv_disk_has(other, doc, tokens, KV_HELP_TOKENS));
    assert_null(kv_disk_load(other, doc, tokens, KV_HELP_TOKENS, &bytes));
    kv_disk_save(other, doc, NULL, tokens, KV_HELP_TOKENS, (const unsigned char *)"x", 1);
    kv_disk_close(other);
    assert_int_equal(kv_help_count(folder, ".kv"), 2);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    kv_disk_close(d);
    documents_remove(folder);
}

static void test_what_is_there_stays_as_it_is(void **state)
{
    char *folder = documents_folder(), path[1024];
    struct stat before, after;
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    save(d, doc, 1);
    kv_help_path(folder, doc, 1, path);
    assert_int_equal(stat(path, &before), 0);
    for (int i = 0; i < 5; i++) {
        kv_help_save(d, doc, 1, KV_HELP_STATE);
    }
    kv_disk_close(d);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    documents_remove(folder);
}

static void test_use_is_noted(void **state)
{
    char *folder = documents_folder(), path[1024];
    struct stat before, after;
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    save(d, doc, 1);
    kv_help_path(folder, doc, 1, path);
    kv_help_age(path, 5000);
    assert_int_equal(stat(path, &before), 0);
    assert_true(kv_help_has(d, doc, 1));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_mtime, after.st_mtime);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_mtime > before.st_mtime + 4000);
    int32_t tokens[KV_HELP_TOKENS];
    kv_help_tokens(1, tokens);
    kv_help_age(path, 5000);
    assert_true(kv_disk_use(d, doc, tokens, KV_HELP_TOKENS));
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_mtime > before.st_mtime + 4000);
    assert_false(kv_disk_use(d, doc_2, tokens, KV_HELP_TOKENS));
    kv_disk_close(d);
    documents_remove(folder);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return (unsigned)st.st_mode & 07777;
}

static void test_modes_whatever_the_umask(void **state)
{
    const mode_t masks[] = { 0, 022, 0777 };
    (void)state;

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        char *folder = documents_folder(), path[1024], deep[512];
        snprintf(deep, sizeof deep, "%s/new/store", folder);
        mode_t old = umask(masks[i]);
        struct kv_disk *d = kv_help_open(deep, roomy, NULL);
        save(d, doc, 1);
        kv_disk_close(d);
        umask(old);
        assert_int_equal(mode_of(deep), 0700);
        kv_help_path(deep, doc, 1, path);
        assert_int_equal(mode_of(path), 0600);
        snprintf(path, sizeof path, "%s/%s", deep, doc);
        assert_int_equal(mode_of(path), 0700);
        snprintf(path, sizeof path, "%s/%s/name", deep, doc);
        assert_int_equal(mode_of(path), 0600);
        documents_remove(folder);
    }
}

/* Names that are no ids go nowhere. */
static void test_ids_are_checked(void **state)
{
    const char *const ids[] = { "",
                                "..",
                                "../" KV_HELP_DOC_1,
                                KV_HELP_DOC_1 "/",
                                KV_HELP_DOC_1 "0",
                                "00112233445566778899AABBCCDDEEFF" };
    char *folder = documents_folder();
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        save(d, ids[i], 1);
        assert_false(kv_help_has(d, ids[i], 1));
        assert_int_equal(kv_help_load(d, ids[i], 1), 0);
    }
    kv_disk_close(d);
    assert_int_equal(kv_help_count(folder, ""), 0);
    documents_remove(folder);
}

/* --- Files that are wrong ------------------------------------------------------- */

static void change_byte(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Loading it gives nothing, one notice, and no file any more; then it is written
 * again as if it had never been there. */
static void assert_dropped(struct kv_disk *d, const char *path,
                           struct kv_help_notices *notices, const char *why)
{
    struct stat st;
    int before = notices->n;

    assert_int_equal(kv_help_load(d, doc, 1), 0);
    assert_int_equal(notices->n, before + 1);
    assert_non_null(strstr(notices->last, why));
    assert_non_null(strstr(notices->last, path));
    assert_int_not_equal(lstat(path, &st), 0);
    assert_int_equal(kv_help_load(d, doc, 1), 0);
    assert_int_equal(notices->n, before + 1);
    save(d, doc, 1);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
}

static void test_wrong_files_are_dropped(void **state)
{
    char *folder = documents_folder(), path[1024], other[1024];
    struct kv_help_notices notices = { 0 };
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    save(d, doc, 2);
    kv_help_path(folder, doc, 1, path);
    kv_help_path(folder, doc, 2, other);
    change_byte(path, (off_t)file_bytes() - 1);
    assert_dropped(d, path, &notices, "its checksum is wrong");
    change_byte(path, 8);
    assert_dropped(d, path, &notices, "it is of another version");
    assert_int_equal(truncate(path, 100), 0);
    assert_dropped(d, path, &notices, "it is not as long as it says");
    assert_int_equal(truncate(path, 0), 0);
    assert_dropped(d, path, &notices, "it cannot be read to its end");
    assert_int_equal(rename(other, path), 0);
    assert_dropped(d, path, &notices, "it is of another model or text");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_dropped(d, path, &notices, "it is no file");
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_dropped(d, path, &notices, "it is a link");
    assert_int_equal(kv_help_load(d, doc, 2), 0);
    kv_disk_close(d);
    documents_remove(folder);
}

/* What a process left that was killed is in nobody's way, were it of our number. It may
 * be being written: only when it is old the next to write removes it. */
static void test_an_unfinished_file_is_not_in_the_way(void **state)
{
    char *folder = documents_folder(), path[1024], part[1100], ending[32];
    struct kv_help_notices notices = { 0 };
    struct stat st;
    (void)state;

    kv_help_path(folder, doc, 1, path);
    snprintf(ending, sizeof ending, "%ld.tmp", (long)getpid());
    snprintf(part, sizeof part, "%.*s%s", (int)strlen(path) - 2, path, ending);
    documents_write(folder, part + strlen(folder) + 1, "half", 4);
    struct kv_disk *d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    assert_int_equal(stat(part, &st), 0);
    assert_int_equal(st.st_size, 4);
    kv_disk_close(d);
    kv_help_age(part, 2 * 3600);
    d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 2);
    assert_int_equal(kv_help_load(d, doc, 2), 1);
    kv_disk_close(d);
    assert_int_equal(notices.n, 0);
    assert_int_equal(kv_help_count(folder, ".tmp"), 0);
    documents_remove(folder);
}

/* --- Why it is not there -------------------------------------------------------- */

static void test_what_was_not_written_has_a_reason(void **state)
{
    char *folder = documents_folder(), path[1024];
    struct kv_help_notices notices = { 0 };
    struct lw_error err;
    (void)state;

    struct kv_disk *d = kv_help_open(folder, 100, &notices);
    assert_int_equal(kv_disk_check(d, &err), 0);
    save(d, doc, 1);
    assert_int_equal(kv_disk_check(d, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "no room"));
    assert_int_equal(kv_disk_check(d, &err), 0); /* once */
    kv_disk_close(d);
    /* A file has the name of the document's folder. */
    documents_write(folder, KV_HELP_DOC_2, "", 0);
    d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    assert_int_equal(kv_disk_check(d, &err), 0);
    save(d, KV_HELP_DOC_2, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kv_disk_check(d, &err), LW_ERR_LOCAL);
        assert_non_null(strstr(err.message, "Not a directory"));
    }
    kv_disk_close(d);
    /* And one that of the store's own. */
    snprintf(path, sizeof path, "%s/%s", folder, KV_HELP_DOC_2);
    d = kv_help_open(path, roomy, &notices);
    assert_int_equal(kv_disk_check(d, &err), LW_ERR_LOCAL);
    kv_disk_close(d);
    documents_remove(folder);
}

/* --- Room ----------------------------------------------------------------------- */

static int count_loaded(struct kv_disk *d, int from, int to)
{
    int n = 0;

    for (int i = from; i < to; i++) {
        n += kv_help_load(d, doc, i);
    }
    return n;
}

static void age_all(const char *folder, int n)
{
    char path[1024];

    for (int i = 0; i < n; i++) {
        kv_help_path(folder, doc, i, path);
        kv_help_age(path, 3600 * (100 - i));
    }
}

static void test_the_oldest_give_way(void **state)
{
    char *folder = documents_folder();
    uint64_t max = 20 * file_bytes();
    struct kv_help_notices notices = { 0 };
    (void)state;

    struct kv_disk *d = kv_help_open(folder, max, &notices);
    for (int i = 0; i < 19; i++) {
        kv_help_save(d, doc, i, KV_HELP_STATE);
    }
    kv_disk_close(d);
    assert_int_equal(kv_help_count(folder, ".kv"), 19);
    age_all(folder, 19);
    d = kv_help_open(folder, max, &notices);
    assert_int_equal(kv_help_load(d, doc, 0), 1); /* used: not the oldest any more */
    for (int i = 30; i < 35; i++) {
        save(d, doc, i);
        assert_true(kv_help_bytes(folder) <= max);
    }
    assert_true(kv_help_has(d, doc, 0));
    assert_int_equal(count_loaded(d, 30, 35), 5);
    assert_int_equal(count_loaded(d, 1, 5), 0);
    assert_int_equal(count_loaded(d, 10, 19), 9);
    kv_disk_close(d);
    assert_int_equal(notices.n, 0);
    documents_remove(folder);
}

/* What others write is noticed before it has become much. */
static void test_others_write_too(void **state)
{
    char *folder = documents_folder();
    uint64_t max = 20 * file_bytes();
    (void)state;

    struct kv_disk *d = kv_help_open(folder, max, NULL);
    save(d, doc, 30);
    struct kv_disk *other = kv_help_open(folder, max, NULL);
    for (int i = 0; i < 15; i++) {
        save(other, doc, i);
    }
    kv_disk_close(other);
    age_all(folder, 15);
    for (int i = 31; i < 45; i++) {
        save(d, doc, i);
        assert_true(kv_help_bytes(folder) <= max + 2 * file_bytes());
    }
    assert_int_equal(count_loaded(d, 30, 45), 15);
    kv_disk_close(d);
    documents_remove(folder);
}

/* A document that is larger than the folder, read in rounds: what fits stays. */
static void test_a_run_spares_its_own(void **state)
{
    char *folder = documents_folder();
    uint64_t max = 10 * file_bytes() + 500;
    (void)state;

    for (int round = 0; round < 4; round++) {
        struct kv_disk *d = kv_help_open(folder, max, NULL);
        int found = 0;
        for (int i = 0; i < 20; i++) {
            int loaded = kv_help_load(d, doc, i);
            assert_true(loaded >= 0);
            found += loaded;
            if (!loaded) {
                save(d, doc, i);
            }
        }
        assert_int_equal(found, round == 0 ? 0 : 10);
        assert_int_equal(kv_help_count(folder, ".kv"), 10);
        kv_disk_close(d);
    }
    documents_remove(folder);
}

static void test_one_that_is_too_large(void **state)
{
    char *folder = documents_folder();
    struct kv_help_notices notices = { 0 };
    (void)state;

    struct kv_disk *d = kv_help_open(folder, 2 * file_bytes(), &notices);
    save(d, doc, 1);
    kv_help_save(d, doc, 2, 3 * KV_HELP_STATE);
    kv_help_save(d, doc, 3, 0);
    kv_disk_close(d);
    d = kv_help_open(folder, 0, &notices);
    save(d, doc, 4);
    assert_int_equal(kv_help_load(d, doc, 1), 1);
    kv_disk_close(d);
    assert_int_equal(kv_help_count(folder, ".kv"), 1);
    assert_int_equal(notices.n, 0);
    documents_remove(folder);
}

/* --- Disks that refuse ---------------------------------------------------------- */

/* A status of its own for each thing that a child finds wrong. */
static int limited_child(void *arg)
{
    const char *folder = arg;
    struct kv_help_notices notices = { 0 };
    struct rlimit limit = { .rlim_cur = KV_HELP_STATE * 2,
                            .rlim_max = KV_HELP_STATE * 2 };

    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    struct kv_disk *d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    kv_help_save(d, doc, 2, KV_HELP_STATE * 3);
    kv_help_save(d, doc, 3, KV_HELP_STATE * 3);
    kv_disk_flush(d);
    if (notices.n != 1) return 2;
    if (!strstr(notices.last, "is not kept on disk")) return 3;
    if (kv_help_load(d, doc, 1) != 1) return 4;
    if (kv_help_has(d, doc, 2) || kv_help_has(d, doc, 3)) return 5;
    save(d, doc, 4); /* would fit, but this run writes no more */
    if (kv_help_has(d, doc, 4)) return 6;
    kv_disk_close(d);
    return notices.n == 1 && kv_help_count(folder, ".tmp") == 0 ? 0 : 7;
}

/* The limit also sends a signal that would end the process. */
static void test_a_disk_that_is_full(void **state)
{
    char *folder = documents_folder();
    (void)state;

    assert_int_equal(kv_help_in_child(limited_child, folder), 0);
    documents_remove(folder);
}

/* Root may write anywhere, so the child is somebody else. */
static int become_nobody(const char *folder)
{
    const uid_t nobody = 65534;

    if (geteuid() != 0) {
        return 0;
    }
    return chown(folder, nobody, nobody) || setgid(nobody) || setuid(nobody);
}

static int read_only_child(void *arg)
{
    const char *folder = arg;
    struct kv_help_notices notices = { 0 };
    char path[1024], below[1024];

    if (become_nobody(folder) != 0) return 1;
    struct kv_disk *d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    kv_help_path(folder, doc, 1, path);
    *strrchr(path, '/') = '\0';
    if (chmod(path, 0500) != 0 || chmod(folder, 0500) != 0) return 2;
    save(d, doc, 2);
    save(d, doc_2, 3);
    if (notices.n != 1 || !strstr(notices.last, "Permission denied")) return 3;
    if (kv_help_load(d, doc, 1) != 1) return 4;
    kv_disk_close(d);
    snprintf(below, sizeof below, "%s/below", folder);
    d = kv_help_open(below, roomy, &notices);
    save(d, doc, 4);
    if (notices.n != 2 || kv_help_has(d, doc, 4) || kv_help_load(d, doc, 4)) return 5;
    kv_disk_close(d);
    if (chmod(path, 0700) != 0 || chmod(folder, 0700) != 0) return 6;
    return notices.n == 2 ? 0 : 7;
}

static void test_a_folder_that_is_only_to_be_read(void **state)
{
    char *folder = documents_folder();
    (void)state;

    assert_int_equal(kv_help_in_child(read_only_child, folder), 0);
    documents_remove(folder);
}

static int others_file_child(void *arg)
{
    int32_t tokens[KV_HELP_TOKENS];

    if (become_nobody(arg) != 0) return 1;
    struct kv_disk *d = kv_help_open(arg, roomy, NULL);
    kv_help_tokens(1, tokens);
    if (!kv_disk_use(d, doc, tokens, KV_HELP_TOKENS)) return 2;
    kv_help_tokens(2, tokens);
    if (kv_disk_use(d, doc, tokens, KV_HELP_TOKENS)) return 3;
    if (kv_help_load(d, doc, 1) != 1) return 4;
    kv_disk_close(d);
    return 0;
}

/* As on a file system that may only be read: what is there is there, though it cannot be
 * marked as used. */
static void test_a_file_whose_time_stays(void **state)
{
    char *folder = documents_folder(), path[1024];
    (void)state;

    if (geteuid() != 0) {
        documents_remove(folder);
        skip();
    }
    struct kv_disk *d = kv_help_open(folder, roomy, NULL);
    save(d, doc, 1);
    kv_disk_close(d);
    kv_help_path(folder, doc, 1, path);
    assert_int_equal(chmod(path, 0444), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(kv_help_in_child(others_file_child, folder), 0);
    documents_remove(folder);
}

/* One notice, and everything else as if it were empty. */
static void assert_unusable(const char *path, const char *why)
{
    struct kv_help_notices notices = { 0 };
    struct kv_disk *d = kv_help_open(path, roomy, &notices);

    assert_int_equal(notices.n, 1);
    assert_non_null(strstr(notices.last, why));
    save(d, doc, 1);
    assert_false(kv_help_has(d, doc, 1));
    assert_int_equal(kv_help_load(d, doc, 1), 0);
    kv_disk_close(d);
    assert_int_equal(notices.n, 1);
}

static void test_no_folder_to_be_had(void **state)
{
    char *folder = documents_folder(), path[1024], long_path[6000];
    (void)state;

    documents_write(folder, "file", "x", 1);
    snprintf(path, sizeof path, "%s/file", folder);
    assert_unusable(path, "it is no folder, or a link");
    snprintf(path, sizeof path, "%s/file/below", folder);
    assert_unusable(path, "Not a directory");
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink(folder, path), 0);
    assert_unusable(path, "it is no folder, or a link");
    snprintf(path, sizeof path, "%s/link/", folder);
    assert_unusable(path, "it is no folder, or a link");
    assert_unusable("", "no folder has such a name");
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_unusable(long_path, "no folder has such a name");
    assert_int_equal(chmod(folder, 0777), 0);
    assert_unusable(folder, "others may write to it");
    assert_int_equal(kv_help_count(folder, ""), 2);
    documents_remove(folder);
}

static void test_a_document_that_is_a_link(void **state)
{
    char *folder = documents_folder(), *outside = documents_folder(), path[1024];
    struct kv_help_notices notices = { 0 };
    (void)state;

    struct kv_disk *d = kv_help_open(outside, roomy, &notices);
    save(d, doc, 1);
    kv_disk_close(d);
    char target[1024];
    snprintf(target, sizeof target, "%s/%s", outside, doc);
    snprintf(path, sizeof path, "%s/%s", folder, doc);
    assert_int_equal(symlink(target, path), 0);
    d = kv_help_open(folder, roomy, &notices);
    assert_false(kv_help_has(d, doc, 1));
    assert_int_equal(kv_help_load(d, doc, 1), 0);
    save(d, doc, 2);
    save(d, doc, 3);
    kv_disk_close(d);
    assert_int_equal(notices.n, 1);
    assert_int_equal(kv_help_count(outside, ".kv"), 1);
    documents_remove(folder);
    documents_remove(outside);
}

/* The folder goes while the store is open: the user is free to do so. */
static void test_a_folder_that_is_removed(void **state)
{
    char *folder = documents_folder();
    struct kv_help_notices notices = { 0 };
    (void)state;

    struct kv_disk *d = kv_help_open(folder, roomy, &notices);
    save(d, doc, 1);
    documents_remove(folder);
    assert_int_equal(kv_help_load(d, doc, 1), 0);
    save(d, doc, 2);
    assert_false(kv_help_has(d, doc, 2));
    kv_disk_close(d);
    assert_int_equal(notices.n, 0);
}

/* --- Several at once ------------------------------------------------------------ */

enum { KEYS = 24, ROOM_FOR = 10, OPERATIONS = 400 };

struct crowd {
    const char *folder;
    unsigned seed;
    int wrong; /* a status; 0: nothing */
};

/* Save, load, grow old, evict, forget. Whatever is loaded has to be right. */
static void act(struct crowd *c)
{
    struct documents_random random = { .state = c->seed };
    struct kv_help_notices notices = { 0 };
    char path[1024];
    struct kv_disk *d = kv_help_open(c->folder, ROOM_FOR * file_bytes() + 500, &notices);

    for (int n = 0; n < OPERATIONS && !c->wrong; n++) {
        int i = (int)documents_random(&random, KEYS);
        const char *document = i % 3 ? doc : doc_2;
        unsigned what = documents_random(&random, 20);
        if (what < 8) {
            c->wrong = kv_help_load(d, document, i) < 0 ? 10 : 0;
        } else if (what < 15) {
            kv_help_save(d, document, i, KV_HELP_STATE);
        } else if (what < 18) {
            kv_help_path(c->folder, document, i, path);
            kv_help_age(path, documents_random(&random, 1000000));
        } else if (what < 19) {
            kv_disk_flush(d);
        } else if (kv_disk_forget(c->folder, document, NULL, NULL) != 0) {
            c->wrong = 11;
        }
    }
    kv_disk_close(d);
    if (notices.n > 0 && !c->wrong) {
        fprintf(stderr, "%s\n", notices.last);
        c->wrong = 12;
    }
}

/* All that is left is right, no more than is allowed, and nothing half done. */
static void assert_sound(const char *folder, int writers)
{
    struct kv_help_notices notices = { 0 };
    struct kv_disk *d = kv_help_open(folder, roomy, &notices);

    for (int i = 0; i < KEYS; i++) {
        assert_true(kv_help_load(d, i % 3 ? doc : doc_2, i) >= 0);
    }
    kv_disk_close(d);
    assert_int_equal(notices.n, 0);
    assert_int_equal(kv_help_count(folder, ".tmp"), 0);
    assert_true(kv_help_count(folder, ".kv") <= ROOM_FOR + writers);
}

static void test_processes_at_once(void **state)
{
    char *folder = documents_folder();
    pid_t children[3];
    (void)state;

    for (unsigned i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct crowd c = { .folder = folder, .seed = i + 1 };
            act(&c);
            _exit(c.wrong);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_sound(folder, 3);
    documents_remove(folder);
}

static void *act_in_thread(void *arg)
{
    act(arg);
    return NULL;
}

/* Several stores of one process give their unfinished files the same names. */
static void test_threads_at_once(void **state)
{
    char *folder = documents_folder();
    struct crowd crowd[3] = { { .wrong = 0 } };
    pthread_t threads[3];
    (void)state;

    for (unsigned i = 0; i < 3; i++) {
        crowd[i] = (struct crowd){ .folder = folder, .seed = i + 7 };
        assert_int_equal(pthread_create(&threads[i], NULL, act_in_thread, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowd[i].wrong, 0);
    }
    assert_sound(folder, 3);
    documents_remove(folder);
}

/* --- Killed --------------------------------------------------------------------- */

enum { LARGE_STATE = 300 * 1000 };

static void write_for_ever(const char *folder, int from)
{
    struct kv_disk *d = kv_help_open(folder, roomy, NULL);

    for (int i = from;; i++) {
        kv_help_save(d, doc, i, LARGE_STATE);
    }
}

/* Wherever a writer is when it dies, a file that has its name is whole. */
static void test_killed_while_writing(void **state)
{
    char *folder = documents_folder();
    struct documents_random random = { .state = 5 };
    struct kv_help_notices notices = { 0 };
    int written = 0;
    (void)state;

    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            write_for_ever(folder, round * 1000);
        }
        clock_sleep_ms((int)documents_random(&random, 30));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct kv_disk *d = kv_help_open(folder, roomy, &notices);
        for (int i = round * 1000; kv_help_has(d, doc, i); i++) {
            assert_int_equal(kv_help_load(d, doc, i), 1);
            written++;
        }
        kv_disk_close(d);
        assert_int_equal(notices.n, 0);
    }
    print_message("%d states written by 20 writers that were killed, %d unfinished\n",
                  written, kv_help_count(folder, ".tmp"));
    assert_int_equal(kv_help_count(folder, ".kv"), written);
    documents_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: a child of a process with threads could not be watched for races. */
        cmocka_unit_test(test_a_disk_that_is_full),
        cmocka_unit_test(test_a_folder_that_is_only_to_be_read),
        cmocka_unit_test(test_processes_at_once),
        cmocka_unit_test(test_killed_while_writing),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_close_writes_all),
        cmocka_unit_test(test_another_origin_shares_nothing),
        cmocka_unit_test(test_what_is_there_stays_as_it_is),
        cmocka_unit_test(test_use_is_noted),
        cmocka_unit_test(test_modes_whatever_the_umask),
        cmocka_unit_test(test_ids_are_checked),
        cmocka_unit_test(test_wrong_files_are_dropped),
        cmocka_unit_test(test_an_unfinished_file_is_not_in_the_way),
        cmocka_unit_test(test_what_was_not_written_has_a_reason),
        cmocka_unit_test(test_the_oldest_give_way),
        cmocka_unit_test(test_others_write_too),
        cmocka_unit_test(test_a_run_spares_its_own),
        cmocka_unit_test(test_one_that_is_too_large),
        cmocka_unit_test(test_a_file_whose_time_stays),
        cmocka_unit_test(test_no_folder_to_be_had),
        cmocka_unit_test(test_a_document_that_is_a_link),
        cmocka_unit_test(test_a_folder_that_is_removed),
        cmocka_unit_test(test_threads_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
