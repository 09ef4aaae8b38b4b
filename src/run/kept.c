/* kept.c - what the store of states holds, and how it is emptied.
 *
 * No model is opened for it: the folder says everything (engine/kv_disk.h). */
#include "base/mem.h"
#include "engine/kv_disk.h"
#include "run/kept_room.h"

#include <string.h>

_Static_assert((int)DOC_CONTENT_CHARS == (int)KV_DISK_ID_CHARS,
               "documents are kept by content");

/* --- What is there ------------------------------------------------------- */

struct listing {
    void (*fn)(void *user, const struct lw_kept_document *document);
    void *user;
    struct lw_kept_sum *all;
};

static void take_document(void *user, const struct kv_disk_document *d)
{
    struct listing *l = user;
    struct lw_kept_document out = { .name = d->name,
                                    .id = d->id,
                                    .parts = d->n_states,
                                    .tokens = d->n_tokens,
                                    .bytes = d->bytes,
                                    .used = d->used };
    l->all->documents++;
    l->all->parts += d->n_states;
    l->all->bytes += d->bytes;
    if (l->fn) l->fn(l->user, &out);
}

int lw_kept(lw_session *s,
            void (*fn)(void *user, const struct lw_kept_document *document), void *user,
            struct lw_kept_sum *all, struct lw_error *err)
{
    struct lw_kept_sum sums;
    struct listing l = { .fn = fn, .user = user, .all = all ? all : &sums };
    const char *folder = kept_folder(s);
    *l.all = (struct lw_kept_sum){ .folder = folder };
    if (!folder) return 0;
    int code = kv_disk_list(folder, take_document, &l, err);
    if (!code) l.all->room = kept_room_now(s);
    return code;
}

int lw_kept_prune(lw_session *s, uint64_t bytes_max, uint64_t *freed,
                  struct lw_error *err)
{
    uint64_t bytes = 0;
    const char *folder = kept_folder(s);
    int code = folder ? kv_disk_prune(folder, bytes_max, &bytes, err) : 0;
    if (freed) *freed = bytes;
    return code;
}

/* --- Forgetting ---------------------------------------------------------- */

/* The documents to forget are collected first: a folder is not changed while it is
 * listed. */
struct doomed {
    const char *name; /* or id; NULL: all */
    char (*ids)[KV_DISK_ID_CHARS + 1];
    size_t n, cap;
};

static const char *without_dots(const char *path)
{
    while (path[0] == '.' && path[1] == '/') path += 1 + strspn(path + 1, "/");
    return path;
}

/* "docs", "docs/" and "./docs" are "docs", and the folder of "docs/a.txt": a document
 * that has changed or is gone since can be found by its name only. */
static bool names_document(const char *said, const char *name)
{
    said = without_dots(said);
    name = without_dots(name);
    size_t len = strlen(said);
    while (len > 1 && said[len - 1] == '/') len--;
    if (len == 0 || strcmp(said, ".") == 0 || strncmp(said, name, len) != 0) return false;
    return name[len] == '\0' || name[len] == '/';
}

static void doom(void *user, const struct kv_disk_document *d)
{
    struct doomed *doomed = user;
    bool named = !doomed->name || strcmp(doomed->name, d->id) == 0 ||
                 names_document(doomed->name, d->name);
    if (!named) return;
    mem_grow((void **)&doomed->ids, &doomed->cap, doomed->n + 1, sizeof *doomed->ids);
    memcpy(doomed->ids[doomed->n++], d->id, KV_DISK_ID_CHARS + 1);
}

static int forget_one(const char *id, struct lw_kept_sum *sum, struct lw_error *err)
{
    struct kv_disk_freed freed = { .bytes = 0 };
    int code = kv_disk_forget(sum->folder, id, &freed, err);
    sum->documents += freed.there;
    sum->parts += freed.n_states;
    sum->bytes += freed.bytes;
    return code;
}

int lw_forget(lw_session *s, const char *name, struct lw_kept_sum *freed,
              struct lw_error *err)
{
    struct lw_kept_sum sum = { .folder = kept_folder(s) };
    struct doomed doomed = { .name = name };
    int code = sum.folder ? kv_disk_list(sum.folder, doom, &doomed, err) : 0;
    for (size_t i = 0; i < doomed.n && !code; i++) {
        code = forget_one(doomed.ids[i], &sum, err);
    }
    mem_free(doomed.ids);
    if (freed) *freed = sum;
    return code;
}

int lw_forget_document(lw_session *s, size_t i, struct lw_kept_sum *freed,
                       struct lw_error *err)
{
    struct lw_kept_sum sum = { .folder = kept_folder(s) };
    struct doc *doc = s->docs.docs[i];
    doc_hash(doc);
    int code = sum.folder ? forget_one(doc->content, &sum, err) : 0;
    if (freed) *freed = sum;
    return code;
}
