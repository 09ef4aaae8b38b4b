/* output.h - writing to stdout and stderr so that nothing is lost or abused.
 *
 * A failed write is remembered (full disk, closed pipe) and told at the end. On
 * a terminal, characters that could move the cursor, change the reading
 * direction or start an escape sequence are shown as U+FFFD, and those that take no
 * room (joiners apart) are left out: answers, quotes and file names come from outside. */
#ifndef LW_CLI_OUTPUT_H
#define LW_CLI_OUTPUT_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct output {
    FILE *file;
    bool harmless;
    int problem; /* errno of the first failed write, 0: none */
};

/* stdout: harmless where it is a terminal. stderr: always. */
struct output output_to(FILE *file);
void output_write(struct output *o, const char *text, size_t len);
void output_text(struct output *o, const char *text);
void output_format(struct output *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* With line ends and runs of white space as one space. */
void output_one_line(struct output *o, const char *text);
/* A value, which is taken over, on a line of its own. */
void output_json(struct output *o, json_t *value);
/* Flush. LW_ERR with a sentence if anything was not written. */
int output_end(struct output *o, struct lw_error *err);

/* "legwork: sentence" on stderr. */
void say(const char *sentence);
void say_error(const struct lw_error *err);

#endif
