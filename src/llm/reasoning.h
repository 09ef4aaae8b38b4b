/* reasoning.h - cuts a leading <think>...</think> out of text that comes in pieces.
 *
 * Models that reason aloud put it there when their server does not take it
 * apart. Only a block at the very beginning (after white space) is reasoning;
 * the same marks later are text. White space behind the block goes with it. */
#ifndef LW_LLM_REASONING_H
#define LW_LLM_REASONING_H

#include "base/buf.h"

enum reasoning_state {
    REASONING_UNDECIDED, /* so far white space and a beginning of <think> */
    REASONING_INSIDE,
    REASONING_BEHIND, /* the white space after </think> */
    REASONING_OVER    /* everything is text */
};

struct reasoning {
    enum reasoning_state state;
    struct buf held; /* bytes not yet decided upon */
    size_t n_blanks; /* of these, so many at the front are known to be white space */
    bool seen;       /* a block began */
};

void reasoning_init(struct reasoning *r);
void reasoning_clear(struct reasoning *r);
void reasoning_release(struct reasoning *r);
/* Appends what is text to out. */
int reasoning_feed(struct reasoning *r, const char *text, size_t len, struct buf *out);
/* No more comes: what was held as a possible mark is text after all. */
int reasoning_end(struct reasoning *r, struct buf *out);

#endif
