/* findings_text.h - what was asked and found, as a supervisor reads it.
 *
 *     1. What is stated as capital expenditure for fiscal 2022?
 *        read 12 of 40 parts; sum: 55 (f1, f2)
 *        [f1] "USD 12 million" d1 page 12: "Purchases of property ... (12)"
 *        [f2] ...
 *     2. What reason is given?
 *        read 38 of 40 parts; 2 failed; nothing found
 *
 * A reader in this process is not told how many parts were read.
 *
 * Values and quotes are JSON strings, so that text of a document cannot pass
 * for anything else; of the reduced values all but counts and sums, of whose findings a
 * few are named. They are all that a supervisor ever sees of a document. */
#ifndef LW_PROTO_FINDINGS_TEXT_H
#define LW_PROTO_FINDINGS_TEXT_H

#include "proto/record.h"

/* At most about tokens_max tokens as reader counts them: each question's best
 * finding first, then each one's second best, and so on. What does not fit is
 * left out and counted in the text. In the run's arena. */
const char *findings_text(const struct record *rec, struct llm *reader, int tokens_max);

#endif
