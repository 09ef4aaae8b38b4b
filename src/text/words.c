/* words.c - cut a text into words that can be compared by their hash.
 *
 * The stemmer is a small one on purpose: it only has to bring the words of a
 * question and of its answer together, never to show anything. */
#include "text/words.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_DIGITS_MAX = 40 };

/* --- Classes --------------------------------------------------------------- */

bool words_is_ideograph(uint32_t cp)
{
    if (cp < 0x0e00) return false;
    return cp <= 0x0eff ||                   /* Thai, Lao */
           (cp >= 0x1000 && cp <= 0x109f) || /* Myanmar */
           (cp >= 0x1780 && cp <= 0x17ff) || /* Khmer */
           (cp >= 0x3040 && cp <= 0x30ff) || /* kana */
           (cp >= 0x3400 && cp <= 0x9fff) || /* Han */
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x20000 && cp <= 0x3ffff);
}

bool words_listed(const char *list, const char *word, size_t len)
{
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n == len && memcmp(list, word, n) == 0) return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

/* Words that carry no topic, by their first letter. */
static bool is_common(const char *word)
{
    static const char *const by_letter[26] = {
        ['a' - 'a'] = "a about after all also am an and any are as at",
        ['b' - 'a'] = "be because been before being between both but by",
        ['c' - 'a'] = "can could",
        ['d' - 'a'] = "did do does doing during",
        ['e' - 'a'] = "each else",
        ['f' - 'a'] = "for from",
        ['h' - 'a'] = "had has have having he her here him his how",
        ['i' - 'a'] = "i if in into is it its itself",
        ['j' - 'a'] = "just",
        ['m' - 'a'] = "may me might more most must my",
        ['n' - 'a'] = "no nor not",
        ['o' - 'a'] = "of off on one only or other our out over own",
        ['p' - 'a'] = "please",
        ['s' - 'a'] = "same shall she should so some such",
        ['t' - 'a'] = "than that the their them then there these they this those "
                      "through to too",
        ['u' - 'a'] = "under until up upon us",
        ['v' - 'a'] = "very",
        ['w' - 'a'] = "was we were what when where which while who whom whose why will "
                      "with would",
        ['y' - 'a'] = "you your",
    };
    if (word[0] < 'a' || word[0] > 'z') return false;
    const char *list = by_letter[word[0] - 'a'];
    return list && words_listed(list, word, strlen(word));
}

/* --- Hashes ---------------------------------------------------------------- */

static uint64_t hash_bytes(const char *s, size_t len)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)s[i]) * 1099511628211u;
    return hash;
}

uint64_t words_hash(const char *folded)
{
    return hash_bytes(folded, strlen(folded));
}

static bool ends(const char *s, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len >= n && memcmp(s + len - n, suffix, n) == 0;
}

static bool has_vowel(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("aeiouy", s[i])) return true;
    }
    return false;
}

/* Stem of an ASCII word, in place; returns its length. */
static size_t stem(char *s, size_t len)
{
    if (len > 4 && ends(s, len, "ies")) {
        s[len - 3] = 'y';
        len -= 2;
    } else if (len > 3 && ends(s, len, "s") && !ends(s, len, "ss") &&
               !ends(s, len, "us") && !ends(s, len, "is")) {
        len--;
    }
    if (len > 5 && ends(s, len, "ing") && has_vowel(s, len - 3)) {
        len -= 3;
    } else if (len > 4 && ends(s, len, "ed") && has_vowel(s, len - 2)) {
        len -= 2;
    }
    if (len > 3 && s[len - 1] == s[len - 2] && !strchr("aeiouls", s[len - 1])) len--;
    if (len > 3 && s[len - 1] == 'e') len--;
    if (len > 3 && s[len - 1] == 'y') s[len - 1] = 'i';
    return len;
}

