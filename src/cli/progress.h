/* progress.h - what is going on, on stderr.
 *
 * On a terminal: one line, drawn again and again, gone at the end. Elsewhere
 * nothing but notices, unless --verbose asks for stages and traces. */
#ifndef LW_CLI_PROGRESS_H
#define LW_CLI_PROGRESS_H

#include "legwork.h"

#include <stdbool.h>

struct progress {
    bool redraws; /* stderr is a terminal that can */
    bool verbose, quiet;
    bool drawn; /* the line is on the screen */
    char stage[160];
};

void progress_init(struct progress *p, bool quiet, bool verbose);
/* An lw_event_fn; user is the struct progress. */
void progress_event(void *user, const struct lw_event *event);
void progress_clear(struct progress *p);

#endif
