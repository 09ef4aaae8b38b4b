/* options.c - the values of options, and everything that sets them.
 *
 * A value is kept as text, already checked and in one spelling ("1" for a
 * flag, seconds without a unit), with the source that gave it. Sources are
 * ordered; a weaker one never replaces a stronger one, so the order in which
 * flags, variables and the file are read does not matter.
 *
 * This file is the only one that reads the environment: search for getenv and
 * you have seen all that legwork takes from it. */
#include "run/options.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

extern char **environ;

enum { VALUE_BYTES_MAX = 64 * 1024, LIST_BYTES_MAX = 4096 };

/* --- Values -------------------------------------------------------------- */

static int unknown_option(const char *name, struct lw_error *err)
{
    const char *near = option_nearest(name);
    if (!near) return err_set(err, LW_ERR_USAGE, "there is no option \"%s\"", name);
    return err_set(err, LW_ERR_USAGE, "there is no option \"%s\"; did you mean \"%s\"?",
                   name, near);
}

/* Digits with an optional unit (s, m, h where seconds are wanted). False if it is no such
 * number; too large a number is LONG_MAX. */
static bool parse_number(const char *text, enum option_type type, long *out)
{
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    long n = strtol(text, &end, 10);
    long unit = 1;
    if (type == OPTION_SECONDS && *end && !end[1]) {
        unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 0;
        end++;
    }
    if (*end || unit == 0) return false;
    *out = errno || n > LONG_MAX / unit ? LONG_MAX : n * unit;
    return true;
}

/* Digits with an optional unit (K, M, G, T: powers of 1024). False if it is no such
 * number, or too large a one. */
static bool parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (errno || (*end && (!unit || end[1])) || n > UINT64_MAX >> shift) return false;
    *out = (uint64_t)n << shift;
    return true;
}

static int check_size(const struct option_spec *spec, const char *value, char **out,
                      struct lw_error *err)
{
    uint64_t bytes;
    if (!parse_size(value, &bytes)) {
        return err_set(err, LW_ERR_USAGE,
                       "%s is \"%.80s\"; it must be a size like 500M, 4G or 0",
                       spec->name, value);
    }
    *out = mem_strdup(value);
    return 0;
}

static int check_number(const struct option_spec *spec, const char *value, char **out,
                        struct lw_error *err)
{
    long n;
    if (spec->type == OPTION_READ &&
        (strcmp(value, "all") == 0 || strcmp(value, "auto") == 0)) {
        *out = mem_strdup(value);
        return 0;
    }
    if (!parse_number(value, spec->type, &n) || n < spec->min || n > spec->max) {
        const char *what = spec->type == OPTION_READ ? "\"auto\", \"all\" or a number"
                           : spec->type == OPTION_SECONDS
                               ? "a time like 90, 90s, 5m or 1h, in seconds"
                               : "a whole number";
        return err_set(err, LW_ERR_USAGE,
                       "%s is \"%.80s\"; it must be %s from %ld to %ld", spec->name,
                       value, what, spec->min, spec->max);
    }
    char text[24];
    snprintf(text, sizeof text, "%ld", n);
    *out = mem_strdup(text);
    return 0;
}

static int check_flag(const struct option_spec *spec, const char *value, char **out,
                      struct lw_error *err)
{
    static const char *const yes[] = { "1", "true", "yes", "on" };
    static const char *const no[] = { "0", "false", "no", "off" };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        bool is_yes = strcasecmp(value, yes[i]) == 0;
        if (is_yes || strcasecmp(value, no[i]) == 0) {
            *out = mem_strdup(is_yes ? "1" : "0");
            return 0;
        }
    }
    return err_set(err, LW_ERR_USAGE, "%s is \"%.80s\"; it must be yes or no", spec->name,
                   value);
}

static int check_choice(const struct option_spec *spec, const char *value, char **out,
                        struct lw_error *err)
{
    struct buf known;
    buf_init(&known, LIST_BYTES_MAX);
    for (const char *const *c = spec->choices; *c; c++) {
        if (strcmp(*c, value) == 0) {
            buf_release(&known);
            *out = mem_strdup(value);
            return 0;
        }
        buf_addf(&known, "%s%s", c == spec->choices ? "" : ", ", *c);
    }
    err_set(err, LW_ERR_USAGE, "%s is \"%.80s\"; it must be one of %s", spec->name, value,
            known.data);
    buf_release(&known);
    return LW_ERR_USAGE;
}

