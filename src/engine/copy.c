/* copy.c - places in a text that what was written may have come from.
 *
 * The list of places only shrinks: at most one a word to begin with, a handful
 * after the first token. Comparing is by bytes, so halves of characters that
 * some tokens are need no care, except that a copy does not end within one. */
#include "engine/copy.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* The character that ends before `at`; 0 at the beginning. */
static uint32_t char_before(const char *text, size_t at)
{
    uint32_t cp = 0;

    if (at > 0) {
        size_t start = utf8_floor(text, at, at - 1);
        utf8_decode(text + start, text + at, &cp);
    }
    return cp;
}

static bool starts_here(const char *text, size_t len, size_t at)
{
    uint32_t cp, before = char_before(text, at);

    utf8_decode(text + at, text + len, &cp);
    if (utf8_is_space(cp)) {
        return false;
    }
    return before == 0 || utf8_is_space(before) ||
           (utf8_is_word(cp) && !utf8_is_word(before));
}

static bool ends_here(const char *text, size_t len, size_t at)
{
    uint32_t next;

    if (at == len) {
        return true;
    }
    if (((unsigned char)text[at] & 0xC0) == 0x80) {
        return false;
    }
    utf8_decode(text + at, text + len, &next);
    return !utf8_is_word(next) || !utf8_is_word(char_before(text, at));
}

void copier_init(struct copier *c, const char *text, size_t len)
{
    size_t cap = 0;

    *c = (struct copier){ .text = text, .len = len };
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        if (starts_here(text, len, at)) {
            mem_grow((void **)&c->at, &cap, c->n_at + 1, sizeof *c->at);
            c->at[c->n_at++] = at;
        }
        at += (size_t)utf8_decode(text + at, text + len, &cp);
    }
}

void copier_release(struct copier *c)
{
    mem_free(c->at);
    *c = (struct copier){ .len = 0 };
}

/* Bytes of space in front of the first word; none later. */
static size_t leading_space(const struct copier *c, const char *piece, size_t len)
{
    size_t n = 0;

    while (c->n_written == 0 && n < len && (piece[n] == ' ' || piece[n] == '\n')) {
        n++;
    }
    return n;
}

static bool goes_on(const struct copier *c, size_t at, const char *piece, size_t len)
{
    return len <= c->len - at && memcmp(c->text + at, piece, len) == 0;
}

bool copier_allows(const struct copier *c, const char *piece, size_t len)
{
    size_t lead = leading_space(c, piece, len);

    if (lead == len) {
        return len > 0 && !c->spaced && c->n_at > 0;
    }
    for (size_t i = 0; i < c->n_at; i++) {
        if (goes_on(c, c->at[i], piece + lead, len - lead)) {
            return true;
        }
    }
    return false;
}

size_t copier_push(struct copier *c, const char *piece, size_t len)
{
    size_t lead = leading_space(c, piece, len), kept = 0;

    assert(copier_allows(c, piece, len));
    c->spaced = c->spaced || lead > 0;
    if (lead == len) {
        return lead;
    }
    for (size_t i = 0; i < c->n_at; i++) {
        if (goes_on(c, c->at[i], piece + lead, len - lead)) {
            c->at[kept++] = c->at[i] + (len - lead);
        }
    }
    c->n_at = kept;
    c->n_written += len - lead;
    if (copier_may_end(c)) {
        c->n_whole = c->n_written;
    }
    return lead;
}

bool copier_may_end(const struct copier *c)
{
    for (size_t i = 0; i < c->n_at && c->n_written > 0; i++) {
        if (ends_here(c->text, c->len, c->at[i])) {
            return true;
        }
    }
    return false;
}

bool copier_at_end(const struct copier *c)
{
    for (size_t i = 0; i < c->n_at; i++) {
        if (c->at[i] < c->len) {
            return false;
        }
    }
    return true;
}
