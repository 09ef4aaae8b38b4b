/* cmd_index.c - legwork index: documents are read before anybody asks. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/reading.h"

#include "base/json.h"
#include "base/size.h"

#include <inttypes.h>
#include <string.h>

static void print_json(struct output *o, const struct lw_indexed *i)
{
    output_json(o, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f}", "schema",
                             "legwork.index/1", "parts", (json_int_t)i->parts, "there",
                             (json_int_t)i->there, "kept", (json_int_t)i->kept, "tokens",
                             (json_int_t)i->tokens, "bytes", (json_int_t)i->bytes,
                             "seconds", i->seconds));
}

static void print_text(struct output *o, const struct lw_indexed *i)
{
    char size[SIZE_TEXT_BYTES];
    output_format(o,
                  "%zu of %zu parts are kept, %zu of them were already; %" PRId64
                  " tokens read, %s written, %.1f s\n",
                  i->there + i->kept, i->parts, i->there, i->tokens,
                  size_text(i->bytes, size), i->seconds);
}

static int print_report(const struct options *options, const struct lw_indexed *i,
                        struct lw_error *err)
{
    struct output o = output_to(stdout);
    if (options_flag(options, OPT_JSON)) {
        print_json(&o, i);
    } else {
        print_text(&o, i);
    }
    return output_end(&o, err);
}

static int index_and_print(struct reading *r, const struct args *args,
                           struct lw_error *err)
{
    struct lw_indexed indexed = { .parts = 0 };
    struct lw_error write_error = { .code = 0 };
    int code = reading_add(r, args->words, args->n_words, err);
    reading_say_warnings(r, err);
    if (code) return code;
    code = lw_index(r->session, &indexed, err);
    reading_say_warnings(r, err);
    if (indexed.there + indexed.kept == 0) return code;
    int failed = print_report(r->options, &indexed, &write_error);
    if (failed) return err_set(err, failed, "%s", write_error.message);
    return reading_end(r, code, err);
}

int cmd_index(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    struct reading r;
    if (args->n_words == 0) {
        err_set(&err, LW_ERR_USAGE, "name at least one file or folder");
        return usage_error(self, &err);
    }
    int code = reading_open(&r, args, &err);
    if (!code) code = index_and_print(&r, args, &err);
    if (code) say_error(&err);
    reading_close(&r);
    return code;
}
