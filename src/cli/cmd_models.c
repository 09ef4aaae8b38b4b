/* cmd_models.c - what is in the model folder, as a table or as JSON:
 *
 *     {"schema": "legwork.models/1", "folder": "...", "models": [
 *      {"name": "...", "path": "...", "architecture": "qwen2", "quantisation": "...",
 *       "bytes": 0, "context": 0, "problem": null, "reads": 0, "writes": null}]} */
#include "cli/command.h"
#include "cli/output.h"

#include "base/json.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

struct listing {
    struct output out;
    json_t *models; /* NULL: a table is printed */
    size_t n;
};

/* Tokens a second, where `legwork tune` has measured them. */
static json_t *speed_or_null(double speed)
{
    return speed > 0 ? json_real(speed) : json_null();
}

static void add_json(struct listing *l, const struct lw_model *m)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", json_text(m->name));
    json_object_set_new(o, "path", json_text(m->path));
    json_object_set_new(o, "architecture", json_text(m->architecture));
    json_object_set_new(o, "quantisation", json_text(m->quantisation));
    json_object_set_new(o, "bytes", json_integer((json_int_t)m->bytes));
    json_object_set_new(o, "context", json_integer(m->context));
    json_object_set_new(o, "problem", json_text(m->problem));
    json_object_set_new(o, "reads", speed_or_null(m->reads));
    json_object_set_new(o, "writes", speed_or_null(m->writes));
    json_array_append_new(l->models, o);
}

static void print_speed(struct listing *l, double speed)
{
    if (speed > 0) {
        output_format(&l->out, " %9.1f", speed);
    } else {
        output_format(&l->out, " %9s", "-");
    }
}

static void print_row(struct listing *l, const struct lw_model *m)
{
    if (l->n == 1) {
        output_format(&l->out, "%-44s %9s  %-16s %8s %9s %9s  %s\n", "NAME", "SIZE",
                      "QUANTISATION", "CONTEXT", "READS/S", "WRITES/S", "ARCHITECTURE");
    }
    double mb = (double)m->bytes / 1e6;
    output_format(&l->out, "%-44s ", m->name);
    output_format(&l->out, mb < 1000 ? "%6.0f MB  " : "%6.2f GB  ",
                  mb < 1000 ? mb : mb / 1000);
    if (m->problem) {
        output_format(&l->out, "unusable: %s\n", m->problem);
    } else {
        output_format(&l->out, "%-16s %8d", m->quantisation, m->context);
        print_speed(l, m->reads);
        print_speed(l, m->writes);
        output_format(&l->out, "  %s\n", m->architecture);
    }
}

static void take_model(void *user, const struct lw_model *m)
{
    struct listing *l = user;
    l->n++;
    if (l->models) {
        add_json(l, m);
    } else {
        print_row(l, m);
    }
}

static void print_json(struct listing *l, const char *folder)
{
    output_json(&l->out, json_pack("{s:s, s:o, s:O}", "schema", "legwork.models/1",
                                   "folder", json_text(folder), "models", l->models));
}

static int list_models(lw_session *s, struct args *args, struct lw_error *err)
{
    bool as_json = options_flag(&args->options, OPT_JSON);
    struct listing l = { .out = output_to(stdout),
                         .models = as_json ? json_array() : NULL };
    char *folder = options_models_dir(&args->options);
    int code = lw_set(s, "models-dir", folder, err);
    if (!code) code = lw_models(s, take_model, &l, err);
    if (!code && as_json) print_json(&l, folder);
    if (!code) code = output_end(&l.out, err);
    if (!code && l.n == 0) {
        struct lw_error none;
        err_set(&none, 0,
                "there is no model in %s; put a GGUF file there, or name one with "
                "--local FILE",
                folder);
        say_error(&none);
    }
    json_decref(l.models);
    mem_free(folder);
    return code;
}

int cmd_models(const struct command *self, struct args *args)
{
    struct lw_error err = { .code = 0 };
    lw_session *s = NULL;
    if (args->n_words > 0) {
        err_set(&err, LW_ERR_USAGE, "legwork models takes no arguments");
        return usage_error(self, &err);
    }
    int code = lw_open(&s, &err);
    if (!code) code = list_models(s, args, &err);
    if (code) say_error(&err);
    lw_close(s);
    return code;
}
