/* kv_disk.c - the open store: look up on the caller's thread, write on another.
 *
 * A state is written to a name of its own and then renamed, so a name KEY.kv
 * always had all of its bytes when it came to be. Two writers of one key write the
 * same, and the later rename wins. A reader that has a file open reads it to its end
 * even if it is removed meanwhile.
 *
 * Nothing is synced. After a power cut a file may have its name but not its bytes;
 * length and checksum tell, it is removed when it is next loaded, and what it costs
 * is to compute that state again. Syncing would cost every state a wait for the disk
 * to save a few states from something rare.
 *
 * Room. The sum of all bytes is taken by a scan before the first state is written and
 * carried on from there by what this process writes. Others write too, so the scan is
 * repeated when a sixteenth of the room was written since, and whenever the sum says
 * that room is short; then a sixteenth more is freed than is needed, so that a full
 * folder is not scanned for each state. Where nothing may go, the next scan waits a
 * hundred times as long as the last took. Processes may therefore pass bytes_max
 * together by a sixteenth each.
 *
 * What this store has loaded or written is not removed for what it writes later, for
 * some hours: reading a document that is larger than the folder in rounds would
 * otherwise push out each state just before its turn. */
#include "engine/kv_disk.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"
#include "engine/kv_file.h"
#include "engine/kv_folder.h"
#include "engine/kv_room.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SPARE_PART = 16,
    SCAN_SHARE = 100, /* scans that find no room take this part of the time at most */
    SPARED_SECONDS = 6 * 3600,
    COARSE_SECONDS = 2 /* how far the time of a file may be behind the clock */
};

/* A state on its way to the disk; one without tokens ends the writer. */
struct job {
    char document[KV_DISK_ID_CHARS + 1];
    char *name;
    int32_t *tokens;
    unsigned char *state;
    struct kv_file file; /* of the two above */
};

struct kv_disk {
    int folder; /* -1: nothing is kept */
    char *path, *origin;
    uint64_t bytes_max;
    double token_cost;
    double opened; /* seconds since 1970 */
    void (*notice)(void *user, const char *sentence);
    void *user;

    struct queue *jobs;
    pthread_t writer;
    bool has_writer;

    /* The writer's own. */
    uint64_t total;      /* bytes of all files, as far as it is known here */
    uint64_t since_scan; /* bytes written since it was taken */
    bool scanned;
    double no_room_until; /* clock_seconds(); another scan before would find none again */

    /* With the lock held. */
    pthread_mutex_t lock;
    pthread_cond_t written;
    size_t n_waiting;
    uint64_t bytes_waiting;
    bool stopped; /* writing failed: nothing more is written */
    /* Why what was saved since the last kv_disk_check() was not written, the first time;
     * code 0: it was. Stays where nothing more is written. */
    struct lw_error unwritten;
};

/* --- Notices ---------------------------------------------------------------- */

static void say(const struct kv_disk *d, const struct lw_error *sentence)
{
    if (d->notice) {
        d->notice(d->user, sentence->message);
    }
}

static bool is_stopped(struct kv_disk *d)
{
    pthread_mutex_lock(&d->lock);
    bool stopped = d->stopped;
    pthread_mutex_unlock(&d->lock);
    return stopped;
}

/* A state was not written. reason: the end of a sentence, with the folder behind it. */
static void note_unwritten(struct kv_disk *d, const char *reason)
{
    pthread_mutex_lock(&d->lock);
    if (d->unwritten.code == 0) {
        err_set(&d->unwritten, LW_ERR_LOCAL, "%s: %s", reason, d->path);
    }
    pthread_mutex_unlock(&d->lock);
}

int kv_disk_check(struct kv_disk *d, struct lw_error *err)
{
    pthread_mutex_lock(&d->lock);
    const struct lw_error why = d->unwritten;
    if (d->has_writer && !d->stopped) {
        d->unwritten.code = 0;
    }
    pthread_mutex_unlock(&d->lock);
    return why.code ? err_set(err, why.code, "%s", why.message) : 0;
}

