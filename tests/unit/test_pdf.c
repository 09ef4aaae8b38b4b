/* test_pdf.c - PDF through pdftotext: pages, tables, columns, encryption, and
 * files that are damaged or made to exhaust whoever reads them. */
#include "documents.h"
#include "pdf_maker.h"

#include "base/limits.h"
#include "base/mem.h"
#include "text/load_pdf.h"
#include "text/loaders.h"
#include "text/pdf_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void need_pdftotext(void)
{
    if (pdf_program()) return;
    printf("skip: pdftotext is not installed (poppler-utils)\n");
    skip();
}

/* --- Cleaning, without the program ------------------------------------------------ */

static void check_squeeze(const char *text, const char *want)
{
    char *copy = strdup(text);
    size_t len = pdf_squeeze(copy, strlen(copy));
    assert_string_equal(copy, want);
    assert_int_equal(len, strlen(want));
    free(copy);
}

static void test_squeeze(void **state)
{
    (void)state;
    check_squeeze("a  b         c  \n", "a  b    c\n");
    check_squeeze("a\n   \n\n\n\nb", "a\n\nb");
    check_squeeze("\n\n   a\n\n\f\n\n b", "   a\n\n\f b");
    check_squeeze("", "");
    check_squeeze("    ", "");
}

static void test_page_list(void **state)
{
    (void)state;
    static const bool flags[] = { true, false, true, true, true, false, true };
    bool every_other[60];
    struct buf out;
    buf_init(&out, 1000);
    pdf_page_list(flags, 7, &out);
    assert_string_equal(out.data, "1, 3-5, 7");
    for (int i = 0; i < 60; i++) every_other[i] = i % 2 == 0;
    buf_clear(&out);
    pdf_page_list(every_other, 60, &out);
    assert_non_null(strstr(out.data, "21, 23, ..."));
    buf_release(&out);
}

static void test_missing_program(void **state)
{
    (void)state;
    struct pdf_job job = { .path = "a.pdf" };
    struct lw_error err;
    assert_int_equal(pdf_extract(&job, NULL, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "a.pdf needs the program pdftotext: install"));
}

/* --- Good files --------------------------------------------------------------------- */

/* The document of these bytes; takes pdf. */
static struct doc *load(struct buf *pdf, struct documents_warnings *warnings,
                        struct lw_error *err)
{
    struct load_options opt = documents_options(warnings);
    struct doc *doc = NULL;
    size_t len;
    char *bytes = buf_take(pdf, &len);
    buf_release(pdf);
    load_as_pdf.load("a.pdf", bytes, len, &opt, &doc, err);
    return doc;
}

static void make(struct buf *pdf, const char *const *contents, size_t n)
{
    buf_init(pdf, 1 << 24);
    pdf_make(contents, n, pdf);
}

static void test_pages(void **state)
{
    (void)state;
    need_pdftotext();
    static const char *const contents[] = {
        "BT /F 12 Tf 72 700 Td (First page.) Tj ET",
        "",
        "0 0 612 792 re f",
        "BT /F 12 Tf 72 700 Td (Last page.) Tj ET",
    };
    struct documents_warnings warnings = { .n = 0 };
    struct buf pdf;
    make(&pdf, contents, 4);
    struct doc *doc = load(&pdf, &warnings, NULL);
    assert_non_null(doc);
    assert_int_equal(doc->n_pages, 4);
    assert_int_equal(doc->n_pages_without_text, 2);
    assert_int_equal(doc_page_at(doc, (size_t)(strstr(doc->text, "First") - doc->text)),
                     1);
    assert_int_equal(doc_page_at(doc, (size_t)(strstr(doc->text, "Last") - doc->text)),
                     4);
    assert_int_equal(warnings.n, 1);
    assert_non_null(strstr(warnings.text, "2 of 4 pages hold no text (pages 2-3)"));
    doc_free(doc);
}

static void test_rows_stay_together(void **state)
{
    (void)state;
    need_pdftotext();
    struct buf content, pdf;
    buf_init(&content, 10000);
    pdf_add_line(&content, 72, 700, "Revenue");
    pdf_add_line(&content, 300, 700, "5,000");
    pdf_add_line(&content, 400, 700, "6,000");
    pdf_add_line(&content, 72, 690, "Outlays");
    pdf_add_line(&content, 300, 690, "4,000");
    pdf_add_line(&content, 400, 690, "4,500");
    make(&pdf, (const char *[]){ content.data }, 1);
    struct doc *doc = load(&pdf, NULL, NULL);
    assert_non_null(strstr(doc->text, "Revenue   5,000   6,000\n"));
    assert_non_null(strstr(doc->text, "Outlays   4,000   4,500\n"));
    doc_free(doc);
    buf_release(&content);
}

