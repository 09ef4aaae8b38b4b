/* lines.h - what a line of plain text is: blank, prose, a list item, a table
 * row, a heading; and whether a line break ends anything.
 *
 * Text extracted from PDF, or wrapped by hand, breaks lines inside sentences;
 * a record or an address breaks them between. The difference decides what a
 * sentence is and where a document may be cut, so it lives here, once, for
 * quotes, chunks and loaders. */
#ifndef LW_TEXT_LINES_H
#define LW_TEXT_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum line_kind { LINE_BLANK, LINE_PROSE, LINE_ITEM, LINE_ROW, LINE_HEADING };

struct line {
    size_t start, end; /* without the \n */
    size_t body;       /* first byte that is no white space, or end */
    size_t next;       /* start of the next line, or len */
    enum line_kind kind;
    int level; /* of a heading, from 1 */
};

/* The line that starts at pos (pos < len). A form feed ends a line as \n does,
 * and belongs to the line that it ends. Takes time in the length of the line alone. */
struct line line_at(const char *text, size_t len, size_t pos);

/* Bytes of the longest line of the paragraph that begins at pos: what it was
 * wrapped to, if it was. 0 where a blank line stands there. */
size_t lines_width(const char *text, size_t len, size_t pos);

/* Does something new begin at line b, which follows a in a paragraph wrapped
 * to width? False where b only continues the sentence of a. */
bool lines_break(const char *text, const struct line *a, const struct line *b,
                 size_t width);

#endif
