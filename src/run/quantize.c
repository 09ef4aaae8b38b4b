/* quantize.c - lw_quantize(): names to paths, engine to events. */
#include "base/mem.h"
#include "base/file.h"
#include "engine/format.h"
#include "engine/quantize.h"
#include "models/models.h"
#include "run/event.h"
#include "run/session.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char ending[] = ".gguf";

const char *lw_type_at(size_t i)
{
    const struct format *f = format_table();
    for (size_t k = 0; k < i && f->name; k++) f++;
    return f->name;
}

static bool has_ending(const char *path)
{
    size_t len = strlen(path), n = sizeof ending - 1;
    return len > n && strcasecmp(path + len - n, ending) == 0;
}

/* Where the new file goes, and the folder made where it is legwork's own. */
static int place_of(const char *dir, const char *out, struct buf *path,
                    struct lw_error *err)
{
    const char *slash = strrchr(out, '/');
    if (!*out || (slash && !slash[1])) {
        return err_set(err, LW_ERR_USAGE, "the new file needs a name");
    }
    if (!slash) buf_addf(path, "%s/", dir);
    buf_add_str(path, out);
    if (!has_ending(out)) buf_add_str(path, ending);
    if (buf_failed(path)) {
        return err_set(err, LW_ERR_USAGE, "the name of the new file is too long");
    }
    return slash ? 0 : file_make_folders(path->data, err);
}

static void say_stage(lw_session *s, const struct lw_format *format, const char *in)
{
    char stage[256];
    snprintf(stage, sizeof stage, "quantising %.180s to %.40s", file_name(in),
             format->type);
    event_stage(&s->events, stage);
}

int lw_quantize(lw_session *s, const struct lw_format *format, struct lw_quantised *out,
                struct lw_error *err)
{
    struct buf in, path;
    struct quantize_result result = { .was = "" };
    if (!format->in || !format->out || !format->type) {
        return err_set(err, LW_ERR_USAGE, "the model, the new file or its type is NULL");
    }
    char *dir = options_models_dir(&s->options);
    buf_init(&in, PATH_MAX);
    buf_init(&path, sizeof out->path - 1);
    int code = models_find(dir, format->in, &in, err);
    if (!code) code = place_of(dir, format->out, &path, err);
    if (!code) {
        struct quantize_job job = {
            .in = in.data,
            .out = path.data,
            .type = format->type,
            .force = format->force != 0,
            .threads = (int)options_int(&s->options, OPT_THREADS),
            .progress = event_steps,
            .notice = event_notice,
            .user = &s->events,
            .cancel = &s->cancel,
        };
        say_stage(s, format, in.data);
        code = quantize_file(&job, &result, err);
    }
    session_rearm(s);
    if (!code && out) {
        *out = (struct lw_quantised){ .bytes_in = result.bytes_in,
                                      .bytes_out = result.bytes_out };
        snprintf(out->path, sizeof out->path, "%s", path.data);
        snprintf(out->was, sizeof out->was, "%s", result.was);
    }
    buf_release(&path);
    buf_release(&in);
    mem_free(dir);
    return code;
}
