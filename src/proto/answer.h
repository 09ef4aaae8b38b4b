/* answer.h - the final answer: its marks, its citations, and why it is partial.
 *
 * A supervisor marks statements with the ids of findings, "12 May [f3]"; a
 * reader of the answer sees numbers in order of appearance, "12 May [1]", each
 * with a citation. Ids that point nowhere are taken out; code and links (marks.h) stay
 * as they are, and so do numbers in brackets that are no marks, but for a single one that
 * looks like a citation's: "argv(1)". No line of a model's words, code apart, begins with
 * a mark and looks like a printed citation: its marks go to the line's end. A value of a
 * finding is on one line, and no bracket of it can be taken for one of ours: "[12]" of a
 * paper becomes "(12)" where there may be a citation 12.
 * Characters that take no room are dropped. An answer that rests on no verified quote
 * says so at its end, and one that is too long to be kept says that it was cut.
 *
 * Every call below fills all of *out but `cause`, coverage and rounds
 * included. Strings live in the run's arena. */
#ifndef LW_PROTO_ANSWER_H
#define LW_PROTO_ANSWER_H

#include "flow/final.h"
#include "proto/proto.h"
#include "proto/record.h"

/* A model's own words. rests_on: ids it named apart from the text (n of them);
 * those that have no mark in the text get one at its end. */
void answer_from_text(const struct record *rec, const char *text,
                      const char *const *rests_on, size_t n, struct final *out);

/* One value with the findings behind it (indices). */
void answer_from_value(const struct record *rec, const char *value, const size_t *from,
                       size_t n, struct final *out);

/* What the parts of the documents say together: the items, each with its mark, behind the
 * total, if there is one. "agate [1]; coral [2]"; "5: 3 May [1]; 9 June [2]; ...";
 * "115 = 51 crowns [1] + 64 crowns [2]; not added: several [3]". from: findings
 * (indices), n >= 1. */
struct answer_parts {
    const char *total;  /* NULL: none */
    const char *equals; /* behind the total: ": ", " = " */
    const char *joint;  /* between items: "; ", " + " */
    const size_t *from;
    size_t n;
    const size_t *left; /* findings that are missing from the total */
    size_t n_left;
};
void answer_from_parts(const struct record *rec, const struct answer_parts *parts,
                       struct final *out);

/* Sentences of a summary, a line each, with the findings behind them (indices). */
enum { POINT_FROM_MAX = 2 };
struct answer_point {
    const char *text;
    const size_t *from;
    size_t n;
};
void answer_from_points(const struct record *rec, const struct answer_point *points,
                        size_t n, struct final *out);

/* Lines of "label: value [1]", where nothing was found "label: not found" or why. from:
 * findings (indices), of which at least one line has one. */
struct answer_line {
    const char *label;   /* with what follows it, ": " or " " */
    const char *nothing; /* stands for the value where n is 0 */
    const size_t *from;
    size_t n;
};
void answer_from_lines(const struct record *rec, const struct answer_line *lines,
                       size_t n, struct final *out);

/* The best that can be said without a model: every question's reduced value or
 * best findings. Nothing found: FINAL_NOT_FOUND. */
void answer_from_findings(const struct record *rec, struct final *out);

/* FINAL_NOT_FOUND; with a cause where nothing could be read at all. */
void answer_not_found(const struct record *rec, struct final *out);

/* What a supervisor replied: {"rests_on": [ids], "answer": "..."}. False if it gave no
 * answer; *out is untouched then. */
bool answer_from_reply(const struct record *rec, const json_t *reply, struct final *out);

/* Mark a filled *out as partial, or one that holds nothing as cut short: then it stays
 * FINAL_NOT_FOUND, with the cause. The first cause stays. sentence is copied. */
void answer_partial(const struct record *rec, struct final *out, int cause,
                    const char *sentence);
/* The same for a run that was told to stop (time, Ctrl-C). */
void answer_stopped(const struct record *rec, struct final *out);

/* Something failed with code and *err (not NULL): 0 and the best answer from
 * what was found, marked partial with the cause; code itself where nothing was
 * found or the user has stopped waiting. */
int answer_after_error(const struct record *rec, int code, struct final *out,
                       struct lw_error *err);

/* Nothing to be seen: white space and characters that take no room. */
bool answer_is_blank(const char *text);
/* Does a supervisor's answer say that there is none? In these words alone, or with a few
 * more that cite nothing: "Not stated for 2021, but 5 in 2022 [f1]" is an answer. */
bool answer_is_not_stated(const struct record *rec, const char *text);

/* A finding whose quote stands in the document and shows its value. */
bool answer_is_verified(const struct finding *f);

#endif
