/* doc.h - a document as text with spans, and the set of them that a run reads.
 *
 * A document is UTF-8 text with \n line ends and no NUL bytes. Offsets are
 * bytes of exactly this text everywhere: spans, chunks, citations, and what
 * `legwork text` prints. Spans never change the text; they say where pages and
 * headings lie in it.
 *
 * Ownership: a doc_set owns its documents and everything in them. Read-only
 * once a run has begun, and then shared between threads freely. */
#ifndef LW_FLOW_DOC_H
#define LW_FLOW_DOC_H

#include <stdbool.h>
#include <stddef.h>

enum doc_kind { DOC_TEXT, DOC_MARKDOWN, DOC_HTML, DOC_PDF, DOC_CODE };
const char *doc_kind_name(enum doc_kind kind); /* "text", "markdown", ... */

enum span_kind {
    SPAN_PAGE,      /* [start, end) is page `number` (from 1); pages tile the text */
    SPAN_HEADING,   /* [start, end) is a heading line of depth `number` (from 1) */
    SPAN_TABLE_ROW, /* one row: not to be cut */
    SPAN_CODE       /* a code block or a top-level definition: cut last */
};

struct span {
    enum span_kind kind;
    int number;
    size_t start, end;
};

/* Where the spans of one kind stand among the sorted spans of a document. */
struct span_index {
    size_t *at;
    size_t n;
};

enum { DOC_CONTENT_CHARS = 32 }; /* hex digits */

struct doc {
    char id[12]; /* "d1", ...: the pseudonym that a supervisor sees */
    char *name;  /* as the user knows it; never leaves the machine */
    enum doc_kind kind;
    char content[DOC_CONTENT_CHARS + 1]; /* hash of its text; "" before doc_hash() */
    char *text;                          /* NUL-terminated for convenience */
    size_t len;
    struct span *spans; /* sorted by start, then by kind */
    size_t n_spans;
    size_t cap_spans;
    struct span_index pages, headings; /* made by doc_sort_spans() */
    int n_pages;                       /* 0: the format has no pages */
    int n_pages_without_text;          /* reported, not passed over */
};

struct doc_set {
    struct doc **docs;
    size_t n_docs;
    size_t cap_docs;
    size_t text_bytes; /* sum of len */
};

void doc_set_init(struct doc_set *set);
void doc_set_release(struct doc_set *set);
/* Takes the document (made by doc_new) and gives it its id. */
void doc_set_take(struct doc_set *set, struct doc *doc);

/* Give the document its content hash, if it has none: what is kept beyond the process is
 * kept under it, whatever the file is called. */
void doc_hash(struct doc *doc);
void doc_set_hash(struct doc_set *set);

/* Takes text (malloc'ed by mem_ or buf_take), copies name. */
struct doc *doc_new(const char *name, enum doc_kind kind, char *text, size_t len);
void doc_free(struct doc *doc);
/* In any order; doc_sort_spans() after the last. */
void doc_add_span(struct doc *doc, struct span span);
void doc_sort_spans(struct doc *doc);

/* Page (from 1) that holds byte pos; 0 if the document has no pages. */
int doc_page_at(const struct doc *doc, size_t pos);
/* The last heading that starts at or before pos, NULL if none. */
const struct span *doc_heading_at(const struct doc *doc, size_t pos);

#endif
