/* test_load.c - from bytes to the text that offsets count, file by file. */
#include "documents.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "text/loaders.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Encodings ------------------------------------------------------------------ */

/* What a file of these bytes becomes; warnings wanted as a word in them, "" none. */
static void check_file(const char *name, const char *bytes, size_t len, const char *want,
                       const char *warning)
{
    struct documents_warnings warnings = { .n = 0 };
    struct load_options opt = documents_options(&warnings);
    struct doc_set set;
    struct lw_error err = { .code = 0 };
    char path[1200];
    char *folder = documents_folder();
    documents_write(folder, name, bytes, len);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    doc_set_init(&set);
    if (load_path(&set, path, &opt, &err) != 0) fail_msg("%s", err.message);
    assert_int_equal(set.n_docs, 1);
    assert_string_equal(set.docs[0]->text, want);
    assert_int_equal(set.docs[0]->len, strlen(want));
    assert_string_equal(set.docs[0]->name, path);
    assert_int_equal(warnings.n, warning[0] != '\0');
    assert_non_null(strstr(warnings.text, warning));
    doc_set_release(&set);
    documents_remove(folder);
}

#define CHECK(bytes, want, warning) \
    check_file("a.txt", bytes, sizeof bytes - 1, want, warning)

static void test_encodings(void **state)
{
    (void)state;
    CHECK("plain é", "plain é", "");
    CHECK("\xef\xbb\xbfmark", "mark", "");
    CHECK("\xff\xfe"
          "a\0\xe9\0\x3d\xd8\x00\xde\n\0",
          "aé😀\n", "");
    CHECK("\xfe\xff\0a\0\xe9\xd8\x3d\xde\x00", "aé😀", "");
}

static void test_lone_surrogates(void **state)
{
    (void)state;
    CHECK("\xff\xfe"
          "a\0\x3d\xd8"
          "b\0\x3d\xd8",
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd",
          "");
}

static void test_old_encodings(void **state)
{
    (void)state;
    CHECK("caf\xe9 \x93quoted\x94 \x80 5", "café “quoted” € 5", "Latin-1");
    CHECK("na\xc3\xafve caf\xc3\xa9 \xff broken", "naïve café \xef\xbf\xbd broken",
          "malformed");
}

static void test_line_ends_and_controls(void **state)
{
    (void)state;
    CHECK("a\r\nb\rc\n\rd\r\n", "a\nb\nc\n\nd\n", "");
    CHECK("a\x01"
          "b\x1b[0m\x7f\xc2\x85\tc",
          "a b [0m  \tc", "");
}

static void test_text_between_nuls(void **state)
{
    (void)state;
    struct doc_set set;
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, "a\0b", 3);
    assert_string_equal(set.docs[0]->text, "a b");
    doc_set_release(&set);
}

/* --- Structure ------------------------------------------------------------------- */

static void test_pages(void **state)
{
    (void)state;
    struct doc_set set;
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, "one\f\ftwo\fthree", 14);
    const struct doc *doc = set.docs[0];
    assert_int_equal(doc->n_pages, 4);
    assert_int_equal(doc_page_at(doc, 3), 1);
    assert_int_equal(doc_page_at(doc, 4), 2);
    assert_int_equal(doc_page_at(doc, 5), 3);
    assert_int_equal(doc_page_at(doc, 13), 4);
    size_t pos = 0;
    for (size_t i = 0; i < doc->pages.n; i++) {
        assert_int_equal(doc->spans[doc->pages.at[i]].start, pos);
        pos = doc->spans[doc->pages.at[i]].end;
    }
    assert_int_equal(pos, doc->len);
    doc_set_release(&set);
}

static void check_heading(const struct doc *doc, size_t i, int level, const char *text)
{
    const struct span *span = &doc->spans[doc->headings.at[i]];
    assert_int_equal(span->number, level);
    assert_int_equal(span->end - span->start, strlen(text));
    assert_memory_equal(doc->text + span->start, text, strlen(text));
}

