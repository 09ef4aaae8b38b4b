/* main.c - the command line: finds the command and runs it.
 *
 * Nothing is set up here, so that `legwork --version` takes a few
 * milliseconds; each command opens what it needs. The commands use legwork.h and
 * the option table, and nothing else of the inside. */
#include "cli/command.h"
#include "cli/output.h"

#include "base/nearest.h"

#include <signal.h>
#include <string.h>

/* ORDER OPTIONS: every option is one of ask, but for those of one other command. */
static const enum option_id ask_options[] = {
    OPT_LOCAL,        OPT_REMOTE,       OPT_PROTOCOL,   OPT_EMBED,    OPT_ROUNDS,
    OPT_TASKS,        OPT_SAMPLES,      OPT_READ,       OPT_SCHEMA,   OPT_ABOUT,
    OPT_TIMEOUT,      OPT_ALLOW_WORKER, OPT_MODELS_DIR, OPT_CONTEXT,  OPT_THREADS,
    OPT_GPU_LAYERS,   OPT_MMAP,         OPT_REPACK,     OPT_NUMA,     OPT_KV_TYPE,
    OPT_UNLOAD_AFTER, OPT_CHUNK_TOKENS, OPT_PARALLEL,   OPT_KV_CACHE, OPT_NO_KV_CACHE,
    OPT_JSON,         OPT_QUIET,        OPT_VERBOSE,
};
static const enum option_id cache_options[] = { OPT_PRUNE, OPT_KV_CACHE, OPT_JSON };
static const enum option_id forget_options[] = { OPT_ALL };
enum { NOT_OF_ASK = 6 /* type, force, seconds, quality; prune, all */ };
_Static_assert(sizeof ask_options / sizeof *ask_options + NOT_OF_ASK == OPTION_COUNT,
               "an option that no command knows");
static const enum option_id index_options[] = {
    OPT_LOCAL,        OPT_EMBED,    OPT_MODELS_DIR, OPT_CONTEXT,     OPT_THREADS,
    OPT_GPU_LAYERS,   OPT_MMAP,     OPT_REPACK,     OPT_NUMA,        OPT_KV_TYPE,
    OPT_CHUNK_TOKENS, OPT_PARALLEL, OPT_KV_CACHE,   OPT_NO_KV_CACHE, OPT_JSON,
    OPT_QUIET,        OPT_VERBOSE,
};
static const enum option_id text_options[] = { OPT_QUIET };
static const enum option_id models_options[] = { OPT_MODELS_DIR, OPT_JSON };
static const enum option_id tune_options[] = {
    OPT_SECONDS, OPT_QUALITY, OPT_FORCE, OPT_ALLOW_WORKER, OPT_MODELS_DIR,
    OPT_CONTEXT, OPT_THREADS, OPT_JSON,  OPT_QUIET,        OPT_VERBOSE,
};
static const enum option_id quantize_options[] = {
    OPT_TYPE, OPT_FORCE, OPT_MODELS_DIR, OPT_THREADS, OPT_QUIET, OPT_VERBOSE,
};

