/* load.c - from a path to a document: read, sniff, hand to a loader.
 *
 * Every loader is asked how sure it is of the bytes; the surest one loads.
 * Reading is bounded and polls the cancel token, so that a pipe that never
 * ends, or never begins, cannot hold a run. */
#include "text/loaders.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, POLL_MS = 50 };

/* --- Reading -------------------------------------------------------------- */

/* One read into b: > 0 more may come, 0 the end, < 0 failed with *err set. Only what
 * poll() calls ready is read: a signal that ends the wait is there to be looked at, and
 * the end of a FIFO that nobody has opened for writing yet is none. */
static int read_some(int fd, const char *path, struct buf *b,
                     const struct load_options *opt, struct lw_error *err)
{
    char bytes[READ_BYTES];
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    if (cancel_level(opt->cancel) != CANCEL_NONE) {
        err_set(err, LW_ERR_INPUT, "%s was not read: the run was stopped", path);
        return -1;
    }
    if (poll(&ready, 1, POLL_MS) <= 0) return 1;
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
    if (n < 0) {
        err_set(err, LW_ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
        return -1;
    }
    if (buf_add(b, bytes, (size_t)n) != 0) {
        err_set(err, LW_ERR_INPUT, "%s is larger than %d MB; split it", path,
                LIMIT_FILE_BYTES >> 20);
        return -1;
    }
    return n > 0;
}

/* The whole file as malloc'ed bytes with a NUL after them. */
static int read_all(int fd, const char *path, const struct load_options *opt,
                    char **bytes, size_t *len, struct lw_error *err)
{
    struct buf b;
    int more;
    buf_init(&b, LIMIT_FILE_BYTES);
    do {
        more = read_some(fd, path, &b, opt, err);
    } while (more > 0);
    if (more == 0) *bytes = buf_take(&b, len);
    buf_release(&b);
    return more == 0 ? 0 : LW_ERR_INPUT;
}

/* --- Choosing a loader ---------------------------------------------------- */

struct magic {
    const char *bytes, *what;
};

/* Text by its bytes, but not to read: what it says stands among control words. */
static const struct magic text_magics[] = {
    { "{\\rtf", "an RTF file" },
    { "%!PS", "a PostScript file" },
};

static const struct magic binary_magics[] = {
    { "PK\x03\x04", "a zip archive" },
    { "\x1f\x8b", "a gzip archive" },
    { "\x89PNG", "a picture" },
    { "\xff\xd8\xff", "a picture" },
    { "GIF8", "a picture" },
    { "\xd0\xcf\x11\xe0", "an old Office file" },
    { "GGUF", "a model" },
    { "\x7f"
      "ELF",
      "a program" },
};

/* What begins like these bytes, NULL if nothing does. */
static const char *find_magic(const struct magic *magics, size_t n_magics,
                              const char *bytes, size_t len)
{
    for (size_t i = 0; i < n_magics; i++) {
        size_t n = strlen(magics[i].bytes);
        if (len >= n && memcmp(bytes, magics[i].bytes, n) == 0) return magics[i].what;
    }
    return NULL;
}

static const char *find_text_magic(const char *bytes, size_t len)
{
    return find_magic(text_magics, sizeof text_magics / sizeof *text_magics, bytes, len);
}

static const struct loader *choose_loader(const char *path, const char *bytes, size_t len)
{
    static const struct loader *const loaders[] = {
        &load_as_pdf, &load_as_html, &load_as_markdown, &load_as_code, &load_as_text,
    };
    const struct loader *best = NULL;
    int best_score = 0;
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
        int score = loaders[i]->sniff(path, (const unsigned char *)bytes, len);
        if (score <= best_score) continue;
        best = loaders[i];
        best_score = score;
    }
    /* A PDF may begin as PostScript. */
    return best != &load_as_pdf && find_text_magic(bytes, len) ? NULL : best;
}

/* What a file that no loader takes seems to be. */
static const char *describe_binary(const char *path, const char *bytes, size_t len)
{
    const char *what = find_text_magic(bytes, len);
    if (!what && load_has_extension(path, "docx docm odt epub xlsx pptx")) {
        what = "an Office document or e-book";
    }
    if (!what) {
        what = find_magic(binary_magics, sizeof binary_magics / sizeof *binary_magics,
                          bytes, len);
    }
    return what ? what : "a binary file";
}

/* --- Adding --------------------------------------------------------------- */

static int check_room(const struct doc_set *set, const char *path, size_t len,
                      enum load_refusal *why, struct lw_error *err)
{
    *why = REFUSED_FULL;
    if (set->n_docs >= LIMIT_DOCS) {
        return err_set(err, LW_ERR_INPUT, "%s was not read: %d documents is the most",
                       path, LIMIT_DOCS);
    }
    if (set->text_bytes + len > LIMIT_TEXT_TOTAL_BYTES) {
        return err_set(err, LW_ERR_INPUT, "%s was not read: %d MB of text is the most",
                       path, LIMIT_TEXT_TOTAL_BYTES >> 20);
    }
    *why = REFUSED_ERROR;
    return 0;
}

