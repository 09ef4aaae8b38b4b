/* args.h - the words of a command line: options and the rest.
 *
 * --name VALUE, --name=VALUE, -x VALUE; a flag takes no value (--json, or
 * --json=no). "--" ends the options, "-" alone is a word. Values are checked by
 * the option table. */
#ifndef LW_CLI_ARGS_H
#define LW_CLI_ARGS_H

#include "run/options.h"

struct command;

struct args {
    struct options options;
    const char **words; /* n_words of them, borrowed from argv */
    size_t n_words;
    bool help; /* --help or -h was among them */
};

/* argv[0, argc) are the words after the command. LW_ERR_USAGE. Release in any case. */
int args_parse(struct args *a, const struct command *command, int argc, char **argv,
               struct lw_error *err);
/* Give a session the options that were set, wherever: it need not know where. */
int args_pass(const struct args *a, lw_session *s, struct lw_error *err);
void args_release(struct args *a);

#endif
