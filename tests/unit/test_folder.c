/* test_folder.c - what of a folder is read, in which order, and what is said
 * of the rest. */
#include "documents.h"

#include "base/buf.h"
#include "base/limits.h"
#include "text/load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char *folder;
    struct doc_set set;
    struct documents_warnings warnings;
    struct lw_error err;
};

static void world_init(struct world *w)
{
    *w = (struct world){ .folder = documents_folder() };
    doc_set_init(&w->set);
}

static void world_release(struct world *w)
{
    doc_set_release(&w->set);
    documents_remove(w->folder);
}

static void put(struct world *w, const char *name, const char *text)
{
    documents_write(w->folder, name, text, strlen(text));
}

static int load(struct world *w, const char *below)
{
    struct load_options opt = documents_options(&w->warnings);
    char path[1200];
    snprintf(path, sizeof path, "%s%s", w->folder, below);
    return load_path(&w->set, path, &opt, &w->err);
}

/* The names of the documents below the folder, with blanks between. */
static void check_names(const struct world *w, const char *want)
{
    struct buf names;
    buf_init(&names, 1 << 16);
    for (size_t i = 0; i < w->set.n_docs; i++) {
        const char *below = w->set.docs[i]->name + strlen(w->folder) + 1;
        buf_addf(&names, i > 0 ? " %s" : "%s", below);
    }
    assert_string_equal(names.data, want);
    buf_release(&names);
}

static void test_order_and_ids(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "b.txt", "b");
    put(&w, "a/z.txt", "z");
    put(&w, "a/B.txt", "B");
    put(&w, "c/d/e.txt", "e");
    put(&w, "a.txt", "a");
    assert_int_equal(load(&w, "/"), 0);
    check_names(&w, "a/B.txt a/z.txt a.txt b.txt c/d/e.txt");
    assert_string_equal(w.set.docs[4]->id, "d5");
    assert_int_equal(w.warnings.n, 0);
    world_release(&w);
}

static void test_left_out(void **state)
{
    (void)state;
    struct world w;
    char link[1200], target[1200];
    world_init(&w);
    put(&w, "a.txt", "a");
    put(&w, ".hidden", "h");
    put(&w, ".dir/x.txt", "x");
    put(&w, "empty.txt", "");
    documents_write(w.folder, "one.bin", "\0\1\2", 3);
    documents_write(w.folder, "sub/two.bin", "\0\1\2", 3);
    snprintf(link, sizeof link, "%s/link.txt", w.folder);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    snprintf(link, sizeof link, "%s/loop", w.folder);
    assert_int_equal(symlink(w.folder, link), 0);
    snprintf(target, sizeof target, "%s/fifo", w.folder);
    assert_int_equal(mkfifo(target, 0600), 0);
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "a.txt");
    assert_int_equal(w.warnings.n, 2);
    assert_non_null(strstr(w.warnings.text, "passed over 2 binary and 1 empty files"));
    assert_non_null(strstr(w.warnings.text, ": passed over 1 document that is a symbolic "
                                            "link; name it"));
    world_release(&w);
}

/* Twice the same text would be counted and added up twice. */
static void test_same_text_is_read_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "a.txt", "one text");
    put(&w, "b.txt", "One text");
    put(&w, "c.txt", "one text\r\n");
    put(&w, "d.txt", "one text\n");
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "a.txt b.txt c.txt");
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, "d.txt holds the same text as "));
    assert_int_equal(load(&w, ""), 0); /* all of it is there */
    assert_int_equal(w.set.n_docs, 3);
    assert_non_null(strstr(w.warnings.text, "; 3 more files in "));
    assert_int_equal(load(&w, "/a.txt"), 0);
    assert_int_equal(w.set.n_docs, 3);
    assert_int_equal(w.warnings.n, 3);
    world_release(&w);
}

static void test_ignore_files(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, ".gitignore", "*.log\nout/\n/top.txt\n");
    put(&w, "a.txt", "a");
    put(&w, "a.log", "no");
    put(&w, "top.txt", "no");
    put(&w, "out/x.txt", "no");
    put(&w, "sub/.gitignore", "!keep.log\nno.txt\n");
    put(&w, "sub/keep.log", "yes");
    put(&w, "sub/no.txt", "no");
    put(&w, "sub/top.txt", "yes, top");
    put(&w, "z/no.txt", "yes, z");
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "a.txt sub/keep.log sub/top.txt z/no.txt");
    world_release(&w);
}

