/* decide.h - the decisions of reading, as pure functions of measured numbers.
 *
 * The thresholds stand together in decide.c, each with the measurement that
 * gave it. Every number may be NAN: it was not measured. */
#ifndef LW_JOBS_DECIDE_H
#define LW_JOBS_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

/* s minus the mean of s over the other read chunks of the same document and
 * task. NAN entries are left out. margin[i] is NAN for those and for a chunk
 * that is alone. */
void decide_margins(const double *screen, const int *doc, size_t n, double *margin);

/* --- Look-ups: one answer is wanted, few chunks hold it --- */

/* What is known of a screened chunk. */
struct decide_look {
    double screen;        /* s */
    double yn;            /* "does the excerpt hold the answer": ln P(yes) / P(no) */
    double unknown_names; /* share of the question's names not in the documents */
};

/* Is a screened chunk worth asking? */
bool decide_worth_asking(double screen);

/* How much speaks for the chunk: what candidates are compared by. NAN without yn. */
double decide_strength(const struct decide_look *look);

/* Does the chunk hold an answer? */
bool decide_found(const struct decide_look *look);

/* Is that as much as a look-up's answer needs? True for NAN. */
bool decide_sure(double strength);

/* --- Sweeps: everything is read, many chunks may hold something (lists, sums) --- */

/* Is a screened chunk worth a second look, and then: does it tell of one? By s itself,
 * since where most chunks hold something their mean is no yardstick. */
bool decide_worth_listing(double screen);
bool decide_listed(const struct decide_look *look);

/* 0..1 for ranking and for the reader's eye. strength NAN: from the screen alone. */
double decide_confidence(double screen, double margin, double strength);

struct decide_wave {
    size_t unread;        /* chunks of the task */
    bool found;           /* some chunk holds an answer */
    double best_strength; /* of the best of these; NAN: the worker gives no scores */
    double next_strength; /* of the best other answer; NAN: there is none */
    size_t since_best;    /* chunks read after the best one was */
};
/* May the reading of a look-up stop here? */
bool decide_stop(const struct decide_wave *w);

#endif
