/* lines.c - what a line is, from its own bytes, and what a line break means.
 *
 * All of it is heuristic and errs towards joining: a sentence cut in two loses
 * its meaning, two records in one quote only read badly. The one rule that is
 * more than taste: a line that had room for the next line's first word was not
 * broken by wrapping, so its break was meant. */
#include "text/lines.h"

#include "text/words.h"

#include <ctype.h>
#include <string.h>

enum {
    GAP_SPACES = 3, /* that many spaces inside a line part two cells */
    HEADING_BYTES_MAX = 100,
    LEVEL_MAX = 6,
    WIDTH_LINES_MAX = 400,
    PIECE_FIRST = 256, /* bytes; longer than most lines */
    NARROW = 40,       /* nobody wraps prose this narrow ... */
    WIDE = 200         /* ... nor this wide */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *text, size_t pos, size_t end)
{
    while (pos < end && is_blank(text[pos])) pos++;
    return pos;
}

static bool starts_with(const char *text, size_t pos, size_t end, const char *mark)
{
    size_t len = strlen(mark);
    return end - pos >= len && memcmp(text + pos, mark, len) == 0;
}

/* --- List items ---------------------------------------------------------- */

/* Bytes of a bullet with its blanks, 0 if there is none. */
static size_t bullet_length(const char *text, size_t pos, size_t end)
{
    static const char *const bullets[] = { "-",
                                           "*",
                                           "+",
                                           "•",
                                           "◦",
                                           "▪",
                                           "‣",
                                           "●",
                                           "○",
                                           "·",
                                           "■",
                                           "□",
                                           "►",
                                           "➢",
                                           "✓",
                                           "☐",
                                           "☒",
                                           "☑",
                                           "\xef\x82\xb7",
                                           "\xef\x82\xa7" }; /* Word's own */
    for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++) {
        if (bullets[i][0] != text[pos] || !starts_with(text, pos, end, bullets[i]))
            continue;
        size_t after = pos + strlen(bullets[i]);
        if (after < end && is_blank(text[after]))
            return skip_blanks(text, after, end) - pos;
    }
    return 0;
}

/* Bytes of 12 or iv or b, 0 if something else stands there. */
static size_t label_length(const char *text, size_t pos, size_t end)
{
    size_t n = 0;
    while (pos + n < end && n < 4 && isdigit((unsigned char)text[pos + n])) n++;
    if (n > 0) return n < 4 ? n : 0;
    while (pos + n < end && n < 6 && text[pos + n] && strchr("ivxIVX", text[pos + n]))
        n++;
    if (n > 0) return n < 6 ? n : 0;
    return pos < end && isalpha((unsigned char)text[pos]) ? 1 : 0;
}

/* Bytes of "3. ", "b) " or "(iv) " with its blanks, 0 if there is none. */
static size_t number_length(const char *text, size_t pos, size_t end)
{
    bool open = pos < end && text[pos] == '(';
    size_t at = pos + open;
    size_t label = label_length(text, at, end);
    at += label;
    if (label == 0 || at + 1 >= end || !is_blank(text[at + 1])) return 0;
    if (text[at] != ')' && (open || text[at] != '.')) return 0;
    return skip_blanks(text, at + 1, end) - pos;
}

/* --- Headings ------------------------------------------------------------ */

static int markdown_level(const char *text, const struct line *line)
{
    size_t at = line->body;
    while (at < line->end && text[at] == '#') at++;
    size_t n = at - line->body;
    return n >= 1 && n <= LEVEL_MAX && at < line->end && is_blank(text[at]) ? (int)n : 0;
}

/* Level of "4.2 Title" or "4.2.1. Title": one more than its numbers. */
static int numbered_level(const char *text, const struct line *line)
{
    size_t at = line->body;
    int n = 0;
    while (at < line->end && isdigit((unsigned char)text[at])) {
        while (at < line->end && isdigit((unsigned char)text[at])) at++;
        n++;
        if (at < line->end && text[at] == '.') at++;
    }
    size_t title = skip_blanks(text, at, line->end);
    if (n < 2 || title == at || title == line->end) return 0;
    if (!isupper((unsigned char)text[title]) || strchr(".,;:", text[line->end - 1]))
        return 0;
    return n + 1 < LEVEL_MAX ? n + 1 : LEVEL_MAX;
}

