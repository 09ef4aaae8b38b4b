/* output.c - the only place that prints.
 *
 * stdio buffers, so a full disk may show only at the last flush: a command is
 * not done before output_end() has said so. */
#include "cli/output.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { JSON_BYTES_MAX = 64 * 1024 * 1024 };

struct output output_to(FILE *file)
{
    return (struct output){ .file = file,
                            .harmless = file == stderr || isatty(fileno(file)) };
}

static void put(struct output *o, const char *bytes, size_t len)
{
    if (o->problem || len == 0) return;
    if (fwrite(bytes, 1, len, o->file) < len) o->problem = errno ? errno : EIO;
}

/* Between words of Khmer and Thai, where some terminals show it as a box. */
static bool is_hidden(uint32_t cp)
{
    return utf8_is_zero_width(cp) && !utf8_is_joiner(cp);
}

static bool is_harmful(uint32_t cp)
{
    if (cp == '\n' || cp == '\t') return false;
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x200e && cp <= 0x200f) ||
           (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

static void put_harmless(struct output *o, const char *text, size_t len)
{
    const char *at = text, *end = text + len, *run = text; /* [run, at) waits */
    while (at < end) {
        uint32_t cp;
        int n = utf8_decode(at, end, &cp);
        bool harmful = is_harmful(cp) || (cp == 0xfffd && n == 1);
        if (harmful || is_hidden(cp)) {
            put(o, run, (size_t)(at - run));
            if (harmful) put(o, "\xef\xbf\xbd", 3);
            run = at + n;
        }
        at += n;
    }
    put(o, run, (size_t)(end - run));
}

void output_write(struct output *o, const char *text, size_t len)
{
    if (o->harmless) {
        put_harmless(o, text, len);
    } else {
        put(o, text, len);
    }
}

void output_text(struct output *o, const char *text)
{
    output_write(o, text, strlen(text));
}

void output_format(struct output *o, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0)
        output_write(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void output_one_line(struct output *o, const char *text)
{
    static const char blank[] = " \t\r\n\f\v";
    text += strspn(text, blank);
    while (*text) {
        size_t word = strcspn(text, blank);
        output_write(o, text, word);
        text += word;
        text += strspn(text, blank);
        if (*text) put(o, " ", 1);
    }
}

void output_json(struct output *o, json_t *value)
{
    struct buf text;
    buf_init(&text, JSON_BYTES_MAX);
    if (json_write(value, &text) || buf_add_char(&text, '\n')) {
        o->problem = EOVERFLOW;
    } else {
        output_write(o, text.data, text.len);
    }
    json_decref(value);
    buf_release(&text);
}

int output_end(struct output *o, struct lw_error *err)
{
    if (fflush(o->file) != 0 && !o->problem) o->problem = errno ? errno : EIO;
    if (!o->problem) return 0;
    /* Whoever read it has seen enough (| head): nothing to tell. */
    if (o->problem == EPIPE) return err_set(err, LW_ERR, "%s", "");
    return err_set(err, LW_ERR, "cannot write to standard output: %s",
                   strerror(o->problem));
}

void say(const char *sentence)
{
    struct output o = output_to(stderr);
    output_text(&o, "legwork: ");
    output_one_line(&o, sentence);
    output_text(&o, "\n");
    fflush(stderr);
}

void say_error(const struct lw_error *err)
{
    if (*err->message) say(err->message);
}