static void test_headings_of_text(void **state)
{
    (void)state;
    static const char text[] = "  0. Definitions.\n\nWords mean\n1. this\n2. "
                               "that\n\nRISK FACTORS\n\nMuch. SEC said "
                               "so.\n\nItem 1A.  Business\nmore\n\nSection 4 of this Act "
                               "says\n\n4.2 Terms\n\nend";
    struct doc_set set;
    doc_set_init(&set);
    documents_add(&set, DOC_TEXT, text, sizeof text - 1);
    const struct doc *doc = set.docs[0];
    assert_int_equal(doc->headings.n, 4);
    check_heading(doc, 0, 2, "0. Definitions.");
    check_heading(doc, 1, 2, "RISK FACTORS");
    check_heading(doc, 2, 2, "Item 1A.  Business");
    check_heading(doc, 3, 3, "4.2 Terms");
    doc_set_release(&set);
}

static void test_markdown(void **state)
{
    (void)state;
    static const char text[] = "# One\ntext\n\nTwo\n===\n\nThree\n---\n\n```c\n# no "
                               "heading\n```\n\n| a | b |\n\n"
                               "---\n\n#no heading\n~~~\nopen\n";
    struct doc_set set;
    doc_set_init(&set);
    documents_add(&set, DOC_MARKDOWN, text, sizeof text - 1);
    const struct doc *doc = set.docs[0];
    assert_string_equal(doc->text, text);
    assert_int_equal(doc->headings.n, 3);
    check_heading(doc, 0, 1, "# One");
    check_heading(doc, 1, 1, "Two");
    check_heading(doc, 2, 2, "Three");
    size_t n_code = 0, n_rows = 0;
    for (size_t i = 0; i < doc->n_spans; i++) {
        n_code += doc->spans[i].kind == SPAN_CODE;
        n_rows += doc->spans[i].kind == SPAN_TABLE_ROW;
    }
    assert_int_equal(n_code, 2);
    assert_int_equal(n_rows, 1);
    assert_int_equal(doc->spans[doc->n_spans - 1].end, doc->len);
    doc_set_release(&set);
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        enum doc_kind kind;
    } files[] = {
        { "a.txt", "text", DOC_TEXT },
        { "a", "text", DOC_TEXT },
        { "A.MD", "# text", DOC_MARKDOWN },
        { "a.py", "x = 1", DOC_CODE },
        { "Makefile", "all:", DOC_CODE },
        { "run", "#!/bin/sh\n", DOC_CODE },
        { "a.html", "<p>text", DOC_HTML },
        { "a.htm", "no tags", DOC_TEXT },
        { "a.txt", "<!DOCTYPE html><p>x", DOC_HTML },
        { "a.c", "/* <p> */ <html5>", DOC_CODE },
        { "a.py", "page = '<html><p>x</p></html>'", DOC_CODE },
        { "a.md", "# How\n```\n<!doctype html>\n<html>\n```\n", DOC_MARKDOWN },
        { "a.txt", "Begin with <html> and end with </html>.", DOC_TEXT },
        { "a.html", "garbage <html><p>x", DOC_HTML },
        { "a", "\xef\xbb\xbf \n<?xml version='1.0'?><!-- <a> --> <HTML lang=en><p>x",
          DOC_HTML },
        { "a", "<!-- one --><!-- two --><!Doctype HTML><p>x", DOC_HTML },
        { "a", "<!-- <html> ", DOC_TEXT },
        { "a", "<!DOCTYPE\nhtml><p>x", DOC_HTML },
        { "a.txt", "<!DOCTYPE \t HTML PUBLIC \"\"><p>x", DOC_HTML },
        { "a.txt", "<?xml-stylesheet href='a'?><%@ page a=\">\" %>\n<html\v><p>x",
          DOC_HTML },
        { "a.php", "<?php $page = '?><html>';", DOC_CODE },
        { "a.txt", "<?xml version='1.0'?><!DOCTYPE svg><svg/>", DOC_TEXT },
        { "a", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n<html><p>x", DOC_HTML },
        { "0001-22-33.nc", "<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n<!doctype html>", DOC_HTML },
        { "a.log", "HTTP/1.1 200 OK\r\n\r\n<html><p>x", DOC_TEXT },
        { "a", "#!/bin/sh\necho '<html>'", DOC_CODE },
        { "a.txt", "The mark is %PDF-1.7 there.", DOC_TEXT },
        { "a.md", "The mark is `%PDF-`.", DOC_MARKDOWN },
        { "a.c", "if (strcmp(s, \"%PDF-\"))", DOC_CODE },
        { "a.html", "<p>The mark is %PDF-.", DOC_HTML },
    };
    char *folder = documents_folder();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct load_options opt = documents_options(NULL);
        struct doc_set set;
        char path[1200];
        documents_write(folder, files[i].name, files[i].bytes, strlen(files[i].bytes));
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        doc_set_init(&set);
        assert_int_equal(load_path(&set, path, &opt, NULL), 0);
        assert_int_equal(set.docs[0]->kind, files[i].kind);
        doc_set_release(&set);
    }
    documents_remove(folder);
}

