/* format.h - the formats that weights can have, by their usual names.
 *
 * The one table of them: what `--type` takes, and what a file must not be for
 * quantising it to lose nothing but what the format itself loses. */
#ifndef LW_ENGINE_FORMAT_H
#define LW_ENGINE_FORMAT_H

#include "base/err.h"

#include <stdbool.h>

struct format {
    const char *name; /* "Q4_K_M" */
    int type;         /* libllama's enum llama_ftype */
};

/* The smallest first; ended by an entry with name NULL. */
const struct format *format_table(void);
/* By name, case folded. LW_ERR_USAGE for one nobody knows: the nearest is named, or all.
 */
int format_find(const char *name, const struct format **out, struct lw_error *err);

/* Is this (gguf_info.quantisation) a format of whole numbers of bytes a weight, which
 * nothing was rounded away for: F32, F16, BF16? */
bool format_is_whole(const char *quantisation);

#endif
