/* tuned.h - measurements of models on this machine, as they are kept.
 *
 * One file for each model and machine in the data folder's "tune":
 *
 *     {"schema": "legwork.tune/2", "when": "2026-11-21T14:35:30Z",
 *      "model": {"name": "x.gguf", "bytes": 0, "quantisation": "Q4_0"},
 *      "machine": {"cpu": "...", "cores": 2, "libllama": "0.5.0"},
 *      "seconds": 0, "others": 0, "disturbed": false, "prompt_tokens": 512,
 *      "threads": 2, "reads": 0, "writes": 0,
 *      "speeds": [{"threads": 2, "reads": 0, "writes": 0}, ...],
 *      "batches": [{"replies": 1, "writes": 0}, ...],
 *      "checks": [{"tokens": 1, "cost": 1}, ...]}
 *
 * Its name is made of model and machine, which stand in it again. A file that is
 * damaged, or of another model or machine than its name says, counts as not there.
 * reads and writes are tokens a second; a file of another size, another
 * processor, number of cores or libllama is measured anew. */
#ifndef LW_RUN_TUNED_H
#define LW_RUN_TUNED_H

#include "base/json.h"
#include "engine/cpu.h"
#include "engine/measure.h"

#include <stdbool.h>
#include <stdint.h>

struct tuned_key {
    char model[160]; /* the file's name */
    uint64_t bytes;
    char cpu[CPU_NAME_BYTES];
    int cores;
    char library[64];
};

/* Of the model at path, here and now. False: there is no such file. */
bool tuned_key_of(struct tuned_key *key, const char *path);

/* What a run uses. */
struct tuned {
    int threads; /* the best number; 0: not all cores were tried, so nobody knows */
    double reads, writes;
    struct lw_point checks[MEASURE_CHECKS]; /* in rising order; with these threads */
    size_t n_checks;
};

/* False: not measured. folder may be NULL: there is none. */
bool tuned_find(const char *folder, const struct tuned_key *key, struct tuned *out);
/* The same for a model at path in the user's data folder. */
bool tuned_of_model(const char *path, struct tuned *out);

/* New reference. */
json_t *tuned_json(const struct tuned_key *key, const char *quantisation,
                   const struct measure *m);
/* LW_ERR: cannot be written. */
int tuned_keep(const char *folder, const struct tuned_key *key, const json_t *record,
               struct lw_error *err);

/* The folder, mem_free(); NULL: the user has no data folder. */
char *tuned_folder(void);

#endif
