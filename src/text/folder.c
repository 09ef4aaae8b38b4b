/* folder.c - the files of a folder, as a user who points at it means them.
 *
 * Sorted by name so that two runs see the same documents in the same order.
 * Left out without a word: hidden entries and devices. Left out with a count: binary and
 * empty files, those that there is no room for, and what .gitignore names or a symbolic
 * link stands for, if its name is that of a document or nothing else is there. If the
 * folder lies inside a git work tree, the .gitignore files above it count too, as they do
 * for git. */
#include "text/loaders.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "text/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IGNORE_FILE_BYTES = 1024 * 1024, PATH_BYTES = 64 * 1024 };

/* Entries that are not looked into, and which of them are documents by their names. */
struct left_out {
    size_t n, n_documents;
};

struct walk {
    struct doc_set *set;
    const struct load_options *opt;
    struct ignore ignore;
    struct buf path; /* where we are, as the user would write it */
    struct buf rel;  /* the same from the root of the work tree, for ignore */
    size_t n_binary, n_empty;
    size_t n_unfit;       /* there was no room for them in the set */
    size_t n_same;        /* their text is in the set */
    struct lw_error same; /* of the first of these */
    struct left_out ignored, links;
    int depth;
    bool stopped;          /* cancelled */
    struct lw_error first; /* of the first file that could not be read */
};

/* --- Ignore files --------------------------------------------------------- */

static char *join(const char *folder, const char *file)
{
    size_t bytes = strlen(folder) + strlen(file) + 2;
    char *path = mem_alloc(bytes);
    snprintf(path, bytes, "%s/%s", folder, file);
    return path;
}

/* The text of a small regular file, with a NUL after it; NULL for anything else. flags
 * may hold O_NOFOLLOW. */
static char *read_small(const char *path, int flags, size_t *len)
{
    struct stat st;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    if (fd < 0) return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < IGNORE_FILE_BYTES) {
        text = mem_alloc((size_t)st.st_size + 1);
        ssize_t n = read(fd, text, (size_t)st.st_size);
        *len = n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return text;
}

/* Patterns of folder/file for what is below rel. */
static void push_patterns(struct ignore *ig, const char *folder, const char *file,
                          int flags, const char *rel)
{
    size_t len;
    char *path = join(folder, file);
    char *text = read_small(path, flags, &len);
    if (text) ignore_push(ig, rel, text, len);
    mem_free(text);
    mem_free(path);
}

/* As in git, one that is a symbolic link counts for nothing: it may point anywhere. */
static void push_gitignore(struct ignore *ig, const char *folder, const char *rel)
{
    push_patterns(ig, folder, ".gitignore", O_NOFOLLOW, rel);
}

/* The path that the first line of folder/file has behind the prefix, seen from the
 * folder; NULL if there is none. */
static char *path_in_file(const char *folder, const char *file, const char *prefix)
{
    size_t len;
    char *path = join(folder, file), *text = read_small(path, 0, &len), *found = NULL;
    mem_free(path);
    if (!text || strncmp(text, prefix, strlen(prefix)) != 0) goto done;
    char *target = text + strlen(prefix);
    target[strcspn(target, "\r\n")] = '\0';
    if (*target) found = *target == '/' ? mem_strdup(target) : join(folder, target);
done:
    mem_free(text);
    return found;
}

/* In a linked work tree or a submodule .git is a file that names the real folder, and
 * that of a linked work tree names the one that it shares with the others. */
static void push_exclude(struct ignore *ig, const char *work_tree, const char *rel)
{
    char *git = path_in_file(work_tree, ".git", "gitdir: ");
    if (!git) git = join(work_tree, ".git");
    char *shared = path_in_file(git, "commondir", "");
    push_patterns(ig, shared ? shared : git, "info/exclude", 0, rel);
    mem_free(shared);
    mem_free(git);
}

/* Length of the work tree's root in the absolute path, 0 if there is none. */
static size_t find_work_tree(const char *path)
{
    struct buf probe;
    struct stat st;
    size_t len = strlen(path);
    buf_init(&probe, PATH_BYTES);
    for (int i = 0; i < LIMIT_FOLDER_DEPTH && len > 0; i++) {
        buf_clear(&probe);
        buf_addf(&probe, "%.*s/.git", (int)len, path);
        if (!buf_failed(&probe) && stat(probe.data, &st) == 0) break;
        while (len > 0 && path[len - 1] != '/') len--;
        if (len > 0) len--;
    }
    buf_release(&probe);
    return len;
}

