/* load_text.c - plain text, and what other loaders share with it.
 *
 * The text is taken as it is. Form feeds make pages, as in RFCs and in text
 * extracted from PDF; headings are guessed from isolated lines and only tell
 * the chunker where it may rather cut. */
#include "text/loaders.h"

#include "base/limits.h"
#include "base/mem.h"
#include "text/lines.h"
#include "text/normal.h"
#include "text/words.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void load_warn(const struct load_options *opt, const char *fmt, ...)
{
    if (!opt->warn) return;
    char draft[sizeof((struct lw_error *)0)->message];
    struct lw_error sentence;
    va_list args;
    va_start(args, fmt);
    vsnprintf(draft, sizeof draft, fmt, args);
    va_end(args);
    err_set(&sentence, LW_OK, "%s", draft); /* cleans what came from outside */
    opt->warn(opt->user, sentence.message);
}

void load_warn_guess(const char *path, enum normal_encoding encoding,
                     const struct load_options *opt)
{
    if (encoding == NORMAL_LATIN1) {
        load_warn(opt,
                  "%s is not UTF-8 and was read as Latin-1 (Windows-1252); accented "
                  "letters may be wrong",
                  path);
    } else if (encoding == NORMAL_BROKEN) {
        load_warn(opt, "%s has malformed UTF-8, shown as U+FFFD", path);
    }
}

int load_normal(const char *path, char **bytes, size_t *len,
                const struct load_options *opt, struct lw_error *err)
{
    enum normal_encoding encoding;
    int code = normal_text(bytes, len, &encoding, err);
    if (code) {
        err_prefix(err, "%s", path);
        mem_free(*bytes);
        *bytes = NULL;
        return code;
    }
    load_warn_guess(path, encoding, opt);
    return 0;
}

bool load_has_extension(const char *path, const char *extensions)
{
    char folded[16];
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    size_t len = dot ? strlen(dot + 1) : 0;
    if (len == 0 || len > sizeof folded) return false;
    for (size_t i = 0; i < len; i++) folded[i] = (char)tolower((unsigned char)dot[1 + i]);
    return words_listed(extensions, folded, len);
}

/* --- Spans ---------------------------------------------------------------- */

void load_mark_pages(struct doc *doc)
{
    size_t start = 0;
    doc->n_pages = 0;
    if (!memchr(doc->text, '\f', doc->len)) return;
    while (start < doc->len) {
        const char *feed = memchr(doc->text + start, '\f', doc->len - start);
        size_t end = feed ? (size_t)(feed - doc->text) + 1 : doc->len;
        if (doc->n_pages == LIMIT_PAGES - 1) end = doc->len;
        doc->n_pages++;
        doc_add_span(doc, (struct span){ .kind = SPAN_PAGE,
                                         .number = doc->n_pages,
                                         .start = start,
                                         .end = end });
        start = end;
    }
}

/* Short, capitalised and alone between blank lines: "3. Definitions." */
static bool is_numbered_title(const char *text, const struct line *line)
{
    size_t at = line->body;
    if (line->end - at > 60 || text[at] < '0' || text[at] > '9') return false;
    at += strcspn(text + at, " \t\n");
    while (at < line->end && (text[at] == ' ' || text[at] == '\t')) at++;
    return at < line->end && text[at] >= 'A' && text[at] <= 'Z';
}

static int title_level(const char *text, const struct line *before,
                       const struct line *line, const struct line *after)
{
    bool alone = before->kind == LINE_BLANK;
    if (line->kind == LINE_HEADING) {
        return alone || before->kind == LINE_HEADING ? line->level : 0;
    }
    if (line->kind != LINE_ITEM || !alone || after->kind != LINE_BLANK) return 0;
    return is_numbered_title(text, line) ? 2 : 0;
}

void load_mark_headings(struct doc *doc)
{
    struct line before = { .kind = LINE_BLANK }, none = { .kind = LINE_BLANK };
    if (doc->len == 0) return;
    struct line line = line_at(doc->text, doc->len, 0);
    for (;;) {
        bool last = line.next == doc->len;
        struct line after = last ? none : line_at(doc->text, doc->len, line.next);
        int level = title_level(doc->text, &before, &line, &after);
        if (level) {
            doc_add_span(doc, (struct span){ .kind = SPAN_HEADING,
                                             .number = level,
                                             .start = line.body,
                                             .end = line.end });
        }
        if (last) return;
        before = line;
        line = after;
    }
}

/* --- The loader ----------------------------------------------------------- */

/* Surer by name than a PDF is that does not begin as one. */
static int sniff(const char *path, const unsigned char *head, size_t len)
{
    if (normal_is_binary(head, len)) return 0;
    return load_has_extension(path, "txt text log csv tsv rst adoc org tex eml") ? 45 : 1;
}

static int load(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err)
{
    int code = load_normal(path, &bytes, &len, opt, err);
    if (code) return code;
    struct doc *doc = doc_new(path, DOC_TEXT, bytes, len);
    load_mark_pages(doc);
    load_mark_headings(doc);
    doc_sort_spans(doc);
    *out = doc;
    return 0;
}

const struct loader load_as_text = {
    .name = "text",
    .kind = DOC_TEXT,
    .sniff = sniff,
    .load = load,
};
