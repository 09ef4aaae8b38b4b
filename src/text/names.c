/* names.c - finding the names of a question and asking the index for them. */
#include "text/names.h"

#include "base/utf8.h"
#include "text/words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One word in so many is a function word in plain English. */
enum { WORDS_FOR_ONE_COMMON = 4 };

/* Without capitals: so many words have to be unknown, and 2 of 5. */
enum { SMALL_UNKNOWN_MIN = 3, SMALL_UNKNOWN = 2, SMALL_OF = 5 };

struct shape {
    bool capital; /* the first letter */
    bool coded;   /* all capitals, or with a digit: an acronym, a year, a part number */
};

static struct shape shape_of(const char *text, const struct word *word)
{
    struct shape shape = { .coded = true };
    bool digit = false;
    const char *at = text + word->start, *end = text + word->end;
    for (bool first = true; at < end; first = false) {
        uint32_t cp;
        at += utf8_decode(at, end, &cp);
        bool capital = utf8_is_upper(cp);
        if (first) shape.capital = capital;
        if (cp >= '0' && cp <= '9') digit = true;
        if (!capital) shape.coded = false;
    }
    shape.coded |= digit;
    return shape;
}

/* Does a sentence end behind the word `before`? A full stop after a few letters is
 * that of a title or an initial: Mr., Dr., J. */
static bool ends_sentence(const char *text, const struct word *before, size_t to)
{
    enum { SHORTENED_BYTES = 3 };
    bool shortened = before->end - before->start <= SHORTENED_BYTES;
    for (size_t i = before->end; i < to; i++) {
        if (text[i] == '.' && !shortened) return true;
        if (text[i] == '?' || text[i] == '!' || text[i] == ':' || text[i] == '\n')
            return true;
    }
    return false;
}

enum { NAMES_MAX = 64 };

/* The names of a text; its further names, if there are more, tell nothing new. */
struct name_list {
    struct word items[NAMES_MAX];
    int n;
    bool trusted; /* the text is neither in title case nor, likely, in another language */
    bool small;   /* it has no capital: its names are all words that say something */
};

enum { SAYING_BYTES_MIN = 3 };

/* For a text without capitals. */
static void collect_words(const char *text, size_t len, struct name_list *out)
{
    struct word word;
    for (size_t pos = 0; words_next(text, len, &pos, &word) && out->n < NAMES_MAX;) {
        bool says = !word.common && word.kind == WORD_LETTERS &&
                    word.end - word.start >= SAYING_BYTES_MIN;
        if (says) out->items[out->n++] = word;
    }
}

static void collect(const char *text, size_t len, struct name_list *out)
{
    struct word word, before = { .start = 0 };
    size_t pos = 0;
    int words = 0, common = 0;
    bool title = false, any_capital = false;
    out->n = 0;
    for (; words_next(text, len, &pos, &word); words++) {
        bool begins = words == 0 || ends_sentence(text, &before, word.start);
        struct shape shape = shape_of(text, &word);
        bool capital = shape.capital && !shape.coded && !begins;
        before = word;
        any_capital |= shape.capital;
        common += word.common;
        if (word.common && capital) title = true;
        if (word.common || !capital || word.kind != WORD_LETTERS) continue;
        if (out->n < NAMES_MAX) out->items[out->n++] = word;
    }
    out->trusted = !title && common * WORDS_FOR_ONE_COMMON >= words;
    out->small = !any_capital;
}

/* --- Against the documents ------------------------------------------------ */

static void note(struct names *out, struct search *s, const char *text,
                 const struct word *word)
{
    int len = (int)(word->end - word->start);
    out->n++;
    if (search_knows(s, text + word->start, (size_t)len)) return;
    out->unknown++;
    if (out->first_unknown[0] == '\0' && len < (int)sizeof out->first_unknown) {
        snprintf(out->first_unknown, sizeof out->first_unknown, "%.*s", len,
                 text + word->start);
    }
}

void names_look_up(struct search *s, const char *question, struct names *out)
{
    struct name_list names;
    collect(question, strlen(question), &names);
    if (names.small) collect_words(question, strlen(question), &names);
    *out = (struct names){ .n = 0 };
    for (int i = 0; i < names.n && names.trusted; i++) {
        note(out, s, question, &names.items[i]);
    }
    if (names.small && (out->unknown < SMALL_UNKNOWN_MIN ||
                        out->unknown * SMALL_OF < names.n * SMALL_UNKNOWN)) {
        *out = (struct names){ .n = 0 };
    }
}

/* --- Against a sentence ---------------------------------------------------- */

static bool has_word(const char *text, size_t len, uint64_t hash)
{
    struct word word;
    for (size_t pos = 0; words_next(text, len, &pos, &word);) {
        if (word.hash == hash) return true;
    }
    return false;
}

bool names_differ(const char *question, const char *sentence, size_t sentence_len,
                  const char *around, size_t around_len)
{
    struct name_list asked, told;
    collect(question, strlen(question), &asked);
    if (asked.n == 0 || !asked.trusted) return false;
    for (int i = 0; i < asked.n; i++) {
        if (has_word(around, around_len, asked.items[i].hash)) return false;
    }
    collect(sentence, sentence_len, &told);
    for (int i = 0; i < told.n; i++) {
        if (!has_word(question, strlen(question), told.items[i].hash)) return true;
    }
    return false;
}