static void test_two_columns(void **state)
{
    (void)state;
    need_pdftotext();
    struct buf content, pdf;
    buf_init(&content, 100000);
    for (int i = 0; i < 30; i++) {
        char left[64], right[64];
        snprintf(left, sizeof left, "left line %02d goes on with words and", i);
        snprintf(right, sizeof right, "right side %02d has other words that", i);
        pdf_add_line(&content, 60, 740 - 12 * i, left);
        pdf_add_line(&content, 330, 740 - 12 * i, right);
    }
    make(&pdf, (const char *[]){ content.data }, 1);
    struct doc *doc = load(&pdf, NULL, NULL);
    const char *last_left = strstr(doc->text, "left line 29");
    const char *first_right = strstr(doc->text, "right side 00");
    assert_non_null(last_left);
    assert_non_null(first_right);
    assert_true(last_left < first_right);
    doc_free(doc);
    buf_release(&content);
}

/* --- Encryption ----------------------------------------------------------------------
 */

/* The made file, encrypted by qpdf: user password, bits of the key, and options
 * up to a NULL. */
static struct doc *load_encrypted(const char *const *how, struct lw_error *err)
{
    static const char *const contents[] = {
        "BT /F 12 Tf 72 700 Td (Secret text.) Tj ET"
    };
    char *folder = documents_folder(), in[1200], out[1200];
    const char *argv[16] = {
        "qpdf", "--warning-exit-0", "--allow-weak-crypto", in, out, "--encrypt", how[0],
        "owner"
    };
    struct load_options opt = documents_options(NULL);
    struct doc_set set;
    struct doc *doc = NULL;
    struct buf pdf;
    size_t n = 8;
    make(&pdf, contents, 1);
    documents_write(folder, "in.pdf", pdf.data, pdf.len);
    buf_release(&pdf);
    snprintf(in, sizeof in, "%s/in.pdf", folder);
    snprintf(out, sizeof out, "%s/out.pdf", folder);
    for (size_t i = 1; how[i]; i++) argv[n++] = how[i];
    argv[n] = "--";
    assert_int_equal(documents_run(argv), 0);
    doc_set_init(&set);
    if (load_path(&set, out, &opt, err) == 0) doc = set.docs[--set.n_docs];
    doc_set_release(&set);
    documents_remove(folder);
    return doc;
}

static void need_qpdf(void)
{
    static const char *const argv[] = { "qpdf", "--version", NULL };
    need_pdftotext();
    if (documents_run(argv) == 0) return;
    printf("skip: qpdf is not installed\n");
    skip();
}

static void test_encrypted(void **state)
{
    (void)state;
    need_qpdf();
    static const char *const ways[][5] = {
        { "", "40" },
        { "", "128", "--use-aes=n" },
        { "", "128", "--use-aes=y" },
        { "", "256" },
        { "", "256", "--extract=n", "--print=none" },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct doc *doc = load_encrypted(ways[i], NULL);
        assert_non_null(doc);
        assert_non_null(strstr(doc->text, "Secret text."));
        doc_free(doc);
    }
}

static void test_password(void **state)
{
    (void)state;
    need_qpdf();
    struct lw_error err;
    static const char *const how[] = { "user", "256", NULL };
    assert_null(load_encrypted(how, &err));
    assert_int_equal(err.code, LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "is protected by a password"));
}

/* --- Bad files -------------------------------------------------------------------------
 */

static void test_damaged(void **state)
{
    (void)state;
    need_pdftotext();
    static const char *const contents[] = { "BT /F 12 Tf 72 700 Td (Text.) Tj ET" };
    struct lw_error err;
    struct buf pdf;
    buf_init(&pdf, 1000);
    buf_add_str(&pdf, "%PDF-1.7\nnothing that a reader could use\n");
    assert_null(load(&pdf, NULL, &err));
    assert_int_equal(err.code, LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "a.pdf is damaged or not a PDF"));
    make(&pdf, contents, 1);
    buf_cut(&pdf, 40);
    assert_null(load(&pdf, NULL, &err));
    assert_non_null(strstr(err.message, "a.pdf is damaged"));
}