static int check_text(const struct option_spec *spec, const char *value, char **out,
                      struct lw_error *err)
{
    if (!*value) return err_set(err, LW_ERR_USAGE, "%s is empty", spec->name);
    size_t max = spec->id == OPT_ABOUT ? LIMIT_ABOUT_BYTES : VALUE_BYTES_MAX;
    if (strlen(value) > max) {
        return err_set(err, LW_ERR_USAGE, "%s is longer than %zu bytes", spec->name, max);
    }
    *out = mem_strdup(value);
    return 0;
}

static int check_value(const struct option_spec *spec, const char *value, char **out,
                       struct lw_error *err)
{
    switch (spec->type) {
    case OPTION_INT:
    case OPTION_SECONDS:
    case OPTION_READ: return check_number(spec, value, out, err);
    case OPTION_SIZE: return check_size(spec, value, out, err);
    case OPTION_FLAG: return check_flag(spec, value, out, err);
    case OPTION_CHOICE: return check_choice(spec, value, out, err);
    case OPTION_STRING:
    case OPTION_FILE:
    case OPTION_LIST: break;
    }
    return check_text(spec, value, out, err);
}

/* "a,b" and "c" to "a,b,c"; takes both. */
static int join_list(const struct option_spec *spec, char *old, char **value,
                     struct lw_error *err)
{
    struct buf joined;
    buf_init(&joined, LIST_BYTES_MAX);
    int code = 0;
    if (buf_addf(&joined, "%s,%s", old, *value)) {
        code = err_set(err, LW_ERR_USAGE, "%s has too many values", spec->name);
    } else {
        mem_free(*value);
        *value = buf_take(&joined, NULL);
    }
    buf_release(&joined);
    return code;
}

static int refuse_source(const struct option_spec *spec, enum option_source source,
                         struct lw_error *err)
{
    if (spec->scope != SCOPE_FLAG || source == SOURCE_SET) return 0;
    return err_set(err, LW_ERR_USAGE, "\"%s\" stands on the command line only",
                   spec->name);
}

int options_set(struct options *o, const char *name, const char *value,
                enum option_source source, struct lw_error *err)
{
    const struct option_spec *spec = option_find(name);
    if (!spec) return unknown_option(name, err);
    char *checked = NULL;
    int code = refuse_source(spec, source, err);
    if (!code) code = check_value(spec, value, &checked, err);
    if (code) return code;
    if (spec->stands_for) {
        bool yes = *checked == '1';
        mem_free(checked);
        if (!yes) return 0;
        return options_set(o, spec->stands_for, spec->stands_for_value, source, err);
    }
    enum option_source had = o->source[spec->id];
    if (source < had) {
        mem_free(checked);
        return 0;
    }
    if (spec->type == OPTION_LIST && source == had && o->value[spec->id]) {
        code = join_list(spec, o->value[spec->id], &checked, err);
        if (code) {
            mem_free(checked);
            return code;
        }
    }
    mem_free(o->value[spec->id]);
    o->value[spec->id] = checked;
    o->source[spec->id] = source;
    return 0;
}

int options_unset(struct options *o, const char *name, struct lw_error *err)
{
    const struct option_spec *spec = option_find(name);
    if (!spec) return unknown_option(name, err);
    if (spec->stands_for) return options_unset(o, spec->stands_for, err);
    mem_free(o->value[spec->id]);
    o->value[spec->id] = spec->fallback ? mem_strdup(spec->fallback) : NULL;
    o->source[spec->id] = SOURCE_DEFAULT;
    return 0;
}

void options_init(struct options *o)
{
    *o = (struct options){ .source = { SOURCE_DEFAULT } };
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (option_table()[i].fallback)
            o->value[i] = mem_strdup(option_table()[i].fallback);
    }
}

void options_release(struct options *o)
{
    for (int i = 0; i < OPTION_COUNT; i++) mem_free(o->value[i]);
    *o = (struct options){ .source = { SOURCE_DEFAULT } };
}

const char *options_string(const struct options *o, enum option_id id)
{
    return o->value[id];
}

