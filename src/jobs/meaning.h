/* meaning.h - how near a question is to each chunk in meaning, by an embedding model.
 *
 * Search by words misses what is said in other words. An embedding model gives each
 * text a vector; the nearer two texts are in meaning, the greater their product. The
 * chunks' vectors are made once, before a plan is read, and stay with the chunks;
 * each task's question costs one short text more. With some ten thousand chunks at
 * most, every product is computed: there is no index.
 *
 * Life: meaning_init(), vectors by meaning_read() or from where they were kept,
 * meaning_release(). Between those a reading (reading.h) borrows it.
 * Threads: the run's thread. */
#ifndef LW_JOBS_MEANING_H
#define LW_JOBS_MEANING_H

#include "base/cancel.h"
#include "base/err.h"
#include "flow/chunk.h"
#include "llm/llm.h"

/* What a model was trained to see in front of a text; "" nothing. */
struct meaning_style {
    const char *question, *passage;
};

/* By the model's name, for those whose makers say so: E5, Nomic and English BGE. */
struct meaning_style meaning_style_of(const char *name);

struct meaning {
    struct llm *model; /* borrowed */
    struct meaning_style style;
    size_t width;   /* numbers in a vector */
    size_t n;       /* chunks */
    float *vectors; /* n times width; squares of each sum to 1 or 0 */
};

/* All vectors are 0 yet. LW_ERR_INPUT: there are too many chunks. */
int meaning_init(struct meaning *m, struct llm *model, struct meaning_style style,
                 size_t n_chunks, struct lw_error *err);
void meaning_release(struct meaning *m); /* one that is all 0 too */

/* Make the vectors of the chunks from..to. Errors as llm_embed(). */
int meaning_read(struct meaning *m, const struct doc_set *set,
                 const struct chunk_list *chunks, size_t from, size_t to,
                 const struct cancel *cancel, struct lw_error *err);

/* near[i]: -1..1, how near the question, which `texts` form together, is to chunk i.
 * Errors as llm_embed(). */
int meaning_near(const struct meaning *m, const char *const *texts, size_t n_texts,
                 const struct cancel *cancel, double *near, struct lw_error *err);

#endif
