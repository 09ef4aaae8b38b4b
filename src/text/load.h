/* load.h - from files to documents: text, Markdown, HTML, PDF, source code,
 * folders, standard input.
 *
 * Sniffing goes by what a file begins with, then by its name. What cannot be
 * read is passed over with one warning a file; other files go on.
 *
 * PDF runs `pdftotext` as a child with limits on CPU time, wall time, memory
 * and output, an empty environment and no open files but its own; encrypted
 * files with an empty user password open. Pages without a text layer are
 * counted in the document and warned about.
 *
 * Folders: recursive, sorted by name, hidden entries and what .gitignore names
 * (also nested ones and .git/info/exclude, those of linked work trees and submodules
 * too) left out, symbolic links not followed. Binary and empty files are passed over
 * and counted in one warning, files that the set has no room for in another, and so are
 * ignored files and links with a document's name; where nothing else is there, the error
 * counts all of them.
 *
 * A text is read once: a file that holds the same text as a document before it, most
 * often the same file by another name, is passed over with a warning. Lists and sums
 * would have all of it twice.
 *
 * Text is normalised once, here: a BOM is dropped, UTF-16 with BOM and
 * Latin-1 (when not valid UTF-8) are converted with a warning for the latter,
 * CR LF and CR become LF, NUL and other control characters but \t \n \f become
 * spaces. HTML is also read in the encoding that it declares (html_encoding.h), with a
 * warning for bytes that do not fit it. */
#ifndef LW_TEXT_LOAD_H
#define LW_TEXT_LOAD_H

#include "base/cancel.h"
#include "base/err.h"
#include "flow/doc.h"

typedef void (*load_say_fn)(void *user, const char *sentence);

struct load_options {
    load_say_fn warn;  /* NULL: nobody listens */
    load_say_fn begin; /* "loading a.pdf", which may take minutes; NULL as well */
    void *user;
    const struct cancel *cancel; /* NULL: none */
    int stdin_fd;                /* read for the path "-"; -1: not allowed */
};

/* A loader turns the bytes of one file into a document. `path` is for
 * extractors that read files themselves and for messages. */
struct loader {
    const char *name;
    enum doc_kind kind;
    /* 0..100: how sure it is that these bytes are its format */
    int (*sniff)(const char *path, const unsigned char *head, size_t len);
    int (*load)(const char *path, char *bytes, size_t len, const struct load_options *opt,
                struct doc **out, struct lw_error *err);
};

/* Add a file, FIFO, folder or "-" to the set; waiting for who writes to one of them
 * ends when the run is cancelled or its time is over. 0 if at least one document came, or
 * was there before;
 * else LW_ERR_INPUT with what was wrong. Empty files are documents of no text
 * and count as unreadable. */
int load_path(struct doc_set *set, const char *path, const struct load_options *opt,
              struct lw_error *err);

/* Text that a caller holds. LW_ERR_INPUT if it is not UTF-8. */
int load_text(struct doc_set *set, const char *name, const char *text, size_t len,
              struct lw_error *err);

#endif
