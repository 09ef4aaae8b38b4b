/* sse.c - the event stream parser.
 *
 * Lines are gathered into one buffer, whatever pieces they come in; a whole
 * line changes the event under construction, an empty line dispatches it. The
 * parser looks at each byte once, and copies runs between line ends at once.
 *
 * Fields other than `event` and `data` are ignored, since nothing here
 * reconnects. An event that the stream's end cuts off is dropped, as the
 * standard says: whether that matters is known only to the reader. */
#include "net/sse.h"

#include "base/limits.h"
#include "legwork.h"

#include <stdbool.h>
#include <string.h>

/* sse.state. BOM_1 and BOM_2: so many bytes of the mark have come. */
enum state {
    STATE_START,
    STATE_BOM_1,
    STATE_BOM_2,
    STATE_LINE,
    STATE_AFTER_CR, /* a line has just ended with CR; an LF belongs to it */
    STATE_FAILED    /* nothing after an error makes sense */
};

static const char bom[] = "\xef\xbb\xbf";

void sse_init(struct sse *s, sse_event_fn fn, void *user)
{
    *s = (struct sse){ .fn = fn, .user = user, .state = STATE_START };
    buf_init(&s->line, LIMIT_SSE_EVENT_BYTES);
    buf_init(&s->data, LIMIT_SSE_EVENT_BYTES);
    buf_init(&s->event, LIMIT_SSE_EVENT_BYTES);
}

void sse_release(struct sse *s)
{
    buf_release(&s->line);
    buf_release(&s->data);
    buf_release(&s->event);
}

/* Each data line ends with an LF while the event is built; the last one goes. */
static int dispatch(struct sse *s)
{
    int code = 0;
    if (s->data.len > 0) {
        buf_cut(&s->data, s->data.len - 1);
        const char *event = s->event.len > 0 ? s->event.data : "message";
        code = s->fn(s->user, event, s->data.data, s->data.len);
    }
    buf_clear(&s->data);
    buf_clear(&s->event);
    return code;
}

static bool is_field(const char *line, size_t name_len, const char *name)
{
    return strlen(name) == name_len && memcmp(line, name, name_len) == 0;
}

static int take_line(struct sse *s)
{
    const char *line = s->line.data, *end = line + s->line.len;
    if (line == end) {
        return dispatch(s);
    }
    const char *colon = memchr(line, ':', s->line.len);
    size_t name_len = (size_t)((colon != NULL ? colon : end) - line);
    const char *value = colon != NULL ? colon + 1 : end;
    if (value < end && *value == ' ') {
        value++;
    }
    size_t len = (size_t)(end - value);
    if (is_field(line, name_len, "data")) {
        return buf_add(&s->data, value, len) || buf_add_char(&s->data, '\n') ? LW_ERR : 0;
    }
    if (is_field(line, name_len, "event")) {
        buf_clear(&s->event);
        return buf_add(&s->event, value, len);
    }
    return 0;
}

static int end_line(struct sse *s, char last)
{
    s->state = last == '\r' ? STATE_AFTER_CR : STATE_LINE;
    int code = take_line(s);
    buf_clear(&s->line);
    return code;
}

/* Swallows the byte order mark; bytes that only looked like one begin the first line. */
static int skip_bom(struct sse *s, char c, bool *used)
{
    int seen = s->state - STATE_START;
    *used = c == bom[seen];
    if (*used) {
        s->state = seen == 2 ? STATE_LINE : s->state + 1;
        return 0;
    }
    s->state = STATE_LINE;
    return buf_add(&s->line, bom, (size_t)seen);
}

static size_t run_length(const char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len && bytes[i] != '\n' && bytes[i] != '\r') {
        i++;
    }
    return i;
}

/* One step: returns how many bytes it has used, at least one unless a state changed. */
static size_t step(struct sse *s, const char *bytes, size_t len, int *code)
{
    if (s->state < STATE_LINE) {
        bool used = false;
        *code = skip_bom(s, *bytes, &used);
        return used;
    }
    if (s->state == STATE_AFTER_CR) {
        s->state = STATE_LINE;
        return *bytes == '\n';
    }
    size_t n = run_length(bytes, len);
    *code = buf_add(&s->line, bytes, n);
    if (*code == 0 && n < len) {
        *code = end_line(s, bytes[n]);
        n++;
    }
    return n;
}

int sse_feed(struct sse *s, const char *bytes, size_t len)
{
    int code = s->state == STATE_FAILED ? LW_ERR : 0;
    while (len > 0 && code == 0) {
        size_t n = step(s, bytes, len, &code);
        bytes += n;
        len -= n;
    }
    if (code) {
        s->state = STATE_FAILED;
    }
    return code;
}
