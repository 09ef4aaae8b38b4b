/* load_pdf.h - inside load: the extractor with its limits, for its tests. */
#ifndef LW_TEXT_LOAD_PDF_H
#define LW_TEXT_LOAD_PDF_H

#include "text/child.h"
#include "text/load.h"

/* Where pdftotext is on this machine, NULL if it is not. */
const char *pdf_program(void);

struct pdf_job {
    const char *program; /* of pdf_program(); NULL: a sentence says how to get it */
    const char *path;    /* for messages */
    const char *bytes;
    size_t len;
    struct child_limits limits;
    const struct cancel *cancel;
};

/* The text of a PDF in memory, pages ended by form feeds, into out (to be
 * initialised by the caller). LW_ERR_INPUT with one sentence for anything that
 * is wrong with the file. */
int pdf_extract(const struct pdf_job *job, struct buf *out, struct lw_error *err);

#endif
