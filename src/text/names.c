/* names.c - finding the names of a question, asking the index for them, and comparing
 * them with those of a sentence. */
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

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* Capitalised words that stand side by side, [first, last] of a list: "Ines Ardent". */
struct phrase {
    int first, last;
};

static bool has_word(const struct word_list *list, int first, int last, uint64_t hash)
{
    for (int i = first; i <= last; i++) {
        if (list->items[i].hash == hash) return true;
    }
    return false;
}

/* Of a name as it is written, also where it begins a sentence; but not a title. */
static bool is_of_name(const struct word_list *list, int i)
{
    static const char titles[] = "mr mrs ms miss dr doctor prof professor sir lady lord "
                                 "captain president king queen judge saint st";
    const struct word *word = &list->items[i];
    struct shape shape = shape_of(list->text, word);
    return word->kind == WORD_LETTERS && shape.capital && !shape.coded && !word->common &&
           !words_listed(titles, word->folded, strlen(word->folded));
}

/* Do the words i and i + 1 belong to one phrase? */
static bool is_joined(const struct word_list *list, int i)
{
    const struct word *a = &list->items[i], *b = &list->items[i + 1];
    return is_of_name(list, i) && is_of_name(list, i + 1) && b->start - a->end == 1 &&
           is_blank(list->text[a->end]);
}

static struct phrase phrase_at(const struct word_list *list, int i)
{
    struct phrase p = { i, i };
    while (p.first > 0 && is_joined(list, p.first - 1)) p.first--;
    while (p.last + 1 < list->n && is_joined(list, p.last)) p.last++;
    return p;
}

/* Does a phrase with one of the asked names name somebody else: Thora Ardent, where Ines
 * Ardent was asked about? (Ines Maria Ardent is no other.) */
static bool is_namesake(const struct word_list *asked, int name,
                        const struct word_list *told, struct phrase t)
{
    struct phrase q = phrase_at(asked, name);
    bool more = false;
    for (int i = t.first; i <= t.last; i++) {
        more |= !has_word(asked, 0, asked->n - 1, told->items[i].hash);
    }
    if (!more) return false;
    for (int i = q.first; i <= q.last; i++) {
        if (!has_word(told, t.first, t.last, asked->items[i].hash)) return true;
    }
    return false;
}

static bool begins_sentence(const struct word_list *list, int i)
{
    return i == 0 || ends_sentence(list->text, &list->items[i - 1], list->items[i].start);
}

/* Do two phrases stand in the same place of like sentences: "the Heron was found", "the
 * Constance was found"? Behind them the first word that says something counts. */
static bool is_parallel(const struct word_list *list, struct phrase a, struct phrase b)
{
    bool a_begins = begins_sentence(list, a.first),
         b_begins = begins_sentence(list, b.first);
    if (a_begins != b_begins) return false;
    if (!a_begins && list->items[a.first - 1].hash != list->items[b.first - 1].hash) {
        return false;
    }
    for (int i = 1; a.last + i < list->n && b.last + i < list->n; i++) {
        const struct word *x = &list->items[a.last + i], *y = &list->items[b.last + i];
        if (x->hash != y->hash || begins_sentence(list, a.last + i)) return false;
        if (!x->common) return true;
    }
    return false;
}

/* A sentence, words [first, last] of what is around it, and names that stand in it but
 * not in the question. */
struct told {
    const struct word_list *around;
    int first, last;
    int others[NAMES_MAX];
    int n_others;
};

static bool stands_beside(const struct told *t, struct phrase p)
{
    for (int i = 0; i < t->n_others; i++) {
        if (is_parallel(t->around, p, phrase_at(t->around, t->others[i]))) return true;
    }
    return false;
}

static void find_others(const struct word_list *asked, const char *sentence,
                        size_t sentence_len, struct told *t)
{
    struct name_list names;
    size_t from = (size_t)(sentence - t->around->text);
    collect(sentence, sentence_len, &names);
    for (int i = 0; i < t->around->n; i++) {
        size_t start = t->around->items[i].start;
        if (start < from || start >= from + sentence_len) continue;
        if (t->last < t->first) t->first = i;
        t->last = i;
        for (int k = 0; k < names.n; k++) {
            bool is_name = names.items[k].start + from == start;
            if (is_name && !has_word(asked, 0, asked->n - 1, names.items[k].hash)) {
                t->others[t->n_others++] = i;
            }
        }
    }
}

/* Which word of the question is it that this one repeats, if that is a name? -1: none. */
static int asked_name(const struct word_list *asked, const struct name_list *names,
                      const struct word *word)
{
    for (int i = 0; i < asked->n; i++) {
        if (asked->items[i].hash != word->hash) continue;
        for (int k = 0; k < names->n; k++) {
            if (names->items[k].start == asked->items[i].start) return i;
        }
    }
    return -1;
}

bool names_differ(const char *question, const char *sentence, size_t sentence_len,
                  const char *around, size_t around_len)
{
    struct name_list names;
    struct word_list asked, words;
    bool known = false;
    collect(question, strlen(question), &names);
    if (names.n == 0 || !names.trusted) return false;
    words_cut(question, strlen(question), &asked);
    words_cut(around, around_len, &words);
    struct told told = { .around = &words, .first = 1 };
    find_others(&asked, sentence, sentence_len, &told);
    for (int i = 0; i < words.n && told.n_others > 0; i++) {
        int name = asked_name(&asked, &names, &words.items[i]);
        struct phrase p = phrase_at(&words, i);
        if (name < 0 || is_namesake(&asked, name, &words, p)) continue;
        if (i >= told.first && i <= told.last) return false;
        if (stands_beside(&told, p)) return true;
        known = true;
    }
    return told.n_others > 0 && !known;
}
