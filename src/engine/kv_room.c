/* kv_room.c - what lies in the store's folder, and who goes when it is full.
 *
 * There is no index file: it would need a lock, and could disagree with what is
 * there. A scan looks at each file, and reads the first 24 bytes of each when it has to
 * be judged. kv_disk.c scans only when it must.
 *
 * The folder of a document goes with its last state. To a writer that is about to put
 * a first state into it that costs this state, no more (kv_disk.c). */
#include "engine/kv_room.h"

#include "base/limits.h"
#include "base/mem.h"
#include "engine/kv_disk.h"
#include "engine/kv_file.h"
#include "engine/kv_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- What lies there ---------------------------------------------------------- */

struct entry {
    char document[KV_DISK_ID_CHARS + 1];
    char name[KV_NAME_BYTES];
    uint64_t bytes;
    double used; /* seconds since 1970 */
    double value;
    int n_tokens;
    bool is_state; /* else being written, or, without a name, the document's folder */
};

struct listing {
    struct entry *entries;
    size_t n, cap;
    double now;
    int error; /* errno if the folder cannot be read; 0 */
};

enum tidiness { LOOK_ONLY, TIDY_UP };

enum {
    STALE_SECONDS = 3600,     /* a file not written to for so long has no writer */
    AHEAD_SECONDS = 24 * 3600 /* clocks that are used together differ by less */
};

static double seconds_of(struct timespec t)
{
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return seconds_of(t);
}

static void add_entry(struct listing *l, const struct entry *e)
{
    mem_grow((void **)&l->entries, &l->cap, l->n + 1, sizeof *l->entries);
    l->entries[l->n++] = *e;
}

static void list_file(struct listing *l, int document, const char *id, const char *name,
                      enum tidiness tidiness)
{
    struct entry e = { .bytes = 0 };
    struct stat st;

    if (!kv_folder_is_ours(name, &e.is_state) ||
        fstatat(document, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode)) {
        return;
    }
    e.used = seconds_of(st.st_mtim);
    /* Of a clock that was wrong: nobody knows, and it is not to stay until then. */
    if (tidiness == TIDY_UP && e.used > l->now + AHEAD_SECONDS) {
        e.used = 0;
    }
    if (tidiness == TIDY_UP && !e.is_state && l->now - e.used > STALE_SECONDS &&
        unlinkat(document, name, 0) == 0) {
        return;
    }
    e.bytes = (uint64_t)st.st_size;
    memcpy(e.document, id, sizeof e.document);
    memcpy(e.name, name, strlen(name) + 1);
    add_entry(l, &e);
}

/* A folder in which no file was found is still something that can be forgotten. */
static void list_bare_document(struct listing *l, int document, const char *id)
{
    struct entry e = { .bytes = 0 };
    struct stat st;

    if (fstat(document, &st) != 0 || !kv_folder_has_ours(document)) {
        return;
    }
    e.used = seconds_of(st.st_mtim);
    memcpy(e.document, id, sizeof e.document);
    add_entry(l, &e);
}

static void list_document(struct listing *l, int folder, const char *id,
                          enum tidiness tidiness)
{
    int document = kv_folder_document(folder, id, KV_FOLDER_FIND);
    DIR *dir = document < 0 ? NULL : kv_folder_read(document);
    size_t before = l->n;
    struct dirent *entry;

    while (dir && l->n < LIMIT_KV_FILES && (entry = readdir(dir))) {
        list_file(l, document, id, entry->d_name, tidiness);
    }
    if (dir) closedir(dir);
    if (dir && tidiness == LOOK_ONLY && l->n == before) {
        list_bare_document(l, document, id);
    }
    if (document >= 0) close(document);
    if (tidiness == TIDY_UP && l->n == before) {
        kv_folder_remove_empty(folder, id);
    }
}

static struct listing list_folder(int folder, enum tidiness tidiness)
{
    struct listing l = { .now = seconds_now() };
    DIR *dir = kv_folder_read(folder);
    struct dirent *entry;

    l.error = dir ? 0 : errno;
    while (dir && (entry = readdir(dir))) {
        if (kv_folder_is_document(entry->d_name)) {
            list_document(&l, folder, entry->d_name, tidiness);
        }
    }
    if (dir) closedir(dir);
    return l;
}

