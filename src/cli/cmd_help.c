/* cmd_help.c - help and version, both made from the tables. */
#include "cli/command.h"
#include "cli/output.h"

#include "base/buf.h"

#include <string.h>

enum { HELP_COLUMN = 26, WIDTH = 80, HELP_BYTES_MAX = 4096 };

/* Words of text from column `column` on, wrapped before WIDTH. */
static void put_wrapped(struct output *o, const char *text, size_t column)
{
    size_t at = column;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > column && at + 1 + word > WIDTH) {
            output_format(o, "\n%*s", (int)column, "");
            at = column;
        }
        output_format(o, "%s%.*s", at > column ? " " : "", (int)word, text);
        at += word + (at > column);
        text += word + strspn(text + word, " ");
    }
    output_text(o, "\n");
}

static void put_entry(struct output *o, const char *left, const char *help)
{
    output_format(o, "  %-*s", HELP_COLUMN - 2, left);
    if (strlen(left) > HELP_COLUMN - 3) output_format(o, "\n%*s", HELP_COLUMN, "");
    put_wrapped(o, help, HELP_COLUMN);
}

static void put_option(struct output *o, const struct option_spec *spec)
{
    struct buf left, help;
    buf_init(&left, HELP_BYTES_MAX);
    buf_init(&help, HELP_BYTES_MAX);
    if (spec->letter) {
        buf_addf(&left, "-%c, --%s", spec->letter, spec->name);
    } else {
        buf_addf(&left, "    --%s", spec->name);
    }
    if (spec->argument) buf_addf(&left, " %s", spec->argument);
    buf_add_str(&help, spec->help);
    if (spec->fallback) buf_addf(&help, " [%s]", spec->fallback);
    put_entry(o, left.data, help.data);
    buf_release(&left);
    buf_release(&help);
}

/* Where else than on the command line options may stand. */
static void put_sources(struct output *o, const struct command *command)
{
    const char *not_this = NULL;
    bool any = false;
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option_spec *spec = &option_table()[command->options[i]];
        if (spec->scope == SCOPE_FLAG) not_this = spec->name;
        any = any || spec->scope != SCOPE_FLAG;
    }
    if (!any) return;
    output_format(o,
                  "\nEach option%s%s is also a variable (LEGWORK_ROUNDS=2) and a line\n",
                  not_this ? " but --" : "", not_this ? not_this : "");
    output_text(o, "of the configuration file (rounds = 2); the manual page tells more:\n"
                   "legwork man | man -l -\n");
}

static void put_command_help(struct output *o, const struct command *command)
{
    output_format(o, "Usage: legwork %s%s%s%s\n\n", command->name,
                  command->n_options ? " [OPTION...]" : "", command->arguments ? " " : "",
                  command->arguments ? command->arguments : "");
    output_format(o, "legwork %s: %s.\n", command->name, command->help);
    if (command->n_options == 0) return;
    output_text(o, "\nOptions:\n");
    for (size_t i = 0; i < command->n_options; i++) {
        put_option(o, &option_table()[command->options[i]]);
    }
    put_sources(o, command);
}

static void put_overview(struct output *o)
{
    output_text(
        o, "legwork answers questions about long, private documents: a small model on\n"
           "this machine reads, a large one, if you name one, plans and concludes.\n\n"
           "Usage: legwork COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n");
    for (const struct command *c = command_table(); c->name; c++) {
        put_entry(o, c->name, c->help);
    }
    output_text(
        o, "\nExamples:\n"
           "  legwork ask \"How long is the notice period?\" contract.pdf\n"
           "  legwork ask --remote openai/gpt-5 \"Why did the margin fall?\" reports/\n"
           "\n`legwork help COMMAND` lists the options of a command.\n");
}

int help_print(const struct command *command)
{
    struct lw_error err;
    struct output o = output_to(stdout);
    if (command) {
        put_command_help(&o, command);
    } else {
        put_overview(&o);
    }
    int code = output_end(&o, &err);
    if (code) say_error(&err);
    return code;
}

int usage_error(const struct command *command, const struct lw_error *err)
{
    struct lw_error hint;
    say_error(err);
    err_set(&hint, LW_ERR_USAGE, "try \"legwork help%s%s\"", command ? " " : "",
            command ? command->name : "");
    say_error(&hint);
    return err->code;
}

int no_such_command(const char *word)
{
    struct lw_error err;
    const char *near = command_nearest(word);
    if (near) {
        err_set(&err, LW_ERR_USAGE, "there is no command \"%s\"; did you mean \"%s\"?",
                word, near);
    } else {
        err_set(&err, LW_ERR_USAGE, "there is no command \"%s\"", word);
    }
    return usage_error(NULL, &err);
}

int cmd_help(const struct command *self, struct args *args)
{
    if (args->n_words == 0) return help_print(NULL);
    (void)self;
    const struct command *command = command_find(args->words[0]);
    return command ? help_print(command) : no_such_command(args->words[0]);
}

int cmd_version(const struct command *self, struct args *args)
{
    (void)self;
    (void)args;
    struct lw_error err;
    struct output o = output_to(stdout);
    output_format(&o, "legwork %s\n", lw_version());
    int code = output_end(&o, &err);
    if (code) say_error(&err);
    return code;
}
