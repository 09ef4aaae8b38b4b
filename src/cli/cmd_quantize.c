/* cmd_quantize.c - legwork quantize: a model's weights in another format. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"

/* stdout gets the one line that says what there is now. */
static int print_result(const struct lw_quantised *q, const char *type,
                        struct lw_error *err)
{
    struct output out = output_to(stdout);
    output_one_line(&out, q->path);
    output_format(&out, ": %s, %.0f MB (was %s, %.0f MB)\n", type,
                  (double)q->bytes_out / 1e6, q->was, (double)q->bytes_in / 1e6);
    return output_end(&out, err);
}

static int quantize(lw_session *s, struct args *args, struct lw_error *err)
{
    struct progress progress;
    struct signals signals;
    struct lw_quantised made;
    struct lw_format format = {
        .in = args->words[0],
        .out = args->words[1],
        .type = options_string(&args->options, OPT_TYPE),
        .force = options_flag(&args->options, OPT_FORCE),
    };
    int code = args_pass(args, s, err);
    if (code) return code;
    progress_init(&progress, options_flag(&args->options, OPT_QUIET),
                  options_flag(&args->options, OPT_VERBOSE));
    signals_start(&signals, s);
    lw_on_event(s, progress_event, &progress);
    code = lw_quantize(s, &format, &made, err);
    progress_clear(&progress);
    signals_stop(&signals);
    return code ? code : print_result(&made, format.type, err);
}

int cmd_quantize(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    lw_session *s = NULL;
    if (args->n_words != 2) {
        err_set(&err, LW_ERR_USAGE, "name a model and the new file");
        return usage_error(self, &err);
    }
    int code = lw_open(&s, &err);
    if (!code) code = quantize(s, args, &err);
    if (code) say_error(&err);
    lw_close(s);
    return code;
}
