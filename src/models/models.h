/* models.h - which model a name means, and what is on disk.
 *
 * The model folder is given (options: "models-dir"). A name is, in this order:
 * a path to a .gguf file; the file name of one in the folder, with or without
 * .gguf; a short name of the catalogue whose file is there ("qwen2.5-1.5b");
 * an unambiguous beginning of a file name, case folded. */
#ifndef LW_MODELS_MODELS_H
#define LW_MODELS_MODELS_H

#include "base/buf.h"
#include "base/err.h"
#include "legwork.h"

/* Path of the model that name means. LW_ERR_LOCAL for a name nobody knows (the near ones
 * on disk are named, and how to get one) or a path that is not there. */
int models_find(const char *dir, const char *name, struct buf *path,
                struct lw_error *err);

/* The model to use when none was named: the first of the catalogue's readers that is
 * on disk, best reader first, else the largest file that writes (embedding models do not)
 * and loads with what memory is free.
 * LW_ERR_LOCAL if there is none: says how to get one. */
int models_default(const char *dir, struct buf *path, struct lw_error *err);

/* Every *.gguf in the folder, sorted by name; damaged ones with `problem` set. */
int models_list(const char *dir, void (*fn)(void *user, const struct lw_model *model),
                void *user, struct lw_error *err);

#endif
