/* prepare.h - documents cut into what the worker reads at once, and indexed. */
#ifndef LW_RUN_PREPARE_H
#define LW_RUN_PREPARE_H

#include "run/session.h"

/* Is there anything to read? LW_ERR_USAGE, LW_ERR_INPUT. */
int matter_check(const lw_session *s, struct lw_error *err);
/* Make s->matter fit for this worker and question; what was made for an earlier question
 * is used again where it still fits. LW_ERR_USAGE if the question leaves no room. */
int matter_get(lw_session *s, struct llm *worker, const char *question,
               struct lw_error *err);
void matter_release(struct reading_matter *m);
/* Its vectors only: another model makes others. */
void matter_forget_meaning(struct reading_matter *m);

#endif
