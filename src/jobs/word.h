/* word.h - a word of a text, as tables of names have it, a blank, a run of digits: what
 * the readers of numbers, units and dates share. */
#ifndef LW_JOBS_WORD_H
#define LW_JOBS_WORD_H

#include <stddef.h>

enum { WORD_MAX = 24 };

struct named {
    const char *name;
    int value;
};

/* The letters at s, folded: "Millón" is "millon". Returns its bytes in s; 0 if there
 * is none, or a longer one. */
size_t word_at(const char *s, char out[WORD_MAX]);

/* The last letters of text[0, end), folded; returns where they start, end if there is no
 * word there. */
size_t word_before(const char *text, size_t end, char out[WORD_MAX]);

/* Behind a blank at s, one that does not break too; s if there is none. */
const char *word_skip_blank(const char *s);

/* How many digits stand at s. */
size_t word_digits(const char *s);

/* The row with this name, NULL if there is none. */
const struct named *word_find(const struct named *table, size_t n, const char *word);
#define WORD_FIND(table, word) word_find(table, sizeof table / sizeof *table, word)

#endif
