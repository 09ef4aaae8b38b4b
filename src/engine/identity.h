/* identity.h - which model a GGUF file holds, whatever it is called.
 *
 * Two files with the same identity hold the same model for all that we do with it:
 * the whole header is the same (metadata, vocabulary, name, shape and type of every
 * tensor), and so is the beginning and the middle of each tensor's data, in all files
 * that it lies in. Another
 * fine-tune or another quantisation has another identity. It is no proof against
 * somebody who forges a file: such a file could as well say anything to the user.
 *
 * Costs milliseconds: some megabytes are read, which the loading of the model has just
 * read as well. */
#ifndef LW_ENGINE_IDENTITY_H
#define LW_ENGINE_IDENTITY_H

#include "base/err.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

enum { IDENTITY_BYTES = HASH_NAME_CHARS + 1 };

/* As hex digits. Errors as gguf_info_read(). */
int identity_of_file(const char *path, char out[IDENTITY_BYTES], struct lw_error *err);

/* Which file a path leads to, without a look into it; of several the first. A model is
 * loaded by its path, and identified by it later: the identity is that of the model in
 * memory only where the stamp of before the loading still holds after the identity was
 * taken. */
struct identity_stamp {
    bool there; /* no file is like one that was not there */
    uint64_t device, inode, bytes;
    int64_t changed_seconds;
    long changed_nanoseconds;
};

struct identity_stamp identity_stamp_of(const char *path);
bool identity_same_file(const struct identity_stamp *a, const struct identity_stamp *b);

/* identity_of_file(), and LW_ERR_LOCAL, for a notice, if the file is not that of the
 * stamp. */
int identity_of_loaded(const char *path, const struct identity_stamp *loaded,
                       char out[IDENTITY_BYTES], struct lw_error *err);

#endif
