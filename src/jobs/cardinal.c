/* cardinal.c - numbers in words.
 *
 * Word by word: each goes on with the number before it, or ends it. What follows
 * without going on, as "fifty-six" in "nineteen fifty-six", makes it no number. */
#include "jobs/cardinal.h"

#include "jobs/word.h"
#include "text/words.h"

#include <ctype.h>
#include <string.h>

/* What makes another number of the one in words before it. */
static const char spoilers[] =
    "dozen dozens score half quarter quarters first second third thirds fourth fourths "
    "fifth fifths sixth sixths seventh eighth eighths ninth tenth tenths";

/* Does n go on a number whose last part is `part`: "hundred (and) five", "twenty-one"? */
static bool goes_on_with(long long part, int n)
{
    if (n == 0) return false;
    if (part >= 100 && part % 100 == 0) return n < 100;
    return part % 10 == 0 && part % 100 >= 20 && n < 10;
}

/* The scales that stand within a number in words, from a hundred on. */
static int scale_in_words(const char *word)
{
    static const struct named within[] = {
        { "hundred", 2 }, { "thousand", 3 }, { "million", 6 }, { "billion", 9 }
    };
    const struct named *scale = WORD_FIND(within, word);
    return scale ? scale->value : 0;
}

struct cardinal {
    long long total, part; /* part: -1 before its first word */
    int last;              /* the scale behind total */
};

static long long power_of_ten(int power)
{
    long long n = 1;
    while (power-- > 0) n *= 10;
    return n;
}

/* One more word of the number; false if it is none of it. */
static bool add_word(struct cardinal *c, const char *word)
{
    int n = words_number(word), scale = scale_in_words(word);
    if (n >= 0 && c->part < 0) {
        c->part = n;
    } else if (n >= 0 && goes_on_with(c->part, n)) {
        c->part += n;
    } else if (scale == 2 && c->part > 0 && c->part < 100) {
        c->part *= 100;
    } else if (scale > 2 && scale < c->last && c->part > 0) {
        c->total += c->part * power_of_ten(scale);
        c->part = -1;
        c->last = scale;
    } else {
        return false;
    }
    return true;
}

/* What stands between words of a number: a blank, "-", " and ". */
static const char *skip_joint(const char *s, bool *by_and)
{
    *by_and = strncmp(s, " and ", 5) == 0;
    if (*by_and) return s + 5;
    return word_skip_blank(s) > s ? word_skip_blank(s) : *s == '-' ? s + 1 : NULL;
}

/* Does the word behind a number, joined to it by what is at joint, make another of it?
 * "One second" is a time, though "twenty second" and "one-second" are not. */
static bool spoils(const char *word, long long number, const char *joint)
{
    if (!words_listed(spoilers, word, strlen(word))) return false;
    return strcmp(word, "second") != 0 || number != 1 || *joint == '-';
}

/* The words of a number from the one at *s on; moved behind the last. False: the next
 * word goes on with it in a way that is not known here. */
static bool read_cardinal(const char **s, struct decimal *d)
{
    struct cardinal c = { .part = -1, .last = 12 };
    char word[WORD_MAX];
    size_t len = word_at(*s, word);
    bool by_and = false;
    if (strcmp(word, "a") == 0 || strcmp(word, "an") == 0) {
        c.part = 1;
    } else {
        add_word(&c, word);
    }
    for (const char *at = *s + len;;) {
        *s = at;
        const char *next = skip_joint(at, &by_and);
        if (!next && *at == ',' && c.last < 12) next = at + 1 + (at[1] == ' ');
        len = next ? word_at(next, word) : 0;
        if (len == 0 || !add_word(&c, word)) break;
        at = next + len;
    }
    d->mantissa = c.total + (c.part > 0 ? c.part : 0);
    d->places = 0;
    if (len == 0) return true;
    return words_number(word) < 0 && (by_and || !spoils(word, d->mantissa, *s));
}

/* Does the word at s begin a number as "a" does in "a hundred"? */
static bool is_one(const char *s, const char *word, size_t len)
{
    char near[WORD_MAX];
    if (strcmp(word, "a") != 0 && strcmp(word, "an") != 0) return false;
    if (s[len] != ' ' || word_at(s + len + 1, near) == 0) return false;
    return scale_in_words(near) > 0;
}

/* "half a million", "a third of a million", "many a hundred". */
static bool is_part_of(const char *text, const char *s)
{
    char before[WORD_MAX];
    size_t end = (size_t)(s - text);
    while (end > 0 && text[end - 1] == ' ') end--;
    return word_before(text, end, before) < end &&
           (strcmp(before, "half") == 0 || strcmp(before, "of") == 0 ||
            strcmp(before, "many") == 0);
}

bool cardinal_at(const char *s)
{
    char word[WORD_MAX];
    return word_at(s, word) > 0 && words_number(word) >= 0;
}

bool cardinal_find(const char *text, const char *from, const char **start,
                   const char **behind, struct decimal *d)
{
    char word[WORD_MAX];
    size_t len;
    for (const char *s = from; *s; s += len > 0 ? len : 1) {
        len = word_at(s, word);
        if (len == 0 || (s > text && isalnum((unsigned char)s[-1]))) continue;
        bool one = is_one(s, word, len);
        if (!one && words_number(word) < 0) continue;
        if (one && is_part_of(text, s)) return false;
        *start = *behind = s;
        if (!read_cardinal(behind, d)) return false;
        return true;
    }
    return false;
}
