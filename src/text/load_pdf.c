/* load_pdf.c - PDF, through pdftotext (poppler-utils) as a child with limits.
 *
 * A PDF reader is a large program fed by strangers: it runs in a process of
 * its own that holds no keys and no documents but this one (child.h). Text is
 * asked for as laid out on the page, so that the cells of a table row stay on
 * one line; pages of two columns are asked for again in reading order. An
 * empty user password is what pdftotext tries by itself, so files that are
 * encrypted only against changes open. */
#include "text/load_pdf.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/loaders.h"
#include "text/normal.h"
#include "text/pdf_pages.h"

#include <string.h>

enum pdf_order { PDF_LAYOUT, PDF_READING };

/* --- The child ------------------------------------------------------------ */

const char *pdf_program(void)
{
    static const char *const candidates[] = {
        "/usr/bin/pdftotext",
        "/usr/local/bin/pdftotext",
        "/bin/pdftotext",
        "/opt/homebrew/bin/pdftotext",
        "/opt/local/bin/pdftotext",
        "/home/linuxbrew/.linuxbrew/bin/pdftotext",
        "/run/current-system/sw/bin/pdftotext",
        NULL,
    };
    return child_find(candidates);
}

/* The first line of what the child complained about, without its kind. */
static const char *complaint(struct child_result *result)
{
    char *line = result->errors;
    line[strcspn(line, "\n")] = '\0';
    char *colon = strstr(line, ": ");
    return colon ? colon + 2 : line;
}

static int explain_exit(const struct pdf_job *job, struct child_result *result,
                        struct lw_error *err)
{
    const char *path = job->path;
    if (result->status == 127) {
        return err_set(err, LW_ERR_INPUT, "%s was not read: %s cannot be run", path,
                       job->program);
    }
    if (strstr(result->errors, "ncorrect password")) {
        return err_set(err, LW_ERR_INPUT,
                       "%s is protected by a password; save a copy "
                       "without it (qpdf --password=... --decrypt) and ask again",
                       path);
    }
    if (strstr(result->errors, "ut of memory")) {
        return err_set(err, LW_ERR_INPUT,
                       "%s needs more than %zu MB of memory to be read "
                       "and was passed over",
                       path, job->limits.memory_bytes >> 20);
    }
    return err_set(err, LW_ERR_INPUT, "%s is damaged or not a PDF: %s", path,
                   result->errors[0] ? complaint(result) : "no text came out of it");
}

/* Why the child's output is not to be used. */
static int explain(const struct pdf_job *job, struct child_result *result,
                   struct lw_error *err)
{
    const char *path = job->path;
    switch (result->end) {
    case CHILD_EXITED: return explain_exit(job, result, err);
    case CHILD_CPU:
    case CHILD_WALL:
        return err_set(err, LW_ERR_INPUT,
                       "%s took longer than %d seconds to be read and "
                       "was passed over; it may be damaged",
                       path,
                       result->end == CHILD_CPU ? job->limits.cpu_seconds
                                                : job->limits.wall_seconds);
    case CHILD_OUTPUT:
        return err_set(err, LW_ERR_INPUT, "%s holds more than %zu MB of text; split it",
                       path, job->limits.output_bytes >> 20);
    case CHILD_CANCELLED:
        return err_set(err, LW_ERR_INPUT, "%s was not read: the run was stopped", path);
    case CHILD_SIGNALLED: break;
    }
    return err_set(err, LW_ERR_INPUT,
                   "%s made pdftotext fail (signal %d); it is damaged or "
                   "needs more than %zu MB of memory",
                   path, result->status, job->limits.memory_bytes >> 20);
}

static int extract_in_order(const struct pdf_job *job, enum pdf_order order,
                            struct buf *out, struct lw_error *err)
{
    const char *layout[] = { job->program, "-layout", "-enc", "UTF-8", "-", "-", NULL };
    const char *reading[] = { job->program, "-enc", "UTF-8", "-", "-", NULL };
    struct child_job child = {
        .argv = order == PDF_LAYOUT ? layout : reading,
        .input = job->bytes,
        .input_len = job->len,
        .limits = job->limits,
        .cancel = job->cancel,
    };
    struct child_result result;
    int code = child_run(&child, &result, err);
    if (!code && (result.end != CHILD_EXITED || result.status != 0 || !result.out.len)) {
        code = explain(job, &result, err);
    }
    if (!code) {
        buf_release(out);
        *out = result.out;
        return 0;
    }
    child_result_release(&result);
    return code;
}

