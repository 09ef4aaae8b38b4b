/* quote_find.c - look for a quote that somebody else wrote.
 *
 * First byte for byte, then folded: both texts become streams of code points
 * in which what may differ without changing a word is the same (below), and
 * the quote is searched in the document's stream in one pass (Knuth, Morris,
 * Pratt), whatever the quote. Each code point knows the bytes it came from, so
 * a match maps back to the document exactly, and memory is that of the quote.
 *
 * Folded alike: runs of white space; case, accents, ligatures (utf8_fold);
 * quote marks; dashes and the blanks around them, which vanish between letters,
 * so that well-known, well-\nknown and exam-\nple meet well-known and example.
 * Digits and what stands between them stay: 10-20 is not 1020. */
#include "text/quote.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

enum { NEEDLE_MAX = 16 * 1024 }; /* code points; nobody quotes more */

enum fold { FOLD_NONE, FOLD_ALL };

struct symbol {
    uint32_t cp;
    size_t start, end; /* the bytes it came from */
};

struct stream {
    const char *text;
    size_t len, pos;
    enum fold fold;
    struct symbol pending[4]; /* of one character, still to come */
    int n_pending, next_pending;
    uint32_t last; /* code point given out last, 0 at the start */
};

/* --- Folding ---------------------------------------------------------------- */

static uint32_t fold_mark(uint32_t cp)
{
    switch (cp) {
    case 0x2018:
    case 0x2019:
    case 0x201a:
    case 0x201b:
    case 0x2032:
    case 0x2035:
    case 0x02bc:
    case 0x00b4:
    case 0x0060:
    case 0x2039:
    case 0x203a: return '\'';
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0x201f:
    case 0x2033:
    case 0x2036:
    case 0x00ab:
    case 0x00bb:
    case 0x300c:
    case 0x300d: return '"';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2212:
    case 0xfe58:
    case 0xfe63:
    case 0xff0d: return '-';
    default: return cp;
    }
}

/* A letter: part of a word and no ASCII digit. */
static bool is_letter(uint32_t cp)
{
    return utf8_is_word(cp) && !(cp >= '0' && cp <= '9');
}

static uint32_t peek(const struct stream *s, size_t pos, size_t *after)
{
    uint32_t cp = 0;
    *after = s->len;
    if (pos < s->len) {
        *after = pos + (size_t)utf8_decode(s->text + pos, s->text + s->len, &cp);
    }
    return cp;
}

/* The first place at or after pos that is neither white space nor folds to
 * nothing. */
static size_t skip_space(const struct stream *s, size_t pos)
{
    size_t after;
    while (pos < s->len) {
        uint32_t folded[4], cp = peek(s, pos, &after);
        if (!utf8_is_space(cp) && (cp < 0x80 || utf8_fold(cp, folded) > 0)) break;
        pos = after;
    }
    return pos;
}

/* A run of white space and dashes starts at the stream's place. Gives one
 * symbol for it: a dash, a blank, or none between the letters of a word. */
static bool fold_gap(struct stream *s, struct symbol *out)
{
    size_t start = s->pos, at = skip_space(s, start), after;
    bool dash = false;
    while (at < s->len && fold_mark(peek(s, at, &after)) == '-') {
        dash = true;
        at = skip_space(s, after);
    }
    s->pos = at;
    *out = (struct symbol){ .cp = dash ? '-' : ' ', .start = start, .end = at };
    uint32_t next = peek(s, at, &after);
    if (dash && is_letter(s->last) && is_letter(next)) return false;
    return dash || (s->last != 0 && at < s->len); /* no blank at either end */
}

static void fold_character(struct stream *s, uint32_t cp, size_t after)
{
    uint32_t folded[4];
    int n = utf8_fold(fold_mark(cp), folded);
    for (int i = 0; i < n; i++) {
        s->pending[i] =
            (struct symbol){ .cp = fold_mark(folded[i]), .start = s->pos, .end = after };
    }
    s->n_pending = n;
    s->next_pending = 0;
    s->pos = after;
}

