/* value.c - numbers and dates as people write them.
 *
 * A number is read in two steps: digits with their marks into an integer and a
 * count of places, then the scale behind it. What "1,234" or "1.234" means is
 * decided by the groups: three digits behind every comma are thousands, three
 * behind every one of several dots too, anything else is a fraction. */
#include "jobs/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 18, WORD_MAX = 16 };

/* --- Decimals --------------------------------------------------------------- */

static bool times_ten(long long *n)
{
    return !__builtin_mul_overflow(*n, 10LL, n);
}

/* d * 10^exponent, exactly. */
static bool shift(struct decimal *d, int exponent)
{
    for (; exponent < 0; exponent++) {
        if (d->mantissa % 10 == 0 && d->places == 0)
            d->mantissa /= 10;
        else
            d->places++;
    }
    for (; exponent > 0; exponent--) {
        if (d->places > 0)
            d->places--;
        else if (!times_ten(&d->mantissa))
            return false;
    }
    return d->places <= PLACES_MAX;
}

static bool with_places(struct decimal d, int places, long long *mantissa)
{
    for (; d.places < places; d.places++) {
        if (!times_ten(&d.mantissa)) return false;
    }
    *mantissa = d.mantissa;
    return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *sum)
{
    int places = a.places > b.places ? a.places : b.places;
    long long x, y, both;
    if (!with_places(a, places, &x) || !with_places(b, places, &y)) return false;
    if (__builtin_add_overflow(x, y, &both)) return false;
    *sum = (struct decimal){ .mantissa = both, .places = places };
    return true;
}

struct decimal decimal_plain(struct decimal d)
{
    while (d.places > 0 && d.mantissa % 10 == 0) {
        d.mantissa /= 10;
        d.places--;
    }
    return d;
}

/* Where the places cannot be made equal the one that overflows has so many
 * more digits before the point that its sign decides. */
int decimal_compare(struct decimal a, struct decimal b)
{
    a = decimal_plain(a);
    b = decimal_plain(b);
    int places = a.places > b.places ? a.places : b.places;
    long long x, y;
    if (!with_places(a, places, &x)) return a.mantissa > 0 ? 1 : -1;
    if (!with_places(b, places, &y)) return b.mantissa > 0 ? -1 : 1;
    return (x > y) - (x < y);
}

void decimal_format(struct decimal d, char out[DECIMAL_TEXT])
{
    char digits[DECIMAL_TEXT];
    unsigned long long size = d.mantissa < 0 ? 0ULL - (unsigned long long)d.mantissa
                                             : (unsigned long long)d.mantissa;
    int n = snprintf(digits, sizeof digits, "%0*llu", d.places + 1, size);
    int whole = n - d.places;
    snprintf(out, DECIMAL_TEXT, "%s%.*s%s%s", d.mantissa < 0 ? "-" : "", whole, digits,
             d.places > 0 ? "." : "", digits + whole);
}

/* --- Digits ----------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of a mark that groups thousands and nothing else; 0: none is here. */
static size_t group_mark(const char *s)
{
    static const char *const marks[] = { "'", "\xe2\x80\x99", "\xc2\xa0", "\xe2\x80\xaf",
                                         "\xe2\x80\x89" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t len = strlen(marks[i]);
        if (strncmp(s, marks[i], len) == 0) return len;
    }
    return 0;
}

static size_t count_digits(const char *s)
{
    size_t n = 0;
    while (is_digit(s[n])) n++;
    return n;
}

/* Behind the digits at s (`before` of them), is there a mark and a group of
 * three? Returns the mark's length, 0 if not. */
static size_t thousands_at(const char *s, char mark)
{
    size_t len = mark ? (*s == mark) : group_mark(s);
    return len > 0 && count_digits(s + len) == 3 ? len : 0;
}

/* How many groups of thousands with this mark follow. */
static size_t count_groups(const char *s, char mark)
{
    size_t n = 0, len;
    while ((len = thousands_at(s, mark)) > 0) {
        n++;
        s += len + 3;
    }
    return n;
}

