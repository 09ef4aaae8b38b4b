/* documents.h - documents and files that tests make for themselves. */
#ifndef LW_TESTS_DOCUMENTS_H
#define LW_TESTS_DOCUMENTS_H

#include "base/buf.h"
#include "flow/doc.h"
#include "text/load.h"

#include <stddef.h>

/* Load text as the kind of document and add it to the set; fails the test if
 * that fails. Returns its index. */
int documents_add(struct doc_set *set, enum doc_kind kind, const char *text, size_t len);
/* "text", "markdown", "html", "code". */
enum doc_kind documents_kind(const char *name);

/* A new empty folder for the running test; the string is malloc'ed. */
char *documents_folder(void);
/* Write a file below it, with the folders it needs. */
void documents_write(const char *folder, const char *name, const char *bytes, size_t len);
/* Remove the folder with all it holds and free the string. */
void documents_remove(char *folder);

/* Warnings of a load, one a line. */
struct documents_warnings {
    char text[8192];
    size_t n;
};
/* Options that collect warnings there (NULL: none). */
struct load_options documents_options(struct documents_warnings *warnings);

/* Numbers that are the same in every run. */
struct documents_random {
    unsigned long long state;
};
unsigned documents_random(struct documents_random *r, unsigned below);
/* Fill out (initialised, emptied first) with up to n_max of the parts. */
void documents_random_text(struct documents_random *r, const char *const *parts,
                           size_t n_parts, unsigned n_max, struct buf *out);

/* Run a program of the PATH, its output thrown away; -1 if it is not there. */
int documents_run(const char *const *argv);

#endif
