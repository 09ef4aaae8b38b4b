/* err.c - error messages that may be printed as they are.
 *
 * Parts of a message come from outside (file names, replies of servers), and a
 * message ends on a terminal and in logs. So everything that could start a
 * line, move the cursor, reverse the reading direction or is no UTF-8 is
 * replaced here, once, rather than at every place that prints. */
#include "base/err.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_BYTES = sizeof(((struct lw_error *)0)->message),
    /* Room to see whether the character at the cut goes on. */
    DRAFT_BYTES = MESSAGE_BYTES + 4
};

static bool is_unprintable(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || /* C0, DEL, C1 */
           cp == 0x2028 || cp == 0x2029 ||            /* line, paragraph */
           (cp >= 0x202a && cp <= 0x202e) ||          /* reading direction */
           (cp >= 0x2066 && cp <= 0x2069);
}

/* Never longer than before, so it works in place. */
static void clean(char *s, size_t len)
{
    const char *in = s, *end = s + len;
    char *out = s;
    while (in < end) {
        uint32_t cp;
        int n = utf8_decode(in, end, &cp);
        if (is_unprintable(cp)) {
            *out++ = ' ';
        } else if (cp == 0xfffd && n == 1) {
            *out++ = '?';
        } else {
            memmove(out, in, (size_t)n);
            out += n;
        }
        in += n;
    }
    *out = '\0';
}

/* Format into draft, cut to bytes_max - 1 at a character boundary. Returns the length. */
static size_t format(char draft[DRAFT_BYTES], size_t bytes_max, const char *fmt,
                     va_list args)
{
    int n = vsnprintf(draft, DRAFT_BYTES, fmt, args);
    if (n < 0) {
        n = snprintf(draft, DRAFT_BYTES, "%s", fmt);
    }
    size_t len = (size_t)n < DRAFT_BYTES ? (size_t)n : DRAFT_BYTES - 1;
    if (len >= bytes_max) {
        len = utf8_floor(draft, len, bytes_max - 1);
    }
    draft[len] = '\0';
    clean(draft, len);
    return strlen(draft);
}

/* The arguments may point into err->message: hence the draft. */
int err_set(struct lw_error *err, int code, const char *fmt, ...)
{
    if (err == NULL) {
        return code;
    }
    char draft[DRAFT_BYTES];
    va_list args;
    va_start(args, fmt);
    size_t len = format(draft, MESSAGE_BYTES, fmt, args);
    va_end(args);
    memcpy(err->message, draft, len + 1);
    err->code = code;
    return code;
}

void err_prefix(struct lw_error *err, const char *fmt, ...)
{
    if (err == NULL) {
        return;
    }
    char draft[DRAFT_BYTES], cause[MESSAGE_BYTES];
    va_list args;
    va_start(args, fmt);
    /* The cause keeps at least half of the room, however long its context is. */
    size_t len = format(draft, MESSAGE_BYTES / 2, fmt, args);
    va_end(args);
    memcpy(cause, err->message, MESSAGE_BYTES);
    cause[MESSAGE_BYTES - 1] = '\0';
    err_set(err, err->code, "%.*s: %s", (int)len, draft, cause);
}
