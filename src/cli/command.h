/* command.h - what a command is to main.c, the help and the man page. */
#ifndef LW_CLI_COMMAND_H
#define LW_CLI_COMMAND_H

#include "cli/args.h"

struct command {
    const char *name;
    const char *arguments;         /* "QUESTION [FILE...]" */
    const char *help;              /* one line */
    const char *man;               /* a paragraph in troff */
    const enum option_id *options; /* n_options of them */
    size_t n_options;
    /* Returns the exit status. */
    int (*run)(const struct command *self, struct args *args);
};

/* The commands that users see, ended by an entry with name NULL. */
const struct command *command_table(void);
const struct command *command_find(const char *name); /* NULL: unknown */
const char *command_nearest(const char *name);        /* of a misspelt one, or NULL */

int cmd_ask(const struct command *self, struct args *args);
int cmd_text(const struct command *self, struct args *args);
int cmd_models(const struct command *self, struct args *args);
int cmd_tune(const struct command *self, struct args *args);
int cmd_quantize(const struct command *self, struct args *args);
int cmd_index(const struct command *self, struct args *args);
int cmd_cache(const struct command *self, struct args *args);
int cmd_forget(const struct command *self, struct args *args);
int cmd_help(const struct command *self, struct args *args);
int cmd_version(const struct command *self, struct args *args);

int cmd_man(const struct command *self, struct args *args);

/* Help of one command, or of all. Returns the exit status. */
int help_print(const struct command *command);
/* The same of a word that names no command. */
int no_such_command(const char *word);
/* The error and where help stands; returns err->code. */
int usage_error(const struct command *command, const struct lw_error *err);

#endif
