/* utf8.c - steps over UTF-8 and the folding used for comparing, on utf8proc.
 *
 * Every step has a fast path for ASCII, since whole documents go through here.
 *
 * Folding strips the marks that decorate a letter (accents, Hebrew and Arabic
 * points) and keeps those that make another one: vowel signs of Indic scripts,
 * Thai tones, the voicing of kana, the stroke that turns = into an unequal
 * sign. Unicode's combining class tells them apart; utf8proc's own option to
 * strip marks does not. */
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xfffd, FOLD_MAX = 4, DECOMPOSED_MAX = 32 };

int utf8_decode(const char *s, const char *end, uint32_t *cp)
{
    unsigned char first = (unsigned char)*s;
    if (first < 0x80) {
        *cp = first;
        return 1;
    }
    utf8proc_int32_t code;
    utf8proc_ssize_t room = end - s < 4 ? end - s : 4;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, room, &code);
    if (n <= 0) {
        *cp = REPLACEMENT;
        return 1;
    }
    *cp = (uint32_t)code;
    return (int)n;
}

int utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
        cp = REPLACEMENT;
    }
    return (int)utf8proc_encode_char((utf8proc_int32_t)cp, (utf8proc_uint8_t *)out);
}

/* --- Plain text ------------------------------------------------------------ */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Each term sets the high bit of a byte that fails its test. It may set that of the
 * byte above too, by carry or borrow, but the word has failed then. */
static bool all_plain(uint64_t word)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t quote = word ^ '"' * each, backslash = word ^ '\\' * each;
    uint64_t failed =
        word | (word - 0x20 * each) | (word + each) | (quote - each) | (backslash - each);
    return (failed & 0x80 * each) == 0;
}

size_t utf8_plain(const char *s, size_t len)
{
    size_t n = 0;
    for (uint64_t word; len - n >= sizeof word; n += sizeof word) {
        memcpy(&word, s + n, sizeof word);
        if (!all_plain(word)) break;
    }
    while (n < len && is_plain((unsigned char)s[n])) n++;
    return n;
}

/* --- Characters ------------------------------------------------------------ */

size_t utf8_valid(const char *s, size_t len)
{
    const char *at = s, *end = s + len;
    while (at < end) {
        at += utf8_plain(at, (size_t)(end - at));
        if (at == end) {
            break;
        }
        uint32_t cp;
        int n = utf8_decode(at, end, &cp);
        if (cp == 0 || (cp == REPLACEMENT && n == 1)) {
            break;
        }
        at += n;
    }
    return (size_t)(at - s);
}

/* In malformed text a byte is a character of its own unless one that starts
 * up to three bytes earlier covers it, as utf8_decode() sees it. */
size_t utf8_floor(const char *s, size_t len, size_t pos)
{
    if (pos >= len) {
        return len;
    }
    size_t start = pos;
    while (start > 0 && pos - start < 3 && ((unsigned char)s[start] & 0xc0) == 0x80) {
        start--;
    }
    uint32_t cp;
    size_t n = (size_t)utf8_decode(s + start, s + len, &cp);
    return start + n > pos ? start : pos;
}

size_t utf8_before(const char *s, size_t pos, uint32_t *cp)
{
    if (pos == 0) return 0;
    size_t start = utf8_floor(s, pos, pos - 1);
    utf8_decode(s + start, s + pos, cp);
    return pos - start;
}

size_t utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    const char *end = s + len;
    while (s < end) {
        uint32_t cp;
        s += utf8_decode(s, end, &cp);
        count++;
    }
    return count;
}

/* Combining classes: 10-36 are points of Hebrew, Arabic and Syriac, 200 and up
 * accents around a letter; 1 are strokes through it, 6-9 nukta, voicing and
 * virama, 84-132 signs of single scripts, 0 vowel signs. */
static bool is_decoration(utf8proc_int32_t cp)
{
    const utf8proc_property_t *p = utf8proc_get_property(cp);
    return p->category == UTF8PROC_CATEGORY_ME || p->combining_class >= 200 ||
           (p->combining_class >= 10 && p->combining_class <= 36);
}

int utf8_fold(uint32_t cp, uint32_t out[4])
{
    if (cp < 0x80) {
        out[0] = cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
        return 1;
    }
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t n_parts = utf8proc_decompose_char(
        (utf8proc_int32_t)cp, parts, DECOMPOSED_MAX,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE,
        &boundary);
    int n = 0;
    for (utf8proc_ssize_t i = 0; i < n_parts && i < DECOMPOSED_MAX; i++) {
        if (is_decoration(parts[i])) {
            continue;
        }
        if (n == FOLD_MAX) { /* a whole phrase in one character: it stays itself */
            n_parts = -1;
            break;
        }
        out[n++] = (uint32_t)parts[i];
    }
    if (n_parts < 0) {
        out[0] = cp;
        return 1;
    }
    return n;
}

bool utf8_is_word(uint32_t cp)
{
    if (cp < 0x80) {
        return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
    }
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO;
}

bool utf8_is_space(uint32_t cp)
{
    if (cp < 0x80) {
        return cp == ' ' || (cp >= '\t' && cp <= '\r');
    }
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return cp == 0x85 || (c >= UTF8PROC_CATEGORY_ZS && c <= UTF8PROC_CATEGORY_ZP);
}

bool utf8_is_blank(const char *s, size_t len)
{
    const char *at = s, *end = s + len;
    while (at < end) {
        uint32_t cp;
        at += utf8_decode(at, end, &cp);
        if (!utf8_is_space(cp)) {
            return false;
        }
    }
    return true;
}

bool utf8_is_upper(uint32_t cp)
{
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LT;
}

bool utf8_is_currency(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_SC;
}

bool utf8_is_zero_width(uint32_t cp)
{
    return (cp >= 0x200b && cp <= 0x200d) || (cp >= 0x2060 && cp <= 0x2064) ||
           cp == 0xfeff;
}

bool utf8_is_joiner(uint32_t cp)
{
    return cp == 0x200c || cp == 0x200d;
}
