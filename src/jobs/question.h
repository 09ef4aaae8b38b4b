/* question.h - how much of the documents a question needs, told from its words.
 *
 * Most questions look one thing up: a few parts hold the answer, and reading may stop
 * when it is found. What is asked of each document is looked up in each. A list, a count,
 * a sum, a comparison, "is there anything about", "in the end" or a summary needs every
 * part; counts and sums are then done exactly and not by a model. A supervisor says which
 * it is in its plan; without one the wording has to do. Only English wordings are known,
 * and only strong ones ("name all", "how many times", "in all"): anything else looks
 * something up, which is right more often than not. */
#ifndef LW_JOBS_QUESTION_H
#define LW_JOBS_QUESTION_H

#include "flow/plan.h"

enum question_kind {
    QUESTION_LOOK_UP,
    QUESTION_LIST,    /* all that there is, each once */
    QUESTION_COUNT,   /* how often something is told */
    QUESTION_SUM,     /* amounts told in several places, added up */
    QUESTION_ANY,     /* is there anything about it at all */
    QUESTION_SUMMARY, /* what all of it says, in a few sentences */
    QUESTION_EACH,    /* one thing, looked up in each document */
    QUESTION_COMPARE, /* what is told of the things that are compared, wherever */
    QUESTION_LAST,    /* what changes in the course of a document, as it is in the end */
    QUESTION_FIRST,   /* and in the beginning */
    QUESTION_KINDS
};

enum question_kind question_kind(const char *question);
const char *question_kind_name(enum question_kind kind);

/* A plan that answers the question: what is read of each part, and how the parts become
 * one answer. What a part is asked is worded for a part: "How many times did it leak?"
 * becomes "When did it leak?". One task; if the question is for each document or
 * compares, one for each of the documents, which are n_docs. */
void question_plan(struct plan *plan, const char *question, size_t n_docs);

#endif
