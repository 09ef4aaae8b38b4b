/* file.h - whole files of our own: read with a maximum, replaced at one stroke. */
#ifndef LW_BASE_FILE_H
#define LW_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* What stands behind the last slash, in the path itself. */
const char *file_name(const char *path);

/* Append the file to out, whose maximum bounds it. LW_ERR_INPUT: cannot be read, or is
 * larger. */
int file_read(const char *path, struct buf *out, struct lw_error *err);

/* Make the folders in front of the file's name that are not there, for the user alone
 * (0700). LW_ERR. */
int file_make_folders(const char *path, struct lw_error *err);

/* Characters for a name of which no two files have the same: hex digits and a NUL. Not
 * the number of a process, which comes again, in containers soon. */
enum { FILE_RANDOM_CHARS = 16, FILE_RANDOM_BYTES = FILE_RANDOM_CHARS + 1 };
void file_random(char out[FILE_RANDOM_BYTES]);

/* Open a new file beside the one of this path, PATH.RANDOM.tmp, to be renamed to it when
 * it is whole; temp gets its name. Never one that is there, and no link. Returns a
 * descriptor, or -1 with errno; mode is less the umask. */
int file_open_beside(const char *path, unsigned mode, char *temp, size_t temp_bytes);

/* Replace the file by these bytes, readable for the user alone (0600). Whoever looks sees
 * the old file or the new one, also when the machine stops half-way. LW_ERR. */
int file_replace(const char *path, const char *data, size_t len, struct lw_error *err);

#endif
