/* cases.h - test cases as text files that a non-programmer could add.
 *
 *     anything before the first case is a comment
 *     === the name of a case
 *     --- input
 *     the text of a section,
 *     as many lines as it likes
 *     --- output
 *     another
 *
 * A line that begins with "=== " begins a case, one that begins with "--- "
 * and one lower-case word a section. A section is the lines below it, without
 * the last newline and without blank lines at its end. What it means, and
 * whether escapes are undone in it, is said for each kind of file in
 * tests/cases/README.md.
 *
 * Life: cases_run() reads, calls and frees; the strings of a case live during
 * the call. Errors: a folder without cases or a malformed file fails the test
 * with file and line.
 *
 * Example:
 *
 *     static void check(const struct test_case *c)
 *     {
 *         char *got = turn_round(case_text(c, "input"));
 *         case_equal(c, "output", got, strlen(got));
 *         free(got);
 *     }
 *     static void test_cases(void **state)
 *     {
 *         cases_run("tests/cases/turn", check);
 *     } */
#ifndef LW_TESTS_CASES_H
#define LW_TESTS_CASES_H

#include <stdbool.h>
#include <stddef.h>

enum { CASE_SECTIONS_MAX = 24 };

struct case_section {
    const char *name;
    const char *text; /* NUL-terminated */
    size_t len;
};

struct test_case {
    const char *file;
    int line; /* of its === */
    const char *name;
    struct case_section sections[CASE_SECTIONS_MAX]; /* in the order of the file */
    size_t n_sections;
};

/* Call fn for every case of every *.txt in the folder, sorted by name. Each
 * case runs to its end; fn reports through the calls below, and cases_run()
 * fails the cmocka test at the end if any case failed. A cmocka assertion in
 * fn ends the run at once. */
void cases_run(const char *folder, void (*fn)(const struct test_case *c));

/* The section's text, NULL if the case has none of that name. */
const char *case_text(const struct test_case *c, const char *section);
/* The same, but a missing section ends the test with a message. */
const char *case_need(const struct test_case *c, const char *section);
/* The section's text as a number, or fallback. */
long case_number(const struct test_case *c, const char *section, long fallback);

/* A failure of this case, printed as "file:line: name: ..." */
void case_fail(const struct test_case *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The section must equal got[0, len), newlines at the end of got aside. */
void case_equal(const struct test_case *c, const char *section, const char *got,
                size_t len);

/* \n \t \r \f \\ \xHH (a byte) and \u{H...} (a character) undone; malloc'ed.
 * Any other backslash stays. *len may be NULL. */
char *case_unescape(const char *text, size_t *len);
/* The other way round: \n \t \r \f \\ written out; malloc'ed. */
char *case_escape(const char *text, size_t len);

#endif
