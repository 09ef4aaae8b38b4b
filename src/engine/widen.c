/* widen.c - a stream over a GGUF file in which blocks of Q5_0 are blocks of Q8_0.
 *
 *     the header, with the new types and offsets      made when it is opened
 *     tensor, padding, tensor, ...                    from the file: copied or converted
 *
 * Nothing is kept but the header: libllama seeks to a tensor, reads it whole and puts
 * the bytes where it computes with them, so each block is converted once. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* fopencookie */
#endif

#include "engine/widen.h"

#include "base/mem.h"

#include <fcntl.h>
#include <ggml.h>
#include <gguf.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 32,
    NARROW_BYTES = 2 + 4 + BLOCK / 2, /* Q5_0 */
    WIDE_BYTES = 2 + BLOCK,           /* Q8_0 */
    BLOCKS_AT_ONCE = 1024
};

/* --- Blocks --------------------------------------------------------------- */

/* Eight weights at a time, one a byte, the first in the lowest (x86-64; elsewhere nothing
 * is widened). n + 16 * fifth - 16 is n with a fifth bit and, in two's complement,
 * 0xf0 | n without. */
static uint64_t eight(uint64_t fours, unsigned fifths)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t bits = fifths * ones & 0x8040201008040201u; /* bit i in byte i */
    uint64_t set = (bits + 0x7f * ones) >> 7 & ones;

    return fours | (ones - set) * 0xf0;
}

static void widen_block(const unsigned char *from, unsigned char *to)
{
    const unsigned char *fifths = from + 2;
    const uint64_t low = 0x0f0f0f0f0f0f0f0fu;
    uint64_t fours[2], out[4];

    memcpy(fours, from + 6, sizeof fours);
    for (int i = 0; i < 2; i++) {
        out[i] = eight(fours[i] & low, fifths[i]);
        out[i + 2] = eight(fours[i] >> 4 & low, fifths[i + 2]);
    }
    memcpy(to, from, 2);
    memcpy(to + 2, out, sizeof out);
}

void widen_blocks(const unsigned char *from, unsigned char *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        widen_block(from + i * NARROW_BYTES, to + i * WIDE_BYTES);
    }
}

/* Where it was measured. */
uint64_t widen_more(const struct gguf_info *info)
{
#if defined(__x86_64__) && defined(__linux__)
    return info->narrow_bytes / NARROW_BYTES * (WIDE_BYTES - NARROW_BYTES);
#else
    (void)info;
    return 0;
#endif
}

#if defined(__linux__)

/* --- The stream ----------------------------------------------------------- */

struct piece {
    uint64_t start, bytes; /* in the stream */
    uint64_t from;         /* in the file */
    bool converted;
};

struct stream {
    int fd;
    uint64_t pos, size;
    unsigned char *header; /* with its padding */
    uint64_t header_bytes;
    struct piece *pieces; /* the tensors, in order */
    size_t n_pieces;
};

/* The last piece that begins at pos or before; NULL: none does. */
static const struct piece *piece_at(const struct stream *s, uint64_t pos)
{
    size_t low = 0, high = s->n_pieces;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->pieces[middle].start <= pos) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &s->pieces[low - 1] : NULL;
}

static bool read_at(int fd, unsigned char *out, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, out, n, (off_t)at);
        if (got <= 0) {
            return false;
        }
        out += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

/* At most n bytes of the piece from its byte `at` on; -1: the file does not give them. */
static ssize_t read_converted(const struct stream *s, const struct piece *p, uint64_t at,
                              unsigned char *out, size_t n)
{
    unsigned char narrow[BLOCKS_AT_ONCE * NARROW_BYTES], wide[WIDE_BYTES];
    size_t skip = (size_t)(at % WIDE_BYTES), blocks = n / WIDE_BYTES;
    bool broken = skip > 0 || blocks == 0;

    blocks = broken ? 1 : blocks < BLOCKS_AT_ONCE ? blocks : BLOCKS_AT_ONCE;
    if (!read_at(s->fd, narrow, blocks * NARROW_BYTES,
                 p->from + at / WIDE_BYTES * NARROW_BYTES)) {
        return -1;
    }
    if (!broken) {
        widen_blocks(narrow, out, blocks);
        return (ssize_t)(blocks * WIDE_BYTES);
    }
    widen_block(narrow, wide);
    n = n < WIDE_BYTES - skip ? n : WIDE_BYTES - skip;
    memcpy(out, wide + skip, n);
    return (ssize_t)n;
}

