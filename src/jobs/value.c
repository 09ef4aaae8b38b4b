/* value.c - numbers as people write them.
 *
 * A number is read in steps: digits with their marks into an integer and a count of
 * places (or number words), then fractions and powers of ten, then the scale behind it,
 * then the signs and brackets around it. What "1,234" or "1.234" means is decided by the
 * groups: three digits behind every comma are thousands, three behind every one of
 * several dots too, anything else is a fraction. */
#include "jobs/value.h"

#include "base/utf8.h"
#include "jobs/cardinal.h"
#include "jobs/date.h"
#include "jobs/scale.h"
#include "jobs/unit.h"
#include "jobs/word.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

/* Behind the digits at s (`before` of them), is there a mark and a group of
 * three? Returns the mark's length, 0 if not. */
static size_t thousands_at(const char *s, char mark)
{
    size_t len = mark ? (*s == mark) : group_mark(s);
    return len > 0 && word_digits(s + len) == 3 ? len : 0;
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

/* "120-mm" in "12 120-mm guns" is a size, but not "000-metre" in "10 000-metre". */
static bool is_size(const char *s)
{
    return *s != '0' && s[3] == '-' && isalpha((unsigned char)s[4]);
}

/* The mark of thousands behind the first digits: ',', '.', ' ', 0 for one that
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
    if (thousands_at(s, ' ') > 0) return is_size(s + 1) ? NO_MARK : ' ';
    return thousands_at(s, 0) > 0 ? 0 : NO_MARK;
}

static bool add_digits(struct decimal *d, const char **s, bool fraction)
{
    for (; is_digit(**s); (*s)++) {
        if (__builtin_mul_overflow(d->mantissa, 10LL, &d->mantissa)) return false;
        if (__builtin_add_overflow(d->mantissa, (long long)(**s - '0'), &d->mantissa)) {
            return false;
        }
        d->places += fraction;
    }
    return d->places <= DECIMAL_PLACES_MAX;
}

/* Digits with their marks at *s, moved behind them. */
static bool read_digits(const char **s, struct decimal *out)
{
    *out = (struct decimal){ .mantissa = 0 };
    char mark = thousands_mark(*s + word_digits(*s), word_digits(*s));
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
    return **s != point || !is_digit((*s)[1]); /* 1,2,3 is a list */
}

/* --- Fractions and powers ------------------------------------------------------ */

/* The character at s, folded: "½" is "1", "⁄", "2". Returns its bytes, 0 at the end. */
static size_t fold_at(const char *s, uint32_t folded[4], int *count)
{
    uint32_t cp;
    if (!*s) return 0;
    size_t len = (size_t)utf8_decode(s, s + strnlen(s, 4), &cp);
    *count = utf8_fold(cp, folded);
    return len;
}

/* "½" at s: its bytes, 0 if there is none. */
static size_t vulgar_at(const char *s, int *above, int *below)
{
    uint32_t f[4];
    int count = 0;
    size_t len = (unsigned char)*s >= 0x80 ? fold_at(s, f, &count) : 0;
    bool known = len > 0 && count == 3 && f[1] == 0x2044 && f[0] >= '0' && f[0] <= '9' &&
                 f[2] >= '1' && f[2] <= '9';
    if (!known) return 0;
    *above = (int)(f[0] - '0');
    *below = (int)(f[2] - '0');
    return len;
}

/* "1/2" at s: its bytes, 0 if there is none; what is no part of one (24/7, 120/80) is
 * left for the caller to stumble over. */
static size_t slashed_at(const char *s, int *above, int *below)
{
    size_t a = word_digits(s), b = s[a] == '/' ? word_digits(s + a + 1) : 0;
    if (a == 0 || a > 2 || b == 0 || b > 2 || s[a + 1 + b] == '/') return 0;
    *above = atoi(s);
    *below = atoi(s + a + 1);
    return *above < *below ? a + 1 + b : 0;
}

/* Thirds have no decimals, and "9/11" is no part of anything. */
static bool add_fraction(struct decimal *d, int above, int below)
{
    static const int usual[] = { 2, 3, 4, 5, 8, 10, 16, 100 };
    struct decimal part = { .mantissa = above };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (usual[i] != below) continue;
        return decimal_ratio(&part, 1, below) && decimal_add(*d, part, d);
    }
    return false;
}

