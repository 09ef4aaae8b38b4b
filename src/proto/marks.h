/* marks.h - the marks in a model's text: brackets that hold nothing but ids of findings.
 *
 *     [f3]  [f1, f2]  (f4)   named: nothing else looks like that
 *     [3]   [1, 2]           bare: from models that take the f for decoration, and in the
 *                            protocol that numbers its quotes
 *
 * A number in brackets may also be the author's own: a range, an index, a year. A bare
 * bracket is a mark if it stands on one line, one of its numbers is an id, and none stands
 * in it twice; in a text that has named marks only if it is a single number and not glued
 * to a word (argv[1]).
 *
 * Threads: any. */
#ifndef LW_PROTO_MARKS_H
#define LW_PROTO_MARKS_H

#include "proto/record.h"

enum { MARK_IDS_MAX = 16 };

enum mark_kind {
    MARK_NONE,    /* no bracket of ids, or a list of the author's: text */
    MARK_CITES,   /* findings */
    MARK_NOWHERE, /* named, and there are no such findings: nothing that anybody said */
    MARK_NUMBER   /* one number of the author's, which must not look like a mark */
};

struct mark_number {
    const char *text; /* in the text that was read */
    size_t len;
};

struct mark {
    size_t len; /* bytes of the text, brackets included; not of MARK_NONE */
    size_t from[MARK_IDS_MAX]; /* the findings (indices) */
    size_t n;
    struct mark_number own[MARK_IDS_MAX]; /* bare numbers that are no ids */
    size_t n_own;
    struct mark_number number; /* of MARK_NUMBER */
};

/* Does text hold a named mark of a finding that exists? */
bool marks_are_named(const struct record *rec, const char *text);

/* What stands at s? before: the byte in front of it. named: what marks_are_named() says
 * of the text. */
enum mark_kind mark_read(const struct record *rec, const char *s, char before, bool named,
                         struct mark *m);

#endif
