/* load_markdown.c - Markdown, kept as it is written: its marks are readable,
 * and offsets stay those of the file. Only the structure is noted: headings
 * (# and underlined), fenced code, table rows. */
#include "text/loaders.h"

#include "text/lines.h"
#include "text/normal.h"

#include <string.h>

static int sniff(const char *path, const unsigned char *head, size_t len)
{
    if (normal_is_binary(head, len)) return 0;
    return load_has_extension(path, "md markdown mdown mkd qmd rmd") ? 60 : 0;
}

/* Three or more of one fence character at the line's start; returns the
 * character, 0 if the line is no fence. */
static char fence_of(const char *text, const struct line *line)
{
    size_t n = 0;
    char c = line->body < line->end ? text[line->body] : '\0';
    if ((c != '`' && c != '~') || line->body - line->start > 3) return 0;
    while (line->body + n < line->end && text[line->body + n] == c) n++;
    return n >= 3 ? c : 0;
}

/* === below a line makes it a heading of depth 1, --- of depth 2. */
static int underline_level(const char *text, const struct line *line)
{
    char c = line->body < line->end ? text[line->body] : '\0';
    if (c != '=' && c != '-') return 0;
    for (size_t i = line->body; i < line->end; i++) {
        if (text[i] != c) return 0;
    }
    return line->end - line->body < 2 ? 0 : c == '=' ? 1 : 2;
}

static void add(struct doc *doc, enum span_kind kind, int number, size_t start,
                size_t end)
{
    doc_add_span(
        doc, (struct span){ .kind = kind, .number = number, .start = start, .end = end });
}

/* What one line outside code adds. `before` is the line above it. */
static void mark_line(struct doc *doc, const struct line *before, const struct line *line)
{
    int level = underline_level(doc->text, line);
    if (level && before->kind == LINE_PROSE) {
        add(doc, SPAN_HEADING, level, before->body, before->end);
    } else if (line->kind == LINE_HEADING && doc->text[line->body] == '#') {
        add(doc, SPAN_HEADING, line->level, line->body, line->end);
    } else if (line->kind == LINE_ROW &&
               memchr(doc->text + line->body, '|', line->end - line->body)) {
        add(doc, SPAN_TABLE_ROW, 0, line->start, line->end);
    }
}

static void mark_structure(struct doc *doc)
{
    struct line before = { .kind = LINE_BLANK };
    char fence = 0;
    size_t fence_start = 0;
    for (size_t pos = 0; pos < doc->len;) {
        struct line line = line_at(doc->text, doc->len, pos);
        char mark = fence_of(doc->text, &line);
        if (!fence && mark) {
            fence = mark;
            fence_start = line.start;
        } else if (fence && mark == fence) {
            add(doc, SPAN_CODE, 0, fence_start, line.next);
            fence = 0;
        } else if (!fence) {
            mark_line(doc, &before, &line);
        }
        before = line;
        pos = line.next;
    }
    if (fence) add(doc, SPAN_CODE, 0, fence_start, doc->len);
}

static int load(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err)
{
    int code = load_normal(path, &bytes, &len, opt, err);
    if (code) return code;
    struct doc *doc = doc_new(path, DOC_MARKDOWN, bytes, len);
    mark_structure(doc);
    doc_sort_spans(doc);
    *out = doc;
    return 0;
}

const struct loader load_as_markdown = {
    .name = "markdown",
    .kind = DOC_MARKDOWN,
    .sniff = sniff,
    .load = load,
};