long options_int(const struct options *o, enum option_id id)
{
    const char *value = o->value[id];
    if (value && strcmp(value, "auto") == 0) return OPTIONS_AUTO;
    return value && strcmp(value, "all") != 0 ? strtol(value, NULL, 10) : 0;
}

uint64_t options_size(const struct options *o, enum option_id id)
{
    uint64_t bytes = 0;
    if (o->value[id]) parse_size(o->value[id], &bytes);
    return bytes;
}

int options_choice(const struct options *o, enum option_id id)
{
    const char *value = options_string(o, id);
    const char *const *choices = option_table()[id].choices;
    int i = 0;
    while (choices[i] && strcmp(choices[i], value) != 0) i++;
    return i;
}

bool options_flag(const struct options *o, enum option_id id)
{
    return options_int(o, id) != 0;
}

/* --- The environment ----------------------------------------------------- */

/* Variables that other programs know under another name. */
static const struct {
    enum option_id id;
    const char *variable;
} aliases[] = { { OPT_LOCAL, "MINIONS_LOCAL" }, { OPT_REMOTE, "MINIONS_REMOTE" } };

const char *options_secret(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value ? value : NULL;
}

void option_variable(const struct option_spec *spec, char out[OPTION_VARIABLE_BYTES])
{
    snprintf(out, OPTION_VARIABLE_BYTES, "LEGWORK_%s", spec->name);
    for (char *c = out; *c; c++) {
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    }
}

static int set_from_variable(struct options *o, enum option_id id, const char *variable,
                             struct lw_error *err)
{
    const char *value = options_secret(variable);
    if (!value) return 0;
    int code = options_set(o, option_table()[id].name, value, SOURCE_ENVIRONMENT, err);
    if (code) err_prefix(err, "environment variable %s", variable);
    return code;
}

int options_from_environment(struct options *o, struct lw_error *err)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        int code = set_from_variable(o, aliases[i].id, aliases[i].variable, err);
        if (code) return code;
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        char variable[OPTION_VARIABLE_BYTES];
        if (option_table()[i].scope == SCOPE_FLAG) continue;
        option_variable(&option_table()[i], variable);
        int code = set_from_variable(o, option_table()[i].id, variable, err);
        if (code) return code;
    }
    return 0;
}

/* "ROUND" of LEGWORK_ROUND=2 as "round". False if it is too long for an option. */
static bool name_of_variable(const char *entry, char out[OPTION_VARIABLE_BYTES])
{
    size_t len = strcspn(entry, "=");
    if (len >= OPTION_VARIABLE_BYTES) return false;
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)(entry[i] == '_' ? '-' : tolower((unsigned char)entry[i]));
    }
    out[len] = '\0';
    return true;
}

void options_odd_variables(void (*say)(void *user, const char *sentence), void *user)
{
    static const char prefix[] = "LEGWORK_";
    for (char **entry = environ; entry && *entry; entry++) {
        char name[OPTION_VARIABLE_BYTES], wanted[OPTION_VARIABLE_BYTES], sentence[256];
        const char *rest = *entry + sizeof prefix - 1;
        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0) continue;
        if (!name_of_variable(rest, name) || option_find(name)) continue;
        const char *near = option_nearest(name);
        if (!near) continue;
        option_variable(option_find(near), wanted);
        snprintf(sentence, sizeof sentence,
                 "LEGWORK_%.*s is no option and has no effect; did you mean %s?",
                 (int)strcspn(rest, "="), rest, wanted);
        say(user, sentence);
    }
}

bool options_terminal_is_dumb(void)
{
    const char *term = options_secret("TERM");
    return !term || strcmp(term, "dumb") == 0;
}

/* $variable/tail, or $HOME/home_part/tail; NULL if neither is an absolute path. */
static char *user_path(const char *variable, const char *home_part, const char *tail)
{
    const char *base = options_secret(variable), *home = options_secret("HOME");
    struct buf path;
    buf_init(&path, PATH_MAX);
    if (base && *base == '/') {
        buf_addf(&path, "%s/%s", base, tail);
    } else if (home && *home == '/') {
        buf_addf(&path, "%s/%s/%s", home, home_part, tail);
    }
    char *out = path.len && !buf_failed(&path) ? buf_take(&path, NULL) : NULL;
    buf_release(&path);
    return out;
}

