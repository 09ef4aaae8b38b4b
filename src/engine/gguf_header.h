/* gguf_header.h - what stands in the header of one GGUF file, for gguf_info.c.
 *
 * Of a model in several files each is read with the same struct, one after the other:
 * what belongs to a file is set anew by opening it, types of tensors add up. What callers
 * of the engine want to know goes into gguf_info; here is what that is derived from and
 * checked by. */
#ifndef LW_ENGINE_GGUF_HEADER_H
#define LW_ENGINE_GGUF_HEADER_H

#include "engine/gguf_bytes.h"
#include "engine/gguf_info.h"

#include <ggml.h>

struct gguf_header {
    struct gguf_bytes in;
    uint64_t n_tensors, n_keys, alignment;
    int64_t file_type;     /* general.file_type; -1: not said */
    uint64_t heads_kv_sum; /* over layers, where it is given for each */
    int layers_kv;         /* of these, how many have any */
    /* Of layers with a state (Mamba and its kind; RWKV; short convolutions). */
    int ssm_kernel, ssm_inner, ssm_state, ssm_groups, wkv_head, short_kernel;
    int experts, experts_used, expert_groups, expert_groups_used;
    int rope;        /* numbers of a head that are turned; -1: not said */
    int part, parts; /* of a model in several files: this one's number, from 0 */
    uint64_t type_bytes[GGML_TYPE_COUNT];
    uint64_t data_end;          /* of the tensor that ends last, from the data's start */
    struct gguf_places *places; /* NULL: not wanted */
};

void gguf_header_init(struct gguf_header *h, struct gguf_places *places);

/* LW_ERR_LOCAL: it cannot be opened, or is no file. */
int gguf_header_open(struct gguf_header *h, const char *path, struct lw_error *err);
/* LW_ERR_LOCAL: something is wrong with what was read (h->in.bad). */
int gguf_header_close(struct gguf_header *h, const char *path, struct lw_error *err);

/* The only file of a model, or the first: all that is said of it. */
void gguf_header_read_first(struct gguf_header *h, struct gguf_info *out);
/* Any file: its tensors. What is said of the model stands in the first. */
void gguf_header_read_part(struct gguf_header *h, struct gguf_info *out);

#endif
