/* date.c - dates as people write them.
 *
 * Each reader tries one way of writing a date at a place and moves behind it. A date
 * that no reader knows leaves a year, which counts only where nothing beside it looks
 * like its day or month. */
#include "jobs/date.h"

#include "base/utf8.h"
#include "jobs/word.h"
#include "text/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char cjk_year[] = "年", cjk_month[] = "月", cjk_day[] = "日";

/* --- Months ------------------------------------------------------------------ */

enum { LANGUAGES = 5 };
static const char *const months[LANGUAGES][12] = {
    { "january", "february", "march", "april", "may", "june", "july", "august",
      "september", "october", "november", "december" },
    { "januar", "februar", "marz", "april", "mai", "juni", "juli", "august", "september",
      "oktober", "november", "dezember" },
    { "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout",
      "septembre", "octobre", "novembre", "decembre" },
    { "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
      "septiembre", "octubre", "noviembre", "diciembre" },
    { "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
      "settembre", "ottobre", "novembre", "dicembre" },
};

/* The one month that is called so, or begins so; 0: none, or more than one. */
static int month_named(const char *const names[12], const char *word, bool whole)
{
    int month = 0;
    for (int i = 0; i < 12; i++) {
        if (strcmp(names[i], word) == 0) return i + 1;
        if (whole || strncmp(names[i], word, strlen(word)) != 0) continue;
        if (month > 0) return 0;
        month = i + 1;
    }
    return month;
}

/* 1..12 for a month's name at s, or three letters or more of its beginning: "Sept"; of
 * another language only with a point, "déc.", since "set" and "ago" are English. */
static int month_at(const char *s, size_t *len)
{
    char word[WORD_MAX];
    *len = word_at(s, word);
    if (*len == 0 || strlen(word) < 3) return 0;
    int month = month_named(months[0], word, false);
    for (int i = 1; i < LANGUAGES && month == 0; i++) {
        month = month_named(months[i], word, s[*len] != '.');
    }
    return month;
}

/* --- Readers ----------------------------------------------------------------- */

struct parts {
    int year, month, day;
};

static bool keep_date(int year, int month, int day, struct parts *out)
{
    static const int days[] = { 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1000 || year > 2999 || month < 0 || month > 12) return false;
    if (day < 0 || day > days[month] - (month == 2 && !leap)) return false;
    *out = (struct parts){ .year = year, .month = month, .day = day };
    return true;
}

/* A run of at most four digits; behind it in *s. -1: none. */
static int number_at(const char **s)
{
    size_t n = word_digits(*s);
    if (n == 0 || n > 4) return -1;
    int value = atoi(*s);
    *s += n;
    return value;
}

static const char *skip(const char *s, const char *set)
{
    return s + strspn(s, set);
}

static bool skip_text(const char **s, const char *text)
{
    size_t len = strlen(text);
    if (strncmp(*s, text, len) != 0) return false;
    *s += len;
    return true;
}

/* What stands between the parts of a date: ". de ", " of ", ", ". */
static const char *skip_between(const char *s)
{
    s = skip(s, " .,");
    if (!skip_text(&s, "of ") && !skip_text(&s, "de ")) skip_text(&s, "del ");
    return s;
}

/* "3rd of", "1er", "12. ", "1º de". */
static const char *skip_ordinal(const char *s)
{
    static const char *const endings[] = { "st", "nd", "rd", "th", "er", "º", "°" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (skip_text(&s, endings[i])) break;
    }
    return skip_between(s);
}

/* 2022-03-12, 12.03.1956, 3/12/1956, 2022-03, 03/1956; 03.1956 too, but 10.1250 and
 * 1234.05 are decimals. */
static bool date_in_digits(const char **at, struct parts *out)
{
    const char *s = *at;
    int a = number_at(&s);
    char mark = *s;
    if (a < 0 || !mark || !strchr("-/.", mark)) return false;
    s++;
    int b = number_at(&s);
    if (b < 0) return false;
    bool more = *s == mark && isdigit((unsigned char)s[1]), known;
    if (!more && mark == '.' && **at != '0') return false;
    int c = 0;
    if (more) {
        s++;
        c = number_at(&s);
    }
    if (a >= 1000) {
        known = b > 0 && (c > 0 || !more) && keep_date(a, b, c, out);
    } else if (more) {
        bool day_first = mark == '.' || a > 12;
        int day = day_first ? a : b, month = day_first ? b : a;
        known = day > 0 && month > 0 && keep_date(c, month, day, out);
    } else {
        known = a > 0 && keep_date(b, a, 0, out);
    }
    if (known) *at = s;
    return known;
}

