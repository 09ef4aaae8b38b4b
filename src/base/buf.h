/* buf.h - a growing byte string with a maximum.
 *
 * Every buffer fed from outside is one of these; its maximum is given at
 * buf_init() and comes from the list in limits.h. The content is always
 * NUL-terminated (the NUL is not counted). A call that would pass the maximum
 * changes nothing, marks the buffer as full (buf_failed) and returns
 * LW_ERR; later appends fail too, so a caller may append many times and check
 * once. What is added must not point into the buffer itself. */
#ifndef LW_BASE_BUF_H
#define LW_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* never NULL once initialised */
    size_t len;
    size_t cap;
    size_t max; /* bytes, without the NUL */
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* len 0, failed false, memory kept */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_failed(const struct buf *b);
void buf_cut(struct buf *b, size_t len); /* shorten to len bytes */
/* The content as a malloc'ed string that the caller frees with mem_free(); the
 * buffer is empty after, with the same maximum and ready for use. */
char *buf_take(struct buf *b, size_t *len);

#endif
