/* marks.c - brackets read as marks, and told from those that the author meant. */
#include "proto/marks.h"

#include <ctype.h>
#include <string.h>

enum { BARE_DIGITS_MAX = 2, NAMED_DIGITS_MAX = 5 };

static const char digits[] = "0123456789", between[] = " \t\n,;";

/* Everything that a bracket holds. */
struct bracket {
    struct mark *m;
    size_t n_ids;
    bool named; /* one of the ids has its letter */
    bool again; /* an id stands in it twice */
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

static void add_id(struct bracket *b, const struct record *rec, const char *s, size_t len)
{
    long index = find(rec, s, len);
    b->n_ids++;
    b->named = b->named || has_letter(s);
    b->m->number = (struct mark_number){ .text = s, .len = len };
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
    for (size_t i = 0; i < n; i++) b->laid_out = b->laid_out || s[i] == '\t' || s[i] == '\n';
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

bool marks_are_named(const struct record *rec, const char *text)
{
    struct mark m;
    struct bracket b;
    for (const char *s = strpbrk(text, "[("); s; s = strpbrk(s + 1, "[(")) {
        if (read_bracket(rec, s, &m, &b) && b.named && m.n > 0) return true;
    }
    return false;
}

static bool cites(const struct bracket *b, char before, bool named)
{
    bool glued = isalnum((unsigned char)before) || before == '_';
    if (b->m->n == 0) return false;
    if (b->named) return true;
    if (b->again || b->n_ids > MARK_IDS_MAX) return false;
    return !named || (b->n_ids == 1 && !glued);
}

enum mark_kind mark_read(const struct record *rec, const char *s, char before, bool named,
                         struct mark *m)
{
    struct bracket b;
    if (!read_bracket(rec, s, m, &b)) return MARK_NONE;
    if (cites(&b, before, named)) return MARK_CITES;
    if (b.named) return MARK_NOWHERE;
    return b.n_ids == 1 ? MARK_NUMBER : MARK_NONE;
}
