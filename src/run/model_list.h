/* model_list.h - the models that a command is about: those named, or the whole folder. */
#ifndef LW_RUN_MODEL_LIST_H
#define LW_RUN_MODEL_LIST_H

#include "run/session.h"

struct model_list {
    char **paths;
    size_t n, cap;
};

/* LW_ERR_USAGE if one of them is NULL. */
int model_names_check(const char *const *names, size_t n, struct lw_error *err);

/* Paths of these names ("local" takes them), or of all usable models of the folder for
 * n_names 0. LW_ERR_LOCAL: one is not there, or the folder holds none; LW_ERR_USAGE.
 * Release in any case. */
int model_list_get(struct model_list *list, const lw_session *s, const char *const *names,
                   size_t n_names, struct lw_error *err);
void model_list_release(struct model_list *list);

#endif
