/* search.h - rank chunks for a few words: BM25 over the tokens of SQLite's FTS5.
 *
 * Tokens are folded (case, accents; unicode61 with remove_diacritics 2, and
 * porter stemming). Scripts without spaces between words are indexed as pairs of
 * characters too so that they are found. Query text has no syntax.
 *
 * Threads: one owner at a time. */
#ifndef LW_TEXT_SEARCH_H
#define LW_TEXT_SEARCH_H

#include "base/err.h"
#include "flow/chunk.h"

#include <stdbool.h>

struct search;

/* Index every chunk; the set and list are borrowed for the life of the index. */
int search_open(struct search **out, const struct doc_set *set,
                const struct chunk_list *list, struct lw_error *err);
void search_close(struct search *s);

/* score[i] for each chunk i (array of list->n): BM25, higher is better, 0 for
 * no word in common. Function words of the query are left out unless nothing
 * else remains. `texts` are n_texts strings whose words form the query (a
 * question, terms, a hint). */
void search_rank(struct search *s, const char *const *texts, size_t n_texts,
                 double *score);

/* Does a chunk have this word, or one that a slip of the pen may have turned
 * into it (same first letter, one change, two in more than six letters)? */
bool search_knows(struct search *s, const char *word, size_t len);

#endif
