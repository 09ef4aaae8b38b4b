/* detok.c - halves of characters, stop strings, endless repetition.
 *
 * All three look at the end of what was written, and all three are pure, so
 * they stand together, away from any model. */
#include "engine/detok.h"

#include "base/utf8.h"

#include <string.h>

enum {
    PERIOD_MAX = 64,   /* tokens of what may be repeated */
    REPEATS = 4,       /* so often at least, */
    REPEAT_TOKENS = 64 /* and over so many tokens */
};

static const char replacement[] = "\xEF\xBF\xBD";

void detok_init(struct detok *d, const char *stop, size_t bytes_max)
{
    *d = (struct detok){ .stop = stop && *stop ? stop : NULL };
    buf_init(&d->text, bytes_max);
}

void detok_release(struct detok *d)
{
    buf_release(&d->text);
}

/* Length of the character that this byte begins; 0 if it begins none. */
static size_t character_bytes(unsigned char first)
{
    if (first < 0x80) {
        return first == 0 ? 0 : 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* May these bytes, fewer than a character has, still become one? */
static bool is_beginning(const char *bytes, size_t len)
{
    char whole[4];
    size_t want = character_bytes((unsigned char)bytes[0]);

    if (want <= len) {
        return false;
    }
    /* After E0, ED, F0 and F4 only a part of 80..BF may follow, always with one of its
     * ends. */
    memcpy(whole, bytes, len);
    memset(whole + len, 0x80, want - len);
    if (utf8_valid(whole, want) == want) {
        return true;
    }
    memset(whole + len, 0xBF, want - len);
    return utf8_valid(whole, want) == want;
}

bool detok_begins_text(const char *bytes, size_t len, size_t *n_rest)
{
    size_t whole = utf8_valid(bytes, len);

    *n_rest = len - whole;
    return *n_rest == 0 || (*n_rest < 4 && is_beginning(bytes + whole, *n_rest));
}

static void add_byte(struct detok *d, char byte)
{
    d->held[d->n_held++] = byte;
    while (d->n_held > 0) {
        size_t want = character_bytes((unsigned char)d->held[0]);
        size_t take = 1;
        if (want == d->n_held && utf8_valid(d->held, want) == want) {
            buf_add(&d->text, d->held, want);
            take = want;
        } else if (is_beginning(d->held, d->n_held)) {
            return;
        } else {
            buf_add_str(&d->text, replacement);
        }
        d->n_held -= take;
        memmove(d->held, d->held + take, d->n_held);
    }
}

/* Look for the stop string where it could not have been seen before. */
static void find_stop(struct detok *d, size_t len_before)
{
    size_t stop_len = strlen(d->stop);
    size_t from = len_before < stop_len ? 0 : len_before - stop_len + 1;
    const char *hit = strstr(d->text.data + from, d->stop);

    if (hit) {
        buf_cut(&d->text, (size_t)(hit - d->text.data));
        d->stopped = true;
        d->n_held = 0;
    }
}

void detok_push(struct detok *d, const char *bytes, size_t len)
{
    size_t len_before = d->text.len;

    if (d->stopped) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        add_byte(d, bytes[i]);
    }
    if (d->stop) {
        find_stop(d, len_before);
    }
}

void detok_finish(struct detok *d)
{
    d->n_held = 0;
}

size_t detok_ready(const struct detok *d)
{
    if (!d->stop || d->stopped) {
        return d->text.len;
    }
    size_t stop_len = strlen(d->stop);
    size_t most = d->text.len < stop_len ? d->text.len : stop_len - 1;
    for (size_t tail = most; tail > 0; tail--) {
        if (memcmp(d->text.data + d->text.len - tail, d->stop, tail) == 0) {
            return d->text.len - tail;
        }
    }
    return d->text.len;
}

bool detok_repeats(const int *tokens, int n)
{
    for (int period = 1; period <= PERIOD_MAX; period++) {
        int span = period * REPEATS > REPEAT_TOKENS ? period * REPEATS : REPEAT_TOKENS;
        int i = n - 1;
        while (i >= period && n - i <= span && tokens[i] == tokens[i - period]) {
            i--;
        }
        if (n - 1 - i >= span) {
            return true;
        }
    }
    return false;
}