char *options_models_dir(const struct options *o)
{
    const char *said = options_string(o, OPT_MODELS_DIR);
    if (said) return mem_strdup(said);
    char *path = user_path("XDG_DATA_HOME", ".local/share", "legwork/models");
    return path ? path : mem_strdup("models");
}

char *options_data_dir(void)
{
    return user_path("XDG_DATA_HOME", ".local/share", "legwork");
}

char *options_config_path(void)
{
    return user_path("XDG_CONFIG_HOME", ".config", "legwork/config.ini");
}

char *options_kv_dir(void)
{
    return user_path("XDG_CACHE_HOME", ".cache", "legwork/kv");
}

/* --- The configuration file ---------------------------------------------- */

/* What the parser reads from and reports to. Lines are handed out one by one
 * without leading white space, so that the parser's rule "an indented line goes on
 * with the one before" never applies, and only as much of them as it has room for: it
 * finds names, and values are taken from the line itself, whole and with any " ;". */
struct config_file {
    const char *path;
    const char *start, *at, *end; /* of the line under way, of the next, of the file */
    int line;
    struct options *options;
    struct lw_error *err;
    int code; /* of the first complaint */
};

static char *next_line(char *out, int size, void *stream)
{
    struct config_file *f = stream;
    while (f->at < f->end && (*f->at == ' ' || *f->at == '\t')) f->at++;
    if (f->at >= f->end || f->code) return NULL;
    f->line++;
    const char *newline = memchr(f->at, '\n', (size_t)(f->end - f->at));
    int len = (int)((newline ? newline : f->end) - f->at);
    snprintf(out, (size_t)size, "%.*s\n", len < size - 2 ? len : size - 2, f->at);
    f->start = f->at;
    f->at = newline ? newline + 1 : f->end;
    return out;
}

/* What stands behind the = (or :), without the white space around it. */
static char *value_of_line(const struct config_file *f)
{
    const char *s = f->start, *end = f->at;
    while (s < end && *s != '=' && *s != ':') s++;
    if (s < end) s++;
    while (s < end && isspace((unsigned char)*s)) s++;
    while (end > s && isspace((unsigned char)end[-1])) end--;
    return mem_strndup(s, (size_t)(end - s));
}

static int take_pair(void *user, const char *section, const char *name, const char *cut)
{
    struct config_file *f = user;
    (void)cut;
    if (f->code) return 0;
    if (*section) {
        f->code = err_set(f->err, LW_ERR_USAGE,
                          "%s, line %d: sections like [%s] have no meaning here", f->path,
                          f->line, section);
        return 0;
    }
    char *value = value_of_line(f);
    f->code = options_set(f->options, name, value, SOURCE_FILE, f->err);
    mem_free(value);
    if (f->code) err_prefix(f->err, "%s, line %d", f->path, f->line);
    return f->code == 0;
}

static int parse_config(struct config_file *f)
{
    int line = ini_parse_stream(next_line, f, take_pair, f);
    if (f->code) return f->code;
    if (line == 0) return 0;
    return err_set(f->err, LW_ERR_USAGE, "%s, line %d: not of the form NAME = VALUE",
                   f->path, line);
}

static int load_config(struct options *o, const char *path, struct lw_error *err)
{
    struct buf text;
    struct lw_error why;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    int code = file_read(path, &text, &why);
    if (code) {
        code = err_set(err, LW_ERR_USAGE, "the configuration: %s", why.message);
    } else if (memchr(text.data, '\0', text.len)) {
        code = err_set(err, LW_ERR_USAGE, "%s is not a text file", path);
    } else {
        struct config_file f = { .path = path,
                                 .at = text.data,
                                 .end = text.data + text.len,
                                 .options = o,
                                 .err = err };
        code = parse_config(&f);
    }
    buf_release(&text);
    return code;
}

/* As for a user whose home is no folder (/dev/null) or may not be entered. A file that is
 * there but may not be read is not absent. */
static bool is_absent(const char *path)
{
    return access(path, F_OK) != 0 &&
           (errno == ENOENT || errno == ENOTDIR || errno == EACCES);
}

int options_from_file(struct options *o, const char *path, struct lw_error *err)
{
    char *found = path ? mem_strdup(path) : options_config_path();
    if (!found) return 0;
    int code = !path && is_absent(found) ? 0 : load_config(o, found, err);
    mem_free(found);
    return code;
}
