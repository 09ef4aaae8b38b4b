/* unit.h - what a number counts, as far as it can be told from the text around it.
 *
 * Amounts of unlike units are neither added nor compared. Unlike are two units that are
 * both known here and are not of one kind: dollars and euros, grams and metres, metres
 * and "metres per second". Words that are no units ("51 crates") are not known, and a
 * number without a known unit may be of any. */
#ifndef LW_JOBS_UNIT_H
#define LW_JOBS_UNIT_H

#include "jobs/value.h"

struct unit {
    int kind;
    long long size;    /* in the smallest one of the kind */
    const char *names; /* as the text may have them, blanks between; first its own */
};

struct unit_found {
    const struct unit *unit; /* NULL: none that is known */
    const char *also;        /* first names of others that are called so too, or NULL */
    bool per;                /* "5 mg/kg", "$3 per share", "4 crowns a week" */
    size_t start, end;       /* of the number with its unit */
};

/* The unit of the number that was found in text. */
void unit_of_number(const char *text, const struct value_number *n,
                    struct unit_found *out);
/* The first unit that is named among words: "USD millions", "mg per litre"; money before
 * a letter that may be a scale: "m EUR". */
void unit_in_words(const char *words, struct unit_found *out);
/* Does another number belong to it, which is not in its value: "5 ft 10", "£5 10s",
 * "20 shillings and 6 pence", "5-10 %", "10 to 12 crowns"? */
bool unit_goes_on(const char *text, const struct value_number *number,
                  const struct unit_found *u);
/* The currency that text[0, end) ends with: "USD ", "Rs "; NULL if it ends with none. */
const struct unit *unit_before(const char *text, size_t end, size_t *start);

/* Is it that unit, or called so too? "$" is CAD as well, "pounds" are lb. */
bool unit_may_be(const struct unit_found *u, const struct unit *other);
/* Of one kind, so that one can be written in the other; an unknown unit is like any. */
bool unit_is_like(const struct unit_found *a, const struct unit_found *b);
bool unit_is_money(const struct unit_found *u);
/* n of one unit in another of its kind. False: there is no such decimal. */
bool unit_convert(const struct unit *from, const struct unit *to, struct decimal *n);
/* Its own name, for an answer: "kg". */
enum { UNIT_NAME_MAX = 24 };
void unit_name(const struct unit *u, char out[UNIT_NAME_MAX]);

#endif
