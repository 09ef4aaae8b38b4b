/* html_tags.c - names and attributes, taken apart as browsers do.
 *
 * Each byte is looked at once, and once more behind a quote mark that is never
 * closed; of these a page has at most two, one of each kind. */
#include "text/html_tags.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

bool html_starts_with(const char *s, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - s) >= len && strncasecmp(s, word, len) == 0;
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c);
}

static const char *skip_until(const char *s, const char *end, const char *stops)
{
    while (s < end && (*s == '\0' || !strchr(stops, *s))) s++;
    return s;
}

const char *html_skip_blanks(const char *s, const char *end)
{
    while (s < end && is_blank(*s)) s++;
    return s;
}

const char *html_skip_name(const char *s, const char *end)
{
    return skip_until(s, end, " \t\r\n\f\v>/");
}

static const char *read_value(const char *s, const char *end, struct html_attribute *a)
{
    bool quoted = s < end && (*s == '"' || *s == '\'');
    const char *close = quoted ? memchr(s + 1, *s, (size_t)(end - s - 1)) : NULL;
    a->quoted = close != NULL;
    a->value = s + a->quoted;
    a->value_end = close ? close : skip_until(s, end, " \t\r\n\f\v>");
    return close ? close + 1 : a->value_end;
}

bool html_next_attribute(const char **s, const char *end, struct html_attribute *a)
{
    const char *at = *s;
    while (at < end && (*at == '/' || is_blank(*at))) at++;
    *s = at;
    if (at == end || *at == '>') return false;
    *a = (struct html_attribute){ .name = at };
    a->name_end = skip_until(at + 1, end, " \t\r\n\f\v=>/");
    at = html_skip_blanks(a->name_end, end);
    if (at < end && *at == '=') {
        *s = read_value(html_skip_blanks(at + 1, end), end, a);
    } else {
        *s = a->name_end;
    }
    return true;
}

bool html_is_named(const struct html_attribute *a, const char *name)
{
    return (size_t)(a->name_end - a->name) == strlen(name) &&
           html_starts_with(a->name, a->name_end, name);
}

/* The mark that closes may share its hyphens with the one that opens: <!-->. */
const char *html_skip_comment(const char *s, const char *end)
{
    for (s += strlen("<!"); s < end && (s = memchr(s, '-', (size_t)(end - s))); s++) {
        if (html_starts_with(s, end, "-->")) return s + strlen("-->");
        if (html_starts_with(s, end, "--!>")) return s + strlen("--!>");
    }
    return end;
}

const char *html_find_end_tag(const char *s, const char *end, const char *name)
{
    for (; (s = memchr(s, '<', (size_t)(end - s))) != NULL; s++) {
        if (!html_starts_with(s, end, "</") || !html_starts_with(s + 2, end, name)) {
            continue;
        }
        const char *behind = s + 2 + strlen(name);
        if (behind < end && html_skip_name(behind, end) == behind) return s;
    }
    return NULL;
}
