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
    size_t n_files;    /* that were named */
    size_t n_unread;   /* of these: not one document could be had of them */
};

/* Release in any case. */
int reading_open(struct reading *r, const struct args *args, struct lw_error *err);
void reading_close(struct reading *r);

/* Files that cannot be read are warnings as long as one can, and then reading_end() does
 * not call the run a success; --quiet does not hide them. */
int reading_add(struct reading *r, const char *const *files, size_t n,
                struct lw_error *err);
/* The exit status of a run that ended with code: LW_PARTIAL if it would be 0 or
 * LW_NOT_FOUND although named files were not read. */
int reading_end(const struct reading *r, int code, struct lw_error *err);
/* What was not said yet. The error is said apart. */
void reading_say_warnings(struct reading *r, const struct lw_error *err);

#endif
