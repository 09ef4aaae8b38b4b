/* pdf_pages.c - choosing and cleaning what pdftotext wrote for each page.
 *
 * Two columns are told from a table by what stands on both sides of the gap:
 * words on both, on most lines of the page, with the gap at one place. */
#include "text/pdf_pages.h"

#include <ctype.h>
#include <string.h>

enum {
    BLANKS_MAX = 4,
    WIDTH_MAX = 400,       /* bytes of a line that are looked at */
    COLUMN_LINES_MIN = 12, /* lines with the gap that make a page of columns */
    COLUMN_WORDS_MIN = 4   /* words a side, on average */
};

size_t pdf_squeeze(char *text, size_t len)
{
    size_t out = 0, n_blanks = 0, n_newlines = 2;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == ' ') {
            n_blanks++;
            continue;
        }
        bool ends = c == '\n' || c == '\f';
        if (!ends) {
            size_t keep = n_blanks < BLANKS_MAX ? n_blanks : BLANKS_MAX;
            memset(text + out, ' ', keep);
            out += keep;
        }
        n_blanks = 0;
        n_newlines = c == '\n' ? n_newlines + 1 : ends ? 2 : 0;
        if (c != '\n' || n_newlines <= 2) text[out++] = c;
    }
    text[out] = '\0';
    return out;
}

/* --- Columns -------------------------------------------------------------- */

struct page {
    const char *text;
    size_t len; /* with its form feed */
};

/* The page that starts at *pos, which moves past it. */
static struct page next_page(const char *text, size_t len, size_t *pos)
{
    const char *feed = memchr(text + *pos, '\f', len - *pos);
    size_t end = feed ? (size_t)(feed - text) + 1 : len;
    struct page page = { .text = text + *pos, .len = end - *pos };
    *pos = end;
    return page;
}

/* The next line of the page in [*start, *end), false at its end. */
static bool next_line(const struct page *page, size_t *pos, size_t *start, size_t *end)
{
    if (*pos >= page->len) return false;
    const char *newline = memchr(page->text + *pos, '\n', page->len - *pos);
    *start = *pos;
    *end = newline ? (size_t)(newline - page->text) : page->len;
    *pos = *end + 1;
    if (*end - *start > WIDTH_MAX) *end = *start + WIDTH_MAX;
    return true;
}

/* Words of two letters or more in s[0, len). */
static size_t count_words(const char *s, size_t len)
{
    size_t n = 0, run = 0;
    for (size_t i = 0; i <= len; i++) {
        bool letter =
            i < len && (isalpha((unsigned char)s[i]) || (unsigned char)s[i] >= 0x80);
        if (letter) {
            run++;
        } else {
            n += run >= 2;
            run = 0;
        }
    }
    return n;
}

/* Add one to every column that a gap of the line covers. */
static void add_gaps(const char *line, size_t len, int gaps[WIDTH_MAX])
{
    size_t run = 0, at = 0;
    while (at < len && line[at] == ' ') at++;
    for (; at < len; at++) {
        if (line[at] == ' ') {
            run++;
            continue;
        }
        for (size_t i = at - run; run >= 2 && i < at; i++) gaps[i]++;
        run = 0;
    }
}

/* The column in the middle of the page that most gaps cover. */
static size_t find_gutter(const struct page *page, size_t *n_lines)
{
    int gaps[WIDTH_MAX] = { 0 };
    size_t pos = 0, start, end, width = 0;
    *n_lines = 0;
    while (next_line(page, &pos, &start, &end)) {
        add_gaps(page->text + start, end - start, gaps);
        if (end - start > width) width = end - start;
        *n_lines += end > start;
    }
    size_t best = width / 2;
    for (size_t i = width * 3 / 10; i < width * 7 / 10; i++) {
        if (gaps[i] > gaps[best]) best = i;
    }
    return best;
}

static bool is_columns(const struct page *page)
{
    size_t n_lines, gutter = find_gutter(page, &n_lines);
    size_t pos = 0, start, end, n_both = 0, n_left = 0, n_right = 0;
    while (next_line(page, &pos, &start, &end)) {
        const char *line = page->text + start;
        if (end - start <= gutter + 1 || gutter == 0 || line[gutter] != ' ') continue;
        if (line[gutter - 1] != ' ' && line[gutter + 1] != ' ') continue;
        size_t left = count_words(line, gutter);
        size_t right = count_words(line + gutter, end - start - gutter);
        if (left == 0 || right == 0) continue;
        n_both++;
        n_left += left;
        n_right += right;
    }
    return n_both >= COLUMN_LINES_MIN && n_both * 2 >= n_lines &&
           n_left >= n_both * COLUMN_WORDS_MIN && n_right >= n_both * COLUMN_WORDS_MIN;
}

bool pdf_has_columns(const char *layout, size_t len)
{
    for (size_t pos = 0; pos < len;) {
        struct page page = next_page(layout, len, &pos);
        if (is_columns(&page)) return true;
    }
    return false;
}

static size_t count_feeds(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += text[i] == '\f';
    return n;
}

void pdf_merge(const char *layout, size_t layout_len, const char *reading,
               size_t reading_len, struct buf *out)
{
    bool agree = count_feeds(layout, layout_len) == count_feeds(reading, reading_len);
    for (size_t pos = 0, other_pos = 0; pos < layout_len;) {
        struct page page = next_page(layout, layout_len, &pos);
        if (agree) {
            struct page other = next_page(reading, reading_len, &other_pos);
            if (is_columns(&page)) page = other;
        }
        buf_add(out, page.text, page.len);
    }
}

/* --- Naming pages --------------------------------------------------------- */

void pdf_page_list(const bool *flags, int n_pages, struct buf *out)
{
    int n_ranges = 0;
    for (int i = 0; i < n_pages; i++) {
        if (!flags[i]) continue;
        int first = i;
        while (i + 1 < n_pages && flags[i + 1]) i++;
        if (n_ranges++ == 12) {
            buf_add_str(out, ", ...");
            return;
        }
        buf_addf(out, n_ranges > 1 ? ", %d" : "%d", first + 1);
        if (i > first) buf_addf(out, "-%d", i + 1);
    }
}
