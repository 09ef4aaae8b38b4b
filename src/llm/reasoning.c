/* reasoning.c - the filter for <think>...</think>.
 *
 * White space at the beginning and at most a mark's length of bytes are held back. What
 * is held is looked at once, whatever the pieces: a server may send blanks for ever. */
#include "llm/reasoning.h"

#include "base/limits.h"

#include <string.h>

static const char open_mark[] = "<think>", close_mark[] = "</think>";
static const char space[] = " \t\r\n";

void reasoning_init(struct reasoning *r)
{
    *r = (struct reasoning){ .state = REASONING_UNDECIDED };
    buf_init(&r->held, LIMIT_HTTP_REPLY_BYTES);
}

void reasoning_clear(struct reasoning *r)
{
    r->state = REASONING_UNDECIDED;
    r->seen = false;
    r->n_blanks = 0;
    buf_clear(&r->held);
}

void reasoning_release(struct reasoning *r)
{
    buf_release(&r->held);
}

static void drop_front(struct buf *held, size_t n)
{
    memmove(held->data, held->data + n, held->len - n);
    buf_cut(held, held->len - n);
}

/* n: how many are known already. */
static size_t leading_space(const struct buf *b, size_t n)
{
    while (n < b->len && b->data[n] != '\0' && strchr(space, b->data[n]) != NULL) {
        n++;
    }
    return n;
}

/* Each decide_* looks at what is held; true if it came to the next state. */
static bool decide_begin(struct reasoning *r)
{
    size_t at = leading_space(&r->held, r->n_blanks), left = r->held.len - at;
    size_t mark = sizeof open_mark - 1;
    r->n_blanks = at;
    if (memcmp(r->held.data + at, open_mark, left < mark ? left : mark) != 0) {
        r->state = REASONING_OVER;
        return true;
    }
    if (left < mark) {
        return false;
    }
    drop_front(&r->held, at + mark);
    r->seen = true;
    r->state = REASONING_INSIDE;
    return true;
}

static bool decide_end(struct reasoning *r)
{
    size_t mark = sizeof close_mark - 1;
    for (size_t i = 0; i + mark <= r->held.len; i++) {
        if (memcmp(r->held.data + i, close_mark, mark) == 0) {
            drop_front(&r->held, i + mark);
            r->state = REASONING_BEHIND;
            return true;
        }
    }
    if (r->held.len >= mark) {
        drop_front(&r->held, r->held.len - (mark - 1));
    }
    return false;
}

static bool decide_text(struct reasoning *r)
{
    drop_front(&r->held, leading_space(&r->held, 0));
    if (r->held.len > 0) {
        r->state = REASONING_OVER;
    }
    return r->held.len > 0;
}

static bool decide(struct reasoning *r)
{
    switch (r->state) {
    case REASONING_UNDECIDED: return decide_begin(r);
    case REASONING_INSIDE: return decide_end(r);
    case REASONING_BEHIND: return decide_text(r);
    case REASONING_OVER: break;
    }
    return false;
}

static int flush(struct reasoning *r, struct buf *out)
{
    int code = buf_add(out, r->held.data, r->held.len);
    buf_clear(&r->held);
    return code;
}

int reasoning_feed(struct reasoning *r, const char *text, size_t len, struct buf *out)
{
    if (r->state == REASONING_OVER) {
        return buf_add(out, text, len);
    }
    int code = buf_add(&r->held, text, len);
    while (code == 0 && decide(r)) {
    }
    return code || r->state != REASONING_OVER ? code : flush(r, out);
}

int reasoning_end(struct reasoning *r, struct buf *out)
{
    return r->state == REASONING_UNDECIDED ? flush(r, out) : 0;
}