static bool is_heading_word(const char *s, size_t len)
{
    char folded[16];
    if (len == 0 || len >= sizeof folded || !isupper((unsigned char)*s)) return false;
    for (size_t i = 0; i < len; i++) folded[i] = (char)tolower((unsigned char)s[i]);
    return words_listed(
        "part chapter article section item appendix annex schedule exhibit "
        "book note",
        folded, len);
}

/* Bytes of "Item 1A. " or "ARTICLE IV" with what parts it from a title, 0 if
 * the line begins otherwise or goes on as "Section 4 of this Act" does. */
static size_t heading_label_length(const char *text, const struct line *line)
{
    size_t at = line->body;
    while (at < line->end && isalpha((unsigned char)text[at])) at++;
    if (!is_heading_word(text + line->body, at - line->body)) return 0;
    size_t label = skip_blanks(text, at, line->end);
    if (label == at || label == line->end) return 0;
    unsigned char first = (unsigned char)text[label];
    at = label;
    while (at < line->end && (isalnum((unsigned char)text[at]) || text[at] == '.')) at++;
    if (at - label > 6 || !(isdigit(first) || isupper(first))) return 0;
    while (at < line->end && ispunct((unsigned char)text[at])) at++;
    at = skip_blanks(text, at, line->end);
    bool titled = at == line->end || !islower((unsigned char)text[at]);
    return titled && !strchr(",;", text[line->end - 1]) ? at - line->body : 0;
}

static bool is_all_capitals(const char *text, const struct line *line)
{
    size_t n_letters = 0, n_other = 0;
    for (size_t i = line->body; i < line->end; i++) {
        unsigned char c = (unsigned char)text[i];
        if (islower(c)) return false;
        n_letters += isupper(c) != 0;
        n_other += c < 0x80 && !isupper(c) && !is_blank(text[i]);
    }
    return n_letters >= 4 && n_letters > n_other && !strchr(",;", text[line->end - 1]);
}

static int heading_level(const char *text, const struct line *line, size_t label)
{
    int level = markdown_level(text, line);
    if (level || line->end - line->body > HEADING_BYTES_MAX) return level;
    level = numbered_level(text, line);
    if (level) return level;
    return label || is_all_capitals(text, line) ? 2 : 0;
}

/* --- One line ------------------------------------------------------------ */

/* A run of GAP_SPACES lies over every GAP_SPACES-th byte, so only those are looked at. */
static bool has_wide_space(const char *text, size_t pos, size_t end)
{
    for (size_t at = pos + GAP_SPACES - 1; at < end; at += GAP_SPACES) {
        if (text[at] != ' ') continue;
        size_t first = at, last = at;
        while (first > pos && text[first - 1] == ' ') first--;
        while (last + 1 < end && text[last + 1] == ' ') last++;
        if (last - first + 1 >= GAP_SPACES) return true;
    }
    return false;
}

static bool has_bar(const char *text, size_t pos, size_t end)
{
    for (size_t at = pos; at < end; at++) {
        const char *bar = memchr(text + at, '|', end - at);
        if (!bar) return false;
        at = (size_t)(bar - text);
        if (at > pos && text[at - 1] == ' ' && at + 1 < end && text[at + 1] == ' ')
            return true;
    }
    return false;
}

/* A tab, three spaces or a bar with blanks around it part cells. No blank is at end. */
static bool has_gap(const char *text, size_t pos, size_t end)
{
    if (pos == end) return false;
    return text[pos] == '|' || memchr(text + pos, '\t', end - pos) ||
           has_wide_space(text, pos, end) || has_bar(text, pos, end);
}

