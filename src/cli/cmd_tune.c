/* cmd_tune.c - legwork tune: speed of models on this machine, or quality of their
 * reading, as a table or as JSON:
 *
 *     {"schema": "legwork.tuning/1", "models": [
 *      {"schema": "legwork.tune/2", ..., "kept": true} or {"name": "...", "problem":
 * "..."}]}
 *     {"schema": "legwork.quality/1", "file": "...", "models": [
 *      {"name": "...", "lines": 0, "failed": 0, "present": 0, "found": 0, "missing": 0,
 *       "absent": 0, "right": 0, "seconds": 0, "problem": null}]} */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include "base/json.h"

#include <string.h>

enum { NAME_COLUMNS = 44 };

struct tuning {
    const struct options *options;
    lw_session *session;
    struct output out;
    struct progress progress;
    json_t *models; /* NULL: a table is printed */
    size_t n;
};

/* --- The table of speed --------------------------------------------------- */

static void print_size(struct output *o, uint64_t bytes)
{
    double mb = (double)bytes / 1e6;
    output_format(o, mb < 1000 ? "%6.0f MB" : "%6.2f GB", mb < 1000 ? mb : mb / 1000);
}

static void print_speeds(struct output *o, const struct lw_tuned *m)
{
    for (size_t i = 0; i < m->n_speeds; i++) {
        const struct lw_speed *s = &m->speeds[i];
        if (i > 0) output_format(o, "%*s", NAME_COLUMNS + 10, "");
        output_format(o, "%9d %9.1f %9.1f%s\n", s->threads, s->reads, s->writes,
                      s->threads == m->threads && m->n_speeds > 1 ? "  best" : "");
    }
}

/* "2, 4, 8 ...: 1, 2, 3". The first point is one of one and says nothing. */
static void print_points(struct output *o, const struct lw_point *p, size_t n,
                         const char *what, int decimals)
{
    if (n < 2) return;
    for (size_t i = 1; i < n; i++) output_format(o, "%s%d", i > 1 ? ", " : "  ", p[i].n);
    output_text(o, what);
    for (size_t i = 1; i < n; i++) {
        output_text(o, i > 1 ? ", " : " ");
        output_format(o, "%.*f", decimals, p[i].value);
    }
    output_text(o, "\n");
}

static void print_verdict(struct output *o, const struct lw_tuned *m)
{
    if (m->disturbed) {
        output_format(
            o, "  disturbed: other programs kept %.1f cores busy meanwhile; %s\n",
            m->others,
            m->kept ? "kept all the same" : "not kept, try again when they rest");
    } else if (m->kept) {
        output_format(o, "  kept; measured in %.0f seconds\n", m->seconds);
    }
}

static void print_tuned(struct tuning *t, const struct lw_tuned *m)
{
    struct output *o = &t->out;
    if (t->n == 1) {
        output_format(o, "%-*s %9s %9s %9s %9s\n", NAME_COLUMNS, "MODEL", "SIZE",
                      "THREADS", "READS/S", "WRITES/S");
    }
    output_format(o, "%-*s ", NAME_COLUMNS, m->name);
    print_size(o, m->bytes);
    if (m->problem) {
        output_format(o, "  not measured: %s\n", m->problem);
        return;
    }
    print_speeds(o, m);
    print_points(o, m->batches, m->n_batches,
                 " replies at a time, tokens a second together:", 0);
    print_points(o, m->checks, m->n_checks, " tokens in a step cost, against one:", 1);
    print_verdict(o, m);
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *tuned_json(const struct lw_tuned *m)
{
    if (m->problem) {
        return json_pack("{s:o, s:o}", "name", json_text(m->name), "problem",
                         json_text(m->problem));
    }
    json_t *o = json_parse(m->json, strlen(m->json), NULL);
    json_object_set_new(o, "kept", json_boolean(m->kept));
    return o;
}

static json_t *graded_json(const struct lw_graded *m)
{
    return json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:o}", "name",
                     json_text(m->name), "lines", m->lines, "failed", m->failed,
                     "present", m->present, "found", m->found, "missing", m->missing,
                     "absent", m->absent, "right", m->right, "seconds", m->seconds,
                     "problem", json_text(m->problem));
}