/* ASCII letters and digits, nearly all there is, fold to one symbol at once. */
static bool next_plain(struct stream *s, struct symbol *out)
{
    if (s->pos >= s->len || s->next_pending < s->n_pending) return false;
    char c = s->text[s->pos];
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (!letter && !(c >= '0' && c <= '9')) return false;
    s->last = (uint32_t)(letter ? c | 0x20 : c);
    *out = (struct symbol){ .cp = s->last, .start = s->pos, .end = s->pos + 1 };
    s->pos++;
    return true;
}

static bool next_folded(struct stream *s, struct symbol *out)
{
    if (next_plain(s, out)) return true;
    while (s->next_pending == s->n_pending) {
        size_t after;
        if (s->pos >= s->len) return false;
        uint32_t cp = peek(s, s->pos, &after);
        if (utf8_is_space(cp) || fold_mark(cp) == '-') {
            if (fold_gap(s, out)) {
                s->last = out->cp;
                return true;
            }
        } else {
            fold_character(s, cp, after);
        }
    }
    *out = s->pending[s->next_pending++];
    s->last = out->cp;
    return true;
}

static bool next_symbol(struct stream *s, struct symbol *out)
{
    if (s->fold == FOLD_ALL) return next_folded(s, out);
    if (s->pos >= s->len) return false;
    *out = (struct symbol){ .cp = (unsigned char)s->text[s->pos],
                            .start = s->pos,
                            .end = s->pos + 1 };
    s->pos++;
    return true;
}

/* --- Searching -------------------------------------------------------------- */

struct needle {
    uint32_t *symbols;
    size_t *border; /* [i]: longest proper prefix of symbols[0, i] that ends there */
    size_t n;
};

static void find_borders(struct needle *needle)
{
    size_t k = 0;
    for (size_t i = 1; i < needle->n; i++) {
        while (k > 0 && needle->symbols[i] != needle->symbols[k])
            k = needle->border[k - 1];
        if (needle->symbols[i] == needle->symbols[k]) k++;
        needle->border[i] = k;
    }
}

/* False for a needle that folds to nothing or is too long. */
static bool needle_init(struct needle *needle, const char *text, size_t len,
                        enum fold fold)
{
    struct stream s = { .text = text, .len = len, .fold = fold };
    struct symbol symbol;
    size_t cap = 0;
    *needle = (struct needle){ .n = 0 };
    while (needle->n <= NEEDLE_MAX && next_symbol(&s, &symbol)) {
        mem_grow((void **)&needle->symbols, &cap, needle->n + 1, sizeof *needle->symbols);
        needle->symbols[needle->n++] = symbol.cp;
    }
    needle->border = mem_array(needle->n + 1, sizeof *needle->border);
    if (needle->n == 0 || needle->n > NEEDLE_MAX) return false;
    find_borders(needle);
    return true;
}

static void needle_release(struct needle *needle)
{
    mem_free(needle->symbols);
    mem_free(needle->border);
}

static bool is_word_at(const char *text, size_t len, size_t pos)
{
    uint32_t cp = 0;
    if (pos < len) utf8_decode(text + pos, text + len, &cp);
    return utf8_is_word(cp);
}

/* Begins and ends where words do: "art" in "party" is a poor match. */
static bool is_aligned(const char *text, size_t len, size_t start, size_t end)
{
    size_t before = start > 0 ? utf8_floor(text, len, start - 1) : len;
    size_t last = utf8_floor(text, len, end - 1);
    bool cut_start = is_word_at(text, len, before) && is_word_at(text, len, start);
    bool cut_end = is_word_at(text, len, last) && is_word_at(text, len, end);
    return !cut_start && !cut_end;
}

