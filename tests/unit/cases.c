/* cases.c - reads the case files of tests/cases and reports what differs.
 *
 * A failing case is printed and counted, and the next one runs: whoever adds
 * ten cases wants to hear of all ten. Plain C and cmocka only, nothing of
 * legwork's own, so that a broken base cannot hide a broken test. */
#include "cases.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int n_failed; /* cases that failed in the running cases_run() */

/* --- Reporting ----------------------------------------------------------- */

void case_fail(const struct test_case *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: %s: ", c->file, c->line, c->name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    n_failed++;
}

static _Noreturn void stop(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    fail();
    abort();
}

void case_equal(const struct test_case *c, const char *section, const char *got,
                size_t len)
{
    const char *want = case_need(c, section);
    while (len > 0 && got[len - 1] == '\n') len--;
    if (strlen(want) == len && memcmp(want, got, len) == 0) return;
    case_fail(c, "%s differs\n--- expected\n%s\n--- got\n%.*s\n---", section, want,
              (int)len, got);
}

/* --- Sections ------------------------------------------------------------ */

const char *case_text(const struct test_case *c, const char *section)
{
    for (size_t i = 0; i < c->n_sections; i++) {
        if (strcmp(c->sections[i].name, section) == 0) return c->sections[i].text;
    }
    return NULL;
}

const char *case_need(const struct test_case *c, const char *section)
{
    const char *text = case_text(c, section);
    if (!text) {
        fprintf(stderr, "the case \"%s\" has no section \"%s\"\n", c->name, section);
        stop(c->file, c->line, "section missing");
    }
    return text;
}

long case_number(const struct test_case *c, const char *section, long fallback)
{
    const char *text = case_text(c, section);
    return text ? strtol(text, NULL, 10) : fallback;
}

static size_t encode(unsigned long cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6) out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | cp);
    return n;
}

/* One escape at s (after the backslash); returns the bytes read, 0 if it is none. */
static size_t unescape_one(const char *s, char *out, size_t *written)
{
    static const char from[] = "ntrf\\", to[] = "\n\t\r\f\\";
    const char *simple = *s ? strchr(from, *s) : NULL;
    *written = 1;
    if (simple) {
        *out = to[simple - from];
        return 1;
    }
    if (*s == 'x' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2])) {
        char hex[3] = { s[1], s[2], '\0' };
        *out = (char)strtol(hex, NULL, 16);
        return 3;
    }
    if (s[0] == 'u' && s[1] == '{') {
        char *end;
        *written = encode(strtoul(s + 2, &end, 16), out);
        if (*end == '}') return (size_t)(end + 1 - s);
    }
    return 0;
}

char *case_unescape(const char *text, size_t *len)
{
    char *out = calloc(1, strlen(text) + 1); /* an escape is longer than what it says */
    assert_non_null(out);
    size_t n = 0;
    while (*text) {
        size_t written, read = 0;
        if (*text == '\\') read = unescape_one(text + 1, out + n, &written);
        if (read > 0) {
            n += written;
            text += read + 1;
        } else {
            out[n++] = *text++;
        }
    }
    out[n] = '\0';
    if (len) *len = n;
    return out;
}

char *case_escape(const char *text, size_t len)
{
    static const char from[] = "\n\t\r\f\\", to[] = "ntrf\\";
    char *out = calloc(2, len + 1);
    assert_non_null(out);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const char *known = text[i] ? strchr(from, text[i]) : NULL;
        if (known) out[n++] = '\\';
        out[n++] = known ? to[known - from] : text[i];
    }
    return out;
}

/* --- Files --------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) stop(path, 0, "cannot be opened");
    size_t len = 0, cap = 4096;
    char *text = malloc(cap + 1);
    assert_non_null(text);
    size_t n;
    while ((n = fread(text + len, 1, cap - len, f)) > 0) {
        len += n;
        if (len < cap) continue;
        text = realloc(text, (cap *= 2) + 1);
        assert_non_null(text);
    }
    fclose(f);
    text[len] = '\0';
    return text;
}

/* The word of a "--- word" line, NULL if the line is none. */
static char *section_name(char *line)
{
    if (strncmp(line, "--- ", 4) != 0) return NULL;
    size_t n = strspn(line + 4, "abcdefghijklmnopqrstuvwxyz_0123456789");
    return n > 0 && line[4 + n] == '\0' ? line + 4 : NULL;
}

static void close_section(struct test_case *c)
{
    if (c->n_sections == 0) return;
    struct case_section *s = &c->sections[c->n_sections - 1];
    char *text = (char *)(uintptr_t)s->text;
    s->len = strlen(text);
    while (s->len > 0 && text[s->len - 1] == '\n') text[--s->len] = '\0';
}

static void close_case(struct test_case *c, void (*fn)(const struct test_case *c))
{
    if (!c->name) return;
    close_section(c);
    if (c->n_sections == 0) stop(c->file, c->line, "a case without sections");
    fn(c);
}

static void open_section(struct test_case *c, const char *name, const char *text,
                         int line)
{
    if (!c->name) stop(c->file, line, "a section before the first === case");
    if (c->n_sections == CASE_SECTIONS_MAX) stop(c->file, line, "too many sections");
    close_section(c);
    c->sections[c->n_sections++] = (struct case_section){ .name = name, .text = text };
}

/* Sections stay where the file has them: marks are overwritten with NULs, so
 * lines are joined again (their newline restored) unless a mark follows. */
static void run_file(const char *path, void (*fn)(const struct test_case *c))
{
    char *text = read_file(path), *line = text;
    struct test_case c = { .file = path };
    for (int number = 1; line; number++) {
        char *newline = strchr(line, '\n');
        char *next = newline ? newline + 1 : line + strlen(line);
        if (newline) *newline = '\0';
        char *section = section_name(line);
        if (strncmp(line, "=== ", 4) == 0) {
            *line = '\0';
            close_case(&c, fn);
            c = (struct test_case){ .file = path, .line = number, .name = line + 4 };
        } else if (section) {
            *line = '\0';
            open_section(&c, section, next, number);
        } else if (newline) {
            *newline = '\n';
        }
        line = newline ? next : NULL;
    }
    close_case(&c, fn);
    free(text);
}

static int is_case_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 4 &&
           strcmp(entry->d_name + len - 4, ".txt") == 0;
}

void cases_run(const char *folder, void (*fn)(const struct test_case *c))
{
    struct dirent **files;
    int n = scandir(folder, &files, is_case_file, alphasort);
    if (n <= 0) stop(folder, 0, "no case files here (is this the repository root?)");
    n_failed = 0;
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        run_file(path, fn);
        free(files[i]);
    }
    free(files);
    if (n_failed > 0) fail();
}
