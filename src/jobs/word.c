/* word.c - a word of a text, as tables of names have it, a blank, a run of digits: what
 * the readers of numbers, units and dates share. */
#include "jobs/word.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Adds the folded character to out; false if it is no letter, or there is no room. */
static bool add_letter(uint32_t cp, char out[WORD_MAX], size_t *n)
{
    uint32_t folded[4];
    int count = utf8_is_word(cp) ? utf8_fold(cp, folded) : -1;
    if (count < 0 || (count > 0 && folded[0] <= '9')) return false; /* 7 and ½ */
    for (int i = 0; i < count; i++) {
        if (*n + 4 >= WORD_MAX) return false;
        *n += (size_t)utf8_encode(folded[i], out + *n);
    }
    return true;
}

static bool is_letter(uint32_t cp)
{
    char one[WORD_MAX];
    size_t n = 0;
    return add_letter(cp, one, &n);
}

size_t word_at(const char *s, char out[WORD_MAX])
{
    const char *end = s + strnlen(s, (size_t)4 * WORD_MAX), *at = s;
    size_t n = 0;
    while (at < end) {
        uint32_t cp;
        int len = utf8_decode(at, end, &cp);
        if (!is_letter(cp)) break;
        if (!add_letter(cp, out, &n)) return 0;
        at += len;
    }
    out[n] = '\0';
    return (size_t)(at - s);
}

size_t word_before(const char *text, size_t end, char out[WORD_MAX])
{
    uint32_t cp;
    size_t start = end, len;
    while ((len = utf8_before(text, start, &cp)) > 0 && is_letter(cp)) start -= len;
    return word_at(text + start, out) == end - start ? start : end;
}

const char *word_skip_blank(const char *s)
{
    return *s == ' ' ? s + 1 : strncmp(s, "\xc2\xa0", 2) == 0 ? s + 2 : s;
}

size_t word_digits(const char *s)
{
    return strspn(s, "0123456789");
}

const struct named *word_find(const struct named *table, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].name, word) == 0) return &table[i];
    }
    return NULL;
}