/* "½" or " 1/2" behind whole digits, or the fraction alone: d is 0 then. */
static bool read_fraction(const char **s, bool alone, struct decimal *d)
{
    int above, below;
    const char *at = alone ? *s : word_skip_blank(*s);
    size_t len = vulgar_at(at, &above, &below);
    if (len == 0 && (alone || at > *s)) len = slashed_at(at, &above, &below);
    if (len == 0) return **s != '/' || !is_digit((*s)[1]);
    *s = at + len;
    return add_fraction(d, above, below);
}

/* A power at s, "^-5" or "⁵"; moved behind it. */
static bool read_power(const char **s, int *power)
{
    uint32_t f[4];
    int count = 0, n = 0, sign = 1;
    bool caret = **s == '^';
    const char *at = *s + caret;
    size_t len = fold_at(at, f, &count);
    if (len > 0 && count == 1 && (f[0] == '-' || f[0] == 0x2212) && (caret || len > 1)) {
        sign = -1;
        at += len;
    }
    *power = 0;
    while (n < 2 && (len = fold_at(at, f, &count)) > 0 && count == 1 && f[0] >= '0' &&
           f[0] <= '9' && (caret || len > 1)) {
        *power = *power * 10 + (int)(f[0] - '0');
        at += len;
        n++;
    }
    *power *= sign;
    if (n > 0) *s = at;
    return n > 0;
}

/* "e-3" behind digits. */
static bool read_e(const char **s, int *power)
{
    if (**s != 'e' && **s != 'E') return false;
    const char *at = *s + 1;
    bool minus = *at == '-';
    at += *at == '-' || *at == '+';
    size_t n = word_digits(at);
    if (n == 0 || n > 2 || isalpha((unsigned char)at[n])) return false;
    *power = minus ? -atoi(at) : atoi(at);
    *s = at + n;
    return true;
}

/* " × 10^5" behind digits. */
static bool read_times_ten(const char **s, int *power)
{
    static const char *const times[] = { "×", "x", "*", "·", "⋅" };
    const char *at = word_skip_blank(*s);
    size_t len = 0;
    for (size_t i = 0; i < sizeof times / sizeof *times && len == 0; i++) {
        if (strncmp(at, times[i], strlen(times[i])) == 0) len = strlen(times[i]);
    }
    if (len == 0) return false;
    at = word_skip_blank(at + len);
    if (strncmp(at, "10", 2) != 0) return false;
    at += 2;
    if (!read_power(&at, power)) return false;
    *s = at;
    return true;
}

/* Powers of ten behind the digits; 10^5 is one by itself. */
static bool read_powers(const char **s, struct decimal *d)
{
    int power = 0;
    bool ten = d->mantissa == 10 && d->places == 0;
    if (read_e(s, &power) || read_times_ten(s, &power)) return decimal_shift(d, power);
    if (ten && read_power(s, &power)) {
        d->mantissa = 1;
        return decimal_shift(d, power);
    }
    return **s != '^';
}

/* --- Around a number ----------------------------------------------------------- */

struct around {
    const char *start; /* of what belongs to the number */
    uint32_t currency; /* 0: none */
    bool money, minus;
    bool bracket; /* "(" right in front */
    bool negates; /* and it is an accountant's */
};

static bool is_minus(uint32_t cp)
{
    return cp == '-' || cp == 0x2212 || cp == 0x2013 || cp == 0x2011;
}

/* Is the dash at this place a sign? Where a blank is behind it ("Voss - 51 crowns") only
 * one that nothing but a bracket stands before. */
