/* agree.c - the rule by which bench/evaluate.py grades, for `legwork tune --quality`.
 *
 * A text becomes " word word word ", so that words stand in another text in one
 * piece where one string stands in the other. Points stay inside numbers only. */
#include "run/agree.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

enum { FOLDED_BYTES_MAX = 1024 * 1024, REFERENCE_WORDS_MAX = 8 };

static const double F1_MIN = 0.5;

static bool is_article(const char *word, size_t len)
{
    return (len == 1 && *word == 'a') || (len == 2 && memcmp(word, "an", 2) == 0) ||
           (len == 3 && memcmp(word, "the", 3) == 0);
}

/* The word that began at `start` is whole: keep it, with a blank behind, or drop it. */
static void end_word(struct buf *out, size_t start)
{
    size_t len = out->len - start;
    if (len == 0) return;
    if (is_article(out->data + start, len)) {
        buf_cut(out, start);
    } else {
        buf_add_char(out, ' ');
    }
}

/* Bytes of a mark like "[12]" at p, 0 if there is none. */
static size_t mark_len(const char *p)
{
    if (*p != '[') return 0;
    size_t digits = strspn(p + 1, "0123456789");
    return digits > 0 && p[1 + digits] == ']' ? digits + 2 : 0;
}

static void add_folded(struct buf *out, uint32_t cp)
{
    uint32_t folded[4];
    char bytes[4];
    int n = utf8_fold(cp, folded);
    for (int i = 0; i < n; i++) {
        buf_add(out, bytes, (size_t)utf8_encode(folded[i], bytes));
    }
}

static bool is_point_in_number(const char *text, const char *p)
{
    return *p == '.' && p > text && isdigit((unsigned char)p[-1]) &&
           isdigit((unsigned char)p[1]);
}

static void fold(const char *text, struct buf *out)
{
    const char *end = text + strlen(text);
    buf_init(out, FOLDED_BYTES_MAX);
    buf_add_char(out, ' ');
    size_t word = out->len;
    for (const char *p = text; p < end;) {
        uint32_t cp;
        size_t mark = mark_len(p);
        int n = mark ? (int)mark : utf8_decode(p, end, &cp);
        if (!mark && (utf8_is_word(cp) || cp == '%' || cp == '_')) {
            add_folded(out, cp);
        } else if (!mark && is_point_in_number(text, p)) {
            buf_add_char(out, '.');
        } else {
            end_word(out, word);
            word = out->len;
        }
        p += n;
    }
    end_word(out, word);
}

static size_t count_words(const char *folded)
{
    size_t n = 0;
    for (const char *p = folded + 1; *p; p++) n += *p == ' ';
    return n;
}

/* Inner has a word, and its words stand in outer in one piece. */
static bool occurs(const struct buf *inner, const struct buf *outer)
{
    return inner->len > 1 && strstr(outer->data, inner->data);
}

/* Times that the word of len bytes, with its blank, stands in the text before `until`. */
static size_t times(const char *text, const char *until, const char *word, size_t len)
{
    size_t n = 0;
    for (const char *p = text + 1; *p && p < until; p += strcspn(p, " ") + 1) {
        n += strncmp(p, word, len) == 0;
    }
    return n;
}

/* Words of both, each as often as it stands in both. */
static size_t common_words(const struct buf *a, const struct buf *b)
{
    size_t n = 0;
    const char *b_end = b->data + b->len;
    for (const char *p = a->data + 1; *p;) {
        size_t len = strcspn(p, " ") + 1;
        n += times(a->data, p, p, len) < times(b->data, b_end, p, len);
        p += len;
    }
    return n;
}

bool answer_agrees(const char *answer, const char *expected)
{
    struct buf a, e;
    fold(answer, &a);
    fold(expected, &e);
    size_t n_a = count_words(a.data), n_e = count_words(e.data);
    bool agrees = occurs(&e, &a) || (n_e <= REFERENCE_WORDS_MAX && occurs(&a, &e));
    if (!agrees && n_a + n_e > 0) {
        agrees = 2 * (double)common_words(&a, &e) / (double)(n_a + n_e) >= F1_MIN;
    }
    buf_release(&a);
    buf_release(&e);
    return agrees;
}