/* Write no more; the reason is told once. */
static void stop_writing(struct kv_disk *d, int code)
{
    struct lw_error sentence;

    pthread_mutex_lock(&d->lock);
    bool known = d->stopped;
    d->stopped = true;
    if (!known) {
        err_set(&d->unwritten, LW_ERR_LOCAL, "nothing can be written there (%s): %s",
                strerror(code), d->path);
    }
    pthread_mutex_unlock(&d->lock);
    if (!known) {
        err_set(&sentence, LW_ERR_LOCAL,
                "what is read from now on is not kept on disk (%s): %s", strerror(code),
                d->path);
        say(d, &sentence);
    }
}

/* --- Room ------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool must_scan(const struct kv_disk *d, uint64_t bytes)
{
    return !d->scanned || d->total > d->bytes_max - bytes ||
           d->since_scan > d->bytes_max / SPARE_PART;
}

/* Look, and remove what has to go for this file. Is there room for it now? */
static bool make_room(struct kv_disk *d, const struct kv_file *file, uint64_t bytes)
{
    double spared = seconds_now() - SPARED_SECONDS, start = clock_seconds();
    const struct kv_room room = {
        .bytes_max = d->bytes_max,
        .wanted = bytes,
        .spare = d->bytes_max / SPARE_PART,
        .value = kv_disk_value(file->n_tokens, file->token_cost, bytes, 0),
        .used_before = spared > d->opened ? spared : d->opened,
    };

    struct kv_room_result result = kv_room_make(d->folder, &room);
    d->total = result.left;
    d->since_scan = 0;
    d->scanned = true;
    if (!result.enough) {
        double end = clock_seconds();
        d->no_room_until = end + SCAN_SHARE * (end - start);
    }
    return result.enough;
}

static bool has_room(struct kv_disk *d, const struct kv_file *file)
{
    uint64_t bytes = kv_file_bytes(file);

    if (bytes > d->bytes_max) {
        return false;
    }
    if (!must_scan(d, bytes)) {
        return true;
    }
    return clock_seconds() >= d->no_room_until && make_room(d, file, bytes);
}

/* --- The writer ------------------------------------------------------------- */

/* Write a file whole or not at all, beneath an open folder. 0 or an errno. */
static int write_file(int document, const char *key, const struct kv_file *file)
{
    char part[KV_NAME_BYTES], name[KV_NAME_BYTES];

    kv_folder_part_name(key, part);
    kv_folder_state_name(key, name);
    int fd = openat(document, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0) {
        return errno;
    }
    int rc = fchmod(fd, 0600) == 0 ? 0 : errno;
    rc = rc ? rc : kv_file_write(fd, file);
    /* Some file systems tell only now that there was no room. */
    if (close(fd) != 0 && rc == 0) {
        rc = errno;
    }
    if (rc == 0 && renameat(document, part, document, name) != 0) {
        rc = errno;
    }
    if (rc != 0) {
        unlinkat(document, part, 0);
    }
    return rc;
}

/* 0 or an errno. */
static int write_state(struct kv_disk *d, const struct job *job)
{
    char key[KV_FILE_KEY_CHARS + 1];
    int document = kv_folder_document(d->folder, job->document, KV_FOLDER_MAKE);
    int rc = document < 0 ? errno : 0;

    kv_file_key(&job->file, key);
    /* First, so that what a killed process leaves can be forgotten by its name. */
    if (rc == 0 && job->name) {
        kv_folder_put_name(document, job->name);
    }
    rc = rc ? rc : write_file(document, key, &job->file);
    if (rc == 0) {
        d->total += kv_file_bytes(&job->file);
        d->since_scan += kv_file_bytes(&job->file);
    }
    if (document >= 0) close(document);
    if (rc != 0 && rc != ENOENT) {
        kv_folder_remove_empty(d->folder, job->document);
    }
    return rc;
}

static void write_job(struct kv_disk *d, const struct job *job)
{
    if (is_stopped(d) || kv_disk_has(d, job->document, job->tokens, job->file.n_tokens)) {
        return;
    }
    if (!has_room(d, &job->file)) {
        note_unwritten(
            d, "there is no room for more (legwork cache --prune SIZE makes some)");
        return;
    }
    int rc = write_state(d, job);
    if (rc == ENOENT) {
        note_unwritten(d, "the folder of a document was removed meanwhile");
    }
    /* ENOENT: the folder was removed just now, as its last state went or it was
     * forgotten. */
    if (rc != 0 && rc != ENOENT) {
        stop_writing(d, rc);
    }
}

