/* kv_folder.c - the store's folder, the folders of documents in it, and their names.
 *
 * A folder is opened once and all goes beneath its descriptor, so that nobody can
 * put another in its place meanwhile. The last part of each path may be no link;
 * parts above the store's folder may, as people move whole home folders so. */
#include "engine/kv_folder.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "engine/kv_disk.h"
#include "engine/kv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name_file[] = "name", state_ending[] = ".kv", part_ending[] = ".tmp";

enum { AS_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* --- The folder and its documents ------------------------------------------- */

/* 0700 whatever the umask. 0 also if it is there; else -1 with errno. */
static int make_one(const char *path)
{
    if (mkdir(path, 0700) == 0) {
        return chmod(path, 0700);
    }
    return errno == EEXIST ? 0 : -1;
}

/* With those above it, where they are missing. */
static int make_folder(char *path)
{
    char *slash = strrchr(path, '/');

    if (make_one(path) == 0) {
        return 0;
    }
    if (errno != ENOENT || !slash || slash == path) {
        return -1;
    }
    *slash = '\0';
    int rc = make_folder(path);
    *slash = '/';
    return rc == 0 ? make_one(path) : rc;
}

/* Why this open folder is not to be trusted; NULL: it is. */
static const char *distrust(int folder)
{
    struct stat st;

    if (fstat(folder, &st) != 0 || st.st_uid != geteuid()) {
        return "it belongs to somebody else";
    }
    return st.st_mode & (S_IWGRP | S_IWOTH) ? "others may write to it" : NULL;
}

static int fail_open(const char *path, int code, const char *why, struct lw_error *err)
{
    /* The path last: it may be longer than a message. */
    err_set(err, LW_ERR_LOCAL, "a folder cannot be used (%s): %s", why, path);
    errno = code;
    return -1;
}

int kv_folder_open(const char *path, enum kv_folder_how how, struct lw_error *err)
{
    char plain[PATH_MAX];
    size_t len = strlen(path);

    /* With a slash at its end a link would be followed. */
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (len == 0 || len >= sizeof plain) {
        return fail_open(path, ENAMETOOLONG, "no folder has such a name", err);
    }
    memcpy(plain, path, len);
    plain[len] = '\0';
    if (how == KV_FOLDER_MAKE && make_folder(plain) != 0) {
        return fail_open(path, errno, strerror(errno), err);
    }
    int fd = open(plain, AS_FOLDER);
    if (fd < 0) {
        bool is_link = errno == ELOOP || errno == ENOTDIR;
        return fail_open(path, errno,
                         is_link ? "it is no folder, or a link" : strerror(errno), err);
    }
    const char *why = distrust(fd);
    if (why) {
        close(fd);
        return fail_open(path, EPERM, why, err);
    }
    return fd;
}

bool kv_folder_is_document(const char *id)
{
    return hash_is_hex(id, KV_DISK_ID_CHARS);
}

int kv_folder_document(int folder, const char *id, enum kv_folder_how how)
{
    if (!kv_folder_is_document(id)) {
        errno = EINVAL;
        return -1;
    }
    if (how == KV_FOLDER_MAKE) {
        int rc = mkdirat(folder, id, 0700);
        if (rc == 0 ? fchmodat(folder, id, 0700, 0) != 0 : errno != EEXIST) {
            return -1;
        }
    }
    return openat(folder, id, AS_FOLDER);
}

void kv_folder_state_name(const char *key, char name[KV_NAME_BYTES])
{
    snprintf(name, KV_NAME_BYTES, "%.*s%s", KV_FILE_KEY_CHARS, key, state_ending);
}

void kv_folder_part_name(const char *key, char name[KV_NAME_BYTES])
{
    char random[FILE_RANDOM_BYTES];

    file_random(random);
    snprintf(name, KV_NAME_BYTES, "%.*s.%s%s", KV_FILE_KEY_CHARS, key, random,
             part_ending);
}

bool kv_folder_is_ours(const char *name, bool *is_state)
{
    size_t len = strlen(name), end = sizeof part_ending - 1;
    char key[KV_FILE_KEY_CHARS + 1];

    if (len <= KV_FILE_KEY_CHARS || len >= KV_NAME_BYTES) {
        return false;
    }
    memcpy(key, name, KV_FILE_KEY_CHARS);
    key[KV_FILE_KEY_CHARS] = '\0';
    *is_state = strcmp(name + KV_FILE_KEY_CHARS, state_ending) == 0;
    return hash_is_hex(key, KV_FILE_KEY_CHARS) &&
           (*is_state || (name[KV_FILE_KEY_CHARS] == '.' &&
                          strcmp(name + len - end, part_ending) == 0));
}

DIR *kv_folder_read(int fd)
{
    int again = openat(fd, ".", AS_FOLDER);
    DIR *dir = again < 0 ? NULL : fdopendir(again);

    if (!dir && again >= 0) {
        close(again);
    }
    return dir;
}

/* --- A document's name -------------------------------------------------------- */

/* One line that does nothing to a terminal. */
static void make_printable(char *s)
{
    for (; *s; s++) {
        *s = (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s;
    }
}

void kv_folder_put_name(int document, const char *name)
{
    char line[LIMIT_KV_NAME_BYTES + 1];
    size_t len = utf8_floor(name, strlen(name), LIMIT_KV_NAME_BYTES - 1);
    int fd = openat(document, name_file,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return;
    }
    memcpy(line, name, len);
    line[len] = '\0';
    make_printable(line);
    line[len] = '\n';
    /* In one piece or, on a full disk, not at all: then it has no name. */
    if (fchmod(fd, 0600) != 0 || write(fd, line, len + 1) != (ssize_t)(len + 1)) {
        unlinkat(document, name_file, 0);
    }
    close(fd);
}

void kv_folder_get_name(int document, char *name, size_t name_bytes)
{
    int fd = openat(document, name_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    name[0] = '\0';
    if (fd < 0) {
        return;
    }
    ssize_t len = read(fd, name, name_bytes - 1);
    name[len > 0 ? len : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    make_printable(name);
    close(fd);
}

bool kv_folder_has_ours(int document)
{
    DIR *dir = kv_folder_read(document);
    bool is_ours = false, is_strange = false, is_state;
    struct dirent *entry;

    while (dir && !is_ours && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        is_ours = kv_folder_is_ours(name, &is_state) || strcmp(name, name_file) == 0;
        is_strange |= strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    }
    if (dir) closedir(dir);
    return dir && (is_ours || !is_strange);
}

/* The name goes first: a folder in which nothing of ours is left keeps no secret, even
 * where a file of somebody else's keeps the folder. */
void kv_folder_remove_empty(int folder, const char *id)
{
    int document = kv_folder_document(folder, id, KV_FOLDER_FIND);
    DIR *dir = document < 0 ? NULL : kv_folder_read(document);
    bool is_empty = dir != NULL, is_state;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        is_empty = is_empty && !kv_folder_is_ours(entry->d_name, &is_state);
    }
    if (is_empty) {
        unlinkat(document, name_file, 0);
        unlinkat(folder, id, AT_REMOVEDIR);
    }
    if (dir) closedir(dir);
    if (document >= 0) close(document);
}
