/* chunk.h - a piece of a document that one job reads.
 *
 * The chunks of a document, in order, tile its text: the first starts at 0,
 * each starts where the one before ends, the last ends at len. */
#ifndef LW_FLOW_CHUNK_H
#define LW_FLOW_CHUNK_H

#include "flow/doc.h"

struct chunk {
    int doc;           /* index in the doc_set */
    size_t start, end; /* bytes */
    /* Of the worker that will read it; may be an estimate, never too low by more
     * than 10 %. */
    int n_tokens;
    int page_first, page_last; /* from 1; 0: no pages */
};

/* Sorted by document, then by start: chunks are added document by document. */
struct chunk_list {
    struct chunk *items;
    size_t n;
    size_t cap;
};

void chunk_list_release(struct chunk_list *list);
void chunk_list_add(struct chunk_list *list, struct chunk chunk);
/* Index of the chunk of document doc that holds byte pos; -1 if none. */
long chunk_list_find(const struct chunk_list *list, int doc, size_t pos);

#endif
