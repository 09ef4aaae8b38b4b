/* sentences.c - where sentences begin and end.
 *
 * Lines first: blank lines, rows, list items, headings and breaks that were
 * meant end a unit (lines.h); a single line break inside a unit is a blank.
 * Then each unit of prose is cut after . ! ? where the next sentence starts.
 * Of a full stop that may also end an abbreviation, an initial, a list number
 * or nothing at all, what stands on both sides decides. */
#include "text/quote.h"

#include "base/utf8.h"
#include "text/lines.h"
#include "text/words.h"

#include <ctype.h>
#include <string.h>

typedef void (*sentence_fn)(void *user, size_t start, size_t end);

/* A stretch of prose, and the part of it that is not yet given out. */
struct unit {
    const char *text;
    size_t start, end;
};

/* --- Abbreviations --------------------------------------------------------- */

enum { TOKEN_BYTES = 16 };

/* What the full stop of a token may mean. */
enum stop {
    STOP_ENDS,          /* no abbreviation */
    STOP_NEVER,         /* Dr. e.g. Fig.: never ends a sentence */
    STOP_BEFORE_NUMBER, /* No. p. vol.: an abbreviation before a number only */
    STOP_UNLESS_STARTER /* Inc. U.S. etc.: ends one if a new one clearly begins */
};

/* Lower case, without the last full stop. */
static const char never[] =
    "a.k.a adj adm approx asst bzw ca capt cf col d.h dr e.g eg esp et gen "
    "gov hon i.e ie incl intl lt maj mr mrs ms mt mx op pres prof rep resp "
    "rev sen sgt st u.a univ v vgl viz vs z.b";
static const char before_number[] =
    "abb app apt art arts bd ch chap eq eqn eqs ex fig figs in no nos nr p "
    "para paras pp pt ref refs sec sect tab tel vol vols";
static const char unless_starter[] =
    "a.m al apr arch aug ave bldg blvd bros cm co comm corp dec dept ed "
    "eds esq est etc feb fri ft hr hrs inc jan jr jul jun lbs ltd mar max "
    "min mon nov oct oz p.m ph.d plc pty rd sat sep sept sr sun supp thu "
    "thurs tue tues usw wed yr yrs";

/* The token that ends at the full stop at `dot`: letters and inner full stops.
 * Longer ones than any abbreviation are not followed. */
static size_t token_start(const struct unit *u, size_t dot)
{
    size_t at = dot;
    while (at > u->start && dot - at < TOKEN_BYTES &&
           (isalpha((unsigned char)u->text[at - 1]) ||
            (unsigned char)u->text[at - 1] >= 0x80 ||
            (u->text[at - 1] == '.' && at - 1 > u->start &&
             isalpha((unsigned char)u->text[at - 2])))) {
        at--;
    }
    return at;
}

static enum stop classify_stop(const struct unit *u, size_t dot)
{
    char token[TOKEN_BYTES];
    size_t start = token_start(u, dot), len = dot - start;
    if (len == 0 || len >= sizeof token) return STOP_ENDS;
    for (size_t i = 0; i < len; i++) {
        token[i] = (char)tolower((unsigned char)u->text[start + i]);
    }
    if (words_listed(never, token, len)) return STOP_NEVER;
    if (words_listed(before_number, token, len)) return STOP_BEFORE_NUMBER;
    if (words_listed(unless_starter, token, len)) return STOP_UNLESS_STARTER;
    bool initial = len == 1 && isupper((unsigned char)u->text[start]);
    bool dotted = len >= 3 && token[1] == '.'; /* U.S, z.B, D.C */
    return initial || dotted ? STOP_UNLESS_STARTER : STOP_ENDS;
}

/* --- What follows ----------------------------------------------------------- */

/* Words that begin a sentence after an abbreviation rather than go on. */
static bool is_starter(const char *text, size_t at, size_t end)
{
    static const char starters[] =
        "The A An It In This These Those That He She They We You I However But "
        "And If When While As At For On No There Its His Her Our Their Since "
        "After Before Although During From To With Under Such All Each Any "
        "Some Many Both Also Then Thus Therefore What Who How Why Where Which "
        "By Not Once Until Upon";
    size_t len = 0;
    while (at + len < end && isalpha((unsigned char)text[at + len])) len++;
    return words_listed(starters, text + at, len);
}

static bool is_mark(char c)
{
    return c == '.' || c == '!' || c == '?';
}

static bool is_space_at(const struct unit *u, size_t at)
{
    return at < u->end && strchr(" \t\n\f", u->text[at]) && u->text[at];
}

/* Quote marks, brackets and footnote marks like [12] after the stop. */
static size_t skip_closers(const struct unit *u, size_t at)
{
    static const char *const closers[] = { "\"", "'", ")", "]", "”", "’", "»", "*", "_" };
    bool more = true;
    while (more && at < u->end) {
        more = false;
        for (size_t i = 0; i < sizeof closers / sizeof *closers; i++) {
            size_t len = strlen(closers[i]);
            if (u->end - at >= len && memcmp(u->text + at, closers[i], len) == 0) {
                at += len;
                more = true;
            }
        }
        size_t note = at + (at < u->end && u->text[at] == '[');
        while (note > at && note < u->end && strchr("0123456789, -", u->text[note]))
            note++;
        if (note > at + 1 && note < u->end && u->text[note] == ']') {
            at = note + 1;
            more = true;
        }
    }
    return at;
}

