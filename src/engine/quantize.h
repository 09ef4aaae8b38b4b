/* quantize.h - a model's weights in another format, as a new file.
 *
 * libllama does the work, in a child of this process: it cannot be stopped
 * half-way, and ends the process over some files. From here that is a sentence.
 * The new file has another name until it is whole, so what has the name that was
 * asked for is a model.
 *
 * Threads: any; the call blocks. In the child runs what may take locks of
 * libllama, so no other thread should be inside libllama when it is called. */
#ifndef LW_ENGINE_QUANTIZE_H
#define LW_ENGINE_QUANTIZE_H

#include "base/cancel.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct quantize_job {
    const char *in;   /* a GGUF file */
    const char *out;  /* where the new one goes */
    const char *type; /* format.h */
    bool force;       /* replace what is there; quantise what is quantised already */
    int threads;      /* 0: the cores this process may use */
    void (*progress)(void *user, int done, int total); /* of tensors */
    void (*notice)(void *user, const char *sentence);
    void *user;
    const struct cancel *cancel; /* NULL: none; any level ends it */
};

struct quantize_result {
    char was[64]; /* the format of `in` */
    uint64_t bytes_in, bytes_out;
};

/* LW_ERR_USAGE: no such type; out is there, or in is quantised, and not `force`; both
 * are one file. LW_ERR_LOCAL: in is no model, or libllama cannot do it. LW_ERR: the disk
 * is full or cannot be written. LW_CANCELLED. On failure nothing is left behind. */
int quantize_file(const struct quantize_job *job, struct quantize_result *result,
                  struct lw_error *err);

#endif