/* The patterns that apply to the folder from above it, and its place below the
 * root they are relative to. */
static void begin_ignoring(struct walk *w, const char *folder)
{
    char *path = realpath(folder, NULL);
    if (!path) return;
    size_t root = find_work_tree(path);
    if (root == 0) goto done;
    if (path[root]) buf_addf(&w->rel, "%s/", path + root + 1);
    path[root] = '\0';
    push_exclude(&w->ignore, path, "");
    for (size_t n = 0; n < w->rel.len; n += strcspn(w->rel.data + n, "/") + 1) {
        char *above = mem_strndup(w->rel.data, n);
        char *at = join(path, above);
        push_gitignore(&w->ignore, at, above);
        mem_free(at);
        mem_free(above);
    }
done:
    free(path); /* realpath() used malloc() */
}

/* --- The walk ------------------------------------------------------------- */

static void walk_folder(struct walk *w);

static void refuse(struct walk *w, const struct lw_error *err)
{
    load_warn(w->opt, "%s", err->message);
    if (!w->first.code) w->first = *err;
}

/* What cannot be opened for reason errno. */
static void refuse_entry(struct walk *w, const char *what)
{
    struct lw_error err;
    err_set(&err, LW_ERR_INPUT, "cannot %s %s: %s", what, w->path.data, strerror(errno));
    refuse(w, &err);
}

static void leave_out(struct walk *w, struct left_out *left)
{
    left->n++;
    left->n_documents += load_has_extension(w->path.data, "pdf html htm md txt");
}

static void add_file(struct walk *w)
{
    struct lw_error err;
    enum load_refusal why = REFUSED_ERROR;
    if (w->set->n_docs >= LIMIT_DOCS) { /* the rest is only counted */
        w->n_unfit++;
        return;
    }
    int fd = open(w->path.data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        refuse_entry(w, "open");
        return;
    }
    if (load_file(w->set, fd, w->path.data, w->opt, &why, &err) == 0) return;
    if (why == REFUSED_BINARY) {
        w->n_binary++;
    } else if (why == REFUSED_EMPTY) {
        w->n_empty++;
    } else if (why == REFUSED_SAME) {
        if (w->n_same++ == 0) w->same = err;
    } else if (why == REFUSED_FULL) {
        w->n_unfit++; /* a smaller one may still fit */
    } else {
        refuse(w, &err);
    }
}

