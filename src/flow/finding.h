/* finding.h - an answered job after merging: a value and the place that says so. */
#ifndef LW_FLOW_FINDING_H
#define LW_FLOW_FINDING_H

#include <stdbool.h>
#include <stddef.h>

/* ORDER MATCHES: as enum lw_match in legwork.h */
enum quote_match { QUOTE_NONE, QUOTE_FOLDED, QUOTE_EXACT };

/* A place in a document. EXACT: the quote equals text[start, end). */
struct quote {
    int doc;
    size_t start, end;
    enum quote_match match;
};

struct finding {
    char id[12]; /* "f1": how a supervisor refers to it */
    int task;    /* index in the plan */
    int chunk;
    const char *value; /* in the run's arena */
    struct quote quote;
    bool supported;    /* the value's numbers, names, words occur in the chunk */
    double confidence; /* 0..1, of the worker's own "found" */
    double rank;       /* what findings are sorted by, higher first */
    int votes, of;     /* samples that agreed, of how many */
};

struct finding_list {
    struct finding *items; /* in the run's arena */
    size_t n;
};

#endif
