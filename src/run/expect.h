/* expect.h - how long reading will take, before any of it was measured in this run. */
#ifndef LW_RUN_EXPECT_H
#define LW_RUN_EXPECT_H

#include "run/session.h"

/* Seconds for one part of the documents with the session's worker; 0: not known, for
 * lw_tune() has not measured it. Tasks of a supervisor that share a part take less. */
double expect_part_seconds(const lw_session *s, struct llm *worker, const char *question);

#endif
