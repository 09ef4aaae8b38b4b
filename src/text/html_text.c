/* html_text.c - lines, lists, headings and tables out of HTML's elements.
 *
 * White space and line breaks are never written when they come but wait until
 * text follows, so that no page begins, ends or is full of blank lines.
 *
 * A table that holds headings or other tables was made for layout: its cells
 * become blocks. That is known only half-way, so the text of a cell goes to
 * the table's own buffer first, and moves to the page if it turns out so. */
#include "text/html_text.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "text/html_strip.h"
#include "text/normal.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void html_page_init(struct html_page *h, struct doc *doc)
{
    *h = (struct html_page){ .doc = doc };
    buf_init(&h->out, LIMIT_TEXT_BYTES);
    buf_init(&h->scratch, LIMIT_TEXT_BYTES);
    table_init(&h->table);
    h->page.out = &h->out;
    h->cell.out = &h->table.text;
}

void html_page_release(struct html_page *h)
{
    buf_release(&h->out);
    buf_release(&h->scratch);
    table_release(&h->table);
}

bool html_page_failed(const struct html_page *h)
{
    return buf_failed(&h->out) || buf_failed(&h->table.text) || buf_failed(&h->scratch);
}

/* --- Writing -------------------------------------------------------------- */

static struct html_writer *writer_of(struct html_page *h)
{
    return h->in_cell ? &h->cell : &h->page;
}

void html_want_newlines(struct html_page *h, int n)
{
    struct html_writer *w = writer_of(h);
    w->space = false;
    if (!w->marker[0] && w->newlines < n) w->newlines = n;
}

/* Inside lists paragraphs stand close. */
void html_paragraph(struct html_page *h)
{
    html_want_newlines(h, h->n_lists > 0 ? 1 : 2);
}

/* Two breaks in a row make a blank line. */
void html_break(struct html_page *h)
{
    html_want_newlines(h, writer_of(h)->newlines > 0 ? 2 : 1);
}

static bool at_start(const struct html_page *h, const struct html_writer *w)
{
    size_t start = 0;
    if (w == &h->cell && h->table.n_cells > 0) {
        start = h->table.cells[h->table.n_cells - 1].start;
    }
    return w->out->len == start;
}

/* The first text behind <h1> comes to the page. What a cell holds does so only when its
 * table is written. */
static void note_heading_start(struct html_page *h, size_t start)
{
    if (h->heading && h->heading_start == SIZE_MAX) h->heading_start = start;
}

/* What waited is written now that text follows. */
static void settle(struct html_page *h, struct html_writer *w)
{
    if (!at_start(h, w)) {
        for (int i = 0; i < w->newlines; i++) buf_add_char(w->out, '\n');
        if (w->space && w->newlines == 0) buf_add_char(w->out, ' ');
    }
    buf_add_str(w->out, w->marker);
    w->marker[0] = '\0';
    w->newlines = 0;
    w->space = false;
    if (w == &h->page) note_heading_start(h, h->out.len);
}

/* Length of the white space at s, 0 if there is none. No-break spaces count:
 * pages use them as filler. */