/* Who asks about a folder of papers does not think of its .gitignore. */
static void test_ignored_documents_are_told(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, ".git/HEAD", "");
    put(&w, ".gitignore", "*.pdf\n*.o\nout/\n");
    put(&w, "a.pdf", "no");
    put(&w, "b/b.pdf", "no");
    put(&w, "out/c.pdf", "no");
    put(&w, "d.o", "no");
    put(&w, "e.txt", "e");
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "e.txt");
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, ": passed over 2 documents that .gitignore "
                                            "names; name them"));
    assert_int_equal(load(&w, "/b"), LW_ERR_INPUT);
    assert_non_null(strstr(w.err.message, "; .gitignore names 1 entry of it"));
    assert_int_equal(w.warnings.n, 1);
    world_release(&w);
}

/* The rules of a repository hold for a folder inside it. */
static void test_inside_a_repository(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, ".git/info/exclude", "secret.txt\n");
    put(&w, ".gitignore", "*.o\n/src/gen/\n");
    put(&w, "src/.gitignore", "tmp.txt\n");
    put(&w, "src/lib/a.txt", "a");
    put(&w, "src/lib/a.o", "no");
    put(&w, "src/lib/tmp.txt", "no");
    put(&w, "src/lib/secret.txt", "no");
    put(&w, "src/gen/x.txt", "no");
    assert_int_equal(load(&w, "/src/lib"), 0);
    check_names(&w, "src/lib/a.txt");
    doc_set_release(&w.set);
    assert_int_equal(load(&w, "/src"), 0);
    check_names(&w, "src/lib/a.txt");
    doc_set_release(&w.set);
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "src/lib/a.txt");
    world_release(&w);
}

/* git worktree add: .git is a file, and what it names shares the excludes. */
static void test_inside_a_linked_work_tree(void **state)
{
    (void)state;
    struct world w;
    char pointer[1200];
    world_init(&w);
    put(&w, "main/.git/info/exclude", "secret.txt\n/top/\n");
    put(&w, "main/.git/worktrees/linked/commondir", "../..\n");
    snprintf(pointer, sizeof pointer, "gitdir: %s/main/.git/worktrees/linked\n",
             w.folder);
    put(&w, "linked/.git", pointer);
    put(&w, "linked/a.txt", "a");
    put(&w, "linked/secret.txt", "no");
    put(&w, "linked/top/x.txt", "no");
    put(&w, "linked/sub/b.txt", "b");
    put(&w, "linked/sub/secret.txt", "no");
    put(&w, "linked/sub/top/c.txt", "c");
    assert_int_equal(load(&w, "/linked"), 0);
    check_names(&w, "linked/a.txt linked/sub/b.txt linked/sub/top/c.txt");
    doc_set_release(&w.set);
    assert_int_equal(load(&w, "/linked/sub"), 0);
    check_names(&w, "linked/sub/b.txt linked/sub/top/c.txt");
    world_release(&w);
}

/* A submodule, alone and as a part of the repository around it. */
static void test_submodule(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, ".git/modules/lib/info/exclude", "/secret.txt\n");
    put(&w, "lib/.git", "gitdir: ../.git/modules/lib\n");
    put(&w, "lib/a.txt", "a");
    put(&w, "lib/secret.txt", "no");
    put(&w, "secret.txt", "yes");
    assert_int_equal(load(&w, "/lib"), 0);
    check_names(&w, "lib/a.txt");
    doc_set_release(&w.set);
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "lib/a.txt secret.txt");
    world_release(&w);
}

/* git refuses it: what it points to is nobody's patterns. */
static void test_linked_ignore_file(void **state)
{
    (void)state;
    struct world w;
    char link[1200];
    world_init(&w);
    put(&w, "a.txt", "a");
    put(&w, "patterns.txt", "a.txt\n");
    snprintf(link, sizeof link, "%s/.gitignore", w.folder);
    assert_int_equal(symlink("patterns.txt", link), 0);
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "a.txt patterns.txt");
    world_release(&w);
}

/* Files of git that are no such thing: the folder is read as if they were not there. */
static void test_broken_pointers(void **state)
{
    (void)state;
    static const char *const pointers[] = { "", "gitdir: ", "gitdir: /nowhere\n",
                                            "gitdir: .git\n", "other" };
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        struct world w;
        world_init(&w);
        put(&w, ".git", pointers[i]);
        put(&w, "a.txt", "a");
        assert_int_equal(load(&w, ""), 0);
        check_names(&w, "a.txt");
        world_release(&w);
    }
}

