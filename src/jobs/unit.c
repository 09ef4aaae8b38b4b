/* unit.c - what a number counts: a table of units, and where they stand. */
#include "jobs/unit.h"

#include "base/utf8.h"
#include "jobs/date.h"
#include "jobs/word.h"
#include "text/words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ALONE, PERCENT, MONEY, MASS, LENGTH, VOLUME, TIME, MONTHS };

/* Units of one kind convert into each other; ALONE, PERCENT and MONEY never do. A single
 * letter is as it stands here ("5 M" is no metres); "in" is no inches, it mostly says
 * where. */
static const struct unit units[] = {
    { MONEY, 1, "dollar dollars usd $" },
    { MONEY, 1, "euro euros eur €" },
    { MONEY, 1, "pound pounds gbp sterling £" },
    { MONEY, 1, "yen jpy ¥ 円" },
    { MONEY, 1, "yuan cny rmb renminbi 元" },
    { MONEY, 1, "rupee rupees inr rs ₹" },
    { MONEY, 1, "rouble roubles ruble rubles rub ₽" },
    { MONEY, 1, "franc francs chf" },
    { MONEY, 1, "crown crowns kr kronor kroner krone krona koruna kronen" },
    { MONEY, 1, "sek" },
    { MONEY, 1, "nok" },
    { MONEY, 1, "dkk" },
    { MONEY, 1, "czk" },
    { MONEY, 1, "cad" },
    { MONEY, 1, "aud" },
    { MONEY, 1, "pln zloty zlotys" },
    { MONEY, 1, "krw ₩" },
    { MONEY, 1, "lira liras lire ₺" },
    { MONEY, 1, "shekel shekels ₪" },
    { MONEY, 1, "brl reais" },
    { MONEY, 1, "mxn peso pesos ₱" },
    { MONEY, 1, "bitcoin bitcoins btc ₿" },
    { MONEY, 1, "mark marks" },
    { MONEY, 1, "shilling shillings" },
    { MONEY, 1, "penny pence" },
    { MONEY, 1, "cent cents ¢" },
    { MONEY, 1, "guinea guineas" },
    { MONEY, 1, "florin florins guilder guilders" },
    { MONEY, 1, "ducat ducats" },
    { MONEY, 1, "thaler thalers" },
    { MASS, 1, "mcg µg μg microgram micrograms" },
    { MASS, 1000, "mg milligram milligrams milligramme milligrammes" },
    { MASS, 1000000, "g gram grams gramme grammes" },
    { MASS, 1000000000, "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes" },
    { MASS, 1000000000000, "t tonne tonnes" },
    { ALONE, 1, "lb lbs" },
    { ALONE, 1, "ounce ounces oz" },
    { ALONE, 1, "ton tons" },
    { LENGTH, 10, "mm millimetre millimetres millimeter millimeters" },
    { LENGTH, 100, "cm centimetre centimetres centimeter centimeters" },
    { LENGTH, 10000, "m metre metres meter meters" },
    { LENGTH, 10000000, "km kilometre kilometres kilometer kilometers" },
    { LENGTH, 254, "inch inches" },
    { LENGTH, 3048, "foot feet ft" },
    { LENGTH, 9144, "yard yards yd" },
    { LENGTH, 16093440, "mile miles mi" },
    { VOLUME, 1, "ml millilitre millilitres milliliter milliliters" },
    { VOLUME, 10, "cl centilitre centilitres" },
    { VOLUME, 100, "dl decilitre decilitres" },
    { VOLUME, 1000, "l litre litres liter liters" },
    { ALONE, 1, "gallon gallons" },
    { ALONE, 1, "barrel barrels" },
    { TIME, 1, "second seconds sec secs" },
    { TIME, 60, "minute minutes min mins" },
    { TIME, 3600, "hour hours hr hrs h" },
    { TIME, 86400, "day days" },
    { TIME, 604800, "week weeks" },
    { MONTHS, 1, "month months" },
    { MONTHS, 12, "year years" },
    { PERCENT, 1, "percent pct %" },
    { ALONE, 1, "percentage" },
    { ALONE, 1, "hectare hectares ha" },
    { ALONE, 1, "acre acres" },
};

/* Names that stand for units of other rows too, which are told by their first names. */
static const struct {
    const char *names, *also;
} unsure[] = {
    { "$ dollar dollars", "cad aud mxn" },
    { "¥", "yuan" },
    { "crown crowns kr kronor kroner krone krona koruna kronen", "sek nok dkk czk" },
    { "pound pounds", "lb" },
    { "ton tons", "t" },
};

