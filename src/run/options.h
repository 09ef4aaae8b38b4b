/* options.h - every option, in one table: name, type, range, default, help.
 *
 * Flags, LEGWORK_* variables, the configuration file, --help, the man page and
 * lw_set() all come from it. Precedence: lw_set()/flag, environment, user's
 * file, default. This is the only place in legwork that reads the environment;
 * keys of providers come through options_secret(). */
#ifndef LW_RUN_OPTIONS_H
#define LW_RUN_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ORDER OPTIONS: the table in option_table.c */
enum option_id {
    OPT_LOCAL,
    OPT_REMOTE,
    OPT_PROTOCOL,
    OPT_EMBED,
    OPT_ROUNDS,
    OPT_TASKS,
    OPT_SAMPLES,
    OPT_READ,
    OPT_SCHEMA,
    OPT_ABOUT,
    OPT_TIMEOUT,
    OPT_ALLOW_WORKER,
    OPT_MODELS_DIR,
    OPT_CONTEXT,
    OPT_THREADS,
    OPT_GPU_LAYERS,
    OPT_MMAP,
    OPT_REPACK,
    OPT_NUMA,
    OPT_KV_TYPE,
    OPT_UNLOAD_AFTER,
    OPT_CHUNK_TOKENS,
    OPT_PARALLEL,
    OPT_KV_CACHE,
    OPT_NO_KV_CACHE,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_TYPE,
    OPT_FORCE,
    OPT_SECONDS,
    OPT_QUALITY,
    OPT_PRUNE,
    OPT_ALL,
    OPTION_COUNT
};

enum option_type {
    OPTION_STRING,
    OPTION_INT,
    OPTION_SECONDS,
    OPTION_SIZE, /* bytes, with K, M, G or T */
    OPTION_FLAG,
    OPTION_CHOICE,
    OPTION_FILE,
    OPTION_LIST,
    OPTION_READ /* "auto", "all" or a number */
};
/* CLI: only the command line knows it. FLAG: nor is it a variable or a line of the
 * configuration: it says what to do this once. */
enum option_scope { SCOPE_LIBRARY, SCOPE_CLI, SCOPE_FLAG };
enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_SET };

struct option_spec {
    enum option_id id;
    const char *name; /* "read": --read, LEGWORK_READ, read = */
    char letter;      /* short flag or 0 */
    enum option_type type;
    enum option_scope scope;
    const char *argument;       /* "MODEL", NULL for a flag */
    const char *fallback;       /* the default as text; NULL: unset */
    long min, max;              /* OPTION_INT, OPTION_SECONDS */
    const char *const *choices; /* OPTION_CHOICE, NULL-ended */
    /* OPTION_FLAG: yes is the same as this option with this value; NULL: none. */
    const char *stands_for, *stands_for_value;
    const char *help; /* one line for --help */
    const char *man;  /* more for the man page, or NULL */
};

const struct option_spec *option_table(void); /* OPTION_COUNT entries, in order */
const struct option_spec *option_find(const char *name);
const struct option_spec *option_find_letter(char letter);
/* The known name nearest to a wrong one, NULL if none is near. */
const char *option_nearest(const char *name);
/* Its environment variable: "LEGWORK_READ". */
enum { OPTION_VARIABLE_BYTES = 64 };
void option_variable(const struct option_spec *spec, char out[OPTION_VARIABLE_BYTES]);

struct options {
    char *value[OPTION_COUNT]; /* NULL: unset */
    enum option_source source[OPTION_COUNT];
};

void options_init(struct options *o); /* all at their defaults */
void options_release(struct options *o);
/* LW_ERR_USAGE with a sentence; the value is unchanged. A value from a weaker source
 * never replaces one from a stronger source. Values of an OPTION_LIST that come from one
 * source append (comma-separated). */
int options_set(struct options *o, const char *name, const char *value,
                enum option_source source, struct lw_error *err);
/* Its default again. LW_ERR_USAGE for an unknown name. */
int options_unset(struct options *o, const char *name, struct lw_error *err);
int options_from_environment(struct options *o, struct lw_error *err);
/* A sentence for each LEGWORK_* variable that is nearly an option: LEGWORK_ROUND. Others
 * with that beginning may be somebody else's. */
void options_odd_variables(void (*say)(void *user, const char *sentence), void *user);
/* key = value lines (inih), unknown keys are errors with the nearest known one. A value
 * is what stands behind the = up to the end of the line, ; and # too. path NULL: the
 * default place, where absent is fine and so is no way there. */
int options_from_file(struct options *o, const char *path, struct lw_error *err);

/* NULL: unset. */
const char *options_string(const struct options *o, enum option_id id);
/* OPTION_SIZE, in bytes; 0: unset. */
uint64_t options_size(const struct options *o, enum option_id id);
/* 0: unset, or "all" of an OPTION_READ, whose "auto" is OPTIONS_AUTO. */
enum { OPTIONS_AUTO = -1 };
long options_int(const struct options *o, enum option_id id);
/* OPTION_CHOICE: which of its choices, from 0. */
int options_choice(const struct options *o, enum option_id id);
bool options_flag(const struct options *o, enum option_id id);

/* Value of an environment variable that holds a key or URL of a provider; NULL if unset
 * or empty. */
const char *options_secret(const char *variable);
/* TERM is unset or "dumb": nothing can be redrawn. */
bool options_terminal_is_dumb(void);

/* $XDG_DATA_HOME/legwork/models or what models-dir says; and the configuration file's
 * path. Caller frees (mem_free). */
char *options_models_dir(const struct options *o);
char *options_config_path(void);
/* $XDG_DATA_HOME/legwork; NULL: the user has none. mem_free(). */
char *options_data_dir(void);
/* $XDG_CACHE_HOME/legwork/kv, where prefix states are kept. Caller frees; NULL: the
 * user has no folder for it. */
char *options_kv_dir(void);

#endif
