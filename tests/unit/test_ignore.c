/* test_ignore.c - .gitignore patterns: the case files, and patterns made to
 * take for ever or to read past their end. */
#include "cases.h"
#include "documents.h"

#include "base/mem.h"
#include "text/ignore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* --- Cases -------------------------------------------------------------------- */

static void push_nested(struct ignore *ig, const char *nested, const char *path)
{
    char folder[256];
    size_t n = strcspn(nested, "\n");
    snprintf(folder, sizeof folder, "%.*s/", (int)n, nested);
    if (strncmp(path, folder, strlen(folder)) != 0) return;
    ignore_push(ig, folder, nested + n + 1, strlen(nested + n + 1));
}

/* As a walk would see it: folder by folder from the root. */
static bool is_ignored(const struct test_case *c, char *path)
{
    struct ignore ig = { .n = 0 };
    bool ignored = false;
    const char *patterns = case_need(c, "ignore");
    ignore_push(&ig, "", patterns, strlen(patterns));
    if (case_text(c, "nested")) push_nested(&ig, case_text(c, "nested"), path);
    for (char *slash = path; !ignored && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        ignored = ignore_matches(&ig, path, IGNORE_FOLDER);
        *slash = '/';
    }
    size_t len = strlen(path);
    if (!ignored && path[len - 1] != '/')
        ignored = ignore_matches(&ig, path, IGNORE_FILE);
    ignore_release(&ig);
    return ignored;
}

static void check_case(const struct test_case *c)
{
    for (const char *line = case_need(c, "paths"); *line;) {
        char escaped[256];
        size_t n = strcspn(line, "\n");
        snprintf(escaped, sizeof escaped, "%.*s", (int)n, line);
        char *path = case_unescape(escaped + 2, NULL);
        bool want = escaped[0] == '-';
        if (is_ignored(c, path) != want) {
            case_fail(c, "%s should be %s", path, want ? "ignored" : "kept");
        }
        free(path);
        line += n + (line[n] == '\n');
    }
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/ignore", check_case);
}

/* --- Hostile patterns ------------------------------------------------------------ */

/* Exponential for a matcher that tries and goes back. */
static void test_many_stars(void **state)
{
    (void)state;
    struct ignore ig = { .n = 0 };
    char pattern[202], path[4096] = "";
    for (size_t i = 0; i < 200; i++) pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[200] = 'b';
    pattern[201] = '\0';
    memset(path, 'a', sizeof path - 1);
    ignore_push(&ig, "", pattern, strlen(pattern));
    assert_false(ignore_matches(&ig, path, IGNORE_FILE));
    path[sizeof path - 2] = 'b';
    assert_true(ignore_matches(&ig, path, IGNORE_FILE));
    ignore_release(&ig);
}

static void test_limits(void **state)
{
    (void)state;
    struct ignore ig = { .n = 0 };
    char *text = calloc(1, 100000);
    assert_non_null(text);
    memset(text, 'x', 50000);
    ignore_push(&ig, "", text, 50000); /* one long line is no pattern */
    assert_int_equal(ig.n, 0);
    for (int i = 0; i < 50000; i += 2) memcpy(text + i, "a\n", 2);
    ignore_push(&ig, "", text, 50000);
    assert_true(ig.n <= 20000);
    ignore_cut(&ig, 3);
    assert_int_equal(ig.n, 3);
    ignore_push(&ig, "", "a\0b\n", 4); /* NULs are in no path */
    assert_int_equal(ig.n, 3);
    ignore_release(&ig);
    free(text);
}

static void test_random_patterns(void **state)
{
    (void)state;
    static const char bytes[] = "ab/*?[]!^-\\:# \n[:alpha:]";
    struct documents_random random = { .state = 5 };
    for (int round = 0; round < 20000; round++) {
        char pattern[40] = "", path[24] = "";
        unsigned n = documents_random(&random, 30), m = 1 + documents_random(&random, 20);
        for (unsigned i = 0; i < n; i++) {
            pattern[i] = bytes[documents_random(&random, sizeof bytes - 1)];
        }
        for (unsigned i = 0; i < m; i++) path[i] = "ab/]-"[documents_random(&random, 5)];
        char *exact = strndup(pattern, n); /* so that the sanitizer sees its end */
        struct ignore ig = { .n = 0 };
        ignore_push(&ig, "", exact, n);
        ignore_matches(&ig, path, IGNORE_FOLDER);
        ignore_release(&ig);
        free(exact);
    }
}

/* --- As git has it ------------------------------------------------------------ */

enum { FOLDERS = 3000, PATHS_EACH = 24, PATH_BYTES = 64 };

struct beside_git {
    struct ignore ig[FOLDERS];
    char patterns[FOLDERS][256];
    char paths[FOLDERS * PATHS_EACH][PATH_BYTES];
    struct documents_random random;
};