static void say_begin(const struct load_options *opt, const char *path)
{
    struct lw_error sentence;
    if (!opt->begin) return;
    err_set(&sentence, LW_OK, "loading %s", path); /* cleans what came from outside */
    opt->begin(opt->user, sentence.message);
}

/* By their hashes: thousands of filled-in forms may be of one length and begin alike. */
static bool is_same_text(struct doc *a, struct doc *b)
{
    if (a->len != b->len) return false;
    doc_hash(a);
    doc_hash(b);
    return strcmp(a->content, b->content) == 0;
}

static int check_new(const struct doc_set *set, struct doc *doc, enum load_refusal *why,
                     struct lw_error *err)
{
    for (size_t i = 0; i < set->n_docs; i++) {
        struct doc *other = set->docs[i];
        if (!is_same_text(other, doc)) continue;
        *why = REFUSED_SAME;
        return err_set(err, LW_ERR_INPUT, "%s holds the same text as %s, which is read",
                       doc->name, other->name);
    }
    return 0;
}

/* Takes bytes. */
static int load_bytes(struct doc_set *set, const char *path, char *bytes, size_t len,
                      const struct load_options *opt, enum load_refusal *why,
                      struct lw_error *err)
{
    struct doc *doc = NULL;
    const struct loader *loader = choose_loader(path, bytes, len);
    if (len == 0) {
        mem_free(bytes);
        *why = REFUSED_EMPTY;
        return err_set(err, LW_ERR_INPUT, "%s is empty", path);
    }
    if (!loader) {
        *why = REFUSED_BINARY;
        err_set(err, LW_ERR_INPUT,
                "%s is %s; legwork reads text, Markdown, HTML, PDF and "
                "source code",
                path, describe_binary(path, bytes, len));
        mem_free(bytes);
        return LW_ERR_INPUT;
    }
    int code = loader->load(path, bytes, len, opt, &doc, err);
    if (code) return code;
    if (utf8_is_blank(doc->text, doc->len)) {
        *why = REFUSED_EMPTY;
        code = err_set(err, LW_ERR_INPUT, "%s holds no text", path);
    } else {
        code = check_new(set, doc, why, err);
        if (!code) code = check_room(set, path, doc->len, why, err);
    }
    if (code) {
        doc_free(doc);
        return code;
    }
    doc_set_take(set, doc);
    return 0;
}

int load_file(struct doc_set *set, int fd, const char *path,
              const struct load_options *opt, enum load_refusal *why,
              struct lw_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    int code = check_room(set, path, 0, why, err);
    if (!code) say_begin(opt, path);
    if (!code) code = read_all(fd, path, opt, &bytes, &len, err);
    close(fd);
    return code ? code : load_bytes(set, path, bytes, len, opt, why, err);
}

/* A file that the user names: that its text is there already is only told. */
static int load_named(struct doc_set *set, int fd, const char *path,
                      const struct load_options *opt, struct lw_error *err)
{
    struct lw_error told = { .code = 0 };
    enum load_refusal why = REFUSED_ERROR;
    int code = load_file(set, fd, path, opt, &why, &told);
    if (code && why != REFUSED_SAME) return err_set(err, code, "%s", told.message);
    if (code) load_warn(opt, "%s", told.message);
    return 0;
}

static int load_standard_input(struct doc_set *set, const struct load_options *opt,
                               struct lw_error *err)
{
    int fd = opt->stdin_fd < 0 ? -1 : dup(opt->stdin_fd);
    if (fd < 0) return err_set(err, LW_ERR_INPUT, "standard input cannot be read here");
    return load_named(set, fd, "standard input", opt, err);
}

int load_path(struct doc_set *set, const char *path, const struct load_options *opt,
              struct lw_error *err)
{
    struct stat st;
    if (strcmp(path, "-") == 0) return load_standard_input(set, opt, err);
    if (stat(path, &st) != 0) {
        return err_set(err, LW_ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) return load_folder(set, path, opt, err);
    /* O_NONBLOCK: a FIFO opens before its writer is there, and is waited for by poll().
     */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, LW_ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
    }
    return load_named(set, fd, path, opt, err);
}

int load_text(struct doc_set *set, const char *name, const char *text, size_t len,
              struct lw_error *err)
{
    static const struct load_options quiet = { .stdin_fd = -1 };
    struct doc *doc = NULL;
    size_t valid = utf8_valid(text, len);
    if (len > LIMIT_TEXT_BYTES) {
        return err_set(err, LW_ERR_INPUT, "%s is longer than %d MB; split it", name,
                       LIMIT_TEXT_BYTES >> 20);
    }
    if (valid < len) {
        return err_set(err, LW_ERR_INPUT, "%s is not UTF-8 text: byte %zu is malformed",
                       name, valid);
    }
    enum load_refusal why;
    int code = check_room(set, name, len, &why, err);
    if (code) return code;
    code = load_as_text.load(name, mem_strndup(text, len), len, &quiet, &doc, err);
    if (!code) doc_set_take(set, doc);
    return code;
}
