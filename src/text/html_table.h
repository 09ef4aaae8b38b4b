/* html_table.h - collects the cells of one HTML table and writes its rows.
 *
 * A row becomes one line, cells parted by " | ". Columns that are empty in all
 * rows are left out, a lone currency sign joins the number after it, a lone )
 * or % the number before it: filings put each into a cell of its own.
 * A row with one cell, or with a long cell of several lines, is layout and
 * becomes lines of its own.
 *
 * Memory is bounded: after some ten thousand cells the rows so far are
 * written, which costs nothing but the comparison of columns. */
#ifndef LW_TEXT_HTML_TABLE_H
#define LW_TEXT_HTML_TABLE_H

#include "base/buf.h"
#include "flow/doc.h"

#include <stdbool.h>

enum { TABLE_COLUMNS_MAX = 256 };

struct table_cell {
    size_t row;
    int column, n_columns;
    size_t start, end; /* in text */
};

struct table {
    struct buf text; /* of all cells, one after the other */
    struct table_cell *cells;
    size_t n_cells, cap_cells;
    size_t n_rows;                  /* begun */
    int column;                     /* where the next cell of the row goes */
    int carried[TABLE_COLUMNS_MAX]; /* rows that a cell above still covers */
};

void table_init(struct table *t);
void table_release(struct table *t);
/* Another table begins: spans of the one before, whose rows have been written, do
 * not reach into it. */
void table_begin(struct table *t);
void table_begin_row(struct table *t);
/* The cell's text is what is appended to t->text until the next call. */
void table_begin_cell(struct table *t, int n_columns, int n_rows);
void table_end_cell(struct table *t);
bool table_is_full(const struct table *t);

/* Write the rows as lines, each ended by \n, add their spans to doc, and
 * forget them. out must be at the start of a line. */
void table_write(struct table *t, struct buf *out, struct doc *doc);

#endif
