/* kv_disk.h - prefix states on disk: an excerpt that was read is not read again.
 *
 * What prefix.h keeps in memory is kept here beyond the process. One file a
 * state, never changed once it has its name, so that processes share the folder
 * without a lock:
 *
 *     FOLDER/DOCUMENT/KEY.kv     DOCUMENT: the id that the caller gave, 32 hex digits
 *     FOLDER/DOCUMENT/name       the document's name, one line, for people
 *     FOLDER/DOCUMENT/KEY.RANDOM.tmp  being written, or left by a process that died
 *
 * KEY is the hash of all that a state depends on: the model's content, the
 * version of the engine, the layout of the cache (types, flash attention), and
 * the token ids. Inside a file all of it stands again, with a checksum of every
 * byte: kv_file.h draws it. A file that does not say what its name promises, or
 * whose checksum differs, is removed with a notice and counts as not there. The
 * folder and those of documents may be no links, and nobody else's to write.
 *
 * Room. At most bytes_max for all files of the folder, whichever process or model
 * they are of. When more would be there the least valuable go first
 * (kv_disk_value): tokens saved, weighted by what the model takes for one, against
 * bytes, halved with every week that the file was not used; one whose time lies more
 * than a day ahead was not used for ever. What a run has loaded or written does not go
 * for what it writes later, so that reading in rounds what is too large for the folder
 * still finds what fits.
 *
 * Nothing here is needed: a disk that is full or may not be written costs a
 * notice, once, and the states of that run.
 *
 * Folders are 0700, files 0600: they hold what the documents hold.
 *
 * Threads: load and save on the engine thread; files are written by a thread of
 * the store's own. */
#ifndef LW_ENGINE_KV_DISK_H
#define LW_ENGINE_KV_DISK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KV_DISK_ID_CHARS = 32 };

struct kv_disk;

struct kv_disk_options {
    const char *folder;
    uint64_t bytes_max;
    /* All that a state depends on beside its tokens, as one text: model, engine, layout.
     */
    const char *origin;
    double token_cost; /* what the model takes for a token, in any unit: its parameters */
    void (*notice)(void *user, const char *sentence); /* any thread; NULL: none */
    void *user;
};

/* Never fails: where the folder cannot be made a notice says so, and nothing is kept. */
struct kv_disk *kv_disk_open(const struct kv_disk_options *opt);
/* Waits until what was saved is written. NULL allowed. */
void kv_disk_close(struct kv_disk *d);

/* The state of exactly these tokens, in memory of malloc() that is the caller's, or
 * NULL: not there. */
unsigned char *kv_disk_load(struct kv_disk *d, const char *document,
                            const int32_t *tokens, int n, size_t *bytes);

/* The engine cannot go on from the state, though nothing is wrong with the file: it is
 * removed with a notice, which says why, so that the next one is computed and kept. */
void kv_disk_refuse(struct kv_disk *d, const char *document, const int32_t *tokens, int n,
                    const char *why);

/* Is there a file for these tokens? One look at a name: its content is not checked. */
bool kv_disk_has(struct kv_disk *d, const char *document, const int32_t *tokens, int n);

/* The same, and the file counts as used now, where its time can be set: what a run needs,
 * even if it does not load it, is not to go for what it writes later. */
bool kv_disk_use(struct kv_disk *d, const char *document, const int32_t *tokens, int n);

/* Write a state behind the caller's back; tokens and state are copied. Waits
 * only where more than KV_DISK_QUEUE_BYTES would be waiting to be written. What is
 * there already is not written again, and a state longer than LIMIT_KV_STATE_BYTES
 * not at all: false for these, and where nothing is written any more. name: the
 * document's, for people; may be NULL. */
enum { KV_DISK_QUEUE_BYTES = 64 * 1024 * 1024 };
bool kv_disk_save(struct kv_disk *d, const char *document, const char *name,
                  const int32_t *tokens, int n, const unsigned char *state, size_t bytes);

/* Wait until everything saved so far is written. */
void kv_disk_flush(struct kv_disk *d);

/* Was all written that was saved since the last look, or was there already? LW_ERR_LOCAL:
 * why not, in words that go on from "some parts are kept: ". */
int kv_disk_check(struct kv_disk *d, struct lw_error *err);

/* --- The folder as a whole: needs no open store ----------------------------- */

/* What a file is worth against others: the greater, the longer it stays. */
double kv_disk_value(int n_tokens, double token_cost, uint64_t bytes,
                     double seconds_unused);

struct kv_disk_document {
    const char *id;
    const char *name; /* "" where it is not known */
    size_t n_states;  /* 0: only what a killed process left, or one is about to write */
    int64_t n_tokens;
    uint64_t bytes; /* of files being written, too */
    int64_t used;   /* seconds since 1970 */
};

/* Call fn for every document of the folder, the latest used first. A folder that is
 * not there holds none. */
int kv_disk_list(const char *folder,
                 void (*fn)(void *user, const struct kv_disk_document *document),
                 void *user, struct lw_error *err);

struct kv_disk_freed {
    bool there; /* anything was, a name or an empty folder too */
    size_t n_states;
    uint64_t bytes;
};

/* Remove all that is there of a document, also what is being written. *freed may be
 * NULL. 0 also if there were none. */
int kv_disk_forget(const char *folder, const char *document, struct kv_disk_freed *freed,
                   struct lw_error *err);

/* Remove the least valuable states until at most bytes_max are left, and what dead
 * processes left behind. */
int kv_disk_prune(const char *folder, uint64_t bytes_max, uint64_t *freed,
                  struct lw_error *err);

#endif