/* --- Bad input -------------------------------------------------------------------- */

static void check_refused(const char *path, const char *words)
{
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    struct lw_error err = { .code = 0 };
    doc_set_init(&set);
    assert_int_equal(load_path(&set, path, &opt, &err), LW_ERR_INPUT);
    assert_int_equal(err.code, LW_ERR_INPUT);
    if (!strstr(err.message, words)) fail_msg("\"%s\" lacks \"%s\"", err.message, words);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(set.n_docs, 0);
    doc_set_release(&set);
}

static void check_refused_bytes(const char *name, const char *bytes, size_t len,
                                const char *words)
{
    char path[1200];
    char *folder = documents_folder();
    documents_write(folder, name, bytes, len);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_refused(path, words);
    documents_remove(folder);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("/nowhere/at/all.txt", "No such file");
    check_refused_bytes("a.txt", "", 0, "is empty");
    check_refused_bytes("a.txt", " \n\f\n", 4, "holds no text");
    check_refused_bytes("a.png", "\x89PNG\r\n\x1a\n\0\0", 10, "is a picture");
    check_refused_bytes("a.docx", "PK\x03\x04\0\0\0", 7, "an Office document");
    check_refused_bytes("a.rtf", "{\\rtf1\\ansi\\pard thirty\\b0  days\\par }", 36,
                        "is an RTF file");
    check_refused_bytes("a.txt", "{\\rtf1 thirty days}", 19, "is an RTF file");
    check_refused_bytes("a.ps", "%!PS-Adobe-3.0\n(thirty days) show\n", 34,
                        "is a PostScript file");
    check_refused_bytes("a", "\x01\x02\x03\x04\x05\x06", 6, "is a binary file");
}

static void test_unreadable(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        printf("skip: the superuser can read every file\n");
        skip();
    }
    char path[1200];
    char *folder = documents_folder();
    documents_write(folder, "a.txt", "text", 4);
    snprintf(path, sizeof path, "%s/a.txt", folder);
    assert_int_equal(chmod(path, 0), 0);
    check_refused(path, "Permission denied");
    documents_remove(folder);
}

/* A file with a hole takes no room on the disk. */
static void test_too_large(void **state)
{
    (void)state;
    char path[1200];
    char *folder = documents_folder();
    documents_write(folder, "a.txt", "text", 4);
    snprintf(path, sizeof path, "%s/a.txt", folder);
    assert_int_equal(truncate(path, (off_t)LIMIT_FILE_BYTES + 1), 0);
    check_refused(path, "larger than 64 MB");
    documents_remove(folder);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct cancel cancel;
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    struct lw_error err;
    char path[1200];
    char *folder = documents_folder();
    documents_write(folder, "a.txt", "text", 4);
    snprintf(path, sizeof path, "%s/a.txt", folder);
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    opt.cancel = &cancel;
    doc_set_init(&set);
    assert_int_equal(load_path(&set, path, &opt, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "stopped"));
    doc_set_release(&set);
    documents_remove(folder);
}

