/* guard.h - the one door out.
 *
 * An llm that wraps an llm on another machine (or in the supervisor's role) and
 * counts what leaves through it. Nothing in legwork gives document text to a
 * remote model except through a guard.
 *
 * A model behind HTTP tells the guard what it has sent (struct llm_meter), so
 * the receipt is that of the wire:
 *   calls           requests that began to leave (their body, if they have one); every
 *                   try counts, by whomever it was made: retries, repairs, a parameter
 *                   dropped, a question to a server about itself, curl beginning again
 *                   on a kept connection that proved dead
 *   bytes           of their bodies as they were written to the connection, before
 *                   encryption: what the other side received, if all arrived.
 *                   Request lines, headers and look-ups of names are not counted
 *   document_chars  of these bodies, characters that stand verbatim in a document
 *                   in runs of GUARD_RUN_CHARS or more; a retry sends them again. A body
 *                   that was cut while it left counts as a whole
 * A request that got no connection, or was cancelled before it had one, is not counted.
 *
 * A model without a wire (in process, the scripted fake) has no bodies. Behind a
 * guard each request that is handed on is one call, its bytes those of all parts of
 * all messages, of the beginning of the reply that is asked for (where the
 * model honours it) and of the compact text of the reply's schema.
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

/* The same of all strings in a JSON body, as they read without their escapes. */
int64_t guard_body_count(const struct guard_index *ix, const char *body, size_t len);

/* Takes inner, which was not called yet; borrows the documents. Counts into *egress (the
 * caller's, one run; read it when no request is under way). */
struct llm *guard_wrap(struct llm *inner, const struct doc_set *set,
                       struct egress *egress);

#endif
