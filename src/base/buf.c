/* buf.c - a growing byte string with a maximum.
 *
 * Unlike mem.h this may be asked for memory by strangers, so a machine without
 * memory is a failed append here and not the end of the process.
 *
 * Invariant: len < cap <= max + 1 and data[len] == 0. */
#include "base/buf.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 64 };

void buf_init(struct buf *b, size_t max)
{
    assert(max < SIZE_MAX);
    size_t cap = max < FIRST_BYTES ? max + 1 : FIRST_BYTES;
    *b = (struct buf){ .data = mem_alloc(cap), .cap = cap, .max = max };
}

void buf_release(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->data[0] = '\0';
    b->failed = false;
}

static int fail(struct buf *b)
{
    b->failed = true;
    return LW_ERR;
}

/* Make room for len more bytes and the NUL, by half again but not past the maximum. */
static int reserve(struct buf *b, size_t len)
{
    if (b->failed || len > b->max - b->len) {
        return fail(b);
    }
    size_t need = b->len + len + 1, cap_max = b->max + 1;
    if (need <= b->cap) {
        return 0;
    }
    size_t cap = b->cap / 2 < cap_max - b->cap ? b->cap + b->cap / 2 : cap_max;
    if (cap < need) {
        cap = need;
    }
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        return fail(b);
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
    if (reserve(b, len)) {
        return LW_ERR;
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    size_t room = b->cap - b->len;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, args);
    va_end(args);
    int code = n < 0 ? fail(b) : reserve(b, (size_t)n);
    if (code == 0 && (size_t)n >= room) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (code == 0) {
        b->len += (size_t)n;
    } else if (room > 0) {
        b->data[b->len] = '\0';
    }
    return code;
}

bool buf_failed(const struct buf *b)
{
    return b->failed;
}

void buf_cut(struct buf *b, size_t len)
{
    if (len < b->len) {
        b->len = len;
        b->data[len] = '\0';
    }
}

char *buf_take(struct buf *b, size_t *len)
{
    char *data = b->data;
    if (len != NULL) {
        *len = b->len;
    }
    buf_init(b, b->max);
    return data;
}