static void free_job(struct job *job)
{
    mem_free(job->name);
    mem_free(job->tokens);
    free(job->state);
    mem_free(job);
}

static void *run_writer(void *arg)
{
    struct kv_disk *d = arg;

    for (;;) {
        struct job *job = queue_take(d->jobs, -1);
        bool is_last = job->tokens == NULL;
        if (!is_last) {
            write_job(d, job);
        }
        pthread_mutex_lock(&d->lock);
        d->n_waiting--;
        d->bytes_waiting -= job->file.state_bytes;
        pthread_cond_broadcast(&d->written);
        pthread_mutex_unlock(&d->lock);
        free_job(job);
        if (is_last) {
            return NULL;
        }
    }
}

/* --- Life ------------------------------------------------------------------- */

static void fail_open(struct kv_disk *d, struct lw_error *why)
{
    d->unwritten = *why;
    err_prefix(why, "what is read is not kept on disk");
    say(d, why);
    if (d->folder >= 0) {
        close(d->folder);
        d->folder = -1;
    }
}

struct kv_disk *kv_disk_open(const struct kv_disk_options *opt)
{
    struct kv_disk *d = mem_alloc(sizeof *d);
    struct lw_error why;

    *d = (struct kv_disk){
        .path = mem_strdup(opt->folder),
        .origin = mem_strdup(opt->origin),
        .bytes_max = opt->bytes_max,
        .token_cost = opt->token_cost,
        .opened = seconds_now() - COARSE_SECONDS,
        .notice = opt->notice,
        .user = opt->user,
        .jobs = queue_new(),
    };
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->written, NULL);
    d->folder = kv_folder_open(opt->folder, KV_FOLDER_MAKE, &why);
    if (d->folder < 0) {
        fail_open(d, &why);
        return d;
    }
    int rc = thread_start(&d->writer, run_writer, d);
    if (rc != 0) {
        err_set(&why, LW_ERR_LOCAL, "no thread to write it: %s", strerror(rc));
        fail_open(d, &why);
    }
    d->has_writer = rc == 0;
    return d;
}

static void put_job(struct kv_disk *d, struct job *job)
{
    pthread_mutex_lock(&d->lock);
    while (d->n_waiting > 0 &&
           d->bytes_waiting + job->file.state_bytes > KV_DISK_QUEUE_BYTES) {
        pthread_cond_wait(&d->written, &d->lock);
    }
    d->n_waiting++;
    d->bytes_waiting += job->file.state_bytes;
    pthread_mutex_unlock(&d->lock);
    queue_put(d->jobs, job);
}

void kv_disk_flush(struct kv_disk *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->n_waiting > 0) {
        pthread_cond_wait(&d->written, &d->lock);
    }
    pthread_mutex_unlock(&d->lock);
}

void kv_disk_close(struct kv_disk *d)
{
    if (!d) {
        return;
    }
    if (d->has_writer) {
        put_job(d, mem_alloc(sizeof(struct job)));
        pthread_join(d->writer, NULL);
    }
    if (d->folder >= 0) close(d->folder);
    queue_free(d->jobs);
    pthread_cond_destroy(&d->written);
    pthread_mutex_destroy(&d->lock);
    mem_free(d->path);
    mem_free(d->origin);
    mem_free(d);
}

/* --- Load and save ---------------------------------------------------------- */

static struct kv_file file_of(const struct kv_disk *d, const int32_t *tokens, int n)
{
    return (struct kv_file){
        .origin = d->origin,
        .token_cost = d->token_cost,
        .tokens = tokens,
        .n_tokens = n,
    };
}

static void drop_wrong(struct kv_disk *d, const char *document, int folder,
                       const char *name, const char *why)
{
    struct lw_error sentence;

    unlinkat(folder, name, 0);
    err_set(&sentence, LW_ERR_LOCAL,
            "a kept state is not used but removed (%s): %s/%s/%s", why, d->path, document,
            name);
    say(d, &sentence);
}

