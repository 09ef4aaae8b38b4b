/* kv_room.h - room in the store's folder (kv_disk.h).
 *
 * All states count, whichever process or model they are of; so do those being written,
 * which never go unless their writer is dead. The names of documents, a line each, do
 * not. */
#ifndef LW_ENGINE_KV_ROOM_H
#define LW_ENGINE_KV_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct kv_room {
    uint64_t bytes_max; /* all files together, and */
    uint64_t wanted;    /* one more of so many bytes */
    uint64_t spare;     /* when something has to go: leave so much room beside it */
    /* Only what is worth less than this goes, and was last used before that. */
    double value;
    double used_before; /* seconds since 1970 */
};

struct kv_room_result {
    uint64_t left; /* bytes of all files that are there now */
    uint64_t freed;
    int error; /* errno of the last file that could not be removed; 0 */
    bool enough;
};

/* Make room: the least valuable go first, and none where that would not be enough
 * for the one that is wanted.
 * Also removes what dead processes left behind. Reads the start of every file
 * if something has to go. */
struct kv_room_result kv_room_make(int folder, const struct kv_room *room);

#endif
