/* test_ignore.c - .gitignore patterns: the case files, and patterns made to
 * take for ever or to read past their end. */
#include "cases.h"
#include "documents.h"

#include "text/ignore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_many_stars),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_random_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