int words_number(const char *word)
{
    static const struct {
        const char *word;
        int value;
    } numbers[] = {
        { "zero", 0 },     { "one", 1 },        { "two", 2 },       { "three", 3 },
        { "four", 4 },     { "five", 5 },       { "six", 6 },       { "seven", 7 },
        { "eight", 8 },    { "nine", 9 },       { "ten", 10 },      { "eleven", 11 },
        { "twelve", 12 },  { "thirteen", 13 },  { "fourteen", 14 }, { "fifteen", 15 },
        { "sixteen", 16 }, { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 },
        { "twenty", 20 },  { "thirty", 30 },    { "forty", 40 },    { "fifty", 50 },
        { "sixty", 60 },   { "seventy", 70 },   { "eighty", 80 },   { "ninety", 90 },
    };
    if (word[0] == '\0' || !strchr("otfsenz", word[0])) return -1;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (word[1] == numbers[i].word[1] && strcmp(word, numbers[i].word) == 0) {
            return numbers[i].value;
        }
    }
    return -1;
}

/* "one" is more often a pronoun than a number: it equals 1 but counts as a word. "zero"
 * is a word only. */
static void hash_letters(struct word *word)
{
    char copy[WORD_BYTES];
    int value = words_number(word->folded);
    if (value > 0) {
        word->value = value > 1 ? value : 0;
        snprintf(copy, sizeof copy, "%d", value);
        word->hash = words_hash(copy);
        return;
    }
    size_t len = strlen(word->folded);
    memcpy(copy, word->folded, len + 1);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)copy[i] >= 0x80) {
            word->hash = hash_bytes(copy, len);
            return;
        }
    }
    len = stem(copy, len);
    word->hash = hash_bytes(copy, len);
}

/* --- Numbers --------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* All groups after the first separator are of three digits: thousands. */
static bool is_grouped(const char *s, size_t len, char separator)
{
    size_t n_groups = 0, run = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] != separator) {
            run++;
            continue;
        }
        if (n_groups > 0 ? run != 3 : run > 3) return false;
        n_groups++;
        run = 0;
    }
    return n_groups > 0 && run == 3;
}

static size_t count_of(const char *s, size_t len, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += s[i] == c;
    return n;
}

/* Which separator is the decimal one: '.', ',' or 0 for none. Decides 1,234
 * (thousands) and 1.234 (a decimal, as English has it); sets *plain to false
 * for what is no number at all: 1.2.3, 12.03.2020. */
static char decimal_of(const char *s, size_t len, bool *plain)
{
    size_t n_dots = count_of(s, len, '.'), n_commas = count_of(s, len, ',');
    *plain = true;
    if (n_dots && n_commas) {
        const char *dot = memchr(s, '.', len), *comma = memchr(s, ',', len);
        char decimal = dot < comma ? ',' : '.';
        *plain = (decimal == '.' ? n_dots : n_commas) == 1;
        return decimal;
    }
    if (n_commas) {
        if (is_grouped(s, len, ',')) return 0;
        *plain = n_commas == 1;
        return ',';
    }
    if (n_dots > 1 && is_grouped(s, len, '.')) return 0;
    *plain = n_dots <= 1;
    return n_dots ? '.' : 0;
}

static void fold_number(struct word *word, const char *s, size_t len)
{
    bool plain;
    if (len > NUMBER_DIGITS_MAX) len = NUMBER_DIGITS_MAX;
    char decimal = decimal_of(s, len, &plain);
    size_t out = 0;
    bool fraction = false;
    for (size_t i = 0; i < len; i++) {
        bool point = !is_digit(s[i]) && (s[i] == decimal || !plain);
        if (!is_digit(s[i]) && !point) continue;
        if (!point && out == 1 && word->folded[0] == '0') out = 0;
        fraction = fraction || (point && plain);
        word->folded[out++] = point ? '.' : s[i];
    }
    while (fraction && out > 0 && word->folded[out - 1] == '0') out--;
    if (fraction && out > 0 && word->folded[out - 1] == '.') out--;
    if (out == 0) word->folded[out++] = '0';
    word->folded[out] = '\0';
    word->hash = hash_bytes(word->folded, out);
}