/* One bad file is one warning; the others go on. */
static void test_bad_files(void **state)
{
    (void)state;
    struct world w;
    char path[1200];
    world_init(&w);
    put(&w, "a.txt", "a");
    put(&w, "big.txt", "b");
    put(&w, "c.txt", "c");
    snprintf(path, sizeof path, "%s/big.txt", w.folder);
    assert_int_equal(truncate(path, (off_t)LIMIT_FILE_BYTES + 1), 0);
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "a.txt c.txt");
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, "big.txt is larger than 64 MB"));
    world_release(&w);
}

/* What does not fit is one sentence, however many files that are. */
static void test_no_room(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "a.txt", "a");
    put(&w, "b.txt", "b");
    put(&w, "c/d.txt", "d");
    put(&w, "c/e.txt", "e");
    while (w.set.n_docs < LIMIT_DOCS - 1) {
        assert_int_equal(load_text(&w.set, "one", "1", 1, NULL), 0);
    }
    assert_int_equal(load(&w, ""), 0);
    assert_int_equal(w.set.n_docs, LIMIT_DOCS);
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, ": 3 files were not read: 20000 documents"));
    assert_int_equal(load(&w, "/c"), LW_ERR_INPUT);
    assert_int_equal(w.warnings.n, 2);
    assert_non_null(strstr(w.err.message, "2 files were not read"));
    world_release(&w);
}

/* The same for what all texts may have together; a smaller file still fits. */
static void test_no_room_for_text(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "a.txt", "too long");
    put(&w, "b.txt", "1");
    put(&w, "c.txt", "too long");
    w.set.text_bytes = LIMIT_TEXT_TOTAL_BYTES - 2;
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "b.txt");
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, ": 2 files were not read"));
    world_release(&w);
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(load(&w, ""), LW_ERR_INPUT);
    assert_non_null(strstr(w.err.message, "there is no file with text in"));
    documents_write(w.folder, "x.bin", "\0", 1);
    assert_int_equal(load(&w, ""), LW_ERR_INPUT);
    char link[1200];
    snprintf(link, sizeof link, "%s/link", w.folder);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    put(&w, ".gitignore", "*.log\n");
    put(&w, "a.log", "no");
    put(&w, "b.log", "no");
    assert_int_equal(load(&w, ""), LW_ERR_INPUT);
    assert_non_null(strstr(w.err.message, "; .gitignore names 2 entries of it and 1 is a "
                                          "symbolic link: name"));
    world_release(&w);
}

/* A path that is too long for the system: what is below it is not lost in silence. */
static void test_too_long(void **state)
{
    (void)state;
    struct world w;
    char name[201];
    world_init(&w);
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int at = open(w.folder, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 24; i++) {
        assert_int_equal(mkdirat(at, name, 0700), 0);
        int below = openat(at, name, O_RDONLY | O_DIRECTORY);
        close(at);
        at = below;
    }
    close(at);
    put(&w, "z.txt", "z");
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "z.txt");
    assert_int_equal(w.warnings.n, 1);
    assert_non_null(strstr(w.warnings.text, "cannot open "));
    documents_run((const char *[]){ "rm", "-rf", w.folder, NULL });
    world_release(&w);
}

static void test_too_deep(void **state)
{
    (void)state;
    struct world w;
    struct buf path;
    world_init(&w);
    buf_init(&path, 4096);
    for (int i = 0; i < LIMIT_FOLDER_DEPTH + 2; i++) buf_add_str(&path, "d/");
    buf_add_str(&path, "deep.txt");
    put(&w, path.data, "deep");
    buf_release(&path);
    put(&w, "z.txt", "z");
    assert_int_equal(load(&w, ""), 0);
    check_names(&w, "z.txt");
    assert_non_null(strstr(w.warnings.text, "folders deep"));
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_ids),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_same_text_is_read_once),
        cmocka_unit_test(test_ignore_files),
        cmocka_unit_test(test_ignored_documents_are_told),
        cmocka_unit_test(test_inside_a_repository),
        cmocka_unit_test(test_inside_a_linked_work_tree),
        cmocka_unit_test(test_submodule),
        cmocka_unit_test(test_linked_ignore_file),
        cmocka_unit_test(test_broken_pointers),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_no_room_for_text),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
