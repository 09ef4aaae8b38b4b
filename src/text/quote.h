/* quote.h - quotes that cannot be invented.
 *
 * quote_choose() takes the quote from the source: the sentence of the chunk
 * with the largest idf-weighted overlap with answer and question. quote_find()
 * looks for a quote that somebody else wrote: exact first, then folded (white
 * space, hyphenation at line ends, ligatures, quote marks and dashes, case).
 * quote_supports() says whether a value's numbers, dates, names and words occur
 * in a text: a veto against inventions, no proof.
 *
 * Every function returns places in the document, never copies; what is shown
 * is always the document's own text. */
#ifndef LW_TEXT_QUOTE_H
#define LW_TEXT_QUOTE_H

#include "flow/chunk.h"
#include "flow/finding.h"

#include <stdbool.h>

/* Sentences of text[0, len): calls fn for each [start, end), trimmed of white
 * space, in order; list items, table rows and headings count as sentences. */
void quote_sentences(const char *text, size_t len,
                     void (*fn)(void *user, size_t start, size_t end), void *user);

/* The sentence of the chunk that supports the answer best. `question` may be
 * NULL. Always EXACT for a chunk with any text (long sentences are cut at 400
 * bytes around the overlap, at word ends); NONE only for blank chunks. *overlap is
 * the share of the answer's weight that the sentence holds, 0..1. */
struct quote quote_choose(const struct doc_set *set, const struct chunk *chunk,
                          const char *answer, const char *question, double *overlap);

/* Find needle in text[from, to) of the document; the first best match. */
struct quote quote_find(const struct doc_set *set, int doc, size_t from, size_t to,
                        const char *needle);

/* Does text hold what value states? Numbers (12,5 = 12.5 = 12.50; 1,000 =
 * 1000; five = 5), dates, capitalised names and content words are compared after folding;
 * returns the share of them found, 0..1; 1 when the value has none. *numbers_ok is false
 * if any number of the value is missing. */
double quote_supports(const char *value, const char *text, size_t len, bool *numbers_ok);

/* What counts as support everywhere: all numbers of the value, and a good part of the
 * rest (the words of an answer are seldom all those of its source). */
bool quote_is_supported(const char *value, const char *text, size_t len);

#endif
