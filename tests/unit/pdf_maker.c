/* pdf_maker.c - just enough of PDF to be read by any reader.
 *
 * Objects: 1 catalogue, 2 page tree, 3 font, then a page and its content for
 * each page. The deflater knows one trick, a copy of 258 bytes from seven bytes
 * back in the fixed code. That copy takes 14 bits, so its output is periodic in
 * seven bytes too, and deflates again as well. */
#include "pdf_maker.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OBJECTS_MAX = 600, MATCH_BYTES = 258, MATCH_DISTANCE = 7 };

struct maker {
    struct buf *out;
    size_t offsets[OBJECTS_MAX];
    int n;
};

static void begin(struct maker *m)
{
    assert(m->n + 1 < OBJECTS_MAX);
    m->offsets[++m->n] = m->out->len;
    buf_addf(m->out, "%d 0 obj\n", m->n);
}

static void end(struct maker *m)
{
    buf_add_str(m->out, "\nendobj\n");
}

static void add_stream(struct maker *m, const char *filters, const char *data, size_t len)
{
    begin(m);
    buf_addf(m->out, "<< /Length %zu %s >>\nstream\n", len, filters);
    buf_add(m->out, data, len);
    buf_add_str(m->out, "\nendstream");
    end(m);
}

static void add_head(struct maker *m, size_t n_pages)
{
    buf_add_str(m->out, "%PDF-1.4\n");
    begin(m);
    buf_add_str(m->out, "<< /Type /Catalog /Pages 2 0 R >>");
    end(m);
    begin(m);
    buf_addf(m->out, "<< /Type /Pages /Count %zu /Kids [", n_pages);
    for (size_t i = 0; i < n_pages; i++) buf_addf(m->out, "%zu 0 R ", 4 + 2 * i);
    buf_add_str(m->out, "] >>");
    end(m);
    begin(m);
    buf_add_str(m->out, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>");
    end(m);
}

static void add_page(struct maker *m, const char *filters, const char *data, size_t len)
{
    begin(m);
    buf_addf(m->out,
             "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
             "/Resources << /Font << /F 3 0 R >> >> /Contents %d 0 R >>",
             m->n + 1);
    end(m);
    add_stream(m, filters, data, len);
}

static void add_tail(struct maker *m)
{
    size_t start = m->out->len;
    buf_addf(m->out, "xref\n0 %d\n0000000000 65535 f \n", m->n + 1);
    for (int i = 1; i <= m->n; i++) {
        buf_addf(m->out, "%010zu 00000 n \n", m->offsets[i]);
    }
    buf_addf(m->out,
             "trailer\n<< /Size %d /Root 1 0 R /ID [<01><01>] >>\nstartxref\n%zu\n"
             "%%%%EOF\n",
             m->n + 1, start);
}

void pdf_make(const char *const *contents, size_t n, struct buf *out)
{
    struct maker m = { .out = out };
    add_head(&m, n);
    for (size_t i = 0; i < n; i++) add_page(&m, "", contents[i], strlen(contents[i]));
    add_tail(&m);
}

void pdf_add_line(struct buf *content, int x, int y, const char *text)
{
    buf_addf(content, "BT /F 8 Tf %d %d Td (%s) Tj ET\n", x, y, text);
}

/* --- Deflate -------------------------------------------------------------------- */

struct bits {
    struct buf *out;
    unsigned value;
    int n;
};

static void put_bit(struct bits *b, unsigned bit)
{
    b->value |= bit << b->n;
    if (++b->n < 8) return;
    buf_add_char(b->out, (char)b->value);
    b->value = 0;
    b->n = 0;
}

/* Huffman codes go out from their highest bit on, other numbers from the lowest. */
static void put_code(struct bits *b, unsigned code, int n)
{
    while (n-- > 0) put_bit(b, code >> n & 1);
}

static void put_literal(struct bits *b, unsigned char c)
{
    if (c < 144) {
        put_code(b, 0x30u + c, 8);
    } else {
        put_code(b, 0x190u + c - 144u, 9);
    }
}

static void deflate(const char *data, size_t len, struct buf *out)
{
    struct bits b = { .out = out };
    buf_add(out, "\x78\x01", 2);
    put_bit(&b, 1); /* the last block, of the fixed code */
    put_bit(&b, 1);
    put_bit(&b, 0);
    for (size_t i = 0; i < len;) {
        bool match = i >= MATCH_DISTANCE && len - i >= MATCH_BYTES &&
                     memcmp(data + i, data + i - MATCH_DISTANCE, MATCH_BYTES) == 0;
        if (match) {
            put_code(&b, 0xc5, 8); /* length 258 */
            put_code(&b, 5, 5);    /* distance 7 or 8, */
            put_bit(&b, 0);        /* 7 */
            i += MATCH_BYTES;
        } else {
            put_literal(&b, (unsigned char)data[i++]);
        }
    }
    put_code(&b, 0, 7);
    while (b.n != 0) put_bit(&b, 0);
    buf_add(out, "\0\0\0\0", 4); /* a checksum that readers do not check */
}

void pdf_make_deflated(const char *content, size_t len, int levels, struct buf *out)
{
    struct maker m = { .out = out };
    struct buf data[2];
    struct buf filters;
    buf_init(&filters, 1024);
    buf_add_str(&filters, "/Filter [");
    buf_init(&data[0], 1u << 30);
    buf_init(&data[1], 1u << 30);
    buf_add(&data[0], content, len);
    for (int i = 0; i < levels; i++) {
        buf_clear(&data[(i + 1) % 2]);
        deflate(data[i % 2].data, data[i % 2].len, &data[(i + 1) % 2]);
        buf_add_str(&filters, " /FlateDecode");
    }
    buf_add_str(&filters, " ]");
    add_head(&m, 1);
    add_page(&m, filters.data, data[levels % 2].data, data[levels % 2].len);
    add_tail(&m);
    buf_release(&filters);
    buf_release(&data[0]);
    buf_release(&data[1]);
}