static enum line_kind classify(const char *text, struct line *line)
{
    if (line->body == line->end) return LINE_BLANK;
    size_t label = heading_label_length(text, line);
    size_t marker = bullet_length(text, line->body, line->end);
    if (!marker) marker = number_length(text, line->body, line->end);
    if (has_gap(text, line->body + (label ? label : marker), line->end)) return LINE_ROW;
    line->level = heading_level(text, line, label);
    if (line->level) return LINE_HEADING;
    return marker ? LINE_ITEM : LINE_PROSE;
}

/* The next \n or \f at or behind pos, or len. Both are looked for in pieces that grow, so
 * that the far end of a text is not looked at for each of many short lines. */
static size_t line_end(const char *text, size_t len, size_t pos)
{
    for (size_t piece = PIECE_FIRST; pos < len; piece *= 2) {
        size_t n = len - pos < piece ? len - pos : piece;
        const char *newline = memchr(text + pos, '\n', n);
        if (newline) n = (size_t)(newline - text) - pos;
        const char *feed = memchr(text + pos, '\f', n);
        if (feed) return (size_t)(feed - text);
        pos += n;
        if (newline) break;
    }
    return pos;
}

struct line line_at(const char *text, size_t len, size_t pos)
{
    struct line line = { .start = pos, .kind = LINE_BLANK };
    size_t end = line_end(text, len, pos);
    line.next = end < len ? end + 1 : len;
    while (end > pos && is_blank(text[end - 1])) end--;
    line.end = end;
    line.body = skip_blanks(text, pos, end);
    line.kind = classify(text, &line);
    return line;
}

/* --- Line breaks --------------------------------------------------------- */

size_t lines_width(const char *text, size_t len, size_t pos)
{
    size_t width = 0;
    for (int i = 0; i < WIDTH_LINES_MAX && pos < len; i++) {
        size_t end = line_end(text, len, pos);
        if (skip_blanks(text, pos, end) == end) break;
        if (end - pos > width) width = end - pos;
        pos = end + 1;
    }
    return width;
}

/* The line ends as a sentence does, quote marks and brackets aside. */
static bool ends_sentence(const char *text, const struct line *line)
{
    size_t end = line->end;
    while (end > line->body && strchr("\"')]*_", text[end - 1])) end--;
    return end > line->body && strchr(".!?:;", text[end - 1]);
}

static size_t first_word_length(const char *text, const struct line *line)
{
    size_t at = line->body;
    while (at < line->end && !is_blank(text[at])) at++;
    return at - line->body;
}

/* "Date of birth: ...": at most four words and a colon. */
static bool has_key(const char *text, const struct line *line)
{
    int n_words = 0;
    for (size_t i = line->body; i < line->end && n_words < 4; i++) {
        if (text[i] == ':')
            return i > line->body && (i + 1 == line->end || is_blank(text[i + 1]));
        n_words += is_blank(text[i]);
    }
    return false;
}

/* The break between two lines of prose was meant, not made by wrapping. */
static bool is_hard_break(const char *text, const struct line *a, const struct line *b,
                          size_t width)
{
    bool lower = islower((unsigned char)text[b->body]) != 0;
    if (width > WIDE) return true;
    if (has_key(text, a) && has_key(text, b)) return true;
    if (strchr(",-", text[a->end - 1])) return false;
    if (width < NARROW && !lower) return true;
    size_t would_be = a->end - a->start + 1 + first_word_length(text, b);
    return would_be * 10 < width * (lower ? 5 : 8);
}

bool lines_break(const char *text, const struct line *a, const struct line *b,
                 size_t width)
{
    if (a->kind == LINE_BLANK || b->kind == LINE_BLANK) return true;
    if (a->kind == LINE_ROW || b->kind == LINE_ROW) return true;
    if (a->kind == LINE_HEADING) return true;
    if (b->kind == LINE_PROSE) return is_hard_break(text, a, b, width);
    if (b->kind == LINE_ITEM) {
        if (bullet_length(text, b->body, b->end) || a->kind == LINE_ITEM) return true;
    }
    return ends_sentence(text, a) || is_hard_break(text, a, b, width);
}
