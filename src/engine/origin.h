/* origin.h - all that a prefix state depends on beside its tokens, as one text.
 *
 * Two contexts with the same text can go on from each other's states. */
#ifndef LW_ENGINE_ORIGIN_H
#define LW_ENGINE_ORIGIN_H

#include "base/buf.h"
#include "engine/load.h"

enum { ORIGIN_BYTES_MAX = 4096 };

/* m was loaded from path. Errors as identity_of_loaded(). */
int origin_of(const struct loaded *m, const char *path, struct buf *out,
              struct lw_error *err);

#endif