static bool is_sign(const char *text, size_t at, bool apart)
{
    uint32_t cp;
    if (utf8_before(text, at, &cp) == 0 || cp == '(') return true;
    return !apart && !utf8_is_word(cp) && (cp >= 0x80 || !strchr(")].%-", (int)cp));
}

/* "minus 5": the word in front, which is moved over. */
static bool take_minus_word(const char *text, const char **s)
{
    char word[WORD_MAX];
    size_t end = (size_t)(*s - text);
    if (end == 0 || text[end - 1] != ' ') return false;
    size_t start = word_before(text, end - 1, word);
    if (start == end - 1 || strcmp(word, "minus") != 0) return false;
    *s = text + start;
    return true;
}

/* The signs, brackets and currency in front of the number at s. */
static struct around look_around(const char *text, const char *s)
{
    struct around a = { .start = s };
    bool apart = false;
    uint32_t cp = 0;
    size_t at = (size_t)(s - text), len;
    for (; (len = utf8_before(text, at, &cp)) > 0; at -= len) {
        if (utf8_is_currency(cp) && !a.money) {
            a.money = true;
            a.negates = a.bracket;
            a.currency = cp;
            apart = false;
        } else if (cp == ' ' || cp == 0xa0 || cp == 0x202f) {
            apart = true;
            continue;
        } else if (is_minus(cp) && !a.minus && is_sign(text, at - len, apart)) {
            a.minus = true;
            apart = false;
        } else if (cp == '(' && !a.bracket) {
            a.bracket = true;
        } else {
            break;
        }
        a.start = text + at - len;
    }
    a.negates = a.negates || (a.bracket && at == 0);
    if (take_minus_word(text, &a.start)) a.minus = true;
    size_t code;
    a.money = a.money || unit_before(text, (size_t)(a.start - text), &code);
    return a;
}

/* The bracket behind "(12%" and what a scale stands behind it: "$(1.2) billion". */
static void close_bracket(const char **s, struct around *a, int *power, uint32_t *sign)
{
    const char *at = word_skip_blank(*s);
    bool percent = *at == '%';
    if (!percent) at = *s;
    at += percent;
    if (!a->bracket || *at != ')') {
        a->negates = false;
        return;
    }
    *s = at + 1;
    if (percent) *sign = '%';
    if (*power == 0) *power = scale_read(s, a->money);
}

/* --- In digits ----------------------------------------------------------------- */

/* Q3, FY2022, COVID-19: digits that belong to a word. */
static bool follows_word(const char *text, const char *s)
{
    if (s == text) return false;
    if (isalpha((unsigned char)s[-1])) return true;
    return s[-1] == '-' && s - 1 > text && isalpha((unsigned char)s[-2]);
}

static bool is_after(const char *text, const char *s, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(s - text) >= len && strncmp(s - len, word, len) == 0;
}

/* "2021: 51 crowns", "in 2021, 51 crowns". */
static bool is_year_of_what_follows(const char *text, const char *s)
{
    if (word_digits(s) != 4 || (*s != '1' && *s != '2')) return false;
    bool in = is_after(text, s, "in ") || is_after(text, s, "In ");
    return (s[4] == ':' && !is_digit(s[5])) || (in && s[4] == ',' && s[5] == ' ');
}

/* May a date begin here? None does right behind a word or a currency, "$1000-12". */
static bool may_be_date(const char *text, const char *s)
{
    uint32_t cp;
    if (utf8_before(text, (size_t)(s - text), &cp) == 0) return true;
    return !utf8_is_currency(cp) && (cp >= 0x80 || !isalnum((int)cp));
}

/* The first digit of a number from a place in text on, NULL if there is none. A year or a
 * date that has no other number behind it is the one, but for a date that is whole. */
static const char *find_digits(const char *text, const char *from)
{
    const char *year = NULL;
    int above, below;
    for (const char *s = from; *s; s++) {
        const char *behind = may_be_date(text, s) ? date_skip(s) : NULL;
        if (behind) {
            s = behind - 1;
            continue;
        }
        if (vulgar_at(s, &above, &below) > 0) return s;
        if (!is_digit(*s)) continue;
        if (is_year_of_what_follows(text, s)) {
            year = year ? year : s;
        } else if (!follows_word(text, s)) {
            return s;
        }
        while (is_digit(s[1]) || (s[1] == '.' && is_digit(s[2]))) s++;
    }
    return year;
}

