/* html_strip.c - one pass over the page, copying down what stays.
 *
 * What is written has at most the length of what was read, tag by tag, so the page is
 * its own output. Nothing is taken out without a trace where that would bring a <
 * and a letter together: what was text must not become a tag. */
#include "text/html_strip.h"

#include "text/html_tags.h"

#include <ctype.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64 };

struct strip {
    char *page, *out;     /* out: behind what is written */
    const char *at, *end; /* at: what comes next */
    bool no_close;        /* no > is behind at: do not look for it again */
    unsigned unended;     /* bits: nor the end of these of raw_elements */
};

static void keep(struct strip *s, const char *from, const char *to)
{
    memmove(s->out, from, (size_t)(to - from));
    s->out += to - from;
}

static void keep_char(struct strip *s, char c)
{
    *s->out++ = c;
}

/* Goes on at to, behind something of more than one byte. */
static void drop_up_to(struct strip *s, const char *to)
{
    if (s->out > s->page && s->out[-1] == '<') keep_char(s, ' ');
    s->at = to;
}

/* <!...>, <?...>, </ 1>: what browsers take for a comment. Text, if it has no end. */
static void drop_declaration(struct strip *s)
{
    const char *close = s->no_close ? NULL : memchr(s->at, '>', (size_t)(s->end - s->at));
    s->no_close = !close;
    if (close) {
        drop_up_to(s, close + 1);
    } else {
        keep_char(s, *s->at++);
    }
}

/* --- Tags ----------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr(":-_.", c));
}

/* Of what stands there up to the next blank, / or >, as much as any parser takes. */
static void keep_name(struct strip *s)
{
    const char *name = s->at, *to = name;
    while (to < s->end && to - name < NAME_BYTES_MAX && is_name_char(*to)) to++;
    keep(s, name, to);
    s->at = html_skip_name(to, s->end);
}

/* Which of HTML_ATTRIBUTES it is, as a bit; 0: none. */
static unsigned attribute_bit(const struct html_attribute *a)
{
    static const char *const names[] = { HTML_ATTRIBUTES };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (html_is_named(a, names[i])) return 1u << i;
    }
    return 0;
}

/* Where nothing was taken out yet there is no room for a blank; then a quote mark is
 * in front of the attribute and parts it, too. */
static void keep_attribute(struct strip *s, const struct html_attribute *a)
{
    if (s->out < a->name) keep_char(s, ' ');
    keep(s, a->name, a->name_end);
    if (!a->value) return;
    keep_char(s, '=');
    keep(s, a->value - a->quoted, a->value_end + a->quoted);
}

/* A value that begins with a quote mark which nothing closes would have no end for the
 * parser. */
static bool is_unclosed(const struct html_attribute *a)
{
    return a->value && !a->quoted && a->value < a->value_end && strchr("\"'", *a->value);
}

/* Up to the > of the tag, which is not there if at reaches the end. Is a / before it?
 * Behind a value without quote marks that is only one after a blank, which is kept. */
static bool keep_attributes(struct strip *s)
{
    struct html_attribute a;
    unsigned seen = 0;
    bool open_value = false;
    const char *behind = s->at;
    for (; html_next_attribute(&s->at, s->end, &a); behind = s->at) {
        unsigned bit = attribute_bit(&a);
        if (bit && !(seen & bit) && !is_unclosed(&a)) {
            keep_attribute(s, &a);
            seen |= bit;
            open_value = a.value && !a.quoted;
        }
    }
    bool closed = s->at > behind && s->at[-1] == '/';
    if (closed && open_value) keep_char(s, ' ');
    return closed;
}

/* at is the > of the tag that is written from tag on; without one it is no tag. */
static void end_tag(struct strip *s, char *tag)
{
    if (s->at == s->end) {
        s->out = tag;
    } else {
        keep_char(s, *s->at++);
    }
}

static bool is_written(const struct strip *s, const char *tag, const char *word)
{
    return html_starts_with(tag, s->out, word) && !is_name_char(tag[strlen(word)]);
}

