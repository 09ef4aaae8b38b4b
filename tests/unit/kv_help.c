/* kv_help.c - see kv_help.h. Nothing here asserts, since children use it too. */
#include "kv_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void count_notice(void *user, const char *sentence)
{
    struct kv_help_notices *notices = user;

    notices->n++;
    snprintf(notices->last, sizeof notices->last, "%s", sentence);
}

struct kv_disk *kv_help_open(const char *folder, uint64_t bytes_max,
                             struct kv_help_notices *notices)
{
    return kv_disk_open(&(struct kv_disk_options){
        .folder = folder,
        .bytes_max = bytes_max,
        .origin = KV_HELP_ORIGIN,
        .token_cost = 1,
        .notice = notices ? count_notice : NULL,
        .user = notices,
    });
}

void kv_help_tokens(int i, int32_t tokens[KV_HELP_TOKENS])
{
    for (int k = 0; k < KV_HELP_TOKENS; k++) {
        tokens[k] = k < KV_HELP_TOKENS / 2 ? k : i * 100 + k;
    }
}

unsigned char kv_help_byte(int i, size_t at)
{
    return (unsigned char)((size_t)i * 31 + at * 7 + at / 251);
}

void kv_help_state(int i, unsigned char *state, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++) {
        state[at] = kv_help_byte(i, at);
    }
}

void kv_help_save(struct kv_disk *d, const char *document, int i, size_t bytes)
{
    int32_t tokens[KV_HELP_TOKENS];
    unsigned char *state = malloc(bytes);

    kv_help_tokens(i, tokens);
    kv_help_state(i, state, bytes);
    kv_disk_save(d, document, "a document", tokens, KV_HELP_TOKENS, state, bytes);
    free(state);
}

bool kv_help_has(struct kv_disk *d, const char *document, int i)
{
    int32_t tokens[KV_HELP_TOKENS];

    kv_help_tokens(i, tokens);
    return kv_disk_has(d, document, tokens, KV_HELP_TOKENS);
}

int kv_help_load(struct kv_disk *d, const char *document, int i)
{
    int32_t tokens[KV_HELP_TOKENS];
    size_t bytes = 0;
    int result = 1;

    kv_help_tokens(i, tokens);
    unsigned char *state = kv_disk_load(d, document, tokens, KV_HELP_TOKENS, &bytes);
    if (!state) {
        return 0;
    }
    for (size_t at = 0; at < bytes; at++) {
        if (state[at] != kv_help_byte(i, at)) {
            result = -1;
        }
    }
    free(state);
    return bytes > 0 ? result : -1;
}

void kv_help_path(const char *folder, const char *document, int i, char path[1024])
{
    char key[KV_FILE_KEY_CHARS + 1];
    int32_t tokens[KV_HELP_TOKENS];

    kv_help_tokens(i, tokens);
    const struct kv_file file = { .origin = KV_HELP_ORIGIN,
                                  .tokens = tokens,
                                  .n_tokens = KV_HELP_TOKENS };
    kv_file_key(&file, key);
    snprintf(path, 1024, "%s/%s/%s.kv", folder, document, key);
}

void kv_help_age(const char *path, double seconds)
{
    struct timespec now, times[2];

    clock_gettime(CLOCK_REALTIME, &now);
    double then = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - seconds;
    times[0].tv_sec = (time_t)then;
    times[0].tv_nsec = (long)((then - (double)times[0].tv_sec) * 1e9);
    times[1] = times[0];
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* Sum up names and bytes below a folder. */
static int walk(const char *path, const char *ending, uint64_t *bytes)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        char child[2048];
        struct stat st;
        size_t len = strlen(entry->d_name), end = strlen(ending);
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || lstat(child, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            n += walk(child, ending, bytes);
        } else if (len >= end && strcmp(entry->d_name + len - end, ending) == 0) {
            n++;
            *bytes += (uint64_t)st.st_size;
        }
    }
    if (dir) closedir(dir);
    return n;
}

int kv_help_count(const char *folder, const char *ending)
{
    uint64_t bytes = 0;

    return walk(folder, ending, &bytes);
}

uint64_t kv_help_bytes(const char *folder)
{
    uint64_t bytes = 0;

    walk(folder, ".kv", &bytes);
    return bytes;
}

int kv_help_in_child(int (*fn)(void *arg), void *arg)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(fn(arg));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return 99;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
