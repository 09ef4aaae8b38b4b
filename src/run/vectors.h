/* vectors.h - the vectors of the session's parts, by the option "embed".
 *
 * Made once for each model and way of cutting, kept in the session with the parts, and
 * on disk beside the states of what was read, one file a document: under the same
 * option, in the same folder, listed and removed by the same commands.
 *
 * Threads: the run's. */
#ifndef LW_RUN_VECTORS_H
#define LW_RUN_VECTORS_H

#include "run/session.h"

/* *out: the session's, of the parts that matter_get() has made for it; NULL where no
 * model was named. LW_CANCELLED and LW_TIMEOUT: what was made of whole documents by
 * then is on disk. LW_ERR_LOCAL, LW_ERR_INPUT. */
int vectors_get(lw_session *s, const struct meaning **out, struct lw_error *err);

#endif
