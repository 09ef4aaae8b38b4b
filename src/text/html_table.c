/* html_table.c - the rows of a table as lines that read like it.
 *
 * Cells are placed in a grid as a browser would (colspan, rowspan) so that an
 * empty cell keeps its place and a number stays under its year. */
#include "text/html_table.h"

#include "base/limits.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum { CELLS_MAX = 16384, LAYOUT_BYTES = 500 };

void table_init(struct table *t)
{
    *t = (struct table){ .cells = NULL };
    buf_init(&t->text, LIMIT_TEXT_BYTES);
}

void table_release(struct table *t)
{
    buf_release(&t->text);
    mem_free(t->cells);
}

/* --- Collecting ----------------------------------------------------------- */

void table_begin(struct table *t)
{
    assert(t->n_cells == 0);
    t->n_rows = 0;
    t->column = 0;
    memset(t->carried, 0, sizeof t->carried);
}

void table_begin_row(struct table *t)
{
    t->n_rows++;
    t->column = 0;
    for (int i = 0; i < TABLE_COLUMNS_MAX; i++) t->carried[i] -= t->carried[i] > 0;
}

static int clamp(int n, int max)
{
    return n < 1 ? 1 : n > max ? max : n;
}

void table_begin_cell(struct table *t, int n_columns, int n_rows)
{
    if (t->n_rows == 0) table_begin_row(t);
    while (t->column < TABLE_COLUMNS_MAX - 1 && t->carried[t->column] > 0) t->column++;
    n_columns = clamp(n_columns, TABLE_COLUMNS_MAX - t->column);
    n_rows = clamp(n_rows, 1000);
    mem_grow((void **)&t->cells, &t->cap_cells, t->n_cells + 1, sizeof *t->cells);
    t->cells[t->n_cells++] = (struct table_cell){ .row = t->n_rows,
                                                  .column = t->column,
                                                  .n_columns = n_columns,
                                                  .start = t->text.len,
                                                  .end = t->text.len };
    for (int i = 0; i < n_columns; i++) t->carried[t->column + i] = n_rows;
    t->column += n_columns;
    if (t->column == TABLE_COLUMNS_MAX) t->column--; /* the rest shares the last */
}

void table_end_cell(struct table *t)
{
    if (t->n_cells == 0) return;
    struct table_cell *cell = &t->cells[t->n_cells - 1];
    size_t end = t->text.len;
    while (end > cell->start && strchr(" \n\t", t->text.data[end - 1])) end--;
    cell->end = end;
}

bool table_is_full(const struct table *t)
{
    return t->n_cells >= CELLS_MAX;
}

/* --- Writing -------------------------------------------------------------- */

static bool is_empty(const struct table_cell *cell)
{
    return cell->end == cell->start;
}

static bool cell_is_one_of(const struct table *t, const struct table_cell *cell,
                           const char *const *marks)
{
    size_t len = cell->end - cell->start;
    for (; *marks; marks++) {
        if (strlen(*marks) == len &&
            memcmp(t->text.data + cell->start, *marks, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool opens_number(const struct table *t, const struct table_cell *cell)
{
    static const char *const marks[] = {
        "$", "€", "£", "¥", "(", "$(", "US$", "($", NULL
    };
    return cell_is_one_of(t, cell, marks);
}

static bool closes_number(const struct table *t, const struct table_cell *cell)
{
    static const char *const marks[] = { ")", "%", ")%", "%)", NULL };
    return cell_is_one_of(t, cell, marks);
}

/* The cell's text with every run of line breaks as one blank. */
static void add_flat(const struct table *t, const struct table_cell *cell,
                     struct buf *out)
{
    const char *at = t->text.data + cell->start, *end = t->text.data + cell->end;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end;
        buf_add(out, at, (size_t)(line_end - at));
        for (at = line_end; at < end && *at == '\n'; at++) continue;
        if (at < end) buf_add_char(out, ' ');
    }
}

/* One row being written. */
struct row {
    struct buf *out;
    size_t start;
    bool begun; /* the first column has been passed */
    bool glued; /* no bar before what comes next */
};

/* One column of the row; cell NULL or empty: nothing in it. */
static void add_column(const struct table *t, struct row *row,
                       const struct table_cell *cell)
{
    bool empty = !cell || is_empty(cell);
    if (empty && row->glued) return;
    bool bar = row->begun && !row->glued && (empty || !closes_number(t, cell));
    if (bar) buf_add_str(row->out, row->out->len == row->start ? "|" : " |");
    if (bar && !empty) buf_add_char(row->out, ' ');
    if (!empty) add_flat(t, cell, row->out);
    row->glued = !empty && opens_number(t, cell);
    row->begun = true;
}

/* The cells of one row, [first, last) with the empty ones at its end cut. */
static void write_row(const struct table *t, size_t first, size_t last, const bool *used,
                      struct buf *out)
{
    struct row row = { .out = out, .start = out->len };
    int column = 0;
    for (size_t i = first; i < last; i++) {
        const struct table_cell *cell = &t->cells[i];
        bool visible = !is_empty(cell);
        for (; column < cell->column; column++) {
            if (used[column]) add_column(t, &row, NULL);
        }
        for (; column < cell->column + cell->n_columns; column++) {
            visible = visible || used[column];
        }
        if (visible) add_column(t, &row, cell);
    }
}

/* Cells as lines of their own. */
static void write_blocks(const struct table *t, size_t first, size_t last,
                         struct buf *out)
{
    for (size_t i = first; i < last; i++) {
        const struct table_cell *cell = &t->cells[i];
        if (is_empty(cell)) continue;
        buf_add(out, t->text.data + cell->start, cell->end - cell->start);
        buf_add_char(out, '\n');
    }
}

static bool is_layout(const struct table *t, size_t first, size_t last)
{
    size_t n_full = 0;
    for (size_t i = first; i < last; i++) {
        const struct table_cell *cell = &t->cells[i];
        size_t len = cell->end - cell->start;
        n_full += len > 0;
        if (len > LAYOUT_BYTES && memchr(t->text.data + cell->start, '\n', len))
            return true;
    }
    return n_full <= 1;
}

static void mark_used(const struct table *t, bool used[TABLE_COLUMNS_MAX])
{
    for (size_t i = 0; i < t->n_cells; i++) {
        if (!is_empty(&t->cells[i])) used[t->cells[i].column] = true;
    }
}

void table_write(struct table *t, struct buf *out, struct doc *doc)
{
    bool used[TABLE_COLUMNS_MAX] = { false };
    mark_used(t, used);
    for (size_t first = 0, last; first < t->n_cells; first = last) {
        for (last = first;
             last < t->n_cells && t->cells[last].row == t->cells[first].row;) {
            last++;
        }
        size_t filled = last;
        while (filled > first && is_empty(&t->cells[filled - 1])) filled--;
        if (is_layout(t, first, filled)) {
            write_blocks(t, first, filled, out);
            continue;
        }
        size_t start = out->len;
        write_row(t, first, filled, used, out);
        doc_add_span(doc, (struct span){
                              .kind = SPAN_TABLE_ROW, .start = start, .end = out->len });
        buf_add_char(out, '\n');
    }
    buf_clear(&t->text);
    t->n_cells = 0;
}
