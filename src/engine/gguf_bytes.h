/* gguf_bytes.h - numbers, strings and values of a GGUF file, in order and with distrust.
 *
 *     string: u64 length, then bytes; array: u32 type, u64 count, values
 *
 * Every count and length is compared with what is left of the file before it is used.
 * Once something is wrong (`bad`, the end of a sentence) every read gives zeros, so
 * callers check when it matters. Threads: one at a time. */
#ifndef LW_ENGINE_GGUF_BYTES_H
#define LW_ENGINE_GGUF_BYTES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Types of values, as the file numbers them. */
enum gguf_value {
    GGUF_VALUE_U8,
    GGUF_VALUE_I8,
    GGUF_VALUE_U16,
    GGUF_VALUE_I16,
    GGUF_VALUE_U32,
    GGUF_VALUE_I32,
    GGUF_VALUE_F32,
    GGUF_VALUE_BOOL,
    GGUF_VALUE_STRING,
    GGUF_VALUE_ARRAY,
    GGUF_VALUE_U64,
    GGUF_VALUE_I64,
    GGUF_VALUE_F64,
    GGUF_VALUE_TYPES
};

/* The file and where we are. */
struct gguf_bytes {
    FILE *file;
    uint64_t pos, size;
    const char *bad; /* NULL: nothing is wrong so far */
};

/* LW_ERR_LOCAL: it cannot be opened, or is no file. */
int gguf_bytes_open(struct gguf_bytes *b, const char *path, struct lw_error *err);
void gguf_bytes_close(struct gguf_bytes *b);

/* The first that is told stays. */
void gguf_bytes_mark_bad(struct gguf_bytes *b, const char *what);
/* Can so many be there still? Else the file is marked bad. */
bool gguf_bytes_need(struct gguf_bytes *b, uint64_t count, uint64_t bytes_each);
/* Back, or ahead, to a place where we were. */
void gguf_bytes_go_to(struct gguf_bytes *b, uint64_t pos);

void gguf_bytes_read(struct gguf_bytes *b, void *out, size_t n);
void gguf_bytes_skip(struct gguf_bytes *b, uint64_t n);
uint64_t gguf_bytes_uint(struct gguf_bytes *b, size_t bytes);
/* What does not fit into out is passed over. */
void gguf_bytes_string(struct gguf_bytes *b, char *out, size_t out_bytes);

bool gguf_value_is_integer(uint32_t type);
void gguf_bytes_skip_value(struct gguf_bytes *b, uint32_t type);
/* An integer of any width; 0 and passed over if the value is something else. */
uint64_t gguf_bytes_number(struct gguf_bytes *b, uint32_t type);

#endif