/* Elements whose inside is text to browsers, and what becomes of it. */
static const struct raw_element {
    const char *tag;
    bool shown;      /* their text is part of the page; else it goes */
    bool to_the_end; /* of the page, where nothing ends them */
} raw_elements[] = {
    { .tag = "<script", .to_the_end = true },
    { .tag = "<style", .to_the_end = true },
    { .tag = "<title" },
    { .tag = "<textarea" },
    { .tag = "<iframe" },
    { .tag = "<noembed" },
    { .tag = "<noframes" },
    { .tag = "<xmp", .shown = true },
};

/* The number of what is written at tag, -1: none of them. */
static int raw_element_at(const struct strip *s, const char *tag)
{
    for (size_t i = 0; i < sizeof raw_elements / sizeof *raw_elements; i++) {
        if (is_written(s, tag, raw_elements[i].tag)) return (int)i;
    }
    return -1;
}

static void keep_raw_text(struct strip *s, const char *to)
{
    for (; s->at < to; s->at++) keep_char(s, *s->at == '<' ? HTML_LESS : *s->at);
}

/* The inside of what is written at tag. A tag that nothing ends is left out where it
 * would hide the rest of the page. */
static void strip_raw_text(struct strip *s, char *tag)
{
    int i = raw_element_at(s, tag);
    if (i < 0) return;
    const struct raw_element *element = &raw_elements[i];
    const char *close =
        s->unended & 1u << i ? NULL : html_find_end_tag(s->at, s->end, element->tag + 1);
    if (!close) s->unended |= 1u << i;
    if (close && element->shown) keep_raw_text(s, close);
    if (close) s->at = close;
    if (!close && element->to_the_end) s->at = s->end;
    if (!close && !element->to_the_end) s->out = tag;
}

static void strip_start_tag(struct strip *s)
{
    char *tag = s->out;
    keep_char(s, *s->at++);
    keep_name(s);
    bool closed = keep_attributes(s);
    if (closed && s->at < s->end) keep_char(s, '/');
    end_tag(s, tag);
    if (closed || s->out == tag) return;
    strip_raw_text(s, tag);
}

static void strip_end_tag(struct strip *s)
{
    struct html_attribute a;
    char *tag = s->out;
    keep(s, s->at, s->at + 2);
    s->at += 2;
    keep_name(s);
    while (html_next_attribute(&s->at, s->end, &a)) continue;
    end_tag(s, tag);
}

/* --- The page ------------------------------------------------------------- */

static bool next_is(const struct strip *s, const char *mark)
{
    return html_starts_with(s->at, s->end, mark);
}

static bool letter_at(const struct strip *s, size_t n)
{
    return (size_t)(s->end - s->at) > n && isalpha((unsigned char)s->at[n]);
}

/* at is a <. */
static void strip_markup(struct strip *s)
{
    if (letter_at(s, 1)) {
        strip_start_tag(s);
    } else if (next_is(s, "</") && letter_at(s, 2)) {
        strip_end_tag(s);
    } else if (next_is(s, "<!--")) {
        drop_up_to(s, html_skip_comment(s->at, s->end));
    } else if (next_is(s, "<![CDATA[")) {
        drop_up_to(s, s->at + strlen("<![CDATA["));
    } else if (next_is(s, "<!") || next_is(s, "<?") || next_is(s, "</")) {
        drop_declaration(s);
    } else {
        keep_char(s, *s->at++);
    }
}

/* What stands for another byte must not stand for itself. */
static void blank_marks(char *s, const char *end)
{
    for (; (s = memchr(s, HTML_LESS, (size_t)(end - s))) != NULL; s++) *s = ' ';
}

size_t html_strip(char *page, size_t len)
{
    blank_marks(page, page + len);
    struct strip s = { .page = page, .out = page, .at = page, .end = page + len };
    while (s.at < s.end) {
        const char *mark = memchr(s.at, '<', (size_t)(s.end - s.at));
        if (!mark) mark = s.end;
        keep(&s, s.at, mark);
        s.at = mark;
        if (mark < s.end) strip_markup(&s);
    }
    *s.out = '\0';
    return (size_t)(s.out - page);
}
