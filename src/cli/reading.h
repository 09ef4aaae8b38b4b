/* reading.h - what commands that read documents share: a session with the options of
 * the command line, Ctrl-C, progress, documents, warnings. */
#ifndef LW_CLI_READING_H
#define LW_CLI_READING_H

#include "cli/args.h"
#include "cli/progress.h"
#include "cli/signals.h"

struct reading {
    const struct options *options;
    lw_session *session;
    struct progress progress;
    struct signals signals;
    size_t n_warnings; /* said so far */
};

/* Release in any case. */
int reading_open(struct reading *r, const struct args *args, struct lw_error *err);
void reading_close(struct reading *r);

/* Files that cannot be read are warnings as long as one can. */
int reading_add(struct reading *r, const char *const *files, size_t n,
                struct lw_error *err);
/* What was not said yet. The error is said apart. */
void reading_say_warnings(struct reading *r, const struct lw_error *err);

#endif
