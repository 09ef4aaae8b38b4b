/* html_text.h - the page that an HTML document becomes, element by element.
 *
 * The caller reports what begins and ends, and text in between; the text comes
 * out with line breaks, list marks, table rows (html_table.h) and spans. Any
 * order of calls is fine: pages close what they never opened. */
#ifndef LW_TEXT_HTML_TEXT_H
#define LW_TEXT_HTML_TEXT_H

#include "base/buf.h"
#include "flow/doc.h"
#include "text/html_table.h"

enum {
    HTML_LISTS_MAX = 16, /* deeper lists are indented no further */
    HTML_TABLES_MAX = 64 /* tables nested deeper are layout */
};

/* Where text goes: blanks and line breaks wait until text follows them. */
struct html_writer {
    struct buf *out;
    bool space;
    int newlines;
    char marker[24]; /* of the list item that begins */
};

struct html_list {
    bool ordered;
    int n;
};

struct html_page {
    struct doc *doc; /* gets the spans */
    struct buf out;
    struct buf scratch;
    struct html_writer page, cell;
    struct table table; /* the innermost, unless that is layout */
    bool layout[HTML_TABLES_MAX];
    int n_tables;
    bool in_cell;
    struct html_list lists[HTML_LISTS_MAX];
    int n_lists;
    int heading; /* level of the open one, 0: none */
    size_t heading_start;
    int n_pre; /* open <pre> elements */
    size_t pre_start;
};

void html_page_init(struct html_page *h, struct doc *doc);
void html_page_release(struct html_page *h);
/* True when the text passed LIMIT_TEXT_BYTES; what follows was dropped. */
bool html_page_failed(const struct html_page *h);

void html_add_text(struct html_page *h, const char *s, size_t len);
/* What follows begins on a new line (1) or after a blank one (2). */
void html_want_newlines(struct html_page *h, int n);
void html_paragraph(struct html_page *h);
void html_break(struct html_page *h);
void html_begin_heading(struct html_page *h, int level);
void html_end_heading(struct html_page *h);
enum html_list_kind { HTML_UNORDERED, HTML_ORDERED };
void html_begin_list(struct html_page *h, enum html_list_kind kind);
void html_end_list(struct html_page *h);
void html_begin_item(struct html_page *h);
void html_end_item(struct html_page *h);
void html_begin_pre(struct html_page *h);
void html_end_pre(struct html_page *h);
void html_begin_superscript(struct html_page *h);
void html_begin_table(struct html_page *h);
void html_end_table(struct html_page *h);
void html_begin_row(struct html_page *h);
void html_begin_cell(struct html_page *h, int n_columns, int n_rows);
void html_end_cell(struct html_page *h); /* or row */

#endif
