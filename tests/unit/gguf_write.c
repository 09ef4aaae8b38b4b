/* gguf_write.c - append pieces of a GGUF file to a buffer. */
#include "gguf_write.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void gguf_put(struct gguf_file *f, const void *data, size_t len)
{
    assert_true(f->len + len <= sizeof f->bytes);
    memcpy(f->bytes + f->len, data, len);
    f->len += len;
}

void gguf_put_int(struct gguf_file *f, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));
        gguf_put(f, &byte, 1);
    }
}

void gguf_put_string(struct gguf_file *f, const char *s)
{
    gguf_put_int(f, strlen(s), 8);
    gguf_put(f, s, strlen(s));
}

void gguf_put_start(struct gguf_file *f, uint64_t n_tensors, uint64_t n_keys)
{
    f->len = 0;
    gguf_put(f, "GGUF", 4);
    gguf_put_int(f, 3, 4);
    gguf_put_int(f, n_tensors, 8);
    gguf_put_int(f, n_keys, 8);
}

void gguf_put_u32(struct gguf_file *f, const char *key, uint32_t value)
{
    gguf_put_string(f, key);
    gguf_put_int(f, U32, 4);
    gguf_put_int(f, value, 4);
}

void gguf_put_text(struct gguf_file *f, const char *key, const char *value)
{
    gguf_put_string(f, key);
    gguf_put_int(f, STRING, 4);
    gguf_put_string(f, value);
}

void gguf_put_tensor(struct gguf_file *f, const char *name, uint64_t rows, uint64_t cols,
                     uint32_t type, uint64_t offset)
{
    gguf_put_string(f, name);
    gguf_put_int(f, 2, 4);
    gguf_put_int(f, cols, 8);
    gguf_put_int(f, rows, 8);
    gguf_put_int(f, type, 4);
    gguf_put_int(f, offset, 8);
}

void gguf_put_padding(struct gguf_file *f, size_t align)
{
    while (f->len % align != 0) {
        gguf_put_int(f, 0, 1);
    }
}

void gguf_put_zeros(struct gguf_file *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        gguf_put_int(f, 0, 1);
    }
}

static void put_u16(struct gguf_file *f, const char *key, int value)
{
    gguf_put_string(f, key);
    gguf_put_int(f, U16, 4);
    gguf_put_int(f, (uint64_t)value, 2);
}

void gguf_put_part(struct gguf_file *f, int part, int parts, int n_tensors)
{
    put_u16(f, "split.no", part);
    put_u16(f, "split.count", parts);
    gguf_put_u32(f, "split.tensors.count", (uint32_t)n_tensors);
}

void gguf_save(const struct gguf_file *f, char *path_template)
{
    int fd = mkstemp(path_template);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->bytes, f->len), (ssize_t)f->len);
    close(fd);
}
