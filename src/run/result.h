/* result.h - from a final to what the caller holds: strings and one JSON object. */
#ifndef LW_RUN_RESULT_H
#define LW_RUN_RESULT_H

#include "base/mem.h"
#include "flow/doc.h"
#include "flow/final.h"
#include "flow/usage.h"
#include "run/session.h"

struct result_source {
    const char *protocol;
    const struct final *final; /* in the arena */
    struct arena *arena;       /* taken */
    const struct doc_set *docs;
    const struct usage *local, *remote;
    const struct egress *egress;
    const char *const *left_to; /* hosts off this device, NULL-ended */
    const struct warnings *warnings;
    size_t first_of_run; /* warnings from here on are of this run */
    double seconds;
};

/* The result owns every string that it hands out. */
lw_result *result_new(const struct result_source *from);

#endif