/* 1956年3月12日, 1956年3月. */
static bool date_in_signs(const char **at, struct parts *out)
{
    const char *s = *at;
    int year = number_at(&s);
    if (year < 0 || !skip_text(&s, cjk_year)) return false;
    int month = number_at(&s);
    if (month < 1 || !skip_text(&s, cjk_month)) return false;
    const char *behind = s;
    int day = number_at(&s);
    if (day > 0 && skip_text(&s, cjk_day)) {
        behind = s;
    } else {
        day = 0;
    }
    if (!keep_date(year, month, day, out)) return false;
    *at = behind;
    return true;
}

/* "12 March", "12th of March", "12. März": behind it in *at. */
static bool day_and_month(const char **at, int *day, int *month)
{
    const char *s = *at;
    size_t len;
    *day = number_at(&s);
    if (*day < 1 || *day > 31) return false;
    s = skip_ordinal(s);
    *month = month_at(s, &len);
    if (*month == 0) return false;
    *at = s + len;
    return true;
}

/* "March 12", "March 12th". */
static bool month_and_day(const char **at, int *day, int *month)
{
    size_t len;
    *month = month_at(*at, &len);
    if (*month == 0) return false;
    const char *s = skip(*at + len, " .");
    *day = word_digits(s) <= 2 ? number_at(&s) : -1;
    if (*day < 1 || *day > 31) return false;
    *at = s;
    return true;
}

/* "-14" and "and 14th" behind a day: dates of several days are of the first. */
static const char *skip_second_day(const char *s)
{
    static const char *const marks[] = { "-", "–", "and ", "to ", "& " };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = s;
        if (!skip_text(&at, marks[i])) continue;
        at = skip(at, " ");
        int day = number_at(&at);
        if (day > 0 && day <= 31) return skip_ordinal(at);
    }
    return s;
}

/* 12 March 1956, 12th of March, 1956, 12 de marzo de 1956. */
static bool date_day_first(const char **at, struct parts *out)
{
    const char *s = *at;
    int day, month;
    if (!day_and_month(&s, &day, &month)) return false;
    s = skip_between(s);
    if (!keep_date(number_at(&s), month, day, out)) return false;
    *at = s;
    return true;
}

/* March 12, 1956; March 12-14, 1956; March 1956. */
static bool date_month_first(const char **at, struct parts *out)
{
    size_t len;
    const char *s = *at;
    int day = 0, month = month_at(s, &len);
    if (month == 0) return false;
    s = month_and_day(&s, &day, &month) ? skip_second_day(skip_ordinal(s))
                                        : skip_between(s + len);
    if (day < 0) day = 0;
    if (!keep_date(number_at(&s), month, day, out)) return false;
    *at = s;
    return true;
}

static bool date_at(const char **at, struct parts *out)
{
    if (!isdigit((unsigned char)**at)) return date_month_first(at, out);
    return date_in_digits(at, out) || date_in_signs(at, out) || date_day_first(at, out);
}

/* "10-2000": October 2000 where a date is looked for, from 10 on in "10-2000 mg". */
static bool may_be_range(const char *s)
{
    size_t n = word_digits(s);
    if (n == 0 || n > 2 || *s == '0' || s[n] != '-') return false;
    s += n + 1;
    return word_digits(s) == 4 && !(s[4] == '-' && isdigit((unsigned char)s[5]));
}

static bool is_english_month(const char *s)
{
    char word[WORD_MAX];
    return isupper((unsigned char)*s) && word_at(s, word) > 0 &&
           month_named(months[0], word, false) > 0;
}

/* A day and its month without a year: in English with its capital, "May 3" but not "15
 * may attend"; else with more than a blank between them, "12. März" but not "20 Mars
 * bars". Returns what is behind, NULL if s begins no such. */