static size_t space_length(const char *s, const char *end)
{
    if (*s == ' ' || (*s >= '\t' && *s <= '\r')) return 1;
    return end - s >= 2 && memcmp(s, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

static void write_collapsed(struct html_page *h, const char *s, size_t len)
{
    struct html_writer *w = writer_of(h);
    const char *end = s + len;
    while (s < end) {
        size_t blank = space_length(s, end);
        if (blank) {
            w->space = true;
            s += blank;
            continue;
        }
        const char *word = s;
        while (s < end && !space_length(s, end)) s++;
        settle(h, w);
        buf_add(w->out, word, (size_t)(s - word));
    }
}

static void write_raw(struct html_page *h, const char *s, size_t len)
{
    bool first = h->out.len == h->pre_start;
    if (h->page.newlines > 0 && !first) buf_add_char(&h->out, '\n');
    h->page.newlines = 0;
    if (first && len > 0 && *s == '\n') {
        s++;
        len--;
    }
    buf_add(&h->out, s, len);
}

/* Controls of ASCII, and every byte that may begin one of U+0080 to U+009F or
 * be malformed: nothing that stands in pure text of a page. */
static bool needs_cleaning(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return true;
        if (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0) return true;
    }
    return utf8_valid(s, len) < len;
}

/* Control characters become blanks, HTML_LESS what it stands for, malformed bytes
 * U+FFFD; characters from U+0080 are what old pages mean by &#146;: bytes of
 * Windows-1252. */
static void clean(struct buf *out, const char *s, size_t len)
{
    const char *end = s + len;
    buf_clear(out);
    while (s < end) {
        char bytes[4];
        uint32_t cp;
        s += utf8_decode(s, end, &cp);
        if (cp >= 0x80 && cp < 0xa0) cp = normal_windows_1252((unsigned char)cp);
        if (cp < 0x20 && cp != '\n' && cp != '\t') cp = ' ';
        if (cp == HTML_LESS) cp = '<';
        buf_add(out, bytes, (size_t)utf8_encode(cp, bytes));
    }
}

void html_add_text(struct html_page *h, const char *s, size_t len)
{
    if (needs_cleaning(s, len)) {
        clean(&h->scratch, s, len);
        s = h->scratch.data;
        len = h->scratch.len;
    }
    if (h->n_pre > 0 && !h->in_cell) {
        write_raw(h, s, len);
    } else {
        write_collapsed(h, s, len);
    }
}

/* --- Tables --------------------------------------------------------------- */

/* Rows are written at the start of a line; the last line break stays pending. */
static void flush_table(struct html_page *h)
{
    if (h->table.n_cells == 0) return;
    table_end_cell(&h->table);
    if (h->out.len > 0) {
        for (int i = h->page.newlines > 1 ? 2 : 1; i > 0; i--)
            buf_add_char(&h->out, '\n');
    }
    size_t start = h->out.len;
    table_write(&h->table, &h->out, h->doc);
    bool wrote = h->out.len > start;
    if (wrote) note_heading_start(h, start);
    if (wrote) buf_cut(&h->out, h->out.len - 1);
    h->page.newlines = wrote ? 1 : h->page.newlines;
    h->page.space = false;
}

static bool in_data_table(const struct html_page *h)
{
    return h->n_tables > 0 && h->n_tables <= HTML_TABLES_MAX &&
           !h->layout[h->n_tables - 1];
}

/* The innermost table is for layout after all. */
static void become_layout(struct html_page *h)
{
    if (!in_data_table(h)) return;
    flush_table(h);
    h->in_cell = false;
    h->layout[h->n_tables - 1] = true;
    html_want_newlines(h, 1);
}

static void close_cell(struct html_page *h)
{
    if (!h->in_cell) return;
    table_end_cell(&h->table);
    h->in_cell = false;
}

void html_begin_table(struct html_page *h)
{
    become_layout(h);
    html_want_newlines(h, 2);
    table_begin(&h->table);
    if (h->n_tables < HTML_TABLES_MAX) h->layout[h->n_tables] = false;
    h->n_tables++;
}

void html_end_table(struct html_page *h)
{
    if (h->n_tables == 0) return;
    close_cell(h);
    if (in_data_table(h)) flush_table(h);
    h->n_tables--;
    html_want_newlines(h, 2);
}

void html_begin_row(struct html_page *h)
{
    close_cell(h);
    if (!in_data_table(h)) {
        html_want_newlines(h, 1);
        return;
    }
    if (table_is_full(&h->table)) flush_table(h);
    table_begin_row(&h->table);
}

void html_begin_cell(struct html_page *h, int n_columns, int n_rows)
{
    close_cell(h);
    if (!in_data_table(h)) {
        html_want_newlines(h, 1);
        return;
    }
    table_begin_cell(&h->table, n_columns, n_rows);
    h->in_cell = true;
    h->cell = (struct html_writer){ .out = &h->table.text };
}

void html_end_cell(struct html_page *h)
{
    close_cell(h);
    if (!in_data_table(h)) html_want_newlines(h, 1);
}

/* --- Blocks --------------------------------------------------------------- */

void html_begin_heading(struct html_page *h, int level)
{
    become_layout(h);
    html_want_newlines(h, 2);
    h->heading = level;
    h->heading_start = SIZE_MAX;
}

void html_end_heading(struct html_page *h)
{
    size_t end = h->out.len;
    while (end > 0 && isspace((unsigned char)h->out.data[end - 1])) end--;
    if (h->heading && h->heading_start < end) {
        doc_add_span(h->doc, (struct span){ .kind = SPAN_HEADING,
                                            .number = h->heading,
                                            .start = h->heading_start,
                                            .end = end });
    }
    h->heading = 0;
    html_want_newlines(h, 2);
}

void html_begin_list(struct html_page *h, enum html_list_kind kind)
{
    html_want_newlines(h, h->n_lists ? 1 : 2);
    if (h->n_lists < HTML_LISTS_MAX) {
        h->lists[h->n_lists] = (struct html_list){ .ordered = kind == HTML_ORDERED };
    }
    h->n_lists++;
}

void html_end_list(struct html_page *h)
{
    if (h->n_lists > 0) h->n_lists--;
    writer_of(h)->marker[0] = '\0';
    html_want_newlines(h, h->n_lists ? 1 : 2);
}

void html_begin_item(struct html_page *h)
{
    struct html_writer *w = writer_of(h);
    int depth = h->n_lists < HTML_LISTS_MAX ? h->n_lists : HTML_LISTS_MAX;
    struct html_list *list = depth > 0 ? &h->lists[depth - 1] : NULL;
    int indent = depth > 4 ? 6 : depth > 0 ? depth * 2 - 2 : 0;
    w->marker[0] = '\0';
    html_want_newlines(h, 1);
    if (list && list->ordered) {
        snprintf(w->marker, sizeof w->marker, "%*s%d. ", indent, "", ++list->n);
    } else {
        snprintf(w->marker, sizeof w->marker, "%*s- ", indent, "");
    }
}

void html_end_item(struct html_page *h)
{
    writer_of(h)->marker[0] = '\0';
    html_want_newlines(h, 1);
}

void html_begin_pre(struct html_page *h)
{
    become_layout(h);
    html_want_newlines(h, 2);
    if (h->n_pre++ > 0) return;
    settle(h, &h->page);
    h->pre_start = h->out.len;
}

void html_end_pre(struct html_page *h)
{
    if (h->n_pre == 0 || --h->n_pre > 0) return;
    while (h->out.len > h->pre_start && h->out.data[h->out.len - 1] == '\n') {
        buf_cut(&h->out, h->out.len - 1);
    }
    if (h->out.len > h->pre_start) {
        doc_add_span(
            h->doc,
            (struct span){ .kind = SPAN_CODE, .start = h->pre_start, .end = h->out.len });
    }
    html_want_newlines(h, 2);
}

void html_begin_superscript(struct html_page *h)
{
    struct html_writer *w = writer_of(h);
    bool glued = !w->space && w->newlines == 0 && !at_start(h, w) &&
                 isdigit((unsigned char)w->out->data[w->out->len - 1]);
    if (glued) buf_add_char(w->out, '^'); /* 10<sup>6</sup> is not 106 */
}