/* Is it one of the names of a unit? */
static bool lists(const char *names, const char *name)
{
    return words_listed(names, name, strlen(name));
}

/* The unit of that name, to out, which has none before. */
static void find_unit(const char *name, struct unit_found *out)
{
    if (!*name) return;
    for (size_t i = 0; i < sizeof units / sizeof *units && !out->unit; i++) {
        if (lists(units[i].names, name)) out->unit = &units[i];
    }
    for (size_t i = 0; i < sizeof unsure / sizeof *unsure; i++) {
        if (lists(unsure[i].names, name)) out->also = unsure[i].also;
    }
}

static void find_sign(uint32_t cp, struct unit_found *out)
{
    char name[WORD_MAX];
    int len = utf8_encode(cp, name);
    name[len] = '\0';
    if (cp == '%' || utf8_is_currency(cp)) find_unit(name, out);
}

/* Bytes of "US dollars" at s; 0: it is not there. */
static size_t us_dollars_at(const char *s)
{
    static const char *const names[] = { "US$", "US $", "US dollars", "US dollar" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if (strncmp(s, names[i], len) == 0) return len;
    }
    return 0;
}

/* A word or a sign at s that may name a unit, which then is out's. Returns its bytes. */
static size_t unit_at(const char *s, struct unit_found *out)
{
    static const char percent[] = "per cent";
    char word[WORD_MAX];
    uint32_t cp;
    *out = (struct unit_found){ .unit = NULL };
    if (strncmp(s, percent, sizeof percent - 1) == 0) {
        find_unit("percent", out);
        return sizeof percent - 1;
    }
    size_t len = us_dollars_at(s);
    if (len > 0) {
        find_unit("usd", out);
        return len;
    }
    len = word_at(s, word);
    if (len > 0) {
        bool other = len == 1 && isupper((unsigned char)*s) && *s != 'L';
        if (!other) find_unit(word, out);
        return len;
    }
    if (!*s) return 0;
    len = (size_t)utf8_decode(s, s + strnlen(s, 4), &cp);
    find_sign(cp, out);
    return len;
}

/* unit_before() with what else it may be. */
static void find_before(const char *text, size_t end, struct unit_found *out)
{
    *out = (struct unit_found){ .unit = NULL };
    char word[WORD_MAX];
    bool dollars = text[end] == '$';
    while (end > 0 && strchr(" .", text[end - 1])) end--;
    out->start = word_before(text, end, word);
    bool code = end - out->start == 3 && isupper((unsigned char)text[out->start]) &&
                isupper((unsigned char)text[end - 1]);
    bool short_name = strcmp(word, "rs") == 0 || strcmp(word, "kr") == 0;
    bool us = dollars && end - out->start == 2 && strncmp(text + end - 2, "US", 2) == 0;
    if (us) find_unit("usd", out);
    if (out->start < end && (code || short_name)) find_unit(word, out);
    if (out->unit && out->unit->kind != MONEY) out->unit = NULL;
}

const struct unit *unit_before(const char *text, size_t end, size_t *start)
{
    struct unit_found found;
    find_before(text, end, &found);
    *start = found.start;
    return found.unit;
}

/* --- Around a number ----------------------------------------------------------- */

/* "/kg", " per share"; " a week", "an hour" with a time. */
static bool is_rate(const char *s)
{
    char word[WORD_MAX];
    size_t len;
    if (*s == '/' || strncmp(s, " / ", 3) == 0) return true;
    s += *s == ' ';
    len = word_at(s, word);
    if (strcmp(word, "per") == 0) return s[len] == ' ';
    if (strcmp(word, "a") != 0 && strcmp(word, "an") != 0) return false;
    struct unit_found time = { .unit = NULL };
    if (s[len] == ' ') unit_at(s + len + 1, &time);
    return time.unit && (time.unit->kind == TIME || time.unit->kind == MONTHS);
}

void unit_of_number(const char *text, const struct value_number *n,
                    struct unit_found *out)
{
    struct unit_found before;
    const char *behind = text + n->end;
    bool joined = *behind == '-' && isalpha((unsigned char)behind[1]); /* "5-km" */
    behind = joined ? behind + 1 : word_skip_blank(behind);
    size_t len = unit_at(behind, out);
    size_t start = n->start, end = out->unit ? (size_t)(behind - text) + len : n->end;
    find_before(text, n->start, &before);
    if (before.unit) {
        *out = before;
        start = before.start;
    }
    if (n->sign) {
        struct unit_found sign = { .unit = NULL };
        find_sign(n->sign, &sign);
        if (!before.unit || !unit_may_be(&sign, before.unit)) *out = sign;
    }
    out->start = start;
    out->end = end;
    out->per = is_rate(text + end);
}