/* Fill in tokens and value. What nobody can read is worth nothing. */
static void judge(int folder, struct entry *e, double now)
{
    int document = kv_folder_document(folder, e->document, KV_FOLDER_FIND);
    int fd = document < 0 ? -1
                          : openat(document, e->name,
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    double token_cost;

    if (fd >= 0 && kv_file_peek(fd, &e->n_tokens, &token_cost)) {
        e->value = kv_disk_value(e->n_tokens, token_cost, e->bytes, now - e->used);
    }
    if (fd >= 0) close(fd);
    if (document >= 0) close(document);
}

static void judge_all(struct listing *l, int folder)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->entries[i].is_state) {
            judge(folder, &l->entries[i], l->now);
        }
    }
}

/* --- Room --------------------------------------------------------------------- */

double kv_disk_value(int n_tokens, double token_cost, uint64_t bytes,
                     double seconds_unused)
{
    const double week = 7 * 24 * 3600;
    double age = seconds_unused > 0 ? seconds_unused : 0;

    if (n_tokens <= 0 || bytes == 0 || !isfinite(token_cost) || token_cost <= 0) {
        return 0;
    }
    return n_tokens * token_cost / (double)bytes * exp2(-age / week);
}

static int by_value(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

static bool may_go(const struct entry *e, const struct kv_room *room)
{
    return e->is_state && e->value < room->value && e->used < room->used_before;
}

static uint64_t bytes_that_may_go(const struct listing *l, const struct kv_room *room)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < l->n; i++) {
        sum += may_go(&l->entries[i], room) ? l->entries[i].bytes : 0;
    }
    return sum;
}

/* True unless the file is still there. */
static bool remove_entry(int folder, const struct entry *e, struct kv_room_result *result)
{
    int document = kv_folder_document(folder, e->document, KV_FOLDER_FIND);
    int rc = document < 0 ? -1 : unlinkat(document, e->name, 0);

    if (rc == 0) {
        result->freed += e->bytes;
    } else if (errno != ENOENT) {
        result->error = errno;
    }
    bool gone = rc == 0 || errno == ENOENT;
    if (document >= 0) close(document);
    if (rc == 0) {
        kv_folder_remove_empty(folder, e->document);
    }
    return gone;
}

/* Remove the least valuable until at most goal bytes are left. */
static void evict(int folder, struct listing *l, const struct kv_room *room,
                  uint64_t goal, struct kv_room_result *result)
{
    if (l->n > 0) {
        qsort(l->entries, l->n, sizeof *l->entries, by_value);
    }
    for (size_t i = 0; i < l->n && result->left > goal; i++) {
        const struct entry *e = &l->entries[i];
        if (may_go(e, room) && remove_entry(folder, e, result)) {
            result->left -= e->bytes;
        }
    }
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

struct kv_room_result kv_room_make(int folder, const struct kv_room *room)
{
    struct listing l = list_folder(folder, TIDY_UP);
    struct kv_room_result result = { .error = l.error };
    uint64_t goal = less(room->bytes_max, room->wanted);
    bool could_fit = l.error == 0 && room->wanted <= room->bytes_max;

    for (size_t i = 0; i < l.n; i++) {
        result.left += l.entries[i].bytes;
    }
    if (could_fit && result.left > goal) {
        judge_all(&l, folder);
        if (room->wanted == 0 || result.left - goal <= bytes_that_may_go(&l, room)) {
            evict(folder, &l, room, less(goal, room->spare), &result);
        }
    }
    result.enough = could_fit && result.left <= goal;
    mem_free(l.entries);
    return result;
}

/* --- The folder as a whole (kv_disk.h) ---------------------------------------- */

static int by_document(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->document,
                  ((const struct entry *)b)->document);
}

/* The latest used first; by id where that is the same. */
static int by_use(const void *a, const void *b)
{
    const struct kv_disk_document *x = a, *y = b;
    int later = (y->used > x->used) - (y->used < x->used);

    return later ? later : strcmp(x->id, y->id);
}

static void add_file(struct kv_disk_document *document, const struct entry *e)
{
    document->n_states += e->is_state;
    document->n_tokens += e->n_tokens;
    document->bytes += e->bytes;
    document->used =
        (int64_t)e->used > document->used ? (int64_t)e->used : document->used;
}

/* One for each document of which anything is there, as an array; ids point into the
 * listing. */
static struct kv_disk_document *sum_up(struct listing *l, size_t *n)
{
    struct kv_disk_document *documents = mem_array(l->n, sizeof *documents);

