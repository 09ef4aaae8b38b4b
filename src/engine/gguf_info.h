/* gguf_info.h - what a GGUF file says of itself, without loading it.
 *
 * Of a model in several files the first is named, and the headers of all are read.
 *
 * Reads the header only, with every count and offset checked against the
 * file's length before use. Numbers over which libllama would end the process instead of
 * refusing the file (layers, experts, norms, rotation) are damage too. */
#ifndef LW_ENGINE_GGUF_INFO_H
#define LW_ENGINE_GGUF_INFO_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gguf_info {
    char architecture[64];
    char type[32]; /* general.type: "model", "adapter", ..; often not said */
    char name[128];
    char quantisation[64]; /* general.file_type, or the commonest type of its tensors */
    int parts;             /* files that it lies in */
    uint64_t file_bytes;   /* of all */
    uint64_t tensor_bytes; /* weights */
    uint64_t narrow_bytes; /* of these, in tensors that widen.h can widen */
    uint64_t k_bytes;      /* of these, in K-quants */
    int context;           /* trained; 0 if not said */
    int layers, heads, heads_kv, embedding, vocabulary;
    int key_length, value_length; /* a head */
    /* Bytes of KV cache a token (f16). */
    uint64_t kv_bytes_per_token;
    /* Bytes a sequence of layers whose memory does not grow (recurrent ones, f32). */
    uint64_t state_bytes;
};

/* LW_ERR_LOCAL: missing, unreadable, not GGUF, damaged or truncated (says which), or a
 * part of a model that is not its first. */
int gguf_info_read(const char *path, struct gguf_info *out, struct lw_error *err);

/* Where part number `part` (from 0) of a model lies whose first file is `path`.
 * LW_ERR_LOCAL: that is not named as the first of several. */
int gguf_part_path(const char *path, int part, int parts, char out[PATH_MAX],
                   struct lw_error *err);

/* Is a tensor of this name and ggml type one that widen.h widens? Not the table of
 * embeddings: nothing is multiplied with it but, in some models, the last token. */
bool gguf_is_narrow(const char *tensor, int type);

/* Where things lie in the file, for those who read it without libllama. */
struct gguf_place {
    uint64_t start, bytes; /* from the beginning of the file */
};

struct gguf_places {
    struct gguf_place *tensors; /* the data of each, in the order of the header */
    size_t n, cap;
    uint64_t data_start; /* the header and its padding end here */
    int parts;           /* files that the model lies in */
};

/* Of this one file, which may be any part. Errors as gguf_info_read(). Release in any
 * case. */
int gguf_places_read(const char *path, struct gguf_places *out, struct lw_error *err);
void gguf_places_release(struct gguf_places *places);

#endif
