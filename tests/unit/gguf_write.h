/* gguf_write.h - GGUF files byte by byte, also wrong ones, for tests. */
#ifndef LW_TESTS_GGUF_WRITE_H
#define LW_TESTS_GGUF_WRITE_H

#include <stddef.h>
#include <stdint.h>

/* Types of values and of tensors, as they stand in a file. */
enum {
    U16 = 2,
    U32 = 4,
    STRING = 8,
    ARRAY = 9,
    U64 = 10,
    F32 = 6,
    TYPE_F32 = 0,
    TYPE_Q4_K = 12
};

struct gguf_file {
    unsigned char bytes[8192];
    size_t len;
};

void gguf_put(struct gguf_file *f, const void *data, size_t len);
void gguf_put_int(struct gguf_file *f, uint64_t value, size_t bytes);
void gguf_put_string(struct gguf_file *f, const char *s);
void gguf_put_start(struct gguf_file *f, uint64_t n_tensors, uint64_t n_keys);
void gguf_put_u32(struct gguf_file *f, const char *key, uint32_t value);
void gguf_put_text(struct gguf_file *f, const char *key, const char *value);
void gguf_put_tensor(struct gguf_file *f, const char *name, uint64_t rows, uint64_t cols,
                     uint32_t type, uint64_t offset);
void gguf_put_padding(struct gguf_file *f, size_t align);
void gguf_put_zeros(struct gguf_file *f, size_t n);
/* The keys of a part of a model in several files; there are three of them. */
enum { GGUF_PART_KEYS = 3 };
void gguf_put_part(struct gguf_file *f, int part, int parts, int n_tensors);
/* Write the bytes to a new file; its name replaces the XXXXXX of the template. */
void gguf_save(const struct gguf_file *f, char *path_template);

#endif