static bool is_ordinal_ending(const char *s, const char *end)
{
    static const char *const endings[] = { "st", "nd", "rd", "th" };
    if (end - s < 2 || (end - s > 2 && ((unsigned char)s[2] >= 0x80 ||
                                        utf8_is_word((unsigned char)s[2])))) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if ((s[0] | 0x20) == endings[i][0] && (s[1] | 0x20) == endings[i][1]) return true;
    }
    return false;
}

static const char *read_number(const char *s, const char *end, struct word *word)
{
    const char *at = s;
    while (at < end && (is_digit(*at) || ((*at == '.' || *at == ',') && end - at > 1 &&
                                          is_digit(at[1])))) {
        at++;
    }
    word->kind = WORD_NUMBER;
    fold_number(word, s, (size_t)(at - s));
    return is_ordinal_ending(at, end) ? at + 2 : at;
}

/* --- Letters --------------------------------------------------------------- */

/* Append the folded character; words longer than the field are cut. */
static void fold_into(struct word *word, size_t *len, uint32_t cp)
{
    uint32_t folded[4];
    int n = utf8_fold(cp, folded);
    for (int i = 0; i < n; i++) {
        char bytes[4];
        size_t size = (size_t)utf8_encode(folded[i], bytes);
        if (*len + size >= WORD_BYTES) return;
        memcpy(word->folded + *len, bytes, size);
        *len += size;
    }
}

static bool is_plain(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_apostrophe(uint32_t cp)
{
    return cp == '\'' || cp == 0x2019 || cp == 0x02bc;
}

/* An apostrophe inside a word joins; 's at its end is dropped. Soft hyphens
 * and zero-width characters fold to nothing and join too. */
static const char *read_letters(const char *s, const char *end, struct word *word)
{
    size_t len = 0, len_before_apostrophe = 0;
    const char *at = s;
    word->kind = WORD_LETTERS;
    for (; at < end && len < WORD_BYTES - 1 && is_plain(*at); at++) {
        word->folded[len++] = (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at);
    }
    while (at < end) {
        uint32_t cp, next = 0;
        int n = utf8_decode(at, end, &cp);
        if (is_apostrophe(cp)) {
            if (at + n < end) utf8_decode(at + n, end, &next);
            if (!utf8_is_word(next)) break;
            len_before_apostrophe = len;
        } else if (cp != 0xad && (!utf8_is_word(cp) || words_is_ideograph(cp))) {
            break;
        } else {
            fold_into(word, &len, cp);
        }
        at += n;
    }
    if (len_before_apostrophe && len == len_before_apostrophe + 1 &&
        word->folded[len - 1] == 's') {
        len--;
    }
    word->folded[len] = '\0';
    word->common = is_common(word->folded);
    hash_letters(word);
    return at;
}

static const char *read_ideograph(const char *s, int n, uint32_t cp, struct word *word)
{
    size_t len = 0;
    word->kind = WORD_IDEOGRAPH;
    fold_into(word, &len, cp);
    word->folded[len] = '\0';
    word->hash = hash_bytes(word->folded, len);
    return s + n;
}

/* --- One word -------------------------------------------------------------- */

bool words_next(const char *text, size_t len, size_t *pos, struct word *word)
{
    const char *at = text + *pos, *end = text + len;
    uint32_t cp = 0;
    int n = 1;
    for (; at < end; at += n) {
        n = utf8_decode(at, end, &cp);
        if (utf8_is_word(cp)) break;
    }
    *pos = len;
    if (at >= end) return false;
    word->start = (size_t)(at - text);
    word->common = false;
    word->value = 0;
    if (is_digit((char)cp) && cp < 0x80) {
        at = read_number(at, end, word);
    } else if (words_is_ideograph(cp)) {
        at = read_ideograph(at, n, cp, word);
    } else {
        at = read_letters(at, end, word);
    }
    word->end = *pos = (size_t)(at - text);
    return true;
}

void words_cut(const char *text, size_t len, struct word_list *out)
{
    size_t pos = 0;
    out->text = text;
    out->n = 0;
    while (out->n < WORD_LIST_MAX && words_next(text, len, &pos, &out->items[out->n])) {
        out->n++;
    }
}
