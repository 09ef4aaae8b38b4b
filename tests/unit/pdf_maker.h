/* pdf_maker.h - small PDF files for tests, written object by object. */
#ifndef LW_TESTS_PDF_MAKER_H
#define LW_TESTS_PDF_MAKER_H

#include "base/buf.h"

/* A file of n pages with these content streams ("" for a blank page). */
void pdf_make(const char *const *contents, size_t n, struct buf *out);
/* One page whose content is `content`, deflated `levels` times: a bomb when
 * content is long and periodic in seven bytes. */
void pdf_make_deflated(const char *content, size_t len, int levels, struct buf *out);
/* Add "BT ... (text) Tj ET" at a place (points from the lower left corner). */
void pdf_add_line(struct buf *content, int x, int y, const char *text);

#endif