/* Pipes that give nothing, or not yet: what stops a run ends the wait. */

static struct cancel stop;

static void raise_stop(int signal_number)
{
    (void)signal_number;
    cancel_raise(&stop);
}

static void check_stopped(const char *path, int stdin_fd)
{
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    struct lw_error err = { .code = 0 };
    opt.cancel = &stop;
    opt.stdin_fd = stdin_fd;
    doc_set_init(&set);
    assert_int_equal(load_path(&set, path, &opt, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "stopped"));
    doc_set_release(&set);
}

/* The signal comes while poll() waits; read() would wait for good. */
static void test_stopped_by_a_signal(void **state)
{
    (void)state;
    struct sigaction old, action = { .sa_handler = raise_stop };
    struct itimerval soon = { .it_value = { .tv_usec = 120 * 1000 } };
    int ends[2];
    cancel_init(&stop, 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    check_stopped("-", ends[0]);
    sigaction(SIGALRM, &old, NULL);
    close(ends[0]);
    close(ends[1]);
}

static void test_fifo_without_a_writer(void **state)
{
    (void)state;
    char path[1200];
    char *folder = documents_folder();
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    cancel_init(&stop, clock_ms() + 120);
    check_stopped(path, -1);
    documents_remove(folder);
}

static _Noreturn void write_late(const char *path)
{
    clock_sleep_ms(120);
    int fd = open(path, O_WRONLY);
    bool ok = write(fd, "late ", 5) == 5;
    clock_sleep_ms(120);
    ok = ok && write(fd, "text", 4) == 4;
    _exit(ok ? 0 : 1);
}

static void test_fifo_with_a_late_writer(void **state)
{
    (void)state;
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    char path[1200];
    char *folder = documents_folder();
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t pid = fork();
    if (pid == 0) write_late(path);
    assert_true(pid > 0);
    doc_set_init(&set);
    assert_int_equal(load_path(&set, path, &opt, NULL), 0);
    assert_string_equal(set.docs[0]->text, "late text");
    doc_set_release(&set);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    documents_remove(folder);
}

/* --- Other ways in ------------------------------------------------------------------ */

static void test_standard_input(void **state)
{
    (void)state;
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    int ends[2];
    doc_set_init(&set);
    assert_int_equal(load_path(&set, "-", &opt, NULL), LW_ERR_INPUT); /* not allowed */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);
    opt.stdin_fd = ends[0];
    assert_int_equal(load_path(&set, "-", &opt, NULL), 0);
    assert_string_equal(set.docs[0]->text, "from a pipe");
    assert_string_equal(set.docs[0]->name, "standard input");
    close(ends[0]);
    doc_set_release(&set);
}

static void test_text_of_a_caller(void **state)
{
    (void)state;
    struct doc_set set;
    struct lw_error err;
    doc_set_init(&set);
    assert_int_equal(load_text(&set, "note", "Größe\r\n", 9, &err), 0);
    assert_string_equal(set.docs[0]->text, "Größe\n");
    assert_int_equal(load_text(&set, "note", "a\xff", 2, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "byte 1 is malformed"));
    assert_int_equal(load_text(&set, "note", "a\0b", 3, &err), LW_ERR_INPUT);
    assert_int_equal(set.n_docs, 1);
    doc_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_lone_surrogates),
        cmocka_unit_test(test_old_encodings),
        cmocka_unit_test(test_line_ends_and_controls),
        cmocka_unit_test(test_text_between_nuls),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_headings_of_text),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_stopped_by_a_signal),
        cmocka_unit_test(test_fifo_without_a_writer),
        cmocka_unit_test(test_fifo_with_a_late_writer),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_text_of_a_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
