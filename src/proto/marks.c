/* marks.c - brackets read as marks, and told from those that the author meant. */
#include "proto/marks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    BARE_DIGITS_MAX = 2,
    NAMED_DIGITS_MAX = 5,
    FENCE_TICKS = 3,
    TARGET_BYTES_MAX = 2048 /* of a link; a text may begin one at every bracket */
};

static const char digits[] = "0123456789", between[] = " \t\n,;";

/* Everything that a bracket holds. */
struct bracket {
    struct mark *m;
    size_t n_ids;
    bool named;    /* one of the ids has its letter */
    bool again;    /* an id stands in it twice */
    bool laid_out; /* over lines, or with tabs: a table or code, if it is bare */
};

static bool has_letter(const char *s)
{
    return *s == 'f' || *s == 'F';
}

/* "f12", "F12" or "12": its length, 0 if it is no id. */
static size_t id_length(const char *s)
{
    size_t n = strspn(s + has_letter(s), digits);
    if (n == 0 || (has_letter(s) && n > NAMED_DIGITS_MAX)) return 0;
    return n + has_letter(s);
}

/* Index of the finding, -1: none. A longer number in brackets is a year or an amount. */
static long find(const struct record *rec, const char *s, size_t len)
{
    char id[NAMED_DIGITS_MAX + 2] = "f";
    if (!has_letter(s) && len > BARE_DIGITS_MAX) return -1;
    memcpy(id + 1, s + has_letter(s), len - has_letter(s));
    return record_find(rec, id, strlen(id));
}

static void add_finding(struct bracket *b, size_t index)
{
    for (size_t i = 0; i < b->m->n; i++) b->again = b->again || b->m->from[i] == index;
    if (b->m->n < MARK_IDS_MAX) b->m->from[b->m->n++] = index;
}

/* Citations are no more than findings. */
static bool clashes(const struct record *rec, const char *number)
{
    unsigned long n = strtoul(number, NULL, 10);
    return n >= 1 && n <= rec->findings.n;
}

static void add_id(struct bracket *b, const struct record *rec, const char *s, size_t len)
{
    long index = find(rec, s, len);
    b->n_ids++;
    b->named = b->named || has_letter(s);
    b->m->number =
        (struct mark_number){ .text = s, .len = len, .clashes = clashes(rec, s) };
    if (index >= 0) {
        add_finding(b, (size_t)index);
    } else if (!has_letter(s) && b->m->n_own < MARK_IDS_MAX) {
        b->m->own[b->m->n_own++] = b->m->number;
    }
}

static void skip_between(struct bracket *b, const char *s)
{
    size_t n = strspn(s, between);
    b->m->len += n;
    for (size_t i = 0; i < n; i++)
        b->laid_out = b->laid_out || s[i] == '\t' || s[i] == '\n';
}

/* Is there a bracket of ids at s? */
static bool read_bracket(const struct record *rec, const char *s, struct mark *m,
                         struct bracket *b)
{
    bool square = *s == '[';
    if (!square && *s != '(') return false;
    *m = (struct mark){ .len = 1 };
    *b = (struct bracket){ .m = m };
    for (;;) {
        skip_between(b, s + m->len);
        if (s[m->len] == (square ? ']' : ')')) break;
        size_t len = id_length(s + m->len);
        if (len == 0 || (!square && !has_letter(s + m->len))) return false;
        add_id(b, rec, s + m->len, len);
        m->len += len;
    }
    m->len++;
    return b->n_ids > 0 && (b->named || !b->laid_out);
}

static bool in_target(char c)
{
    return c != '\0' && c != ' ' && c != '\t' && c != '\n' && c != ')';
}

/* Behind "[2022]": "(http://x)", also with a title. "(f2)" is a mark. */
static bool is_target(const struct record *rec, const char *s)
{
    struct mark m;
    struct bracket b;
    if (*s != '(' || read_bracket(rec, s, &m, &b)) return false;
    size_t n = 1;
    while (n < TARGET_BYTES_MAX && in_target(s[n])) n++;
    return n > 1 && (s[n] == ')' || strncmp(s + n, " \"", 2) == 0);
}

