/* body.c - the texts in a JSON body as the other side will read them.
 *
 * On the wire a line end is two bytes and a quote has a backslash, so document
 * text is not found in a body as it stands. Each JSON string is undone on its
 * own: a message is one string, however many parts it was made of. Only what
 * legwork writes comes in here, so this is no parser: of anything else it
 * counts what looks like a string. */
#include "guard/guard.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* \uXXXX at s. Halves of a pair become U+FFFD: the writers of bodies escape control
 * characters only. */
static size_t add_code(const char *s, size_t room, char *out)
{
    char digits[5] = "";
    memcpy(digits, s, room < 4 ? room : 4);
    return (size_t)utf8_encode((uint32_t)strtoul(digits, NULL, 16), out);
}

/* The string whose first quote is at body[*at], which moves behind the last one.
 * Returns its bytes in out; what was escaped is never longer undone. */
static size_t undo_string(const char *body, size_t len, size_t *at, char *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    size_t n = 0, i = *at + 1;
    while (i < len && body[i] != '"') {
        if (body[i] != '\\' || i + 1 == len) {
            out[n++] = body[i++];
        } else if (body[i + 1] == 'u') {
            n += add_code(body + i + 2, len - i - 2, out + n);
            i += 6;
        } else {
            const char *known = strchr(from, body[i + 1]);
            out[n++] = known && *known ? to[known - from] : body[i + 1];
            i += 2;
        }
    }
    *at = i + 1;
    return n;
}

int64_t guard_body_count(const struct guard_index *ix, const char *body, size_t len)
{
    char *text = mem_alloc(len + 1);
    int64_t sum = 0;
    size_t at = 0;
    while (at < len) {
        const char *quote = memchr(body + at, '"', len - at);
        if (!quote) break;
        at = (size_t)(quote - body);
        size_t n = undo_string(body, len, &at, text);
        sum += guard_index_count(ix, text, n);
    }
    mem_free(text);
    return sum;
}
