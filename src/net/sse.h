/* sse.h - server-sent events from bytes that come in any pieces.
 *
 * Follows the HTML standard's event stream: LF, CR LF and CR end lines, a
 * leading BOM is dropped, comments are skipped, several data lines are joined by LF. */
#ifndef LW_NET_SSE_H
#define LW_NET_SSE_H

#include "base/buf.h"

/* event is "message" where the stream names none. */
typedef int (*sse_event_fn)(void *user, const char *event, const char *data, size_t len);

struct sse {
    struct buf line, data, event;
    sse_event_fn fn;
    void *user;
    int state;
};

void sse_init(struct sse *s, sse_event_fn fn, void *user);
void sse_release(struct sse *s);
/* Feed bytes; calls fn for each whole event. Returns 0, what fn returned if not 0,
 * or LW_ERR when an event passes LIMIT_SSE_EVENT_BYTES. */
int sse_feed(struct sse *s, const char *bytes, size_t len);

#endif
