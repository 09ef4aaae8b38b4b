/* words.h - the words and numbers of a text, folded for comparing.
 *
 * Letters lose case and accents, English words their endings (companies =
 * company, increased = increase), a possessive its 's. Numbers come in one
 * form: 1,000 = 1000, 12.50 = 12.5 = 12,5, 007 = 7, 3rd = 3, five = 5.
 * Characters of scripts without spaces are words of their own. */
#ifndef LW_TEXT_WORDS_H
#define LW_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORD_BYTES = 48 };

enum word_kind { WORD_LETTERS, WORD_NUMBER, WORD_IDEOGRAPH };

struct word {
    enum word_kind kind;
    size_t start, end;       /* bytes of the source */
    bool common;             /* a function word: the, of, what */
    char folded[WORD_BYTES]; /* not stemmed; long words are cut */
    int value;               /* of "two" to "ninety", else 0 */
    uint64_t hash;           /* of the stem; equal words have equal hashes */
};

/* The next word at or after *pos, which moves behind it; false at the end. */
bool words_next(const char *text, size_t len, size_t *pos, struct word *word);

/* The first words of a text. */
enum { WORD_LIST_MAX = 256 };
struct word_list {
    const char *text;
    struct word items[WORD_LIST_MAX];
    int n;
};
void words_cut(const char *text, size_t len, struct word_list *out);

/* Hash of a number written in the form above ("12.5"). */
uint64_t words_hash(const char *folded);

/* 0..20, 30, ... 90 for the word of such a number, folded; -1 for any other. */
int words_number(const char *word);

/* Is word[0, len) one of the words of a list with blanks between? */
bool words_listed(const char *list, const char *word, size_t len);

/* Han, kana, Thai and their like, written without spaces between words. */
bool words_is_ideograph(uint32_t cp);

#endif
