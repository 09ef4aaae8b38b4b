/* mem.h - allocation for small things of fixed size, and the arena of a run.
 *
 * mem_* end the process with one sentence when the machine has no memory left:
 * they are for structs and arrays whose size we choose. Anything sized by
 * outside data goes through buf.h, which has a maximum and can fail.
 *
 * An arena hands out memory that lives until the arena is freed; a run has one
 * and most functions need no free at all. Not thread-safe: one owner. */
#ifndef LW_BASE_MEM_H
#define LW_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);           /* zeroed; never NULL */
void *mem_array(size_t n, size_t bytes); /* zeroed; overflow checked; never NULL */
/* Grow *p (of *cap elements; NULL and 0 at first) so that it holds at least need
 * elements, by half again; new elements are not zeroed. p may be the address of
 * a pointer to any type: mem_grow((void **)&items, &cap, n + 1, sizeof *items). */
void mem_grow(void **p, size_t *cap, size_t need, size_t element_bytes);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len); /* adds a NUL */
void mem_free(void *p);

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a);                 /* NULL allowed */
void *arena_alloc(struct arena *a, size_t bytes); /* zeroed, 16-aligned */
void *arena_array(struct arena *a, size_t n, size_t bytes);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *a); /* held from the system */

#endif