/* Marks and zero-width characters after the match belong to its last letter. */
static size_t extend_end(const char *text, size_t len, size_t end)
{
    while (end < len) {
        uint32_t cp, folded[4];
        int n = utf8_decode(text + end, text + len, &cp);
        if (cp < 0x80 || utf8_is_space(cp) || utf8_fold(cp, folded) > 0) break;
        end += (size_t)n;
    }
    return end;
}

/* The first aligned match in text, else the first match; false if none. */
static bool search(const char *text, size_t len, const struct needle *needle,
                   enum fold fold, size_t *start, size_t *end)
{
    struct stream s = { .text = text, .len = len, .fold = fold };
    struct symbol symbol;
    size_t *starts = mem_array(needle->n, sizeof *starts); /* of the last n symbols */
    size_t k = 0, i = 0;
    bool found = false;
    for (; next_symbol(&s, &symbol); i++) {
        starts[i % needle->n] = symbol.start;
        while (k > 0 && symbol.cp != needle->symbols[k]) k = needle->border[k - 1];
        if (symbol.cp == needle->symbols[k]) k++;
        if (k < needle->n) continue;
        k = needle->border[k - 1];
        size_t from = starts[(i + 1) % needle->n];
        size_t to = fold == FOLD_ALL ? extend_end(text, len, symbol.end) : symbol.end;
        bool aligned = is_aligned(text, len, from, to);
        if (!found || aligned) {
            *start = from;
            *end = to;
        }
        found = true;
        if (aligned) break;
    }
    mem_free(starts);
    return found;
}

static bool find(const char *text, size_t len, const char *needle_text, size_t needle_len,
                 enum fold fold, size_t *start, size_t *end)
{
    struct needle needle;
    bool found = needle_init(&needle, needle_text, needle_len, fold) &&
                 search(text, len, &needle, fold, start, end);
    needle_release(&needle);
    return found;
}

/* --- Finding ----------------------------------------------------------------- */

/* Cut white space off both ends; with `wrapping` also the quote marks, dots and
 * ellipses that writers put around a quote. */
enum trim { TRIM_SPACE, TRIM_WRAPPING };

static bool is_trimmed(uint32_t cp, enum trim trim)
{
    if (utf8_is_space(cp)) return true;
    if (trim == TRIM_SPACE) return false;
    cp = fold_mark(cp);
    return cp == '"' || cp == '\'' || cp == '.' || cp == ',' || cp == 0x2026 || cp == '*';
}

static void trim_ends(const char **s, size_t *len, enum trim trim)
{
    uint32_t cp;
    while (*len > 0) {
        int n = utf8_decode(*s, *s + *len, &cp);
        if (!is_trimmed(cp, trim)) break;
        *s += n;
        *len -= (size_t)n;
    }
    while (*len > 0) {
        size_t last = utf8_floor(*s, *len, *len - 1);
        utf8_decode(*s + last, *s + *len, &cp);
        if (!is_trimmed(cp, trim)) break;
        *len = last;
    }
}

struct quote quote_find(const struct doc_set *set, int doc, size_t from, size_t to,
                        const char *needle)
{
    const struct doc *d = set->docs[doc];
    struct quote quote = { .doc = doc, .start = from, .end = from, .match = QUOTE_NONE };
    const char *text = d->text + from;
    size_t len = to - from, needle_len = strlen(needle), start, end;
    trim_ends(&needle, &needle_len, TRIM_SPACE);
    if (find(text, len, needle, needle_len, FOLD_NONE, &start, &end)) {
        quote.match = QUOTE_EXACT;
    } else if (find(text, len, needle, needle_len, FOLD_ALL, &start, &end)) {
        quote.match = QUOTE_FOLDED;
    } else {
        trim_ends(&needle, &needle_len, TRIM_WRAPPING);
        if (!find(text, len, needle, needle_len, FOLD_ALL, &start, &end)) return quote;
        quote.match = QUOTE_FOLDED;
    }
    quote.start = from + start;
    quote.end = from + end;
    return quote;
}
