/* models.c - from a name to a file, and what lies in the folder.
 *
 * The folder is read anew for each question; it holds a handful of files.
 * Names are compared with case folded (ASCII: model files have no others).
 * Where a name leads nowhere the answer says what would: the nearest names,
 * and how to get a model. */
#include "models/models.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "engine/gguf_info.h"
#include "engine/machine.h"
#include "engine/need.h"
#include "models/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    PATH_BYTES_MAX = 4096,
    NAME_BYTES_MAX = 200, /* a longer name is of no model, whatever it is near to */
    NEAR_MAX = 3
};

static const char ending[] = ".gguf";

/* --- The folder ----------------------------------------------------------- */

struct file {
    char *name; /* with its ending */
    char *stem; /* without */
};

/* The GGUF files, sorted by name. */
struct folder {
    struct file *files;
    size_t n, cap;
};

static size_t stem_len(const char *file)
{
    size_t len = strlen(file), end = sizeof ending - 1;

    return len > end && strcasecmp(file + len - end, ending) == 0 ? len - end : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void add_file(struct folder *f, const char *name)
{
    mem_grow((void **)&f->files, &f->cap, f->n + 1, sizeof *f->files);
    f->files[f->n++] = (struct file){
        .name = mem_strdup(name),
        .stem = mem_strndup(name, stem_len(name)),
    };
}

/* A folder that is not there is an empty one. */
static int folder_read(struct folder *f, const char *dir, struct lw_error *err)
{
    *f = (struct folder){ .n = 0 };
    DIR *d = opendir(dir);
    if (!d) {
        return errno == ENOENT
                   ? 0
                   : err_set(err, LW_ERR_LOCAL, "cannot read the model folder %s: %s",
                             dir, strerror(errno));
    }
    struct dirent *entry;
    while ((entry = readdir(d))) {
        if (entry->d_name[0] != '.' && stem_len(entry->d_name) > 0) {
            add_file(f, entry->d_name);
        }
    }
    closedir(d);
    if (f->n > 0) {
        qsort(f->files, f->n, sizeof *f->files, by_name);
    }
    return 0;
}

static void folder_release(struct folder *f)
{
    for (size_t i = 0; i < f->n; i++) {
        mem_free(f->files[i].name);
        mem_free(f->files[i].stem);
    }
    mem_free(f->files);
}

static int join(struct buf *path, const char *dir, const char *file)
{
    buf_clear(path);
    buf_addf(path, "%s/%s", dir, file);
    return buf_failed(path) ? LW_ERR_LOCAL : 0;
}

/* --- Names ---------------------------------------------------------------- */

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The file in the folder that is called so, with or without its ending; rather one that
 * is written so, too. */
static const char *find_file(const struct folder *f, const char *name)
{
    size_t len = stem_len(name) > 0 ? stem_len(name) : strlen(name);
    const char *found = NULL;

    for (size_t i = 0; i < f->n; i++) {
        const struct file *file = &f->files[i];
        if (strlen(file->stem) != len || strncasecmp(file->stem, name, len) != 0) {
            continue;
        }
        if (!found || strncmp(file->stem, name, len) == 0) {
            found = file->name;
        }
    }
    return found;
}

static const struct catalogue_entry *find_entry(const char *name)
{
    for (const struct catalogue_entry *e = catalogue; e->name; e++) {
        if (strcasecmp(e->name, name) == 0) {
            return e;
        }
    }
    return NULL;
}

static const char *file_of_entry(const struct folder *f, const struct catalogue_entry *e)
{
    for (int i = 0; i < CATALOGUE_FILES && e->files[i]; i++) {
        const char *file = find_file(f, e->files[i]);
        if (file) {
            return file;
        }
    }
    return NULL;
}

/* A name of the folder's own goes before one of the catalogue. */
static const char *file_called(const struct folder *f, const char *name)
{
    const struct catalogue_entry *entry = find_entry(name);
    const char *file = find_file(f, name);

    return file || !entry ? file : file_of_entry(f, entry);
}

static size_t count_beginnings(const struct folder *f, const char *name,
                               const char **file)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (strncasecmp(f->files[i].name, name, strlen(name)) == 0) {
            *file = f->files[i].name;
            n++;
        }
    }
    return n;
}