    *n = 0;
    if (l->n > 0) {
        qsort(l->entries, l->n, sizeof *l->entries, by_document);
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct entry *e = &l->entries[i];
        if (*n == 0 || strcmp(documents[*n - 1].id, e->document) != 0) {
            documents[(*n)++] = (struct kv_disk_document){ .id = e->document };
        }
        add_file(&documents[*n - 1], e);
    }
    if (*n > 0) {
        qsort(documents, *n, sizeof *documents, by_use);
    }
    return documents;
}

int kv_disk_list(const char *folder,
                 void (*fn)(void *user, const struct kv_disk_document *document),
                 void *user, struct lw_error *err)
{
    struct lw_error why = { 0 };
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, &why);

    if (fd < 0) {
        return errno == ENOENT ? 0 : err_set(err, why.code, "%s", why.message);
    }
    struct listing l = list_folder(fd, LOOK_ONLY);
    judge_all(&l, fd);
    size_t n;
    struct kv_disk_document *documents = sum_up(&l, &n);
    int rc = l.error;
    for (size_t i = 0; i < n; i++) {
        char name[LIMIT_KV_NAME_BYTES + 1] = "";
        int document = kv_folder_document(fd, documents[i].id, KV_FOLDER_FIND);
        if (document >= 0) {
            kv_folder_get_name(document, name, sizeof name);
            close(document);
        }
        documents[i].name = name;
        fn(user, &documents[i]);
        documents[i].name = NULL;
    }
    mem_free(documents);
    mem_free(l.entries);
    close(fd);
    return rc == 0 ? 0
                   : err_set(err, LW_ERR_LOCAL, "cannot read the folder %s: %s", folder,
                             strerror(rc));
}

/* Remove all of ours in the open folder of a document. 0, or an errno. */
static int empty_document(int document, struct kv_disk_freed *freed)
{
    DIR *dir = kv_folder_read(document);
    int rc = dir ? 0 : errno;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        bool is_state;
        struct stat st;
        if (!kv_folder_is_ours(entry->d_name, &is_state) ||
            fstatat(document, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (unlinkat(document, entry->d_name, 0) == 0) {
            freed->there = true;
            freed->n_states += is_state;
            freed->bytes += (uint64_t)st.st_size;
        } else if (errno != ENOENT) {
            rc = errno;
        }
    }
    if (dir) closedir(dir);
    return rc;
}

/* 0 or an errno. A process that is reading this document may write one more state
 * while we remove; what is there at the end of a round is there for another. */
static int forget(int folder, const char *id, struct kv_disk_freed *freed)
{
    for (int round = 0; round < 5; round++) {
        int document = kv_folder_document(folder, id, KV_FOLDER_FIND);
        if (document < 0) {
            freed->there = freed->there || round > 0;
            return errno == ENOENT ? 0 : errno;
        }
        int rc = empty_document(document, freed);
        close(document);
        kv_folder_remove_empty(folder, id);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int kv_disk_forget(const char *folder, const char *document, struct kv_disk_freed *freed,
                   struct lw_error *err)
{
    struct lw_error why = { 0 };
    struct kv_disk_freed unasked, *sum = freed ? freed : &unasked;

    if (!kv_folder_is_document(document)) {
        return err_set(err, LW_ERR_USAGE, "%s is no id of a document (32 hex digits)",
                       document);
    }
    *sum = (struct kv_disk_freed){ .bytes = 0 };
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, &why);
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_set(err, why.code, "%s", why.message);
    }
    int rc = forget(fd, document, sum);
    close(fd);
    return rc == 0 ? 0
                   : err_set(err, LW_ERR_LOCAL, "cannot remove what is in %s/%s: %s",
                             folder, document, strerror(rc));
}

int kv_disk_prune(const char *folder, uint64_t bytes_max, uint64_t *freed,
                  struct lw_error *err)
{
    const struct kv_room room = { .bytes_max = bytes_max,
                                  .value = INFINITY,
                                  .used_before = INFINITY };
    struct lw_error why = { 0 };

    if (freed) {
        *freed = 0;
    }
    int fd = kv_folder_open(folder, KV_FOLDER_FIND, &why);
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_set(err, why.code, "%s", why.message);
    }
    struct kv_room_result result = kv_room_make(fd, &room);
    close(fd);
    if (freed) {
        *freed = result.freed;
    }
    return result.error == 0 ? 0
                             : err_set(err, LW_ERR_LOCAL, "cannot remove from %s: %s",
                                       folder, strerror(result.error));
}
