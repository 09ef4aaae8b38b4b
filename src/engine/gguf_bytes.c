/* gguf_bytes.c - each read looks at what is left of the file first.
 *
 * A hostile count can so waste neither memory nor time: nothing is allocated here, and
 * nothing is passed over but by reading it. */
#include "engine/gguf_bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const unsigned char value_bytes[GGUF_VALUE_TYPES] = {
    [GGUF_VALUE_U8] = 1,  [GGUF_VALUE_I8] = 1,   [GGUF_VALUE_U16] = 2,
    [GGUF_VALUE_I16] = 2, [GGUF_VALUE_U32] = 4,  [GGUF_VALUE_I32] = 4,
    [GGUF_VALUE_F32] = 4, [GGUF_VALUE_BOOL] = 1, [GGUF_VALUE_U64] = 8,
    [GGUF_VALUE_I64] = 8, [GGUF_VALUE_F64] = 8,
};

/* --- The file ------------------------------------------------------------- */

int gguf_bytes_open(struct gguf_bytes *b, const char *path, struct lw_error *err)
{
    struct stat st;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &st) != 0) {
        int code = errno;
        if (file) {
            fclose(file);
        }
        return err_set(err, LW_ERR_LOCAL, "cannot open the model %s: %s", path,
                       strerror(code));
    }
    if (!S_ISREG(st.st_mode)) {
        fclose(file);
        return err_set(err, LW_ERR_LOCAL, "the model %s is not a file", path);
    }
    *b = (struct gguf_bytes){ .file = file, .size = (uint64_t)st.st_size };
    return 0;
}

void gguf_bytes_close(struct gguf_bytes *b)
{
    fclose(b->file);
}

/* --- Bytes ---------------------------------------------------------------- */

void gguf_bytes_mark_bad(struct gguf_bytes *b, const char *what)
{
    if (!b->bad) {
        b->bad = what;
    }
}

static uint64_t bytes_left(const struct gguf_bytes *b)
{
    return b->bad ? 0 : b->size - b->pos;
}

bool gguf_bytes_need(struct gguf_bytes *b, uint64_t count, uint64_t bytes_each)
{
    if (b->bad || count > bytes_left(b) / bytes_each) {
        gguf_bytes_mark_bad(b, "its header is damaged or cut short");
        return false;
    }
    return true;
}

void gguf_bytes_go_to(struct gguf_bytes *b, uint64_t pos)
{
    if (fseeko(b->file, (off_t)pos, SEEK_SET) != 0) {
        gguf_bytes_mark_bad(b, "it cannot be read twice");
    }
    b->pos = pos;
}

void gguf_bytes_read(struct gguf_bytes *b, void *out, size_t n)
{
    memset(out, 0, n);
    if (!gguf_bytes_need(b, n, 1)) {
        return;
    }
    if (fread(out, 1, n, b->file) != n) {
        memset(out, 0, n);
        gguf_bytes_mark_bad(b, "it cannot be read to its end");
        return;
    }
    b->pos += n;
}

void gguf_bytes_skip(struct gguf_bytes *b, uint64_t n)
{
    char waste[4096];

    if (!gguf_bytes_need(b, n, 1)) {
        return;
    }
    while (n > 0 && !b->bad) {
        size_t piece = n < sizeof waste ? (size_t)n : sizeof waste;
        gguf_bytes_read(b, waste, piece);
        n -= piece;
    }
}

uint64_t gguf_bytes_uint(struct gguf_bytes *b, size_t bytes)
{
    unsigned char raw[8];
    uint64_t value = 0;

    gguf_bytes_read(b, raw, bytes);
    for (size_t i = bytes; i > 0; i--) {
        value = value << 8 | raw[i - 1];
    }
    return value;
}

void gguf_bytes_string(struct gguf_bytes *b, char *out, size_t out_bytes)
{
    uint64_t len = gguf_bytes_uint(b, 8);

    out[0] = '\0';
    if (!gguf_bytes_need(b, len, 1)) {
        return;
    }
    size_t take = len < out_bytes ? (size_t)len : out_bytes - 1;
    gguf_bytes_read(b, out, take);
    out[take] = '\0';
    gguf_bytes_skip(b, len - take);
}

static void skip_string(struct gguf_bytes *b)
{
    gguf_bytes_skip(b, gguf_bytes_uint(b, 8));
}

/* --- Values --------------------------------------------------------------- */

bool gguf_value_is_integer(uint32_t type)
{
    return type < GGUF_VALUE_TYPES && type != GGUF_VALUE_STRING &&
           type != GGUF_VALUE_ARRAY && type != GGUF_VALUE_F32 && type != GGUF_VALUE_F64 &&
           type != GGUF_VALUE_BOOL;
}

static void skip_array(struct gguf_bytes *b)
{
    uint32_t type = (uint32_t)gguf_bytes_uint(b, 4);
    uint64_t count = gguf_bytes_uint(b, 8);

    if (type == GGUF_VALUE_STRING && gguf_bytes_need(b, count, 8)) {
        for (uint64_t i = 0; i < count && !b->bad; i++) {
            skip_string(b);
        }
    } else if (type < GGUF_VALUE_TYPES && value_bytes[type] > 0) {
        if (gguf_bytes_need(b, count, value_bytes[type])) {
            gguf_bytes_skip(b, count * value_bytes[type]);
        }
    } else {
        gguf_bytes_mark_bad(b, "its header is damaged (an array of an unknown type)");
    }
}

void gguf_bytes_skip_value(struct gguf_bytes *b, uint32_t type)
{
    if (type == GGUF_VALUE_STRING) {
        skip_string(b);
    } else if (type == GGUF_VALUE_ARRAY) {
        skip_array(b);
    } else if (type < GGUF_VALUE_TYPES) {
        gguf_bytes_skip(b, value_bytes[type]);
    } else {
        gguf_bytes_mark_bad(b, "its header is damaged (a value of an unknown type)");
    }
}

uint64_t gguf_bytes_number(struct gguf_bytes *b, uint32_t type)
{
    if (!gguf_value_is_integer(type)) {
        gguf_bytes_skip_value(b, type);
        return 0;
    }
    return gguf_bytes_uint(b, value_bytes[type]);
}