/* --- Near names ----------------------------------------------------------- */

struct near {
    const char *names[NEAR_MAX];
    int distances[NEAR_MAX];
    size_t n;
};

static void offer(struct near *near, const char *name, const char *candidate)
{
    int distance = nearest_distance(name, candidate);
    size_t i = near->n;

    if (distance > 2 + (int)strlen(name) / 4 ||
        (i == NEAR_MAX && distance >= near->distances[i - 1])) {
        return;
    }
    i = near->n < NEAR_MAX ? near->n++ : near->n - 1;
    for (; i > 0 && near->distances[i - 1] > distance; i--) {
        near->names[i] = near->names[i - 1];
        near->distances[i] = near->distances[i - 1];
    }
    near->names[i] = candidate;
    near->distances[i] = distance;
}

static void find_near(struct near *near, const struct folder *f, const char *name)
{
    near->n = 0;
    if (strlen(name) > NAME_BYTES_MAX) {
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        offer(near, name, f->files[i].stem);
    }
    for (const struct catalogue_entry *e = catalogue; e->name; e++) {
        offer(near, name, e->name);
    }
}

/* --- What to do when there is none ---------------------------------------- */

static int not_on_disk(const char *dir, const struct catalogue_entry *e,
                       struct lw_error *err)
{
    if (e->packaged) {
        return err_set(err, LW_ERR_LOCAL,
                       "the model %s is not in %s: get it with `tools/get-model %s` (in "
                       "legwork's source), or put a GGUF file there",
                       e->name, dir, e->name);
    }
    return err_set(
        err, LW_ERR_LOCAL,
        "the model %s is not in %s: get %s (Hugging Face: %s) and put it there", e->name,
        dir, e->files[0], e->repository);
}

static int unknown_name(const char *dir, const struct folder *f, const char *name,
                        struct lw_error *err)
{
    struct near near;
    struct buf text;

    find_near(&near, f, name);
    buf_init(&text, 512);
    for (size_t i = 0; i < near.n; i++) {
        const char *before = i + 1 < near.n ? ", " : " or ";
        buf_addf(&text, "%s%s", i == 0 ? "; did you mean " : before, near.names[i]);
    }
    int rc = err_set(
        err, LW_ERR_LOCAL,
        "no model is called %.*s%s%s (models are GGUF files in %s; `legwork models` "
        "lists them, `tools/get-model qwen2.5-1.5b` gets one)",
        NAME_BYTES_MAX, name, text.data, near.n > 0 ? "?" : "", dir);
    buf_release(&text);
    return rc;
}

static int several(const struct folder *f, const char *name, struct lw_error *err)
{
    struct buf text;

    buf_init(&text, 512);
    for (size_t i = 0; i < f->n; i++) {
        if (strncasecmp(f->files[i].name, name, strlen(name)) == 0) {
            buf_addf(&text, "%s%s", text.len > 0 ? ", " : "", f->files[i].name);
        }
    }
    int rc =
        err_set(err, LW_ERR_LOCAL, "several models begin with %s: %s", name, text.data);
    buf_release(&text);
    return rc;
}

/* --- The calls ------------------------------------------------------------ */

static int find_in_folder(const char *dir, const struct folder *f, const char *name,
                          struct buf *path, struct lw_error *err)
{
    const struct catalogue_entry *entry = find_entry(name);
    const char *file = file_called(f, name);

    if (!file) {
        size_t n = count_beginnings(f, name, &file);
        if (n > 1) {
            return several(f, name, err);
        }
    }
    if (file) {
        return join(path, dir, file) ? err_set(err, LW_ERR_LOCAL,
                                               "the path of the model folder is too long")
                                     : 0;
    }
    return entry ? not_on_disk(dir, entry, err) : unknown_name(dir, f, name, err);
}

int models_find(const char *dir, const char *name, struct buf *path, struct lw_error *err)
{
    struct folder f;

    if (name[0] == '\0') {
        return err_set(err, LW_ERR_LOCAL, "the name of the model is empty");
    }
    if (stem_len(name) > 0 && is_file(name)) {
        buf_clear(path);
        return buf_add_str(path, name)
                   ? err_set(err, LW_ERR_LOCAL, "the path of the model is too long")
                   : 0;
    }
    if (strchr(name, '/')) {
        return err_set(err, LW_ERR_LOCAL,
                       "there is no GGUF file %s (its name must end in %s)", name,
                       ending);
    }
    int rc = folder_read(&f, dir, err);
    if (rc == 0) {
        rc = find_in_folder(dir, &f, name, path, err);
    }
    folder_release(&f);
    return rc;
}

