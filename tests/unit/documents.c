/* documents.c - what tests of text/ need again and again: documents from
 * strings, folders of files, and random numbers with a fixed start. */
#include "documents.h"

#include "text/loaders.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

int documents_add(struct doc_set *set, enum doc_kind kind, const char *text, size_t len)
{
    static const struct loader *const loaders[] = {
        [DOC_TEXT] = &load_as_text,
        [DOC_MARKDOWN] = &load_as_markdown,
        [DOC_HTML] = &load_as_html,
        [DOC_CODE] = &load_as_code,
    };
    struct load_options opt = documents_options(NULL);
    struct doc *doc = NULL;
    struct lw_error err;
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    memcpy(bytes, text, len);
    bytes[len] = '\0';
    if (loaders[kind]->load("test", bytes, len, &opt, &doc, &err) != 0) {
        fail_msg("%s", err.message);
    }
    doc_set_take(set, doc);
    return (int)set->n_docs - 1;
}

enum doc_kind documents_kind(const char *name)
{
    for (int kind = DOC_TEXT; kind <= DOC_CODE; kind++) {
        if (strcmp(doc_kind_name((enum doc_kind)kind), name) == 0)
            return (enum doc_kind)kind;
    }
    fail_msg("no kind of document is called %s", name);
    return DOC_TEXT;
}

/* --- Files ----------------------------------------------------------------- */

char *documents_folder(void)
{
    char *folder = strdup("/tmp/legwork-test-XXXXXX");
    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    return folder;
}

void documents_write(const char *folder, const char *name, const char *bytes, size_t len)
{
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(n > 0 && (size_t)n < sizeof path);
    for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char child[2048];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
            remove_tree(child);
        } else {
            unlink(child);
        }
    }
    if (dir) closedir(dir);
    rmdir(path);
}

void documents_remove(char *folder)
{
    remove_tree(folder);
    free(folder);
}

/* --- Warnings -------------------------------------------------------------- */

static void collect(void *user, const char *sentence)
{
    struct documents_warnings *w = user;
    size_t used = strlen(w->text);
    snprintf(w->text + used, sizeof w->text - used, "%s\n", sentence);
    w->n++;
}

struct load_options documents_options(struct documents_warnings *warnings)
{
    return (struct load_options){ .warn = warnings ? collect : NULL,
                                  .user = warnings,
                                  .stdin_fd = -1 };
}

/* --- Programs --------------------------------------------------------------- */

int documents_run(const char *const *argv)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

/* --- Randomness ------------------------------------------------------------- */

/* Knuth's MMIX generator; the high bits are the good ones. */
unsigned documents_random(struct documents_random *r, unsigned below)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->state >> 33) % below;
}

void documents_random_text(struct documents_random *r, const char *const *parts,
                           size_t n_parts, unsigned n_max, struct buf *out)
{
    unsigned n = documents_random(r, n_max);
    buf_clear(out);
    for (unsigned i = 0; i < n; i++) {
        buf_add_str(out, parts[documents_random(r, (unsigned)n_parts)]);
    }
}