/* The mark of thousands behind the first digits: ',', '.', 0 for one that
 * group_mark() knows, '\1' for none. One dot alone is a decimal point. */
enum { NO_MARK = 1 };
static char thousands_mark(const char *s, size_t before)
{
    if (before > 3) return NO_MARK;
    size_t commas = count_groups(s, ',');
    if (commas > 0)
        return s[commas * 4] == ',' && is_digit(s[commas * 4 + 1]) ? NO_MARK : ',';
    size_t dots = count_groups(s, '.');
    if (dots > 1 || (dots == 1 && s[4] == ',' && is_digit(s[5]))) return '.';
    return thousands_at(s, 0) > 0 ? 0 : NO_MARK;
}

static bool add_digits(struct decimal *d, const char **s, bool fraction)
{
    for (; is_digit(**s); (*s)++) {
        if (!times_ten(&d->mantissa)) return false;
        if (__builtin_add_overflow(d->mantissa, (long long)(**s - '0'), &d->mantissa)) {
            return false;
        }
        d->places += fraction;
    }
    return d->places <= PLACES_MAX;
}

/* Digits with their marks at *s, moved behind them. */
static bool read_digits(const char **s, struct decimal *out)
{
    *out = (struct decimal){ .mantissa = 0 };
    char mark = thousands_mark(*s + count_digits(*s), count_digits(*s));
    if (!add_digits(out, s, false)) return false;
    while (mark != NO_MARK) {
        size_t len = thousands_at(*s, mark);
        if (len == 0) break;
        *s += len;
        if (!add_digits(out, s, false)) return false;
    }
    if ((**s != '.' && **s != ',') || !is_digit((*s)[1]) || **s == mark) return true;
    char point = *(*s)++;
    if (!add_digits(out, s, true)) return false;
    return point != ',' || **s != ',' || !is_digit((*s)[1]); /* 1,2,3 is a list */
}

/* --- Scales and words -------------------------------------------------------- */

struct named {
    const char *name;
    int value;
};

static const struct named scales[] = {
    { "hundred", 2 },    { "thousand", 3 }, { "thousands", 3 }, { "k", 3 },
    { "million", 6 },    { "millions", 6 }, { "mn", 6 },        { "mio", 6 },
    { "billion", 9 },    { "billions", 9 }, { "bn", 9 },        { "trillion", 12 },
    { "trillions", 12 }, { "tn", 12 },
};
/* These only behind an amount of money: 5m is five metres. */
static const struct named money_scales[] = {
    { "m", 6 }, { "mm", 6 }, { "b", 9 }, { "t", 12 }
};

static const struct named numbers[] = {
    { "zero", 0 },     { "one", 1 },        { "two", 2 },       { "three", 3 },
    { "four", 4 },     { "five", 5 },       { "six", 6 },       { "seven", 7 },
    { "eight", 8 },    { "nine", 9 },       { "ten", 10 },      { "eleven", 11 },
    { "twelve", 12 },  { "thirteen", 13 },  { "fourteen", 14 }, { "fifteen", 15 },
    { "sixteen", 16 }, { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 },
    { "twenty", 20 },  { "thirty", 30 },    { "forty", 40 },    { "fifty", 50 },
    { "sixty", 60 },   { "seventy", 70 },   { "eighty", 80 },   { "ninety", 90 },
};

/* The ASCII word at s in lower case; returns its length, 0 if too long. */
static size_t word_at(const char *s, char out[WORD_MAX])
{
    size_t n = 0;
    while (isalpha((unsigned char)s[n])) {
        if (n == WORD_MAX - 1) return 0;
        out[n] = (char)tolower((unsigned char)s[n]);
        n++;
    }
    out[n] = '\0';
    return n;
}

static const struct named *find_named(const struct named *table, size_t n,
                                      const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].name, word) == 0) return &table[i];
    }
    return NULL;
}

#define FIND(table, word) find_named(table, sizeof table / sizeof *table, word)

/* The power of ten of the scale words at *s ("hundred thousand"), moved behind
 * them; 0 if there is none. A single letter counts only right behind the digits. */
