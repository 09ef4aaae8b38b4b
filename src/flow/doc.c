/* doc.c - documents, their spans, and the set of them that a run reads.
 *
 * Spans are collected in any order while a document is loaded and sorted once.
 * Sorting also writes down where the pages and the headings stand among them,
 * so that "which page is this byte on" stays a binary search in a document of
 * a million table rows. */
#include "flow/doc.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *doc_kind_name(enum doc_kind kind)
{
    static const char *const names[] = {
        [DOC_TEXT] = "text", [DOC_MARKDOWN] = "markdown", [DOC_HTML] = "html",
        [DOC_PDF] = "pdf",   [DOC_CODE] = "code",
    };
    return names[kind];
}

/* --- One document -------------------------------------------------------- */

struct doc *doc_new(const char *name, enum doc_kind kind, char *text, size_t len)
{
    struct doc *doc = mem_alloc(sizeof *doc);
    doc->name = mem_strdup(name);
    doc->kind = kind;
    doc->text = text;
    doc->len = len;
    return doc;
}

void doc_free(struct doc *doc)
{
    if (!doc) return;
    mem_free(doc->name);
    mem_free(doc->text);
    mem_free(doc->spans);
    mem_free(doc->pages.at);
    mem_free(doc->headings.at);
    mem_free(doc);
}

/* --- Spans --------------------------------------------------------------- */

void doc_add_span(struct doc *doc, struct span span)
{
    mem_grow((void **)&doc->spans, &doc->cap_spans, doc->n_spans + 1, sizeof *doc->spans);
    doc->spans[doc->n_spans++] = span;
}

/* By start, then kind; the rest of the order only makes it the same every time. */
static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static struct span_index index_kind(const struct doc *doc, enum span_kind kind)
{
    struct span_index index = { .at = NULL, .n = 0 };
    size_t n = 0;
    for (size_t i = 0; i < doc->n_spans; i++) n += doc->spans[i].kind == kind;
    if (n == 0) return index;
    index.at = mem_array(n, sizeof *index.at);
    for (size_t i = 0; i < doc->n_spans; i++) {
        if (doc->spans[i].kind == kind) index.at[index.n++] = i;
    }
    return index;
}

void doc_sort_spans(struct doc *doc)
{
    mem_free(doc->pages.at);
    mem_free(doc->headings.at);
    if (doc->n_spans > 1) {
        qsort(doc->spans, doc->n_spans, sizeof *doc->spans, compare_spans);
    }
    doc->pages = index_kind(doc, SPAN_PAGE);
    doc->headings = index_kind(doc, SPAN_HEADING);
}

/* The last span of the index that starts at or before pos, NULL if none. */
static const struct span *last_before(const struct doc *doc,
                                      const struct span_index *index, size_t pos)
{
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (doc->spans[index->at[middle]].start <= pos) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? &doc->spans[index->at[low - 1]] : NULL;
}

int doc_page_at(const struct doc *doc, size_t pos)
{
    const struct span *page = last_before(doc, &doc->pages, pos);
    return page ? page->number : 0;
}

const struct span *doc_heading_at(const struct doc *doc, size_t pos)
{
    return last_before(doc, &doc->headings, pos);
}

/* --- The set ------------------------------------------------------------- */

void doc_set_init(struct doc_set *set)
{
    *set = (struct doc_set){ .docs = NULL };
}

void doc_set_release(struct doc_set *set)
{
    for (size_t i = 0; i < set->n_docs; i++) doc_free(set->docs[i]);
    mem_free(set->docs);
    doc_set_init(set);
}

void doc_set_take(struct doc_set *set, struct doc *doc)
{
    mem_grow((void **)&set->docs, &set->cap_docs, set->n_docs + 1, sizeof *set->docs);
    set->docs[set->n_docs++] = doc;
    set->text_bytes += doc->len;
    snprintf(doc->id, sizeof doc->id, "d%u", (unsigned)set->n_docs);
}

void doc_hash(struct doc *doc)
{
    unsigned char digest[HASH_BYTES];
    struct hash h;
    if (*doc->content) return;
    hash_init(&h);
    hash_add(&h, doc->text, doc->len);
    hash_end(&h, digest);
    hash_hex(digest, DOC_CONTENT_CHARS, doc->content);
}

void doc_set_hash(struct doc_set *set)
{
    for (size_t i = 0; i < set->n_docs; i++) doc_hash(set->docs[i]);
}