static void random_pattern(struct beside_git *b, char *out, size_t room)
{
    static const char *const parts[] = {
        "a",      "b",       "c",         "a",     "b",    "/",     "/",
        "*",      "**",      "**/",       "/**",   "/**/", "***",   "?",
        "[ab]",   "[!a]",    "[^b-c]",    "[a-b]", "[]a]", "[!]b]", "[[:alpha:]]",
        "[a-]",   "[b",      "[[:no:]a]", "]",     "-",    "\\",    "\\*",
        "[\\]a]", "[a\\-c]", "!",         "#",     " ",    "1",
    };
    unsigned n = 1 + documents_random(&b->random, 5);
    size_t len = 0;
    while (n-- > 0) {
        const char *part =
            parts[documents_random(&b->random, sizeof parts / sizeof *parts)];
        len += (size_t)snprintf(out + len, room - len, "%s", part);
    }
    snprintf(out + len, room - len, "\n");
}

static void random_path(struct beside_git *b, int folder, char *out)
{
    int len = snprintf(out, PATH_BYTES, "f%d/", folder);
    unsigned n = 1 + documents_random(&b->random, 7);
    bool name = false;
    for (unsigned i = 0; i < n || !name; i++) {
        bool slash = name && i < n && documents_random(&b->random, 4) == 0;
        out[len++] = slash ? '/' : "aabbc1-]"[documents_random(&b->random, 8)];
        name = !slash;
    }
    out[len] = '\0';
}

static void fill(struct beside_git *b, const char *root)
{
    char folder[512];
    for (int i = 0; i < FOLDERS; i++) {
        for (unsigned k = 1 + documents_random(&b->random, 2); k > 0; k--) {
            size_t len = strlen(b->patterns[i]);
            random_pattern(b, b->patterns[i] + len, sizeof b->patterns[i] - len);
        }
        snprintf(folder, sizeof folder, "%s/f%d", root, i);
        assert_int_equal(mkdir(folder, 0700), 0);
        documents_write(folder, ".gitignore", b->patterns[i], strlen(b->patterns[i]));
        snprintf(folder, sizeof folder, "f%d/", i);
        ignore_push(&b->ig[i], folder, b->patterns[i], strlen(b->patterns[i]));
        for (int k = 0; k < PATHS_EACH; k++) {
            random_path(b, i, b->paths[i * PATHS_EACH + k]);
        }
    }
}

/* The paths that git ignores, in their order, one a line; NULL: there is no git. */
static FILE *ask_git(const struct beside_git *b, const char *root)
{
    char command[1024], name[512];
    snprintf(name, sizeof name, "%s/paths", root);
    FILE *list = fopen(name, "wb");
    assert_non_null(list);
    for (int i = 0; i < FOLDERS * PATHS_EACH; i++) fprintf(list, "%s\n", b->paths[i]);
    fclose(list);
    snprintf(
        command, sizeof command,
        "cd '%s' && export HOME='%s' GIT_CONFIG_NOSYSTEM=1 && unset XDG_CONFIG_HOME && "
        "git init -q . 2>/dev/null && git check-ignore --no-index --stdin <paths "
        ">ignored; test $? -le 1",
        root, root);
    const char *const argv[] = { "sh", "-c", command, NULL };
    if (documents_run(argv) != 0) return NULL;
    snprintf(name, sizeof name, "%s/ignored", root);
    return fopen(name, "rb");
}

static bool walk_ignores(const struct ignore *ig, char *path)
{
    bool ignored = false;
    for (char *slash = strchr(path, '/'); !ignored && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        ignored = ignore_matches(ig, path, IGNORE_FOLDER);
        *slash = '/';
    }
    return ignored || ignore_matches(ig, path, IGNORE_FILE);
}

static void compare(struct beside_git *b, FILE *ignored)
{
    char line[PATH_BYTES + 2] = "";
    int wrong = 0;
    bool more = fgets(line, sizeof line, ignored) != NULL;
    for (int i = 0; i < FOLDERS * PATHS_EACH; i++) {
        line[strcspn(line, "\n")] = '\0';
        bool git = more && strcmp(line, b->paths[i]) == 0;
        if (git) more = fgets(line, sizeof line, ignored) != NULL;
        if (walk_ignores(&b->ig[i / PATHS_EACH], b->paths[i]) == git) continue;
        if (wrong++ < 20) {
            print_error("git %s %s by:\n%s\n", git ? "ignores" : "keeps", b->paths[i],
                        b->patterns[i / PATHS_EACH]);
        }
    }
    assert_false(more);
    assert_int_equal(wrong, 0);
}

static void test_beside_git(void **state)
{
    (void)state;
    char *root = documents_folder();
    struct beside_git *b = mem_alloc(sizeof *b);
    b->random.state = 20;
    fill(b, root);
    FILE *ignored = ask_git(b, root);
    if (!ignored) {
        print_message("skip: no git to compare with\n");
    } else {
        compare(b, ignored);
        fclose(ignored);
    }
    for (int i = 0; i < FOLDERS; i++) ignore_release(&b->ig[i]);
    mem_free(b);
    documents_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),      cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_random_patterns),
        cmocka_unit_test(test_beside_git),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