static size_t skip_space(const struct unit *u, size_t at)
{
    while (is_space_at(u, at)) at++;
    return at;
}

/* The first letter or digit at or after `at`, past opening quotes and brackets. */
static size_t skip_openers(const struct unit *u, size_t at)
{
    while (at < u->end && strchr("\"'([*_", u->text[at])) at++;
    if (u->end - at >= 3 &&
        (memcmp(u->text + at, "“", 3) == 0 || memcmp(u->text + at, "‘", 3) == 0)) {
        at += 3;
    }
    return at;
}

/* One capital letter that begins no word: S3, B). */
static bool is_letter_alone(const struct unit *u, size_t at)
{
    return at + 1 < u->end && isupper((unsigned char)u->text[at]) &&
           !isalpha((unsigned char)u->text[at + 1]);
}

/* Does a sentence end at the full stop, when `next` follows it? */
static bool stop_ends(const struct unit *u, size_t dot, size_t next)
{
    size_t first = skip_openers(u, next);
    bool digit = first < u->end && isdigit((unsigned char)u->text[first]);
    switch (classify_stop(u, dot)) {
    case STOP_NEVER: return false;
    case STOP_BEFORE_NUMBER:
        return !digit && !is_letter_alone(u, first); /* Fig. S, App. B */
    case STOP_UNLESS_STARTER: return !digit && is_starter(u->text, first, u->end);
    case STOP_ENDS: break;
    }
    return true;
}

/* "3." or "(b)." at the very start of a unit numbers it. */
static bool is_list_number(const struct unit *u, size_t dot)
{
    if (dot - u->start > 4) return false;
    for (size_t i = u->start; i < dot; i++) {
        if (!isalnum((unsigned char)u->text[i]) && !strchr("()", u->text[i]))
            return false;
    }
    return isdigit((unsigned char)u->text[dot - (dot > u->start)]) || dot - u->start <= 1;
}

/* The end of the sentence (its closing marks included) if one ends at the
 * . ! or ? at `mark`; 0 if none does. */
static size_t sentence_end(const struct unit *u, size_t mark)
{
    size_t after = mark + 1;
    while (after < u->end && is_mark(u->text[after])) after++;
    size_t end = skip_closers(u, after);
    if (end >= u->end || !is_space_at(u, end)) return 0;
    size_t next = skip_space(u, end);
    size_t first = skip_openers(u, next);
    if (first < u->end && islower((unsigned char)u->text[first])) return 0;
    bool full_stop = u->text[mark] == '.' && after == mark + 1;
    if (full_stop && is_list_number(u, mark)) return 0;
    return !full_stop || stop_ends(u, mark, next) ? end : 0;
}

/* Ideographic full stops need no blank after them. Returns the end, 0 if none. */
static size_t wide_end(const struct unit *u, size_t at)
{
    static const char *const marks[] = { "。", "！", "？", "．" };
    static const char *const closers[] = { "」", "』", "）", "”", "’" };
    if (u->end - at < 3) return 0;
    size_t end = 0;
    for (size_t i = 0; i < 4 && !end; i++) {
        if (memcmp(u->text + at, marks[i], 3) == 0) end = at + 3;
    }
    for (size_t i = 0; end && i < 5 && u->end - end >= 3; i++) {
        if (memcmp(u->text + end, closers[i], 3) == 0) end += 3;
    }
    return end;
}

/* --- Units ------------------------------------------------------------------ */

static void give(const struct unit *u, size_t start, size_t end, sentence_fn fn,
                 void *user)
{
    while (start < end && is_space_at(u, start)) start++;
    while (end > start && is_space_at(u, end - 1)) end--;
    if (end > start) fn(user, start, end);
}

static void cut_unit(struct unit *u, sentence_fn fn, void *user)
{
    size_t start = u->start;
    for (size_t at = u->start; at < u->end; at++) {
        unsigned char c = (unsigned char)u->text[at];
        size_t end = 0;
        if (is_mark(u->text[at])) {
            end = sentence_end(u, at);
            while (at + 1 < u->end && is_mark(u->text[at + 1])) at++; /* a run is one */
        } else if (c == 0xe3 || c == 0xef) {
            end = wide_end(u, at);
        }
        if (!end) continue;
        give(u, start, end, fn, user);
        u->start = start = end;
        u->start = skip_space(u, end); /* list numbers count from here */
        at = end - 1;
    }
    give(u, start, u->end, fn, user);
}

void quote_sentences(const char *text, size_t len,
                     void (*fn)(void *user, size_t start, size_t end), void *user)
{
    struct line before = { .kind = LINE_BLANK };
    struct unit unit = { .text = text };
    size_t width = 0;
    for (size_t pos = 0; pos < len;) {
        struct line line = line_at(text, len, pos);
        if (before.kind == LINE_BLANK) width = lines_width(text, len, pos);
        if (lines_break(text, &before, &line, width)) {
            if (before.kind == LINE_ROW) {
                give(&unit, unit.start, unit.end, fn, user);
            } else {
                cut_unit(&unit, fn, user);
            }
            unit.start = line.body;
        }
        unit.end = line.end;
        before = line;
        pos = line.next;
    }
    if (before.kind == LINE_ROW) {
        give(&unit, unit.start, unit.end, fn, user);
    } else {
        cut_unit(&unit, fn, user);
    }
}
