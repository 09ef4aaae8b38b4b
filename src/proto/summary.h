/* summary.h - sentences on the parts of the documents become points on the whole.
 *
 *     gists    o o o  o o o  o o o  ...    a finding each, in the documents' order
 *               \|/    \|/    \|/
 *     notes      o      o      o           neighbours joined by the worker
 *                        ...               and again, until few enough are left
 *     points     o      o      o           SUMMARY_POINTS at most: the answer
 *
 * What the worker writes of several notes must hold to them: a sentence with a number
 * that none of them has, or with hardly a word of theirs, is not taken, and the note
 * in their middle stays in its place. A point cites the findings whose
 * notes its words are nearest to, so each mark leads to a quote.
 *
 * A run that is stopped ends with points picked from the notes as they are; groups whose
 * joining failed are told, and the answer is partial.
 * Recursive joining: Wu et al., Recursively Summarizing Books with Human Feedback, 2021,
 * section 2.1. */
#ifndef LW_PROTO_SUMMARY_H
#define LW_PROTO_SUMMARY_H

#include "flow/final.h"
#include "proto/proto.h"
#include "proto/record.h"

enum { SUMMARY_POINTS = 8 };

/* Fills all of *out but `cause`, as answer.h. from: findings (indices) in the order in
 * which they are told, n >= 1. Threads: the run's. */
void summary_answer(const struct proto_run *run, const struct record *rec,
                    const size_t *from, size_t n, struct final *out);

#endif