int pdf_extract(const struct pdf_job *job, struct buf *out, struct lw_error *err)
{
    if (!job->program) {
        return err_set(err, LW_ERR_INPUT,
                       "%s needs the program pdftotext: install "
                       "poppler-utils (apt, dnf) or poppler (pacman, brew)",
                       job->path);
    }
    int code = extract_in_order(job, PDF_LAYOUT, out, err);
    if (code || !pdf_has_columns(out->data, out->len)) return code;
    struct buf reading, merged;
    buf_init(&reading, job->limits.output_bytes);
    buf_init(&merged, job->limits.output_bytes);
    if (extract_in_order(job, PDF_READING, &reading, NULL) == 0) {
        pdf_merge(out->data, out->len, reading.data, reading.len, &merged);
    }
    buf_release(&reading);
    if (merged.len > 0 && !buf_failed(&merged)) {
        buf_release(out);
        *out = merged;
    } else {
        buf_release(&merged);
    }
    return 0;
}

/* --- The document --------------------------------------------------------- */

static bool has_words(const struct doc *doc, const struct span *page)
{
    const char *at = doc->text + page->start, *end = doc->text + page->end;
    while (at < end) {
        uint32_t cp;
        at += utf8_decode(at, end, &cp);
        if (utf8_is_word(cp)) return true;
    }
    return false;
}

static void report_empty_pages(struct doc *doc, const struct load_options *opt)
{
    if (doc->n_pages == 0) return;
    bool *empty = mem_array((size_t)doc->n_pages, sizeof *empty);
    for (size_t i = 0; i < doc->pages.n; i++) {
        empty[i] = !has_words(doc, &doc->spans[doc->pages.at[i]]);
        doc->n_pages_without_text += empty[i];
    }
    if (doc->n_pages_without_text > 0) {
        struct buf list;
        buf_init(&list, 1024);
        pdf_page_list(empty, doc->n_pages, &list);
        load_warn(opt,
                  "%s: %d of %d pages hold no text (page%s %s) and cannot be read; if "
                  "they are scans, add a text layer first, for example with ocrmypdf",
                  doc->name, doc->n_pages_without_text, doc->n_pages,
                  doc->n_pages_without_text == 1 ? "" : "s", list.data);
        buf_release(&list);
    }
    mem_free(empty);
}

enum { SNIFF_BYTES = 1024 };

/* Readers of PDF accept some rubbish in front of its mark. So does this, but then a
 * name that says text, code or markup is believed: those ask for more than 40, unless
 * the bytes are binary (text that speaks of PDF files has the mark, too). */
static int sniff(const char *path, const unsigned char *head, size_t len)
{
    (void)path;
    size_t window = len < SNIFF_BYTES ? len : SNIFF_BYTES;
    for (size_t i = 0; i + 5 <= window; i++) {
        if (memcmp(head + i, "%PDF-", 5) == 0) return i == 0 ? 100 : 40;
    }
    return 0;
}

static int load(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err)
{
    struct pdf_job job = {
        .program = pdf_program(),
        .path = path,
        .bytes = bytes,
        .len = len,
        .cancel = opt->cancel,
        .limits = { .cpu_seconds = LIMIT_PDF_SECONDS,
                    .wall_seconds = LIMIT_PDF_WALL_SECONDS,
                    .memory_bytes = LIMIT_PDF_MEMORY_BYTES,
                    .output_bytes = LIMIT_TEXT_BYTES },
    };
    struct buf text;
    buf_init(&text, LIMIT_TEXT_BYTES);
    int code = pdf_extract(&job, &text, err);
    mem_free(bytes);
    if (code) {
        buf_release(&text);
        return code;
    }
    size_t text_len;
    enum normal_encoding encoding;
    char *taken = buf_take(&text, &text_len);
    buf_release(&text);
    code = normal_text(&taken, &text_len, &encoding, err);
    if (code) {
        mem_free(taken);
        return code;
    }
    text_len = pdf_squeeze(taken, text_len);
    struct doc *doc = doc_new(path, DOC_PDF, taken, text_len);
    load_mark_pages(doc);
    load_mark_headings(doc);
    doc_sort_spans(doc);
    report_empty_pages(doc, opt);
    *out = doc;
    return 0;
}

const struct loader load_as_pdf = {
    .name = "pdf",
    .kind = DOC_PDF,
    .sniff = sniff,
    .load = load,
};
