/* marks.h - the marks in a model's text: brackets that hold nothing but ids of findings.
 *
 *     [f3]  [f1, f2]  (f4)   named: nothing else looks like that
 *     [3]   [1, 2]           bare: from models that take the f for decoration, and in the
 *                            protocol that numbers its quotes
 *
 * A number in brackets may also be the author's own: a range, an index, a year. A bare
 * bracket is a mark if it stands on one line, one of its numbers is an id, and none
 * stands in it twice; in a text that has named marks only if it is a single number. Glued
 * to a word (argv[1]) it is a mark only where the text has no other: no named ones, and
 * no bare one that stands apart.
 *
 * Code (between backticks, or lines between two of ```) and links ([2022](http://x)) hold
 * no marks.
 *
 * Threads: one for a struct marks. */
#ifndef LW_PROTO_MARKS_H
#define LW_PROTO_MARKS_H

#include "proto/record.h"

enum { MARK_IDS_MAX = 16 };

enum mark_kind {
    MARK_NONE,    /* no bracket of ids, or one of the author's: text */
    MARK_CITES,   /* findings */
    MARK_NOWHERE, /* named, and there are no such findings: nothing that anybody said */
    MARK_NUMBER   /* one number of the author's */
};

struct mark_number {
    const char *text; /* in the text that was read */
    size_t len;
    bool clashes; /* there may be a citation of this number */
};

struct mark {
    size_t len; /* bytes of the text, brackets included; not of MARK_NONE */
    size_t from[MARK_IDS_MAX]; /* the findings (indices) */
    size_t n;
    struct mark_number own[MARK_IDS_MAX]; /* bare numbers that are no ids */
    size_t n_own;
    struct mark_number number; /* of MARK_NUMBER */
};

/* A text that is read from its beginning to its end. */
struct marks {
    const struct record *rec;
    const char *text;
    bool named;      /* it holds a named mark of a finding that exists */
    bool apart;      /* and a bare one that is not glued to a word */
    size_t open;     /* rows of so many backticks close no more; 0: none known */
    const char *end; /* of the bracket before, and was that glued? */
    bool glued;
};
void marks_init(struct marks *k, const struct record *rec, const char *text);

/* Bytes of the code that begins at s, a place in the text; 0: none does. A row of
 * backticks that nothing closes is "code" alone. */
size_t marks_code(struct marks *k, const char *s);

/* What stands at s, which is not in code? */
enum mark_kind marks_read(struct marks *k, const char *s, struct mark *m);

#endif
