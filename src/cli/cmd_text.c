/* cmd_text.c - the text of a document, byte for byte as offsets count it. */
#include "cli/command.h"
#include "cli/output.h"

#include <string.h>
#include <unistd.h>

static int print_document(lw_session *s, const char *path, struct lw_error *err)
{
    size_t n = lw_document_count(s);
    if (n != 1) {
        return err_set(err, LW_ERR_USAGE, "%s holds %zu documents; text prints one", path,
                       n);
    }
    struct lw_document doc = lw_document_at(s, 0);
    struct output o = output_to(stdout);
    output_write(&o, doc.text, doc.len);
    return output_end(&o, err);
}

/* A warning that is also the error is said once, by the caller. */
static void say_warnings(lw_session *s, const struct lw_error *err)
{
    const char *warning;
    for (size_t i = 0; (warning = lw_warning_at(s, i)) != NULL; i++) {
        if (!err->code || strcmp(warning, err->message) != 0) say(warning);
    }
}

int cmd_text(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    lw_session *s = NULL;
    const char *path = args->n_words > 0 ? args->words[0] : "-";
    if (args->n_words > 1 || (args->n_words == 0 && isatty(STDIN_FILENO))) {
        err_set(&err, LW_ERR_USAGE, "name one file, or - for standard input");
        return usage_error(self, &err);
    }
    int code = lw_open(&s, &err);
    if (!code) code = lw_add_file(s, path, &err);
    if (!code) code = print_document(s, path, &err);
    if (s && !options_flag(&args->options, OPT_QUIET)) say_warnings(s, &err);
    if (code) say_error(&err);
    lw_close(s);
    return code;
}
