/* mem.c - allocation that cannot fail, and the arena of a run.
 *
 * An arena is a list of blocks, the current one first; each is zeroed when it
 * is made, so that handing out memory costs an addition. A request too big for
 * a quarter of a block gets a block of its own behind the current one, which
 * therefore stays in use. */
#include "base/mem.h"

#include "legwork.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_BLOCK_BYTES = 64 * 1024 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(ARENA_ALIGN) unsigned char bytes[];
};

struct arena {
    struct block *first;
    size_t bytes; /* sum of the sizes of all blocks */
};

/* _Exit: handlers of exit() might allocate, and other threads still run. */
static _Noreturn void die_no_memory(void)
{
    fputs("legwork: the machine has no memory left\n", stderr);
    _Exit(LW_ERR);
}

static size_t product(size_t n, size_t bytes)
{
    if (bytes != 0 && n > SIZE_MAX / bytes) {
        die_no_memory();
    }
    return n * bytes;
}

void *mem_alloc(size_t bytes)
{
    return mem_array(1, bytes);
}

void *mem_array(size_t n, size_t bytes)
{
    size_t total = product(n, bytes);
    void *p = calloc(1, total > 0 ? total : 1);
    if (p == NULL) {
        die_no_memory();
    }
    return p;
}

/* p is the address of a pointer to any type, cast to void **; reading it as a
 * void * would break the aliasing rule, copying its bytes does not. */
void mem_grow(void **p, size_t *cap, size_t need, size_t element_bytes)
{
    if (need <= *cap) {
        return;
    }
    size_t grown = *cap + *cap / 2;
    if (grown < need) {
        grown = need;
    }
    if (grown < 8) {
        grown = 8;
    }
    size_t total = product(grown, element_bytes);
    void *old;
    memcpy(&old, p, sizeof old);
    void *new = realloc(old, total > 0 ? total : 1);
    if (new == NULL) {
        die_no_memory();
    }
    memcpy(p, &new, sizeof new);
    *cap = grown;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t len)
{
    if (len == SIZE_MAX) {
        die_no_memory();
    }
    char *copy = mem_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, s, len);
    }
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

/* aligned_alloc: calloc() promises 16 only where max_align_t has it. */
static struct block *block_new(struct arena *a, size_t size)
{
    size_t head = sizeof(struct block);
    if (size > SIZE_MAX - head - ARENA_ALIGN) {
        die_no_memory();
    }
    size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct block *b = aligned_alloc(ARENA_ALIGN, head + size);
    if (b == NULL) {
        die_no_memory();
    }
    memset(b, 0, head + size);
    b->size = size;
    a->bytes += size;
    return b;
}

struct arena *arena_new(void)
{
    struct arena *a = mem_alloc(sizeof *a);
    a->first = block_new(a, ARENA_BLOCK_BYTES);
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL) {
        return;
    }
    struct block *b = a->first;
    while (b != NULL) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

/* The block that has room for size bytes, made if there is none. */
static struct block *block_for(struct arena *a, size_t size)
{
    struct block *current = a->first;
    if (size <= current->size - current->used) {
        return current;
    }
    if (size > ARENA_BLOCK_BYTES / 4) {
        struct block *own = block_new(a, size);
        own->next = current->next;
        current->next = own;
        return own;
    }
    struct block *fresh = block_new(a, ARENA_BLOCK_BYTES);
    fresh->next = current;
    a->first = fresh;
    return fresh;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    struct block *b = block_for(a, bytes > 0 ? bytes : 1);
    void *p = b->bytes + b->used;
    size_t used = (bytes > 0 ? bytes : 1) + ARENA_ALIGN - 1;
    b->used += used / ARENA_ALIGN * ARENA_ALIGN;
    assert(b->used <= b->size);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t bytes)
{
    return arena_alloc(a, product(n, bytes));
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    if (len == SIZE_MAX) {
        die_no_memory();
    }
    char *copy = arena_alloc(a, len + 1);
    if (len > 0) {
        memcpy(copy, s, len);
    }
    return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0);
    char *s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

size_t arena_bytes(const struct arena *a)
{
    return a->bytes;
}