static const struct command commands[] = {
    { .name = "ask",
      .arguments = "QUESTION [FILE...]",
      .help = "answer a question from documents, with quotes that stand in them",
      .man = "Answer \\fIQUESTION\\fP from the files: text, Markdown, HTML, PDF, "
             "source code, or folders of them. \\fB\\-\\fP is standard input, which "
             "is also read when no file is named and it is not a terminal. The answer "
             "goes to standard output, below it its citations; everything else goes "
             "to standard error.",
      .options = ask_options,
      .n_options = sizeof ask_options / sizeof *ask_options,
      .run = cmd_ask },
    { .name = "text",
      .arguments = "FILE",
      .help = "print a document's text exactly as the offsets of citations count it",
      .man = "Print the text of one document. The byte offsets of citations count "
             "these bytes.",
      .options = text_options,
      .n_options = sizeof text_options / sizeof *text_options,
      .run = cmd_text },
    { .name = "models",
      .help = "list the models on disk",
      .man = "List the GGUF files in the model folder: name, size, quantisation, "
             "trained context and architecture, or what is wrong with the file.",
      .options = models_options,
      .n_options = sizeof models_options / sizeof *models_options,
      .run = cmd_models },
    { .name = "index",
      .arguments = "FILE...",
      .help = "read documents beforehand, so that questions cost only themselves",
      .man =
          "Read the files as \\fBlegwork ask\\fP would with the same options, and keep "
          "the state of each part (see \\fB\\-\\-kv\\-cache\\fP). Only a model in this "
          "process does that. What is kept already is not read again: after Ctrl-C "
          "the same command goes on where it stopped. Where the room does not "
          "suffice, the first parts are kept, in the order of the files, and the "
          "exit status is 10. A model, chunk size or text that has changed since is "
          "read anew.",
      .options = index_options,
      .n_options = sizeof index_options / sizeof *index_options,
      .run = cmd_index },
    { .name = "cache",
      .help = "list what is kept of documents that were read, or make room",
      .man = "List the documents of which states are kept: size on disk, parts, tokens, "
             "when they were last used (UTC), name. With \\fB\\-\\-prune\\fP the least "
             "valuable states are removed until no more than that is left.",
      .options = cache_options,
      .n_options = sizeof cache_options / sizeof *cache_options,
      .run = cmd_cache },
    { .name = "forget",
      .arguments = "NAME|FILE...",
      .help = "remove what is kept of documents that were read",
      .man = "Remove the states of documents: by the name or the id that \\fBlegwork "
             "cache\\fP shows, also of a folder, or by a file or folder, whose text says "
             "which are meant. The exit status is 1 if nothing was kept of one of them. "
             "With \\fB\\-\\-all\\fP those of all documents.",
      .options = forget_options,
      .n_options = sizeof forget_options / sizeof *forget_options,
      .run = cmd_forget },
    { .name = "tune",
      .arguments = "[MODEL...]",
      .help = "measure how fast this machine reads with a model, or how well models read",
      .man =
          "Measure models, or all of the model folder: tokens a second of prompts and "
          "of a reply with different numbers of threads; with the best number, of 2, "
          "4 and 8 replies at a time, and what a step of 2 to 16 tokens of one reply "
          "costs against one token. The result is kept in legwork's data folder, for "
          "this model and this machine. The best number of threads becomes the "
          "default of \\fB\\-\\-threads\\fP; the time left is reckoned from it until "
          "a run has measured its own; \\fBlegwork models\\fP shows it. Where a step of "
          "several tokens is cheap, the next tokens of a list are guessed from the "
          "text. Work of other programs meanwhile spoils a measurement: it is "
          "then shown, not kept. With \\fB\\-\\-quality\\fP models are compared by "
          "their answers instead.",
      .options = tune_options,
      .n_options = sizeof tune_options / sizeof *tune_options,
      .run = cmd_tune },
    { .name = "quantize",
      .arguments = "MODEL OUT",
      .help = "write a model's weights in another format, as a new file",
      .man = "Write \\fIMODEL\\fP, a GGUF file or a name as \\fB\\-\\-local\\fP takes "
             "it, with its weights in the format of \\fB\\-\\-type\\fP, as \\fIOUT\\fP; "
             "without a slash that is a name in the model folder. Some formats are read "
             "faster than others of the same size, Q4_0 on most processors; \\fBlegwork "
             "tune\\fP says how fast, and with \\fB\\-\\-quality\\fP what is lost.",
      .options = quantize_options,
      .n_options = sizeof quantize_options / sizeof *quantize_options,
      .run = cmd_quantize },
    { .name = "man",
      .help = "print the manual page; to read it: legwork man | man -l -",
      .man = "Print this page, in troff.",
      .run = cmd_man },
    { .name = "help",
      .arguments = "[COMMAND]",
      .help = "print help on a command, or this",
      .man = "Print help on a command, or on all.",
      .run = cmd_help },
    { .name = "version",
      .help = "print the version",
      .man = "Print the version.",
      .run = cmd_version },
    { .name = NULL },
};

const struct command *command_table(void)
{
    return commands;
}

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++) {
        if (strcmp(c->name, name) == 0) return c;
    }
    return NULL;
}

const char *command_nearest(const char *name)
{
    const char *names[sizeof commands / sizeof *commands];
    size_t n = 0;
    for (const struct command *c = commands; c->name; c++) names[n++] = c->name;
    return nearest_name(name, names, n);
}

/* Options that stand in place of a command. */
static const char *command_of_flag(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) return "version";
    return word;
}

static int unknown_command(const char *word)
{
    struct lw_error err;
    if (word[0] == '-') {
        err_set(&err, LW_ERR_USAGE,
                "%s comes before the command; options follow it: legwork ask %s ...",
                word, word);
        return usage_error(NULL, &err);
    }
    return no_such_command(word);
}

static void say_odd(void *user, const char *sentence)
{
    (void)user;
    say(sentence);
}

static int run(const struct command *command, struct args *args)
{
    if (args->help) return help_print(command);
    bool quiet = options_flag(&args->options, OPT_QUIET);
    if (command->n_options > 0 && !quiet) options_odd_variables(say_odd, NULL);
    return command->run(command, args);
}

int main(int argc, char **argv)
{
    struct lw_error err;
    /* A closed pipe is a write that fails, and is told as one. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        err_set(&err, LW_ERR_USAGE, "a command is missing");
        return usage_error(NULL, &err);
    }
    const struct command *command = command_find(command_of_flag(argv[1]));
    if (!command) return unknown_command(argv[1]);
    struct args args;
    int status = args_parse(&args, command, argc - 2, argv + 2, &err);
    status = status ? usage_error(command, &err) : run(command, &args);
    args_release(&args);
    return status;
}
