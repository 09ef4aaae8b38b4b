/* pdf_pages.h - the pages that pdftotext wrote, made good reading.
 *
 * Pages end in form feeds. Laid-out pages keep the rows of tables together,
 * which a small model needs, and hold runs of blanks, which it pays for. */
#ifndef LW_TEXT_PDF_PAGES_H
#define LW_TEXT_PDF_PAGES_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* In place: four blanks at most in a row, none at the end of a line, one blank
 * line at most. Returns the new length. */
size_t pdf_squeeze(char *text, size_t len);

/* Is any laid-out page set in two columns of prose? Its lines then run across
 * both, and reading order is lost. */
bool pdf_has_columns(const char *layout, size_t len);

/* The laid-out text with every page of two columns taken from the other text,
 * which has them in reading order; all of layout if their pages do not agree. */
void pdf_merge(const char *layout, size_t layout_len, const char *reading,
               size_t reading_len, struct buf *out);

/* "3-5, 9": the pages (from 1) whose flag is true, at most a dozen ranges. */
void pdf_page_list(const bool *flags, int n_pages, struct buf *out);

#endif
