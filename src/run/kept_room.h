/* kept_room.h - where the states of what was read are kept, and how much room they get.
 *
 * They are never worth a full disk: however much the user allows, at most half of the
 * space that is free is taken, and 2 GiB stay free. */
#ifndef LW_RUN_KEPT_ROOM_H
#define LW_RUN_KEPT_ROOM_H

#include "run/session.h"

/* How many bytes states may take in all where `limit` is allowed, `held` are taken by
 * them already and `free` are free beside that. */
uint64_t kept_room(uint64_t limit, uint64_t held, uint64_t free);

/* The session's; NULL: the user has no such folder. */
const char *kept_folder(lw_session *s);
/* What the options allow and the disk has; 0: nothing is kept. */
uint64_t kept_room_now(lw_session *s);

#endif
