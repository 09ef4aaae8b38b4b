/* cmd_cache.c - what is kept of what was read, as a table or as JSON:
 *
 *     {"schema": "legwork.cache/1", "folder": "...", "documents": [
 *      {"name": "...", "id": "...", "parts": 0, "tokens": 0, "bytes": 0,
 *       "used": "2026-11-21T14:02:11Z"}], "parts": 0, "bytes": 0, "room": 0} */
#include "cli/command.h"
#include "cli/output.h"

#include "base/json.h"
#include "base/size.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { TIME_BYTES = 32 };

struct listing {
    struct output out;
    json_t *documents; /* NULL: a table is printed */
    size_t n;
};

static const char *time_text(int64_t seconds, const char *format, char out[TIME_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(out, TIME_BYTES, format, &tm) == 0) *out = '\0';
    return out;
}

static void add_json(struct listing *l, const struct lw_kept_document *d)
{
    char used[TIME_BYTES];
    json_array_append_new(l->documents,
                          json_pack("{s:o, s:s, s:I, s:I, s:I, s:s}", "name",
                                    json_text(d->name), "id", d->id, "parts",
                                    (json_int_t)d->parts, "tokens", (json_int_t)d->tokens,
                                    "bytes", (json_int_t)d->bytes, "used",
                                    time_text(d->used, "%Y-%m-%dT%H:%M:%SZ", used)));
}

static void print_row(struct listing *l, const struct lw_kept_document *d)
{
    char size[SIZE_TEXT_BYTES], used[TIME_BYTES];
    if (l->n == 1) {
        output_format(&l->out, "%10s %6s %9s  %-16s  %s\n", "SIZE", "PARTS", "TOKENS",
                      "LAST USED (UTC)", "DOCUMENT");
    }
    output_format(&l->out, "%10s %6zu %9" PRId64 "  %-16s  ", size_text(d->bytes, size),
                  d->parts, d->tokens, time_text(d->used, "%Y-%m-%d %H:%M", used));
    output_one_line(&l->out, *d->name ? d->name : d->id);
    output_text(&l->out, "\n");
}

static void take_document(void *user, const struct lw_kept_document *d)
{
    struct listing *l = user;
    l->n++;
    if (l->documents) {
        add_json(l, d);
    } else {
        print_row(l, d);
    }
}

static void print_json(struct listing *l, const struct lw_kept_sum *all)
{
    output_json(&l->out,
                json_pack("{s:s, s:o, s:O, s:I, s:I, s:I}", "schema", "legwork.cache/1",
                          "folder", json_text(all->folder), "documents", l->documents,
                          "parts", (json_int_t)all->parts, "bytes",
                          (json_int_t)all->bytes, "room", (json_int_t)all->room));
}

static void print_sum(struct listing *l, const struct lw_kept_sum *all)
{
    char size[SIZE_TEXT_BYTES], room[SIZE_TEXT_BYTES];
    output_format(&l->out, "%s%zu document%s, %zu parts, %s of at most %s, in ",
                  all->documents ? "\n" : "", all->documents,
                  all->documents == 1 ? "" : "s", all->parts, size_text(all->bytes, size),
                  size_text(all->room, room));
    output_one_line(&l->out, all->folder ? all->folder : "no folder");
    output_text(&l->out, "\n");
}

static int list(lw_session *s, const struct args *args, struct lw_error *err)
{
    bool as_json = options_flag(&args->options, OPT_JSON);
    struct listing l = { .out = output_to(stdout),
                         .documents = as_json ? json_array() : NULL };
    struct lw_kept_sum all;
    int code = lw_kept(s, take_document, &l, &all, err);
    if (!code && as_json) print_json(&l, &all);
    if (!code && !as_json) print_sum(&l, &all);
    if (!code) code = output_end(&l.out, err);
    json_decref(l.documents);
    return code;
}

static int prune(lw_session *s, const struct args *args, struct lw_error *err)
{
    char size[SIZE_TEXT_BYTES], left[SIZE_TEXT_BYTES];
    struct output o = output_to(stdout);
    struct lw_kept_sum all = { .bytes = 0 };
    uint64_t freed;
    int code = lw_kept_prune(s, options_size(&args->options, OPT_PRUNE), &freed, err);
    if (!code) code = lw_kept(s, NULL, NULL, &all, err);
    if (code) return code;
    output_format(&o, "Freed %s; %s are left\n", size_text(freed, size),
                  size_text(all.bytes, left));
    return output_end(&o, err);
}

int cmd_cache(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    lw_session *s = NULL;
    if (args->n_words > 0) {
        err_set(&err, LW_ERR_USAGE, "legwork cache takes no arguments");
        return usage_error(self, &err);
    }
    int code = lw_open(&s, &err);
    if (!code) code = args_pass(args, s, &err);
    if (!code) {
        bool prunes = options_string(&args->options, OPT_PRUNE) != NULL;
        code = prunes ? prune(s, args, &err) : list(s, args, &err);
    }
    if (code) say_error(&err);
    lw_close(s);
    return code;
}
