/* child.h - run a program that handles what strangers wrote.
 *
 * The child has limits on CPU time, memory and output, an empty environment,
 * no core dump, no files it could write and no descriptors but its three; on Linux
 * it cannot read the user's files either, nor reach the network or other processes,
 * nor start any (jail.h). It is killed with its whole process group when time is up or
 * the run is cancelled. It reads its standard input from memory here, so it needs no
 * permission to open anything.
 *
 * Threads: any; the call blocks until the child is gone and reaped. */
#ifndef LW_TEXT_CHILD_H
#define LW_TEXT_CHILD_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "text/jail.h"

struct child_limits {
    int cpu_seconds;
    int wall_seconds;
    size_t memory_bytes;
    size_t output_bytes;
};

struct child_job {
    const char *const *argv; /* argv[0] is the path of the program; NULL-terminated */
    const char *input;
    size_t input_len;
    struct child_limits limits;
    enum jail_processes processes; /* each has the limits, and 0 (ALONE) is one */
    const struct cancel *cancel;   /* NULL: none */
};

enum child_end {
    CHILD_EXITED,    /* status is its exit status */
    CHILD_SIGNALLED, /* status is the signal */
    CHILD_CPU,       /* it used up its CPU time */
    CHILD_WALL,      /* it took too long */
    CHILD_OUTPUT,    /* it wrote too much */
    CHILD_CANCELLED
};

enum { CHILD_ERRORS_BYTES = 4096 };

struct child_result {
    enum child_end end;
    int status;
    struct buf out;                  /* what it wrote, whole only if it EXITED */
    char errors[CHILD_ERRORS_BYTES]; /* the start of its standard error */
};

/* 0 when the child ran, however it ended; else an error of the machine. The
 * result is to be released in both cases. */
int child_run(const struct child_job *job, struct child_result *result,
              struct lw_error *err);
void child_result_release(struct child_result *result);

/* The program's path if it is in one of the usual folders, else NULL. */
const char *child_find(const char *const *candidates);

#endif