/* Models of these kinds make embeddings and nothing else. */
static bool can_write(const char *architecture)
{
    static const char *const others[] = { "gemma-embedding", "llama-embed", "t5encoder" };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(architecture, others[i]) == 0) {
            return false;
        }
    }
    return !strstr(architecture, "bert");
}

/* Is the file sound, a model that writes, and is there memory for it now? */
static bool would_load(const char *path, uint64_t *bytes)
{
    struct gguf_info info;
    uint64_t free_bytes = machine_memory_free();

    if (gguf_info_read(path, &info, NULL) != 0 || !can_write(info.architecture)) {
        return false;
    }
    struct need need = need_of(&info, NEED_CONTEXT_DEFAULT, NEED_TO_WRITE);
    *bytes = info.file_bytes;
    return free_bytes == 0 || need_sum(&need) <= free_bytes;
}

static bool take_best_reader(const char *dir, const struct folder *f, struct buf *path)
{
    uint64_t bytes;

    for (const struct catalogue_entry *e = catalogue; e->name; e++) {
        const char *file = e->reader ? file_of_entry(f, e) : NULL;
        if (file && join(path, dir, file) == 0 && would_load(path->data, &bytes)) {
            return true;
        }
    }
    return false;
}

static bool take_largest(const char *dir, const struct folder *f, struct buf *path)
{
    const char *best = NULL;
    uint64_t best_bytes = 0, bytes;

    for (size_t i = 0; i < f->n; i++) {
        if (join(path, dir, f->files[i].name) == 0 && would_load(path->data, &bytes) &&
            bytes > best_bytes) {
            best = f->files[i].name;
            best_bytes = bytes;
        }
    }
    return best && join(path, dir, best) == 0;
}

int models_default(const char *dir, struct buf *path, struct lw_error *err)
{
    struct folder f;
    int rc = folder_read(&f, dir, err);

    if (rc == 0 && !take_best_reader(dir, &f, path) && !take_largest(dir, &f, path)) {
        rc = err_set(
            err, LW_ERR_LOCAL,
            f.n > 0 ? "no model in %s can be used (`legwork models` says why): get one "
                      "with `tools/get-model qwen2.5-1.5b` or free some memory"
                    : "there is no model in %s: get one with `make demo` or "
                      "`tools/get-model qwen2.5-1.5b` (in legwork's source), or put a "
                      "GGUF file there",
            dir);
    }
    folder_release(&f);
    return rc;
}

/* What --local takes: the short name where that leads to this file. */
static const char *name_of_file(const struct folder *f, const struct file *file)
{
    for (const struct catalogue_entry *e = catalogue; e->name; e++) {
        if (file_called(f, e->name) == file->name) {
            return e->name;
        }
    }
    return file->stem;
}

static void list_one(const char *path, const char *name,
                     void (*fn)(void *user, const struct lw_model *model), void *user)
{
    struct lw_error problem = { .code = 0 };
    struct gguf_info info = { .architecture = "" };
    struct stat st;
    int rc = gguf_info_read(path, &info, &problem);

    fn(user, &(struct lw_model){
                 .name = name,
                 .path = path,
                 .architecture = info.architecture,
                 .quantisation = info.quantisation,
                 .bytes = rc == 0                ? info.file_bytes
                          : stat(path, &st) == 0 ? (uint64_t)st.st_size
                                                 : 0,
                 .context = info.context,
                 .problem = rc ? problem.message : NULL,
             });
}

int models_list(const char *dir, void (*fn)(void *user, const struct lw_model *model),
                void *user, struct lw_error *err)
{
    struct folder f;
    struct buf path;
    int rc = folder_read(&f, dir, err);

    buf_init(&path, PATH_BYTES_MAX);
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        if (join(&path, dir, f.files[i].name) == 0) {
            list_one(path.data, name_of_file(&f, &f.files[i]), fn, user);
        }
    }
    buf_release(&path);
    folder_release(&f);
    return rc;
}