static int read_scale(const char **s, bool money)
{
    char word[WORD_MAX];
    int power = 0;
    for (;;) {
        bool apart = **s == ' ' || **s == '-';
        size_t len = word_at(*s + apart, word);
        const struct named *scale = len > 0 ? FIND(scales, word) : NULL;
        if (!scale && len > 0 && money) scale = FIND(money_scales, word);
        if (!scale || (apart && len == 1)) return power;
        power += scale->value;
        *s += apart + len;
    }
}

/* The scale that a unit's words name: 6 for "USD millions", 0 for none. */
static int scale_of_unit(const char *unit)
{
    char word[WORD_MAX];
    for (const char *s = unit ? unit : ""; *s; s++) {
        if (s != unit && isalpha((unsigned char)s[-1])) continue;
        const struct named *scale = word_at(s, word) > 1 ? FIND(scales, word) : NULL;
        if (scale) return scale->value;
    }
    return 0;
}

/* --- A number --------------------------------------------------------------- */

/* Q3, FY2022, COVID-19: digits that belong to a word. */
static bool follows_word(const char *text, const char *s)
{
    if (s == text) return false;
    if (isalpha((unsigned char)s[-1])) return true;
    return s[-1] == '-' && s - 1 > text && isalpha((unsigned char)s[-2]);
}

/* The first digit of a number, NULL if there is none. */
static const char *find_digits(const char *text)
{
    for (const char *s = text; *s; s++) {
        if (!is_digit(*s)) continue;
        if (!follows_word(text, s)) return s;
        while (is_digit(s[1])) s++;
    }
    return NULL;
}

static bool is_currency(char c)
{
    return c == '$' || (unsigned char)c >= 0x80;
}

/* A minus before the digits, or brackets around them as accountants write;
 * currency marks may stand between. */
static bool is_negative(const char *text, const char *digits, const char *behind)
{
    static const char minus[] = "\xe2\x88\x92";
    const char *s = digits;
    while (s > text && (is_currency(s[-1]) || s[-1] == ' ')) {
        if (s - 3 >= text && strncmp(s - 3, minus, 3) == 0) return true;
        s--;
    }
    if (s == text) return false;
    if (s[-1] == '(') return *behind == ')' && (s - 1 == text || s[-2] == '$');
    return s[-1] == '-' && (s - 1 == text || strchr(" ($", s[-2]));
}

/* Small numbers in words: five, twenty-one, two hundred. */
static bool number_in_words(const char *text, struct decimal *out, const char **start,
                            const char **behind)
{
    char word[WORD_MAX];
    for (const char *s = text; *s; s++) {
        if (s > text && isalpha((unsigned char)s[-1])) continue;
        size_t len = word_at(s, word);
        const struct named *n = len > 0 ? FIND(numbers, word) : NULL;
        if (!n) continue;
        *out = (struct decimal){ .mantissa = n->value };
        *start = s;
        *behind = s + len;
        if (n->value < 20 || (**behind != '-' && **behind != ' ')) return true;
        size_t more = word_at(*behind + 1, word);
        const struct named *one = more > 0 ? FIND(numbers, word) : NULL;
        if (one && one->value > 0 && one->value < 10) {
            out->mantissa += one->value;
            *behind += 1 + more;
        }
        return true;
    }
    return false;
}

bool value_find_number(const char *text, const char *unit, struct value_number *out)
{
    const char *digits = find_digits(text), *start = digits, *behind = digits;
    struct decimal d;
    if (digits) {
        if (!read_digits(&behind, &d)) return false;
        if (is_negative(text, digits, behind)) d.mantissa = -d.mantissa;
    } else if (!number_in_words(text, &d, &start, &behind)) {
        return false;
    }
    int scale = read_scale(&behind, start > text && is_currency(start[-1]));
    if (scale > 0 && !shift(&d, scale - scale_of_unit(unit))) return false;
    *out = (struct value_number){
        .value = d,
        .start = (size_t)(start - text),
        .end = (size_t)(behind - text),
    };
    return true;
}