/* As many of n bytes as stand together here: header, tensor or padding. */
static ssize_t read_some(const struct stream *s, unsigned char *out, size_t n)
{
    const struct piece *p = piece_at(s, s->pos);
    const struct piece *next = p ? p + 1 : s->pieces;
    uint64_t end = next < s->pieces + s->n_pieces ? next->start : s->size;

    if (s->pos < s->header_bytes) {
        n = n < s->header_bytes - s->pos ? n : (size_t)(s->header_bytes - s->pos);
        memcpy(out, s->header + s->pos, n);
        return (ssize_t)n;
    }
    uint64_t at = p ? s->pos - p->start : 0,
             left = p && at < p->bytes ? p->bytes - at : 0;
    if (left == 0) {
        n = n < end - s->pos ? n : (size_t)(end - s->pos);
        memset(out, 0, n);
        return (ssize_t)n;
    }
    n = n < left ? n : (size_t)left;
    if (p->converted) {
        return read_converted(s, p, at, out, n);
    }
    return pread(s->fd, out, n, (off_t)(p->from + at));
}

static ssize_t stream_read(void *cookie, char *out, size_t n)
{
    struct stream *s = cookie;

    if (s->pos >= s->size || n == 0) {
        return 0;
    }
    ssize_t got = read_some(s, (unsigned char *)out, n);
    s->pos += got > 0 ? (uint64_t)got : 0;
    return got;
}

static int stream_seek(void *cookie, off64_t *offset, int whence)
{
    struct stream *s = cookie;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t)s->pos
                                        : (int64_t)s->size;

    if (*offset < -base) {
        return -1;
    }
    s->pos = (uint64_t)(base + *offset);
    *offset = (off64_t)s->pos;
    return 0;
}

static int stream_close(void *cookie)
{
    struct stream *s = cookie;
    int rc = s->fd >= 0 ? close(s->fd) : 0;

    mem_free(s->header);
    mem_free(s->pieces);
    mem_free(s);
    return rc;
}

/* --- Opening -------------------------------------------------------------- */

/* The pieces as they lie in the file, and their types changed in the header. */
static void convert_header(struct stream *s, struct gguf_context *g)
{
    uint64_t data = gguf_get_data_offset(g);

    for (size_t i = 0; i < s->n_pieces; i++) {
        s->pieces[i].from = data + gguf_get_tensor_offset(g, (int64_t)i);
        s->pieces[i].converted = gguf_is_narrow(gguf_get_tensor_name(g, (int64_t)i),
                                                (int)gguf_get_tensor_type(g, (int64_t)i));
    }
    for (size_t i = 0; i < s->n_pieces; i++) {
        if (s->pieces[i].converted) {
            gguf_set_tensor_type(g, gguf_get_tensor_name(g, (int64_t)i), GGML_TYPE_Q8_0);
        }
    }
}

/* Where everything stands in the stream. */
static void lay_out(struct stream *s, const struct gguf_context *g)
{
    uint64_t align = gguf_get_alignment(g), meta = gguf_get_meta_size(g);

    s->header_bytes = s->size = (meta + align - 1) / align * align;
    s->header = mem_alloc(s->header_bytes);
    gguf_get_meta_data(g, s->header);
    for (size_t i = 0; i < s->n_pieces; i++) {
        struct piece *p = &s->pieces[i];
        p->start = s->header_bytes + gguf_get_tensor_offset(g, (int64_t)i);
        p->bytes = gguf_get_tensor_size(g, (int64_t)i);
        s->size = p->start + (p->bytes + align - 1) / align * align;
    }
}

static bool open_stream(struct stream *s, const char *path)
{
    struct gguf_init_params params = { .no_alloc = true };
    struct gguf_context *g = NULL;

    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd >= 0) {
        g = gguf_init_from_file(path, params);
    }
    if (!g || gguf_find_key(g, "split.count") >= 0) {
        gguf_free(g);
        return false;
    }
    s->n_pieces = (size_t)gguf_get_n_tensors(g);
    s->pieces = mem_array(s->n_pieces, sizeof *s->pieces);
    convert_header(s, g);
    lay_out(s, g);
    gguf_free(g);
    return true;
}

FILE *widen_open(const char *path)
{
    cookie_io_functions_t functions = {
        .read = stream_read,
        .seek = stream_seek,
        .close = stream_close,
    };
    struct stream *s = mem_alloc(sizeof *s);
    FILE *file = NULL;

    *s = (struct stream){ .fd = -1 };
    if (open_stream(s, path)) {
        file = fopencookie(s, "rb", functions);
    }
    if (!file) {
        stream_close(s);
    }
    return file;
}

#else

FILE *widen_open(const char *path)
{
    (void)path;
    return NULL;
}

#endif
