/* resident.h - models of this process that are in memory while somebody needs them.
 *
 * A resident is an llm whose model is opened anew when something is asked of it, and
 * closed while nothing is: after a time without a request, or earlier when another
 * resident needs the memory, the one that was not used for longest first. Who asks
 * notices nothing but the time. What a model kept in memory is gone with it; what it kept
 * on disk is found again.
 *
 * Residents make room for those of the same set, which so keeps the ledger of what
 * models take: two that do not fit into memory together take turns, and one waits while
 * the other is at work.
 *
 * Threads: any, for the residents and for the set; one model is loaded at a time, and a
 * thread of the set's own closes what was not used (it starts with the first resident
 * that may be idle too long). */
#ifndef LW_MODELS_RESIDENT_H
#define LW_MODELS_RESIDENT_H

#include "llm/llm.h"

#include <stdint.h>

struct residents;

struct residents_options {
    uint64_t (*memory_free)(void); /* bytes; 0: unknown, then nobody makes room */
    /* Any thread: a model was closed or is opened again. NULL: nobody listens. */
    void (*trace)(void *user, const char *sentence);
    void *user;
};

/* How to get a model. Called on the thread that asks something of the resident. */
struct resident_model {
    const char *name; /* for sentences */
    /* Bytes that it will take; 0: unknown. */
    uint64_t (*need)(void *user);
    /* again: it was open before, with the same result but for memory. */
    int (*open)(void *user, bool again, struct llm **out, struct lw_error *err);
    void (*release)(void *user); /* when the resident is closed; NULL: nothing to do */
    void *user;
    /* Raised, it ends the wait for room that others use at the moment; open() is called
     * then, and says what has happened. NULL: it never is. */
    const struct cancel *cancel;
};

struct residents *residents_new(const struct residents_options *opt);
/* When all its residents are closed. NULL allowed. */
void residents_free(struct residents *set);

/* From now on residents are closed when idle for so long; 0: never. */
void residents_set_idle(struct residents *set, int64_t ms);

/* Open the model now. The resident's info stays as it is then. On an error, which is
 * open()'s, nothing is released. Later failures to open it again are those of the
 * requests (LLM_FAILED) or of llm_embed(); llm_count_tokens() estimates then. */
int resident_open(struct llm **out, struct residents *set,
                  const struct resident_model *model, struct lw_error *err);

/* Open the resident now if it is not in memory, so that a failure is told here and not
 * by estimates and failed requests. */
int resident_wake(struct llm *resident, struct lw_error *err);

#endif