static void print_json(struct tuning *t, const char *schema, const char *file)
{
    json_t *o = json_pack("{s:s}", "schema", schema);
    if (file) json_object_set_new(o, "file", json_text(file));
    json_object_set(o, "models", t->models);
    output_json(&t->out, o);
}

/* --- The table of quality --------------------------------------------------- */

static void print_share(struct output *o, int n, int of)
{
    char text[32];
    snprintf(text, sizeof text, "%d/%d", n, of);
    output_format(o, " %9s", text);
}

static void print_graded(struct tuning *t, const struct lw_graded *m)
{
    struct output *o = &t->out;
    if (t->n == 1) {
        output_format(o, "%-*s %9s %9s %9s %9s %9s\n", NAME_COLUMNS, "MODEL", "FOUND",
                      "ABSENT", "RIGHT", "FAILED", "SECONDS");
    }
    output_format(o, "%-*s", NAME_COLUMNS, m->name);
    if (m->problem) {
        output_format(o, "  not compared: %s\n", m->problem);
        return;
    }
    print_share(o, m->found, m->present);
    print_share(o, m->absent, m->missing);
    print_share(o, m->right, m->present);
    print_share(o, m->failed, m->lines);
    output_format(o, " %9.1f\n", m->seconds);
}

/* --- The command ------------------------------------------------------------ */

/* Shown as soon as it is there: the next model may take minutes. */
static void take_tuned(void *user, const struct lw_tuned *m)
{
    struct tuning *t = user;
    t->n++;
    progress_clear(&t->progress);
    if (t->models) {
        json_array_append_new(t->models, tuned_json(m));
    } else {
        print_tuned(t, m);
        fflush(stdout);
    }
}

static void take_graded(void *user, const struct lw_graded *m)
{
    struct tuning *t = user;
    t->n++;
    progress_clear(&t->progress);
    if (t->models) {
        json_array_append_new(t->models, graded_json(m));
    } else {
        print_graded(t, m);
        fflush(stdout);
    }
}

static int run(struct tuning *t, const struct args *args, struct lw_error *err)
{
    const char *file = options_string(t->options, OPT_QUALITY);
    if (file) {
        return lw_grade(t->session, file, args->words, args->n_words, take_graded, t,
                        err);
    }
    struct lw_tuning tuning = {
        .models = args->words,
        .n_models = args->n_words,
        .seconds = (int)options_int(t->options, OPT_SECONDS),
        .force = options_flag(t->options, OPT_FORCE),
    };
    return lw_tune(t->session, &tuning, take_tuned, t, err);
}

static int tune(struct tuning *t, const struct args *args, struct lw_error *err)
{
    struct signals signals;
    struct lw_error write_error;
    const char *file = options_string(t->options, OPT_QUALITY);
    int code = args_pass(args, t->session, err);
    if (code) return code;
    signals_start(&signals, t->session);
    lw_on_event(t->session, progress_event, &t->progress);
    code = run(t, args, err);
    progress_clear(&t->progress);
    signals_stop(&signals);
    if (t->models && t->n > 0) {
        print_json(t, file ? "legwork.quality/1" : "legwork.tuning/1", file);
    }
    int failed = output_end(&t->out, &write_error);
    return failed && !code ? err_set(err, failed, "%s", write_error.message) : code;
}

int cmd_tune(const struct command *self, struct args *args)
{
    (void)self;
    struct lw_error err = { .code = 0 };
    struct tuning t = { .options = &args->options, .out = output_to(stdout) };
    if (options_flag(t.options, OPT_JSON)) t.models = json_array();
    progress_init(&t.progress, options_flag(t.options, OPT_QUIET),
                  options_flag(t.options, OPT_VERBOSE));
    int code = lw_open(&t.session, &err);
    if (!code) code = tune(&t, args, &err);
    if (code) say_error(&err);
    lw_close(t.session);
    json_decref(t.models);
    return code;
}