static const char *day_of_any_year(const char *s)
{
    char word[WORD_MAX];
    const char *month = s, *behind = s, *joint = s + word_digits(s);
    int d, m;
    if (!isdigit((unsigned char)*s)) {
        if (!month_and_day(&behind, &d, &m)) return NULL;
    } else {
        if (!day_and_month(&behind, &d, &m)) return NULL;
        month = s + word_before(s, (size_t)(behind - s), word);
    }
    bool joined = month > s && skip(joint, " ,") < month;
    if (!joined && !is_english_month(month)) return NULL;
    return isalnum((unsigned char)*behind) ? NULL : behind;
}

const char *date_skip(const char *s)
{
    struct parts d;
    if (may_be_range(s)) return NULL;
    return date_at(&s, &d) ? s : day_of_any_year(s);
}

/* --- A year by itself ---------------------------------------------------------- */

/* 2022-13 and 2022年31月, but not 2022/23. */
static bool is_cut_short(const char *year)
{
    const char *s = year + 4;
    if (skip_text(&s, cjk_year)) return isdigit((unsigned char)*s);
    if (!*s || !strchr("-/.", *s)) return false;
    size_t digits = word_digits(s + 1);
    bool next = *s != '.' && digits == 2 && atoi(s + 1) == (atoi(year) + 1) % 100;
    return digits > 0 && digits <= 2 && !next;
}

/* Does text[0, at) end with what may be a day: "12", "12th"? */
static bool has_day_before(const char *text, size_t at)
{
    char word[WORD_MAX];
    size_t start = word_before(text, at, word);
    if (start < at && words_listed("st nd rd th er o", word, strlen(word))) at = start;
    size_t first = at;
    while (first > 0 && isdigit((unsigned char)text[first - 1])) first--;
    if (first == at || at - first > 2 || atoi(text + first) > 31) return false;
    return first == 0 || !isalpha((unsigned char)text[first - 1]);
}

/* Words between a number and a year that make neither part of the other. */
static const char apart[] = "in since from by until to and or after before till during "
                            "year years anno circa at on around";

static bool is_joint(const char *word)
{
    return words_listed("de del of", word, strlen(word));
}

/* Is there nothing around the year that may be its day and month: no "12 Smarch" and no
 * "12 de Smarzo de" in front of it? A comma parts them ("51 crowns, 1956"), "7 of 1998"
 * has no month, and a dash joins them only where another joins the year ("10-K 2021"). */
static bool stands_alone(const char *text, const char *year)
{
    char word[WORD_MAX];
    size_t at = (size_t)(year - text);
    if (is_cut_short(year)) return false;
    const char *marks = at > 0 && strchr("-/", year[-1]) ? " .-/" : " .";
    for (bool month = false, joint = false;;) {
        while (at > 0 && strchr(marks, text[at - 1])) at--;
        if (has_day_before(text, at)) return joint && !month;
        size_t start = word_before(text, at, word);
        if (start == at || words_listed(apart, word, strlen(word))) return true;
        if (is_joint(word)) {
            joint = true;
        } else {
            if (month) return true;
            month = true;
        }
        at = start;
    }
}

/* --- Finding ------------------------------------------------------------------- */

static bool is_word_start(const char *text, const char *s)
{
    return !ispunct((unsigned char)*s) && (s == text || !isalnum((unsigned char)s[-1]));
}

bool date_find(const char *text, struct date *out)
{
    struct parts d, year = { .year = 0 };
    const char *from = NULL, *end = NULL;
    bool whole = false, unread = false;
    for (const char *s = text; *s && !whole; s++) {
        if (!is_word_start(text, s)) continue;
        from = end = s;
        whole = date_at(&end, &d);
        if (whole || word_digits(s) != 4 || !keep_date(atoi(s), 0, 0, &d)) continue;
        if (!stands_alone(text, s)) {
            unread = true;
        } else if (year.year == 0) {
            year = d;
            *out = (struct date){ .start = (size_t)(s - text),
                                  .end = (size_t)(s - text) + 4 };
        }
    }
    if (whole) {
        *out =
            (struct date){ .start = (size_t)(from - text), .end = (size_t)(end - text) };
    } else if (unread || year.year == 0) {
        return false;
    } else {
        d = year;
    }
    out->yyyymmdd = d.year * 10000 + d.month * 100 + d.day;
    return true;
}
