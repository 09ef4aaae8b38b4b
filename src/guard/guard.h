/* guard.h - the one door out.
 *
 * An llm that wraps an llm on another machine (or in the supervisor's role):
 * before a request goes on it is counted, byte for byte, and the characters of
 * it that stand verbatim in a document (runs of GUARD_RUN_CHARS or more) are
 * counted too. Nothing in legwork gives document text to a remote model except
 * through a guard.
 *
 * Counted as bytes: all parts of all messages, the beginning of the reply that
 * is asked for (prefill, where the model honours it) and the compact text of
 * the reply's schema. What a transport puts around them (field names, escapes,
 * headers, its own retries) is not. A request is counted when it is handed on,
 * also if it then fails or is cancelled: rather too much than too little.
 *
 * Verbatim runs are found with an index of the documents: GUARD_WINDOW_BYTES
 * at every GUARD_STEP_BYTES-th byte, so that any run of 20 characters holds
 * one whole window; hits are verified and extended to both sides. Built at the
 * first request, about as large as the documents' text. The count is exact,
 * with one exception: a window that stands in more than GUARD_PLACES_MAX
 * different surroundings (blank cells of a huge table) is compared with the
 * last so many of them.
 *
 * Threads: any number may send through one guard, and count with one index. */
#ifndef LW_GUARD_GUARD_H
#define LW_GUARD_GUARD_H

#include "flow/doc.h"
#include "flow/usage.h"
#include "llm/llm.h"

enum {
    GUARD_RUN_CHARS = 20,
    GUARD_WINDOW_BYTES = 12,
    GUARD_STEP_BYTES = 8,
    GUARD_PLACES_MAX = 20000
};

struct guard_index;
/* Borrowed documents must outlive the index. */
struct guard_index *guard_index_new(const struct doc_set *set);
void guard_index_free(struct guard_index *ix); /* NULL allowed */
/* Characters of text that stand verbatim in the documents, in runs of 20 or more. */
int64_t guard_index_count(const struct guard_index *ix, const char *text, size_t len);

/* Takes inner; borrows the documents. Counts into *egress (the caller's, one
 * run; read it when no request is under way). */
struct llm *guard_wrap(struct llm *inner, const struct doc_set *set,
                       struct egress *egress);

#endif
