/* cmd_forget.c - legwork forget: the states of documents are removed.
 *
 * A word is the name of a document that `legwork cache` lists, or of its folder, or its
 * id, or a file or folder, whose text then says which documents are meant, whatever they
 * were called. A file that is gone or cannot be read is no fault: its name may still be
 * known. A script learns from the status that something was not kept. */
#include "cli/command.h"
#include "cli/output.h"

#include "base/size.h"

#include <string.h>

static void add(struct lw_kept_sum *sum, const struct lw_kept_sum *more)
{
    sum->documents += more->documents;
    sum->parts += more->parts;
    sum->bytes += more->bytes;
}

static int forget_files(const char *path, struct lw_kept_sum *sum, struct lw_error *err)
{
    lw_session *s = NULL;
    int code = lw_open(&s, err);
    if (!code && lw_add_file(s, path, NULL) == 0) {
        for (size_t i = 0; i < lw_document_count(s) && !code; i++) {
            struct lw_kept_sum freed;
            code = lw_forget_document(s, i, &freed, err);
            add(sum, &freed);
        }
    }
    lw_close(s);
    return code;
}

static int forget_word(lw_session *s, const char *word, struct lw_kept_sum *sum,
                       struct lw_error *err)
{
    struct lw_kept_sum freed = { .bytes = 0 };
    int code = lw_forget(s, word, &freed, err);
    add(sum, &freed);
    if (!code && strcmp(word, "-") != 0) code = forget_files(word, sum, err);
    return code;
}

static int forget_all(lw_session *s, struct lw_kept_sum *sum, struct lw_error *err)
{
    struct lw_error why = { .code = 0 };
    int code = lw_forget(s, NULL, sum, err);
    uint64_t rest = 0;
    /* What dead processes left behind. */
    if (lw_kept_prune(s, 0, &rest, &why) == 0) sum->bytes += rest;
    return code;
}

/* *unknown: words of which nothing was kept. */
static int forget(lw_session *s, const struct args *args, struct lw_kept_sum *sum,
                  size_t *unknown, struct lw_error *err)
{
    int code = 0;
    if (options_flag(&args->options, OPT_ALL)) return forget_all(s, sum, err);
    for (size_t i = 0; i < args->n_words && !code; i++) {
        struct lw_kept_sum one = { .bytes = 0 };
        code = forget_word(s, args->words[i], &one, err);
        add(sum, &one);
        if (!code && one.documents == 0) {
            struct lw_error none;
            err_set(&none, 0, "nothing is kept of %s", args->words[i]);
            say_error(&none);
            (*unknown)++;
        }
    }
    return code;
}

static int print_sum(const struct lw_kept_sum *sum, struct lw_error *err)
{
    char size[SIZE_TEXT_BYTES];
    struct output o = output_to(stdout);
    output_format(&o, "Forgot %zu document%s, %zu parts, %s\n", sum->documents,
                  sum->documents == 1 ? "" : "s", sum->parts,
                  size_text(sum->bytes, size));
    return output_end(&o, err);
}

int cmd_forget(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    struct lw_kept_sum sum = { .bytes = 0 };
    lw_session *s = NULL;
    bool all = options_flag(&args->options, OPT_ALL);
    if (all == (args->n_words > 0)) {
        err_set(&err, LW_ERR_USAGE, "name documents, or give --all");
        return usage_error(self, &err);
    }
    int code = lw_open(&s, &err);
    size_t unknown = 0;
    if (!code) code = forget(s, args, &sum, &unknown, &err);
    if (!code) code = print_sum(&sum, &err);
    if (code) say_error(&err);
    lw_close(s);
    return code == 0 && unknown > 0 ? LW_ERR : code;
}