/* ".5", but not the end of "approx.5" or "1..5". */
static bool has_point_before(const char *text, const char *s)
{
    if (s == text || s[-1] != '.') return false;
    return s - 1 == text || !(isalnum((unsigned char)s[-2]) || strchr(".)%", s[-2]));
}

/* Behind a scale no other number may stand: it would belong to this one. */
static bool goes_on(const char *s)
{
    s = word_skip_blank(s);
    if (strncmp(s, "and ", 4) == 0) s += 4;
    return is_digit(*s) || cardinal_at(s);
}

static bool is_dozens(const char *s)
{
    char word[WORD_MAX];
    return word_at(word_skip_blank(s), word) > 0 &&
           (strcmp(word, "dozen") == 0 || strcmp(word, "dozens") == 0);
}

static void read_half(const char **s, struct decimal *d)
{
    static const char half[] = " and a half";
    struct decimal sum, five = { .mantissa = 5, .places = 1 };
    if (strncmp(*s, half, sizeof half - 1) != 0) return;
    if (!decimal_add(*d, five, &sum)) return;
    *d = sum;
    *s += sizeof half - 1;
}

static bool read_in_digits(const char *text, const char **start, const char **behind,
                           struct decimal *d)
{
    const char *s = *start;
    *d = (struct decimal){ .mantissa = 0 };
    int above, below;
    bool point = is_digit(*s) && has_point_before(text, s);
    bool fraction =
        !point && (vulgar_at(s, &above, &below) > 0 || slashed_at(s, &above, &below) > 0);
    if (point) {
        *start = s - 1;
        if (!add_digits(d, &s, true)) return false;
    } else if (!fraction && !read_digits(&s, d)) {
        return false;
    }
    bool whole = !point && d->places == 0;
    if ((fraction || whole) && !read_fraction(&s, fraction, d)) return false;
    if (!read_powers(&s, d)) return false;
    *behind = s;
    return !is_dozens(s);
}

/* --- A number ------------------------------------------------------------------ */

/* value_find_number() from a place in text on: what stands in front of it counts. */
static bool find_number(const char *text, const char *from, const char *unit,
                        struct value_number *out)
{
    const char *start = find_digits(text, from), *behind;
    struct decimal d;
    bool read = start ? read_in_digits(text, &start, &behind, &d)
                      : cardinal_find(text, from, &start, &behind, &d);
    if (!read) return false;
    read_half(&behind, &d);
    struct around a = look_around(text, start);
    uint32_t sign = a.currency;
    int power = scale_read(&behind, a.money);
    close_bracket(&behind, &a, &power, &sign);
    if (a.minus || a.negates) d.mantissa = -d.mantissa;
    if (power >= SCALE_UNSURE || (power > 0 && goes_on(behind))) return false;
    if (power > 0 && !decimal_shift(&d, power - scale_of_unit(unit))) return false;
    *out = (struct value_number){
        .value = d,
        .start = (size_t)(a.start - text),
        .end = (size_t)(behind - text),
        .sign = sign,
    };
    return true;
}

bool value_find_number(const char *text, const char *unit, struct value_number *out)
{
    return find_number(text, text, unit, out);
}

size_t value_count_number(const char *text, struct decimal value)
{
    struct value_number n;
    size_t count = 0;
    for (const char *from = text; *from;) {
        if (find_number(text, from, NULL, &n)) {
            count += decimal_compare(n.value, value) == 0;
            from = text + n.end;
            continue;
        }
        const char *unread = find_digits(text, from);
        if (!unread) break;
        size_t digits = word_digits(unread);
        from = unread + (digits > 0 ? digits : 1);
    }
    return count;
}
