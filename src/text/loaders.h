/* loaders.h - inside load: the loaders, and what they share.
 *
 * A loader's load() takes the bytes (malloc'ed, with a NUL after them) in any
 * case, also when it fails, and returns a document with sorted spans. */
#ifndef LW_TEXT_LOADERS_H
#define LW_TEXT_LOADERS_H

#include "text/load.h"
#include "text/normal.h"

extern const struct loader load_as_text;
extern const struct loader load_as_markdown;
extern const struct loader load_as_html;
extern const struct loader load_as_pdf;
extern const struct loader load_as_code;

/* Say one sentence to whoever listens. */
void load_warn(const struct load_options *opt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What an encoding that was only guessed may have cost; nothing of the certain ones. */
void load_warn_guess(const char *path, enum normal_encoding encoding,
                     const struct load_options *opt);

/* normal_text() with its warnings; frees *bytes when it fails. */
int load_normal(const char *path, char **bytes, size_t *len,
                const struct load_options *opt, struct lw_error *err);

/* Does the file name end in one of the extensions, "c h py" (case folded)? */
bool load_has_extension(const char *path, const char *extensions);

/* Pages between form feeds, each with the form feed that ends it. Sets
 * n_pages; a text without form feeds has none. */
void load_mark_pages(struct doc *doc);
/* Headings as plain text writes them, see lines.h. */
void load_mark_headings(struct doc *doc);

/* Why load_file() refused: a folder counts the others and says the first. FULL: the set
 * has no room for it. SAME: the set holds its text, which is no failure. */
enum load_refusal {
    REFUSED_ERROR,
    REFUSED_BINARY,
    REFUSED_EMPTY,
    REFUSED_FULL,
    REFUSED_SAME
};

/* Add one file that the caller has opened; closes fd. *why is set on failure. */
int load_file(struct doc_set *set, int fd, const char *path,
              const struct load_options *opt, enum load_refusal *why,
              struct lw_error *err);

/* Walk a folder, see load.h. */
int load_folder(struct doc_set *set, const char *path, const struct load_options *opt,
                struct lw_error *err);

#endif
