/* supports.c - does a text hold what a value states?
 *
 * A veto against inventions: the numbers, dates, names and content words of
 * the value are looked up among those of the text, both folded. A date stands
 * for its numbers, however either side writes it; a number may stand alone
 * where the value spells out its scale (3.2 million, 3,200,000), since tables
 * say "in millions" once for all rows. */
#include "text/quote.h"

#include "text/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLAIMS_MAX = 256 };

/* The share of a value's words that its source must hold. */
static const double SUPPORT_SHARE = 0.3;

/* One thing that the value states. */
struct claim {
    uint64_t hash, scaled; /* scaled: the number with its scale; 0 none */
    int year, month, day;  /* of a date, else year 0 */
    unsigned parts;        /* of the date seen apart: 1 year, 2 month, 4 day */
    bool is_number;
    bool found;
};

struct claims {
    struct claim items[CLAIMS_MAX];
    size_t n;
};

/* --- Dates ------------------------------------------------------------------- */

struct date {
    int year, month, day; /* day 0: the month only */
    bool swappable;       /* 03/04/2020 may be either */
};

static int month_of(const struct word *word)
{
    static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec" };
    static const char *const rests[] = { "uary",   "ruary", "ch",    "il",
                                         "",       "e",     "y",     "ust",
                                         "tember", "ober",  "ember", "ember" };
    if (word->kind != WORD_LETTERS || !strchr("jfmasond", word->folded[0])) return 0;
    for (int i = 0; i < 12; i++) {
        const char *rest = word->folded + 3;
        if (strncmp(word->folded, months[i], 3) != 0) continue;
        if (*rest == '\0' || strcmp(rest, rests[i]) == 0) return i + 1;
        if (i == 8 && strcmp(rest, "t") == 0) return 9;
    }
    return 0;
}

static int small_number(const struct word *word)
{
    if (word->kind != WORD_NUMBER || strlen(word->folded) > 4) return -1;
    return strchr(word->folded, '.') ? -1 : atoi(word->folded);
}

static bool is_date(const struct date *d)
{
    return d->year >= 1000 && d->year <= 9999 && d->month >= 1 && d->month <= 12 &&
           d->day >= 0 && d->day <= 31;
}

/* One separator byte, the same twice: 2020-03-12, 12/03/2020. */
static bool are_joined(const char *text, const struct word w[3])
{
    size_t a = w[0].end, b = w[1].end;
    return w[1].start == a + 1 && w[2].start == b + 1 && text[a] == text[b] &&
           strchr("-/.", text[a]);
}

static bool numeric_date(const char *text, const struct word w[3], struct date *d)
{
    int n[3];
    for (int i = 0; i < 3; i++) n[i] = small_number(&w[i]);
    if (n[0] < 0 || n[1] < 0 || n[2] < 0 || !are_joined(text, w)) return false;
    if (n[0] >= 1000) {
        *d = (struct date){ .year = n[0], .month = n[1], .day = n[2] };
    } else {
        *d = (struct date){ .year = n[2], .month = n[0], .day = n[1], .swappable = true };
        if (n[0] > 12) *d = (struct date){ .year = n[2], .month = n[1], .day = n[0] };
    }
    return is_date(d);
}

/* 12.03.2020 reads as one word. */
static bool dotted_date(const struct word *w, struct date *d)
{
    int day, month, year;
    char end;
    if (w->kind != WORD_NUMBER || strlen(w->folded) < 8) return false;
    if (sscanf(w->folded, "%2d.%2d.%4d%c", &day, &month, &year, &end) != 3) return false;
    *d = (struct date){ .year = year, .month = month, .day = day, .swappable = true };
    return is_date(d);
}

/* "March 12, 2020", "12 March 2020", "March 2020" among the words; *used is how
 * many of them make the date. */
static bool named_date(const struct word w[3], size_t n, struct date *d, size_t *used)
{
    int month = month_of(&w[0]);
    *used = 3;
    if (month && n == 3) {
        *d = (struct date){ .year = small_number(&w[2]),
                            .month = month,
                            .day = small_number(&w[1]) };
        if (d->day > 0 && is_date(d)) return true;
    }
    if (n == 3 && month_of(&w[1])) {
        *d = (struct date){ .year = small_number(&w[2]),
                            .month = month_of(&w[1]),
                            .day = small_number(&w[0]) };
        if (d->day > 0 && is_date(d)) return true;
    }
    *used = 2;
    if (!month || n < 2) return false;
    *d = (struct date){ .year = small_number(&w[1]), .month = month };
    return is_date(d);
}

static bool read_date(const char *text, const struct word w[3], size_t n, struct date *d,
                      size_t *used)
{
    *used = 1;
    if (dotted_date(&w[0], d)) return true;
    *used = 3;
    if (n == 3 && numeric_date(text, w, d)) return true;
    return named_date(w, n, d, used);
}

static bool same_date(const struct claim *claim, const struct date *d)
{
    if (claim->year != d->year) return false;
    bool same = claim->month == d->month &&
                (claim->day == d->day || claim->day == 0 || d->day == 0);
    bool swapped = d->swappable && claim->month == d->day && claim->day == d->month;
    return same || swapped;
}

/* --- Scales ------------------------------------------------------------------ */