/* A bracket of ids that is no link, and whether it is glued to what is before it. */
static bool next_bracket(struct marks *k, const char *s, struct mark *m,
                         struct bracket *b)
{
    if (!read_bracket(k->rec, s, m, b)) return false;
    if (*s == '[' && is_target(k->rec, s + m->len)) return false;
    if (s != k->end) {
        unsigned char before = s > k->text ? (unsigned char)s[-1] : ' ';
        k->glued = isalnum(before) || before == '_';
    }
    k->end = s + m->len;
    return true;
}

/* --- Code ------------------------------------------------------------------ */

static bool begins_line(const struct marks *k, const char *s)
{
    while (s > k->text && s[-1] == ' ') s--;
    return s == k->text || s[-1] == '\n';
}

/* Behind the line that closes a row of n backticks at s; NULL: none does. */
static const char *fence_end(const char *s, size_t n)
{
    const char *line = s + n + strcspn(s + n, "`\n");
    while (*line == '\n') {
        line++;
        const char *row = line + strspn(line, " ");
        size_t ticks = strspn(row, "`");
        const char *rest = row + ticks + strspn(row + ticks, " \t");
        if (ticks >= n && (*rest == '\n' || *rest == '\0')) return row + ticks;
        line = row + strcspn(row, "\n");
    }
    return NULL;
}

/* Behind the row of n backticks on the same line; NULL: there is none. */
static const char *span_end(const char *s, size_t n)
{
    for (s += n + strcspn(s + n, "`\n"); *s == '`'; s += strcspn(s, "`\n")) {
        size_t ticks = strspn(s, "`");
        s += ticks;
        if (ticks == n) return s;
    }
    return NULL;
}

size_t marks_code(struct marks *k, const char *s)
{
    size_t n = strspn(s, "`");
    const char *end = NULL;
    if (n == 0) return 0;
    if (n >= FENCE_TICKS && (k->open == 0 || n < k->open) && begins_line(k, s)) {
        end = fence_end(s, n);
        if (!end && s[n + strcspn(s + n, "`\n")] != '`') k->open = n;
    }
    if (!end) end = span_end(s, n);
    return end ? (size_t)(end - s) : n;
}

/* --- Marks ----------------------------------------------------------------- */

static void note_mark(struct marks *k, const struct bracket *b)
{
    if (b->m->n == 0) return;
    if (b->named) {
        k->named = true;
    } else if (!k->glued && !b->again && b->n_ids <= MARK_IDS_MAX) {
        k->apart = true;
    }
}

void marks_init(struct marks *k, const struct record *rec, const char *text)
{
    struct mark m;
    struct bracket b;
    *k = (struct marks){ .rec = rec, .text = text };
    for (const char *s = strpbrk(text, "[(`"); s; s = strpbrk(s, "[(`")) {
        size_t code = marks_code(k, s);
        if (code == 0 && next_bracket(k, s, &m, &b)) note_mark(k, &b);
        s += code > 0 ? code : 1;
    }
    k->open = 0;
    k->end = NULL;
}

static bool cites(const struct marks *k, const struct bracket *b)
{
    if (b->m->n == 0) return false;
    if (b->named) return true;
    if (b->again || b->n_ids > MARK_IDS_MAX) return false;
    return k->named ? b->n_ids == 1 && !k->glued : !k->glued || !k->apart;
}

enum mark_kind marks_read(struct marks *k, const char *s, struct mark *m)
{
    struct bracket b;
    if (!next_bracket(k, s, m, &b)) return MARK_NONE;
    if (cites(k, &b)) return MARK_CITES;
    if (b.named) return MARK_NOWHERE;
    return b.n_ids == 1 ? MARK_NUMBER : MARK_NONE;
}