void unit_in_words(const char *words, struct unit_found *out)
{
    size_t len;
    struct unit_found u;
    bool letter = true; /* all that was found: the "m" of "m EUR" */
    *out = (struct unit_found){ .unit = NULL };
    for (const char *s = words; *s && letter && !out->per; s += len > 0 ? len : 1) {
        len = unit_at(s, &u);
        if (!u.unit || (out->unit && u.unit->kind != MONEY)) continue;
        *out = u;
        out->end = (size_t)(s - words) + len;
        out->per = is_rate(words + out->end);
        letter = len == 1 && isalpha((unsigned char)*s);
    }
}

/* 2021 and not 2000, which rather is the other end of a range. */
static bool is_year(const char *s, const struct value_number *n)
{
    return n->end == 4 && (strncmp(s, "19", 2) == 0 || strncmp(s, "20", 2) == 0) &&
           isdigit((unsigned char)s[2]) && strncmp(s + 2, "00", 2) != 0;
}

/* Is the number at s the other end of a range? apart: behind an amount with its unit and
 * a blank, where it may as well be something else: "$500 - 12 items", "51 crowns - 2021".
 */
static bool is_other_end(const char *s, bool apart)
{
    char word[WORD_MAX];
    struct value_number n;
    struct unit_found u;
    if (date_skip(s) || !value_find_number(s, NULL, &n) || n.start > 0) return false;
    unit_of_number(s, &n, &u);
    if (!apart || u.unit || u.per) return true;
    return !is_year(s, &n) && word_at(word_skip_blank(s + n.end), word) == 0;
}

/* "-10", "–$10", " to 12", " or 12" at s. */
static bool is_range(const char *s, bool has_unit)
{
    static const char *const joints[] = { "-", "–", " - ", " – ", " to ", " or " };
    for (size_t i = 0; i < sizeof joints / sizeof *joints; i++) {
        size_t len = strlen(joints[i]);
        if (strncmp(s, joints[i], len) == 0) {
            return is_other_end(s + len, has_unit && *s == ' ');
        }
    }
    return false;
}

/* "5 ft 10", "£5 10s": a part that need not name its own unit. */
static bool has_parts(const struct unit *u)
{
    char name[UNIT_NAME_MAX];
    unit_name(u, name);
    return lists("foot pound lb shilling", name);
}

bool unit_goes_on(const char *text, const struct value_number *number,
                  const struct unit_found *u)
{
    struct value_number n;
    struct unit_found more;
    bool has_unit = u->unit != NULL;
    if (is_range(text + number->end, has_unit) || is_range(text + u->end, has_unit)) {
        return true;
    }
    if (!u->unit || text[u->end] != ' ') return false;
    const char *next = text + u->end + 1;
    bool joined = strncmp(next, "and ", 4) == 0;
    if (joined) next += 4;
    if (!isdigit((unsigned char)*next) || date_skip(next)) return false;
    if (!value_find_number(next, NULL, &n) || n.start > 0) return true;
    unit_of_number(next, &n, &more);
    return more.unit || (!joined && n.end < 4 && has_parts(u->unit));
}

bool unit_may_be(const struct unit_found *u, const struct unit *other)
{
    char name[UNIT_NAME_MAX];
    if (u->unit == other || !u->also) return u->unit == other;
    unit_name(other, name);
    return lists(u->also, name);
}

bool unit_is_like(const struct unit_found *a, const struct unit_found *b)
{
    if (!a->unit || !b->unit) return true;
    bool share = a->unit->kind == PERCENT; /* "4.5%" is per year too */
    if (a->per != b->per && !share) return false;
    return a->unit == b->unit ||
           (a->unit->kind > MONEY && a->unit->kind == b->unit->kind && !a->per);
}

bool unit_is_money(const struct unit_found *u)
{
    return u->unit && u->unit->kind == MONEY;
}

bool unit_convert(const struct unit *from, const struct unit *to, struct decimal *n)
{
    return from == to || !from || !to || decimal_ratio(n, from->size, to->size);
}

void unit_name(const struct unit *u, char out[UNIT_NAME_MAX])
{
    snprintf(out, UNIT_NAME_MAX, "%.*s", (int)strcspn(u->names, " "), u->names);
}
