/* kept_room.c - the disk space for states, by a rule that fits in a sentence. */
#include "run/kept_room.h"

#include "base/mem.h"
#include "engine/kv_disk.h"

#include <string.h>
#include <sys/statvfs.h>

static const uint64_t STAYS_FREE = UINT64_C(2) << 30;

uint64_t kept_room(uint64_t limit, uint64_t held, uint64_t free)
{
    uint64_t all = held <= UINT64_MAX - free ? held + free : UINT64_MAX;
    uint64_t half = all / 2, rest = all > STAYS_FREE ? all - STAYS_FREE : 0;
    uint64_t most = half < rest ? half : rest;
    return limit < most ? limit : most;
}

const char *kept_folder(lw_session *s)
{
    if (!s->kept_folder) s->kept_folder = options_kv_dir();
    return s->kept_folder;
}

/* Of the file system of the folder, or of where it will be made. */
static uint64_t free_bytes(const char *folder)
{
    char *path = mem_strdup(folder);
    struct statvfs fs;
    int rc = statvfs(path, &fs);
    for (char *slash = strrchr(path, '/'); rc != 0 && slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        rc = statvfs(*path ? path : "/", &fs);
    }
    mem_free(path);
    return rc == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

static void add_bytes(void *user, const struct kv_disk_document *document)
{
    *(uint64_t *)user += document->bytes;
}

uint64_t kept_room_now(lw_session *s)
{
    uint64_t limit = options_size(&s->options, OPT_KV_CACHE), held = 0;
    const char *folder = limit > 0 ? kept_folder(s) : NULL;
    if (!folder) return 0;
    uint64_t free = free_bytes(folder);
    uint64_t room = kept_room(limit, 0, free);
    if (room == limit || kv_disk_list(folder, add_bytes, &held, NULL) != 0) return room;
    return kept_room(limit, held, free);
}