/* --- Dates ------------------------------------------------------------------- */

static const char *const months[] = { "january",   "february", "march",    "april",
                                      "may",       "june",     "july",     "august",
                                      "september", "october",  "november", "december" };

/* 1..12 for a month's name or a beginning of it of three letters or more ("Sept"). */
static int month_at(const char *s, size_t *len)
{
    char word[WORD_MAX];
    *len = word_at(s, word);
    if (*len < 3) return 0;
    for (int i = 0; i < 12; i++) {
        if (strncmp(months[i], word, *len) == 0) return i + 1;
    }
    return 0;
}

struct date {
    int year, month, day;
};

static bool keep_date(int year, int month, int day, struct date *out)
{
    if (year < 1000 || year > 2999 || month < 0 || month > 12 || day < 0 || day > 31) {
        return false;
    }
    *out = (struct date){ .year = year, .month = month, .day = day };
    return true;
}

/* A run of at most four digits; behind it in *s. -1: none. */
static int number_at(const char **s)
{
    size_t n = count_digits(*s);
    if (n == 0 || n > 4) return -1;
    int value = atoi(*s);
    *s += n;
    return value;
}

static const char *skip(const char *s, const char *set)
{
    return s + strspn(s, set);
}

/* "st", "nd", "rd", "th" behind a day, then "of". */
static const char *skip_ordinal(const char *s)
{
    char word[WORD_MAX];
    size_t len = word_at(s, word);
    if (len == 2 && strstr("st nd rd th", word)) s += 2;
    s = skip(s, " .,");
    return strncmp(s, "of ", 3) == 0 ? s + 3 : s;
}

/* 2022-03-12, 12.03.1956, 3/12/1956. */
static bool date_in_digits(const char *s, struct date *out)
{
    int a = number_at(&s);
    char mark = *s;
    if (a < 0 || !mark || !strchr("-/.", mark)) return false;
    s++;
    int b = number_at(&s);
    if (b < 0) return false;
    if (a >= 1000) {
        if (*s != mark) return b > 0 && b <= 12 && keep_date(a, b, 0, out);
        s++;
        return keep_date(a, b, number_at(&s), out);
    }
    if (*s != mark) return false;
    s++;
    int year = number_at(&s);
    bool day_first = mark == '.' || a > 12;
    return keep_date(year, day_first ? b : a, day_first ? a : b, out);
}

/* 12 March 1956, 12th of March, 1956. */
static bool date_day_first(const char *s, struct date *out)
{
    int day = number_at(&s);
    size_t len;
    s = skip_ordinal(s);
    int month = month_at(s, &len);
    if (day < 0 || month == 0) return false;
    s = skip(s + len, " .,");
    return keep_date(number_at(&s), month, day, out);
}

/* March 12, 1956; March 1956. */
static bool date_month_first(const char *s, struct date *out)
{
    size_t len;
    int month = month_at(s, &len);
    if (month == 0) return false;
    s = skip(s + len, " .,");
    int day = number_at(&s);
    if (day >= 1000) return keep_date(day, month, 0, out);
    s = skip_ordinal(s);
    return day > 0 && keep_date(number_at(&s), month, day, out);
}

static bool date_at(const char *s, struct date *out)
{
    return is_digit(*s) ? date_in_digits(s, out) || date_day_first(s, out)
                        : date_month_first(s, out);
}

static bool is_word_start(const char *text, const char *s)
{
    return isalnum((unsigned char)*s) && (s == text || !isalnum((unsigned char)s[-1]));
}

bool value_find_date(const char *text, int *yyyymmdd)
{
    struct date d, year = { .year = 0 };
    bool whole = false;
    for (const char *s = text; *s && !whole; s++) {
        if (!is_word_start(text, s)) continue;
        whole = date_at(s, &d);
        if (!whole && year.year == 0 && count_digits(s) == 4)
            keep_date(atoi(s), 0, 0, &year);
    }
    if (!whole) d = year;
    *yyyymmdd = d.year * 10000 + d.month * 100 + d.day;
    return d.year > 0;
}