/* The file by its name, in the open folder of its document. */
static unsigned char *load_file(struct kv_disk *d, const char *document, int folder,
                                const struct kv_file *wanted, size_t *bytes)
{
    char key[KV_FILE_KEY_CHARS + 1], name[KV_NAME_BYTES];
    unsigned char *state = NULL;
    const char *why;

    kv_file_key(wanted, key);
    kv_folder_state_name(key, name);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ELOOP) {
            drop_wrong(d, document, folder, name, "it is a link");
        }
        return NULL;
    }
    enum kv_file_result result = kv_file_read(fd, wanted, &state, bytes, &why);
    if (result == KV_FILE_GOOD) {
        /* Used now. Where the folder is only to be read it stays as it is. */
        futimens(fd, NULL);
    } else if (result == KV_FILE_WRONG) {
        drop_wrong(d, document, folder, name, why);
    }
    close(fd);
    return state;
}

unsigned char *kv_disk_load(struct kv_disk *d, const char *document,
                            const int32_t *tokens, int n, size_t *bytes)
{
    const struct kv_file wanted = file_of(d, tokens, n);
    int folder =
        d->folder < 0 ? -1 : kv_folder_document(d->folder, document, KV_FOLDER_FIND);

    if (folder < 0) {
        return NULL;
    }
    unsigned char *state = load_file(d, document, folder, &wanted, bytes);
    close(folder);
    return state;
}

/* The open folder of the document, and the name of the state in it; or -1. */
static int find(const struct kv_disk *d, const char *document, const int32_t *tokens,
                int n, char name[KV_NAME_BYTES])
{
    const struct kv_file wanted = file_of(d, tokens, n);
    char key[KV_FILE_KEY_CHARS + 1];

    kv_file_key(&wanted, key);
    kv_folder_state_name(key, name);
    return d->folder < 0 ? -1 : kv_folder_document(d->folder, document, KV_FOLDER_FIND);
}

void kv_disk_refuse(struct kv_disk *d, const char *document, const int32_t *tokens, int n,
                    const char *why)
{
    char name[KV_NAME_BYTES];
    int folder = find(d, document, tokens, n, name);

    if (folder >= 0) {
        drop_wrong(d, document, folder, name, why);
        close(folder);
    }
}

bool kv_disk_has(struct kv_disk *d, const char *document, const int32_t *tokens, int n)
{
    char name[KV_NAME_BYTES];
    struct stat st;
    int folder = find(d, document, tokens, n, name);

    if (folder < 0) {
        return false;
    }
    bool there = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(folder);
    return there;
}

bool kv_disk_use(struct kv_disk *d, const char *document, const int32_t *tokens, int n)
{
    char name[KV_NAME_BYTES];
    struct stat st;
    int folder = find(d, document, tokens, n, name);

    if (folder < 0) {
        return false;
    }
    /* Where it is only to be read its time stays. */
    bool there = utimensat(folder, name, NULL, AT_SYMLINK_NOFOLLOW) == 0 ||
                 fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(folder);
    return there;
}

/* A copy that lives until it is written; NULL if there is no memory for it. */
static struct job *new_job(const struct kv_file *file, const char *document,
                           const char *name)
{
    unsigned char *state = malloc(file->state_bytes);

    if (!state) {
        return NULL;
    }
    struct job *job = mem_alloc(sizeof *job);
    memcpy(state, file->state, file->state_bytes);
    memcpy(job->document, document, sizeof job->document);
    job->name = name ? mem_strdup(name) : NULL;
    job->tokens = mem_array((size_t)file->n_tokens, sizeof *file->tokens);
    memcpy(job->tokens, file->tokens, (size_t)file->n_tokens * sizeof *file->tokens);
    job->state = state;
    job->file = *file;
    job->file.tokens = job->tokens;
    job->file.state = state;
    return job;
}

bool kv_disk_save(struct kv_disk *d, const char *document, const char *name,
                  const int32_t *tokens, int n, const unsigned char *state, size_t bytes)
{
    struct kv_file file = file_of(d, tokens, n);

    assert(n > 0);
    if (!d->has_writer || bytes == 0 || !kv_folder_is_document(document) ||
        is_stopped(d) || kv_disk_has(d, document, tokens, n)) {
        return false;
    }
    if (bytes > LIMIT_KV_STATE_BYTES) {
        note_unwritten(d, "the state of a part is too large to be kept");
        return false;
    }
    file.state = state;
    file.state_bytes = bytes;
    struct job *job = new_job(&file, document, name);
    if (!job) {
        note_unwritten(d, "there is no memory to write the state of a part");
        return false;
    }
    put_job(d, job);
    return true;
}
