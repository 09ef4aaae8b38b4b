/* reading.c - a command's session, from its options to its warnings. */
#include "cli/reading.h"

#include "cli/output.h"

#include <string.h>

enum { WARNINGS_SHOWN = 20 };

int reading_open(struct reading *r, const struct args *args, struct lw_error *err)
{
    *r = (struct reading){ .options = &args->options };
    progress_init(&r->progress, options_flag(r->options, OPT_QUIET),
                  options_flag(r->options, OPT_VERBOSE));
    int code = lw_open(&r->session, err);
    if (!code) code = args_pass(args, r->session, err);
    if (code) return code;
    signals_start(&r->signals, r->session);
    lw_on_event(r->session, progress_event, &r->progress);
    return 0;
}

void reading_close(struct reading *r)
{
    signals_stop(&r->signals);
    lw_close(r->session);
}

static bool is_interrupted(struct reading *r)
{
    return atomic_load(&r->signals.count) > 0;
}

int reading_add(struct reading *r, const char *const *files, size_t n,
                struct lw_error *err)
{
    struct lw_error last = { .code = 0 };
    r->n_files = n;
    for (size_t i = 0; i < n && !is_interrupted(r); i++) {
        if (lw_add_file(r->session, files[i], &last) == 0) continue;
        r->n_unread++;
        if (r->progress.quiet && n > 1) say_error(&last);
    }
    if (is_interrupted(r)) return err_set(err, LW_CANCELLED, "interrupted");
    if (lw_document_count(r->session) > 0) return 0;
    if (n == 1) return err_set(err, last.code, "%s", last.message);
    return err_set(err, LW_ERR_INPUT, "none of the %zu files could be read", n);
}

int reading_end(const struct reading *r, int code, struct lw_error *err)
{
    if (r->n_unread == 0 || (code && code != LW_NOT_FOUND)) return code;
    return err_set(err, LW_PARTIAL, "%zu of the %zu files that were named %s not read",
                   r->n_unread, r->n_files, r->n_unread == 1 ? "was" : "were");
}

void reading_say_warnings(struct reading *r, const struct lw_error *err)
{
    const char *warning;
    size_t first = r->n_warnings;
    const struct progress *p = &r->progress;
    progress_clear(&r->progress);
    while ((warning = lw_warning_at(r->session, r->n_warnings)) != NULL) {
        bool is_error = err->code && strcmp(warning, err->message) == 0;
        bool shown = p->verbose || r->n_warnings - first < WARNINGS_SHOWN;
        if (!p->quiet && !is_error && shown) say(warning);
        r->n_warnings++;
    }
    if (!p->quiet && !p->verbose && r->n_warnings - first > WARNINGS_SHOWN) {
        say("There are more warnings; --verbose shows all.");
    }
}