/* Every byte of a small file changed in turn: an error or a document. */
static void test_broken_bytes(void **state)
{
    (void)state;
    need_pdftotext();
    static const char *const contents[] = { "BT /F 12 Tf 72 700 Td (Text.) Tj ET" };
    struct documents_random random = { .state = 31 };
    for (int round = 0; round < 60; round++) {
        struct buf pdf;
        struct lw_error err = { .code = 0 };
        make(&pdf, contents, 1);
        for (int i = 0; i < 8; i++) {
            size_t at = documents_random(&random, (unsigned)pdf.len);
            pdf.data[at] = (char)documents_random(&random, 256);
        }
        struct doc *doc = load(&pdf, NULL, &err);
        assert_true(doc ? err.code == 0 : err.code == LW_ERR_INPUT && err.message[0]);
        doc_free(doc);
    }
}

static int extract(struct buf *pdf, struct child_limits limits, struct lw_error *err)
{
    struct buf out;
    struct pdf_job job = { .program = pdf_program(),
                           .path = "bomb.pdf",
                           .bytes = pdf->data,
                           .len = pdf->len,
                           .limits = limits };
    buf_init(&out, limits.output_bytes);
    int code = pdf_extract(&job, &out, err);
    buf_release(&out);
    return code;
}

/* Some kilobytes that inflate to 100 MB of text, which take seconds to read. */
static void make_bomb(struct buf *pdf)
{
    static const char head[] = "BT /F 9 Tf 9 700 Td 1 TL    "; /* four periods */
    size_t len = 100u << 20;
    char *content = malloc(len);
    assert_non_null(content);
    for (size_t i = 0; i < len; i++) content[i] = "(ab) Tj"[i % 7];
    memcpy(content, head, sizeof head - 1);
    buf_init(pdf, 1 << 20);
    pdf_make_deflated(content, len - len % 7, 2, pdf);
    assert_true(pdf->len < 10000);
    free(content);
}

static void test_bomb(void **state)
{
    (void)state;
    need_pdftotext();
    struct buf pdf;
    struct lw_error err;
    struct child_limits limits = { .cpu_seconds = 1,
                                   .wall_seconds = 60,
                                   .memory_bytes = LIMIT_PDF_MEMORY_BYTES,
                                   .output_bytes = LIMIT_TEXT_BYTES };
    make_bomb(&pdf);
    assert_int_equal(extract(&pdf, limits, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "bomb.pdf took longer than 1 seconds"));
    buf_release(&pdf);
}

/* Two hundred pages full of text against a limit of 100 kB. */
static void test_too_much_text(void **state)
{
    (void)state;
    need_pdftotext();
    struct buf pdf, content;
    struct lw_error err;
    const char *contents[200];
    struct child_limits limits = { .cpu_seconds = 30,
                                   .wall_seconds = 60,
                                   .memory_bytes = LIMIT_PDF_MEMORY_BYTES,
                                   .output_bytes = 100 * 1000 };
    buf_init(&content, 100000);
    for (int y = 20; y < 780; y += 10) {
        pdf_add_line(&content, 20, y,
                     "many words on a line of a page that is full of them");
    }
    for (int i = 0; i < 200; i++) contents[i] = content.data;
    make(&pdf, contents, 200);
    assert_int_equal(extract(&pdf, limits, &err), LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "bomb.pdf holds more than 0 MB of text"));
    buf_release(&pdf);
    buf_release(&content);
}

static void test_deflated_is_read(void **state)
{
    (void)state;
    need_pdftotext();
    static const char content[] = "BT /F 12 Tf 72 700 Td (Deflated text.) Tj ET";
    struct buf pdf;
    buf_init(&pdf, 1 << 20);
    pdf_make_deflated(content, sizeof content - 1, 2, &pdf);
    struct doc *doc = load(&pdf, NULL, NULL);
    assert_non_null(doc);
    assert_non_null(strstr(doc->text, "Deflated text."));
    doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squeeze),
        cmocka_unit_test(test_page_list),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_rows_stay_together),
        cmocka_unit_test(test_two_columns),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_password),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_broken_bytes),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_too_much_text),
        cmocka_unit_test(test_deflated_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
