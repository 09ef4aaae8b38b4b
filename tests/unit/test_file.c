/* test_file.c - whole files: read, replaced, and what is left where that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 256 };

struct place {
    char folder[PATH_BYTES], path[PATH_BYTES + 32];
};

static int make_place(void **state)
{
    static struct place p;
    snprintf(p.folder, sizeof p.folder, "/tmp/legwork-file-XXXXXX");
    if (!mkdtemp(p.folder)) return -1;
    snprintf(p.path, sizeof p.path, "%s/a/b/x.json", p.folder);
    *state = &p;
    return 0;
}

static int remove_place(void **state)
{
    const struct place *p = *state;
    char path[PATH_BYTES + 8];
    unlink(p->path);
    snprintf(path, sizeof path, "%s/a/b", p->folder);
    rmdir(path);
    path[strlen(path) - 2] = '\0';
    rmdir(path);
    return rmdir(p->folder);
}

static size_t count_files(const char *folder)
{
    DIR *d = opendir(folder);
    size_t n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void assert_content(const char *path, const char *content)
{
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(file_read(path, &b, NULL), 0);
    assert_string_equal(b.data, content);
    buf_release(&b);
}

static void test_replace(void **state)
{
    const struct place *p = *state;
    struct stat st;
    char folder[PATH_BYTES + 8];
    assert_int_equal(file_make_folders(p->path, NULL), 0);
    assert_int_equal(file_make_folders(p->path, NULL), 0);
    assert_int_equal(file_replace(p->path, "one", 3, NULL), 0);
    assert_content(p->path, "one");
    assert_int_equal(file_replace(p->path, "second", 6, NULL), 0);
    assert_content(p->path, "second");
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(folder, sizeof folder, "%s/a/b", p->folder);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(count_files(folder), 1);
}

static void test_replace_where_nothing_can_be(void **state)
{
    const struct place *p = *state;
    char folder[PATH_BYTES + 8], below[PATH_BYTES + 64];
    struct lw_error err;
    snprintf(folder, sizeof folder, "%s/a/b", p->folder);
    assert_int_equal(file_make_folders(p->path, NULL), 0);
    assert_int_equal(mkdir(p->path, 0700), 0); /* a folder has the name */
    assert_int_equal(file_replace(p->path, "one", 3, &err), LW_ERR);
    assert_non_null(strstr(err.message, "x.json"));
    assert_int_equal(count_files(folder), 1);
    assert_int_equal(rmdir(p->path), 0);
    assert_int_equal(file_replace(p->path, "one", 3, NULL), 0);
    snprintf(below, sizeof below, "%s/sub/y", p->path); /* a file is no folder */
    assert_int_equal(file_make_folders(below, &err), LW_ERR);
    assert_int_equal(file_replace(below, "one", 3, &err), LW_ERR);
}

/* Links with the name that a process of our number might take. */
static void test_links_are_not_followed(void **state)
{
    const struct place *p = *state;
    char temp[PATH_BYTES + 64], other[PATH_BYTES + 32], again[PATH_BYTES + 64];
    assert_int_equal(file_make_folders(p->path, NULL), 0);
    snprintf(temp, sizeof temp, "%s.%ld.tmp", p->path, (long)getpid());
    snprintf(other, sizeof other, "%s/a/b/other", p->folder);
    assert_int_equal(file_replace(other, "kept", 4, NULL), 0);
    assert_int_equal(symlink(other, temp), 0);
    assert_int_equal(file_replace(p->path, "one", 3, NULL), 0);
    assert_content(other, "kept");
    assert_content(p->path, "one");
    unlink(temp);
    unlink(other);
    int first = file_open_beside(p->path, 0600, temp, sizeof temp);
    int second = file_open_beside(p->path, 0600, again, sizeof again);
    assert_true(first >= 0 && second >= 0);
    assert_string_not_equal(temp, again);
    close(first);
    close(second);
    unlink(temp);
    unlink(again);
    assert_int_equal(file_open_beside(p->path, 0600, temp, 8), -1);
}

static void test_read_has_a_maximum(void **state)
{
    const struct place *p = *state;
    struct lw_error err;
    struct buf b;
    assert_int_equal(file_make_folders(p->path, NULL), 0);
    assert_int_equal(file_replace(p->path, "12345", 5, NULL), 0);
    buf_init(&b, 4);
    assert_int_equal(file_read(p->path, &b, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "larger than 4 bytes"));
    assert_int_equal(file_read("/nowhere/at/all", &b, &err), LW_ERR_INPUT);
    buf_release(&b);
}

static void test_name(void **state)
{
    (void)state;
    assert_string_equal(file_name("/a/b/c.gguf"), "c.gguf");
    assert_string_equal(file_name("c.gguf"), "c.gguf");
    assert_string_equal(file_name("a/"), "");
    assert_string_equal(file_name(""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replace, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_replace_where_nothing_can_be, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_read_has_a_maximum, make_place,
                                        remove_place),
        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
