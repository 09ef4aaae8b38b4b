/* args.c - options of a command line, by the one table.
 *
 * getopt_long() would want a table of its own and has no word for an option
 * that is known but of another command. */
#include "cli/args.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "cli/command.h"

#include <string.h>

/* Where the parser stands. */
struct scan {
    struct args *out;
    const struct command *command;
    char **next, **end;
};

static bool command_has(const struct command *command, enum option_id id)
{
    for (size_t i = 0; i < command->n_options; i++) {
        if (command->options[i] == id) return true;
    }
    return false;
}

static const char *nearest_of(const struct command *command, const char *name)
{
    const char *names[OPTION_COUNT + 1] = { "help" };
    size_t n = 1;
    for (size_t i = 0; i < command->n_options; i++) {
        names[n++] = option_table()[command->options[i]].name;
    }
    return nearest_name(name, names, n);
}

/* word begins with two dashes. */
static int unknown(const struct command *command, const char *word, struct lw_error *err)
{
    size_t len = strcspn(word, "=");
    char *name = mem_strndup(word + 2, len - 2);
    const char *near = nearest_of(command, name);
    mem_free(name);
    if (near) {
        return err_set(err, LW_ERR_USAGE,
                       "legwork %s has no option %.*s; did you mean --%s?", command->name,
                       (int)len, word, near);
    }
    return err_set(err, LW_ERR_USAGE, "legwork %s has no option %.*s", command->name,
                   (int)len, word);
}

/* Give the option its value: what stands behind it in the word, the next word, or "yes"
 * for a flag. */
static int take_option(struct scan *s, const struct option_spec *spec, const char *word,
                       const char *value, struct lw_error *err)
{
    if (!value && spec->type == OPTION_FLAG) value = "yes";
    if (!value && s->next < s->end) value = *s->next++;
    if (!value) {
        return err_set(err, LW_ERR_USAGE, "%s needs a value: %s %s", word, word,
                       spec->argument);
    }
    struct lw_error why = { .code = 0 };
    int code = options_set(&s->out->options, spec->name, value, SOURCE_SET, &why);
    return code ? err_set(err, code, "--%s", why.message) : 0;
}

static int take_long(struct scan *s, const char *word, struct lw_error *err)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    char *name = mem_strndup(word + 2, len - 2);
    const struct option_spec *spec = option_find(name);
    bool is_help = strcmp(name, "help") == 0;
    mem_free(name);
    if (is_help) {
        s->out->help = true;
        return 0;
    }
    if (!spec || !command_has(s->command, spec->id))
        return unknown(s->command, word, err);
    return take_option(s, spec, word, equals ? equals + 1 : NULL, err);
}

/* "-t 30", "-t30", "-qv". */
static int take_short(struct scan *s, const char *word, struct lw_error *err)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const char one[] = { '-', *letter, '\0' };
        if (*letter == 'h') {
            s->out->help = true;
            continue;
        }
        const struct option_spec *spec = option_find_letter(*letter);
        if (!spec || !command_has(s->command, spec->id)) {
            return err_set(err, LW_ERR_USAGE,
                           "legwork %s has no option %s; a word that begins with a dash "
                           "goes behind --",
                           s->command->name, one);
        }
        bool has_value = spec->type != OPTION_FLAG && letter[1];
        int code = take_option(s, spec, one, has_value ? letter + 1 : NULL, err);
        if (code || has_value) return code;
    }
    return 0;
}

static int scan_words(struct scan *s, struct lw_error *err)
{
    while (s->next < s->end) {
        const char *word = *s->next++;
        int code = 0;
        if (strcmp(word, "--") == 0) {
            while (s->next < s->end) s->out->words[s->out->n_words++] = *s->next++;
        } else if (strncmp(word, "--", 2) == 0) {
            code = take_long(s, word, err);
        } else if (word[0] == '-' && word[1]) {
            code = take_short(s, word, err);
        } else {
            s->out->words[s->out->n_words++] = word;
        }
        if (code) return code;
    }
    return 0;
}

int args_parse(struct args *a, const struct command *command, int argc, char **argv,
               struct lw_error *err)
{
    *a = (struct args){ .words = mem_array((size_t)argc + 1, sizeof *a->words) };
    options_init(&a->options);
    struct scan s = { .out = a, .command = command, .next = argv, .end = argv + argc };
    int code = scan_words(&s, err);
    if (code || a->help || command->n_options == 0) return code;
    code = options_from_environment(&a->options, err);
    return code ? code : options_from_file(&a->options, NULL, err);
}

int args_pass(const struct args *a, lw_session *s, struct lw_error *err)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = &option_table()[i];
        if (spec->scope != SCOPE_LIBRARY || a->options.source[i] == SOURCE_DEFAULT)
            continue;
        int code = lw_set(s, spec->name, a->options.value[i], err);
        if (code) return code;
    }
    return 0;
}

void args_release(struct args *a)
{
    options_release(&a->options);
    mem_free(a->words);
}
