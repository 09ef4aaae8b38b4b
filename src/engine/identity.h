/* identity.h - which model a GGUF file holds, whatever it is called.
 *
 * Two files with the same identity hold the same model for all that we do with it:
 * the whole header is the same (metadata, vocabulary, name, shape and type of every
 * tensor), and so is the beginning and the middle of each tensor's data. Another
 * fine-tune or another quantisation has another identity. It is no proof against
 * somebody who forges a file: such a file could as well say anything to the user.
 *
 * Costs milliseconds: some megabytes are read, which the loading of the model has just
 * read as well. */
#ifndef LW_ENGINE_IDENTITY_H
#define LW_ENGINE_IDENTITY_H

#include "base/err.h"
#include "base/hash.h"

enum { IDENTITY_BYTES = HASH_NAME_CHARS + 1 };

/* As hex digits. Errors as gguf_info_read(). */
int identity_of_file(const char *path, char out[IDENTITY_BYTES], struct lw_error *err);

#endif
