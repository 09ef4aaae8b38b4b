/* kv_folder.h - the folder of the store on disk (kv_disk.h), and names in it.
 *
 * Everything goes by the open folder and names beneath it that legwork makes itself
 * (32 hex digits; a key with its ending), and follows no link: whoever puts one into
 * the folder gains nothing. What has another name is not ours, not counted, and never
 * removed.
 *
 * Processes share the folder without a lock, so anything may be gone a moment after
 * it was seen; that is no error anywhere. Threads: any, nothing is shared. */
#ifndef LW_ENGINE_KV_FOLDER_H
#define LW_ENGINE_KV_FOLDER_H

#include "base/err.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

enum { KV_NAME_BYTES = 64 }; /* room for any name of a file */

enum kv_folder_how { KV_FOLDER_FIND, KV_FOLDER_MAKE };

/* The folder, which has to be ours alone to write; with MAKE it is made, 0700, and
 * those above it. Returns a descriptor, or -1 with errno and err. */
int kv_folder_open(const char *path, enum kv_folder_how how, struct lw_error *err);

bool kv_folder_is_document(const char *id);
/* The folder of a document in it. Returns a descriptor, or -1 with errno. */
int kv_folder_document(int folder, const char *id, enum kv_folder_how how);

/* An open folder once more, to read through; NULL with errno. */
DIR *kv_folder_read(int fd);

/* The name of a state, and one for it while it is written, which no other writer has. */
void kv_folder_state_name(const char *key, char name[KV_NAME_BYTES]);
void kv_folder_part_name(const char *key, char name[KV_NAME_BYTES]);
/* Is it one of these, and which? */
bool kv_folder_is_ours(const char *name, bool *is_state);

/* The document's name, made printable, to and from a file in its folder. put keeps
 * what is there; get gives "" where there is none. */
void kv_folder_put_name(int document, const char *name);
void kv_folder_get_name(int document, char *name, size_t name_bytes);
/* Is there anything of ours in the open folder of a document: a state, a file being
 * written, its name? A folder with nothing at all in it is ours too: its own name says
 * which text was read. */
bool kv_folder_has_ours(int document);
/* Remove a document's folder, unless a state is in it or being written. */
void kv_folder_remove_empty(int folder, const char *id);

#endif
