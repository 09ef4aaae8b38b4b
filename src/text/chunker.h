/* chunker.h - cut documents where their structure does.
 *
 * Chunks follow headings, pages, paragraphs, table rows, sentences, words and
 * characters, in that order of preference: a piece is cut at the strongest
 * boundary that keeps it under the limit, and small neighbours are joined
 * again up to the limit, never over a level-1 heading unless both are tiny.
 * Concatenated, the chunks of a document are its text, byte for byte.
 *
 * Sizes are tokens of the worker that will read them. Counting is the
 * worker's; the chunker asks for few counts (it estimates from bytes a token,
 * learned as it goes) and never returns a chunk that counts more than max. */
#ifndef LW_TEXT_CHUNKER_H
#define LW_TEXT_CHUNKER_H

#include "base/err.h"
#include "flow/chunk.h"

struct chunk_options {
    int tokens_target; /* aim */
    int tokens_max;    /* never more */
    /* Exact count of tokens of text; NULL: bytes / 3, rounded up (never too low
     * for the models we know). */
    int (*count_tokens)(void *user, const char *text, size_t len);
    void *user;
};

/* Append the chunks of document `index` of the set to list. An empty document
 * gives none. LW_ERR_INPUT when a single character counts more than max. */
int chunk_document(const struct doc_set *set, int index, const struct chunk_options *opt,
                   struct chunk_list *list, struct lw_error *err);

#endif