/* How many digits the number before the word gains; 0 if the word is no scale. */
static int scale_of(const struct word *word)
{
    static const struct {
        const char *word;
        int digits;
    } scales[] = {
        { "thousand", 3 }, { "k", 3 },  { "million", 6 }, { "millions", 6 },
        { "mn", 6 },       { "m", 6 },  { "mio", 6 },     { "billion", 9 },
        { "billions", 9 }, { "bn", 9 }, { "b", 9 },       { "trillion", 12 },
    };
    if (word->kind != WORD_LETTERS || !strchr("tkmb", word->folded[0])) return 0;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (strcmp(scales[i].word, word->folded) == 0) return scales[i].digits;
    }
    return 0;
}

/* The hash that the number times the scale would have, 0 if it has no form. The point is
 * moved among the digits: strtod() would look for that of the caller's locale. */
static uint64_t scaled_hash(const struct word *number, const struct word *scale)
{
    char scaled[2 * WORD_BYTES];
    int gained = number->kind == WORD_NUMBER ? scale_of(scale) : 0;
    int whole = (int)strcspn(number->folded, ".");
    const char *rest = number->folded + whole + (number->folded[whole] == '.');
    if (gained == 0 || strchr(rest, '.')) return 0; /* 12.03.2020 is no number */
    int moved = (int)strlen(rest) < gained ? (int)strlen(rest) : gained;
    snprintf(scaled, sizeof scaled, "%.*s%.*s%.*s%s%s", whole, number->folded, moved,
             rest, gained - moved, "000000000000", rest[moved] ? "." : "", rest + moved);
    const char *first = scaled;
    while (first[0] == '0' && first[1] && first[1] != '.') first++;
    return words_hash(first);
}

/* --- Looking up ---------------------------------------------------------------- */

/* The words of a text, three at a time, function words passed over. */
struct triple {
    const char *text;
    size_t len, pos;
    struct word words[3];
    size_t n;
};

static bool is_passed(const struct word *word)
{
    return word->common && !month_of(word); /* "may" is a month too */
}

static void fill(struct triple *t)
{
    while (t->n < 3 && words_next(t->text, t->len, &t->pos, &t->words[t->n])) {
        if (!is_passed(&t->words[t->n])) t->n++;
    }
}

static void drop(struct triple *t, size_t n)
{
    memmove(t->words, t->words + n, (3 - n) * sizeof *t->words);
    t->n -= n;
    fill(t);
}

static void read_claims(struct claims *claims, const char *value)
{
    struct triple t = { .text = value, .len = strlen(value) };
    for (fill(&t); t.n > 0 && claims->n < CLAIMS_MAX;) {
        struct claim claim = { .hash = t.words[0].hash };
        struct date d;
        size_t used = 1;
        claim.is_number = t.words[0].kind == WORD_NUMBER || t.words[0].value > 0;
        if (read_date(value, t.words, t.n, &d, &used)) {
            claim.year = d.year;
            claim.month = d.month;
            claim.day = d.day;
            claim.is_number = true;
        } else {
            used = 1;
            if (t.n > 1) claim.scaled = scaled_hash(&t.words[0], &t.words[1]);
            if (claim.scaled) used = 2;
        }
        if (claim.year || !t.words[0].common) claims->items[claims->n++] = claim;
        drop(&t, used);
    }
}

/* The date as one, or its parts scattered: "in 2020, on 12 March". */
static bool finds_date(struct claim *claim, const struct word *word, const struct date *d)
{
    int number = small_number(word);
    if (d && same_date(claim, d)) return true;
    if (number == claim->year) claim->parts |= 1;
    if (month_of(word) == claim->month) claim->parts |= 2;
    if (number == claim->day || claim->day == 0) claim->parts |= 4;
    return claim->parts == 7;
}

static void check_words(struct claims *claims, const struct triple *t,
                        const struct date *d)
{
    uint64_t hash = t->words[0].hash;
    uint64_t scaled = t->n > 1 ? scaled_hash(&t->words[0], &t->words[1]) : 0;
    for (size_t i = 0; i < claims->n; i++) {
        struct claim *claim = &claims->items[i];
        if (claim->found) continue;
        if (claim->year) {
            claim->found = finds_date(claim, &t->words[0], d);
        } else {
            claim->found =
                claim->hash == hash || (scaled && claim->hash == scaled) ||
                (claim->scaled && (claim->scaled == hash || claim->scaled == scaled));
        }
    }
}

double quote_supports(const char *value, const char *text, size_t len, bool *numbers_ok)
{
    struct claims claims = { .n = 0 };
    struct triple t = { .text = text, .len = len };
    size_t n_found = 0, date_end = 0;
    read_claims(&claims, value);
    for (fill(&t); t.n > 0 && claims.n > 0; drop(&t, 1)) {
        struct date d;
        size_t used;
        bool dated = t.words[0].start >= date_end && /* 12 [March 2020] is one date */
                     read_date(text, t.words, t.n, &d, &used);
        if (dated) date_end = t.words[used - 1].end;
        check_words(&claims, &t, dated ? &d : NULL);
    }
    *numbers_ok = true;
    for (size_t i = 0; i < claims.n; i++) {
        n_found += claims.items[i].found;
        if (claims.items[i].is_number && !claims.items[i].found) *numbers_ok = false;
    }
    return claims.n > 0 ? (double)n_found / (double)claims.n : 1;
}

bool quote_is_supported(const char *value, const char *text, size_t len)
{
    bool numbers_ok = true;
    double share = quote_supports(value, text, len, &numbers_ok);
    return numbers_ok && share >= SUPPORT_SHARE;
}