/* One entry of the folder at w->path, which already has its name. */
static void visit(struct walk *w)
{
    struct stat st;
    if (lstat(w->path.data, &st) != 0) {
        if (errno != ENOENT) refuse_entry(w, "open"); /* else just removed */
        return;
    }
    bool folder = S_ISDIR(st.st_mode), link = S_ISLNK(st.st_mode);
    if (!folder && !link && !S_ISREG(st.st_mode)) return;
    if (ignore_matches(&w->ignore, w->rel.data, folder ? IGNORE_FOLDER : IGNORE_FILE)) {
        leave_out(w, &w->ignored);
    } else if (link) {
        leave_out(w, &w->links);
    } else if (!folder) {
        add_file(w);
    } else if (w->depth == LIMIT_FOLDER_DEPTH) {
        load_warn(w->opt, "%s is more than %d folders deep and was passed over",
                  w->path.data, LIMIT_FOLDER_DEPTH);
    } else {
        buf_add_char(&w->rel, '/');
        w->depth++;
        walk_folder(w);
        w->depth--;
    }
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* By bytes: alphasort() would follow the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk_folder(struct walk *w)
{
    struct dirent **entries;
    size_t path_len = w->path.len, rel_len = w->rel.len, n_patterns = w->ignore.n;
    int n = scandir(w->path.data, &entries, is_visible, compare_names);
    if (n < 0) {
        refuse_entry(w, "read the folder");
        return;
    }
    if (w->depth > 0) push_exclude(&w->ignore, w->path.data, w->rel.data);
    push_gitignore(&w->ignore, w->path.data, w->rel.data);
    for (int i = 0; i < n; i++) {
        w->stopped = w->stopped || cancel_level(w->opt->cancel) != CANCEL_NONE;
        buf_addf(&w->path, "/%s", entries[i]->d_name);
        buf_add_str(&w->rel, entries[i]->d_name);
        /* It does: lstat() refused what is much shorter. */
        bool fits = !buf_failed(&w->path) && !buf_failed(&w->rel);
        if (fits && !w->stopped) visit(w);
        buf_cut(&w->path, path_len);
        buf_cut(&w->rel, rel_len);
        w->path.failed = w->rel.failed = false;
        free(entries[i]);
    }
    free(entries);
    ignore_cut(&w->ignore, n_patterns);
}

/* --- The result ----------------------------------------------------------- */

static void report_documents(const struct walk *w, const char *folder, size_t n,
                             const char *one, const char *many)
{
    if (n == 0) return;
    load_warn(w->opt, "%s: passed over %zu document%s; name %s to have %s read", folder,
              n, n == 1 ? one : many, n == 1 ? "it" : "them", n == 1 ? "it" : "them");
}

static void report_left_out(const struct walk *w, const char *folder)
{
    report_documents(w, folder, w->ignored.n_documents, " that .gitignore names",
                     "s that .gitignore names");
    report_documents(w, folder, w->links.n_documents, " that is a symbolic link",
                     "s that are symbolic links");
}

static void report_passed(const struct walk *w, const char *folder)
{
    if (w->n_binary + w->n_empty == 0) return;
    load_warn(w->opt, "%s: passed over %zu binary and %zu empty file%s", folder,
              w->n_binary, w->n_empty, w->n_binary + w->n_empty == 1 ? "" : "s");
}

static void report_same(const struct walk *w, const char *folder)
{
    size_t more = w->n_same - 1;
    if (w->n_same == 0) return;
    if (more == 0) {
        load_warn(w->opt, "%s", w->same.message);
    } else {
        load_warn(w->opt, "%s; %zu more file%s in %s %s too", w->same.message, more,
                  more == 1 ? "" : "s", folder, more == 1 ? "is a copy" : "are copies");
    }
}

static void report_unfit(struct walk *w, const char *folder)
{
    struct lw_error err;
    if (w->n_unfit == 0) return;
    err_set(&err, LW_ERR_INPUT,
            "%s: %zu file%s not read: %d documents or %d MB of text are the most", folder,
            w->n_unfit, w->n_unfit == 1 ? " was" : "s were", LIMIT_DOCS,
            LIMIT_TEXT_TOTAL_BYTES >> 20);
    refuse(w, &err);
}

/* The user knows of files there: why are they not seen? */
static int report_nothing(const struct walk *w, const char *folder, struct lw_error *err)
{
    char ignored[80] = "", links[80] = "";
    size_t n = w->ignored.n, m = w->links.n;
    if (w->first.code) {
        return err_set(err, LW_ERR_INPUT, "nothing in %s could be read; first, %s",
                       folder, w->first.message);
    }
    if (n > 0) {
        snprintf(ignored, sizeof ignored, "; .gitignore names %zu entr%s of it", n,
                 n == 1 ? "y" : "ies");
    }
    if (m > 0) {
        snprintf(links, sizeof links, "%s %zu %s", n > 0 ? " and" : ";", m,
                 m == 1 ? "is a symbolic link" : "are symbolic links");
    }
    return err_set(err, LW_ERR_INPUT, "there is no file with text in %s%s%s%s", folder,
                   ignored, links, n + m > 0 ? ": name the files to have them read" : "");
}

int load_folder(struct doc_set *set, const char *path, const struct load_options *opt,
                struct lw_error *err)
{
    struct walk w = { .set = set, .opt = opt };
    size_t n_before = set->n_docs, len = strlen(path);
    while (len > 1 && path[len - 1] == '/') len--;
    buf_init(&w.path, PATH_BYTES);
    buf_init(&w.rel, PATH_BYTES);
    buf_add(&w.path, path, len);
    begin_ignoring(&w, path);
    walk_folder(&w);
    report_passed(&w, path);
    report_same(&w, path);
    report_unfit(&w, path);
    bool read = set->n_docs > n_before || w.n_same > 0;
    if (read || w.first.code) report_left_out(&w, path);
    ignore_release(&w.ignore);
    buf_release(&w.path);
    buf_release(&w.rel);
    return read ? 0 : report_nothing(&w, path, err);
}
