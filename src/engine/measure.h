/* measure.h - how fast this machine is with a model.
 *
 * A quantity (a prompt read, a reply written, several replies written at once, several
 * tokens of one reply checked in one step) is sampled a few times for a moment and
 * the median taken. While a sample is taken others are watched (cpu.h): a
 * disturbed one is taken again, and where none is clean the whole says so.
 *
 * Threads: numbers of them are tried from all cores downwards until fewer are clearly
 * worse; the rest is measured with the best number.
 *
 * Time bounds it, not counts: a slow model gets fewer samples and shorter prompts.
 * Where even one of each takes more than twice the time and a minute, it gives up. */
#ifndef LW_ENGINE_MEASURE_H
#define LW_ENGINE_MEASURE_H

#include "base/cancel.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { MEASURE_SPEEDS_MAX = 12, MEASURE_BATCHES = 4, MEASURE_CHECKS = 9 };

struct measure_options {
    const char *path; /* GGUF file */
    int threads;      /* the most to try; 0: the cores this process may use */
    double seconds;   /* about, without loading */
    void (*progress)(void *user, int done, int total); /* of quantities */
    void *user;
    const struct cancel *cancel; /* NULL: none; any level ends it */
};

struct measure {
    struct lw_speed speeds[MEASURE_SPEEDS_MAX]; /* most threads first */
    size_t n_speeds, best;
    struct lw_point batches[MEASURE_BATCHES]; /* sequences: tokens a second together */
    size_t n_batches;                         /* 1 where an encoder reads */
    struct lw_point checks[MEASURE_CHECKS];   /* tokens in a step: time, one is 1 */
    int prompt_tokens;                        /* of the prompts that were read */
    double seconds;
    double others; /* cores' worth, over the whole time */
    bool disturbed;
};

/* LW_ERR_LOCAL as engine_open(), and for a context of fewer than 32 tokens; LW_ERR: not
 * done in time; LW_CANCELLED. */
int measure_model(const struct measure_options *opt, struct measure *out,
                  struct lw_error *err);

/* The version of libllama: another one has other kernels. */
const char *measure_library(void);

/* --- The rules, as pure functions ------------------------------------------- */

/* Sorts v, n > 0. */
double measure_median(double *v, size_t n);
/* The number of threads to try after n; 0: none. */
int measure_fewer_threads(int n);
/* Index of the number of threads to read with: the most, unless fewer are clearly
 * better. */
size_t measure_best(const struct lw_speed *speeds, size_t n);
/* Tokens of a prompt, so that reading one takes a fair part of the time that there is. */
int measure_prompt_tokens(double tokens_per_second, double seconds);

#endif
