/* model_list.c - from names to paths, for commands that go through several models. */
#include "run/model_list.h"

#include "base/buf.h"
#include "base/mem.h"
#include "models/models.h"

#include <limits.h>

static void add(struct model_list *list, const char *path)
{
    mem_grow((void **)&list->paths, &list->cap, list->n + 1, sizeof *list->paths);
    list->paths[list->n++] = mem_strdup(path);
}

static void add_usable(void *user, const struct lw_model *model)
{
    if (!model->problem) add(user, model->path);
}

int model_names_check(const char *const *names, size_t n, struct lw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!names[i]) return err_set(err, LW_ERR_USAGE, "the name of a model is NULL");
    }
    return 0;
}

static int find_named(struct model_list *list, const char *dir, const char *const *names,
                      size_t n, struct lw_error *err)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    int code = model_names_check(names, n, err);
    for (size_t i = 0; i < n && !code; i++) {
        code = models_find(dir, names[i], &path, err);
        if (!code) add(list, path.data);
    }
    buf_release(&path);
    return code;
}

int model_list_get(struct model_list *list, const lw_session *s, const char *const *names,
                   size_t n_names, struct lw_error *err)
{
    *list = (struct model_list){ .paths = NULL };
    char *dir = options_models_dir(&s->options);
    int code = n_names > 0 ? find_named(list, dir, names, n_names, err)
                           : models_list(dir, add_usable, list, err);
    if (!code && list->n == 0) {
        code =
            err_set(err, LW_ERR_LOCAL, "there is no model in %s that can be used", dir);
    }
    mem_free(dir);
    return code;
}

void model_list_release(struct model_list *list)
{
    for (size_t i = 0; i < list->n; i++) mem_free(list->paths[i]);
    mem_free(list->paths);
}
