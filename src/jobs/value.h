/* value.h - numbers as people write them, read exactly.
 *
 * What cannot be read fails, rather than that its beginning is taken for the whole: of
 * "two dozen" and "5/7" there is no number here. */
#ifndef LW_JOBS_VALUE_H
#define LW_JOBS_VALUE_H

#include "jobs/decimal.h"

#include <stddef.h>
#include <stdint.h>

struct value_number {
    struct decimal value;
    /* where in the text, with its signs, brackets and scale words */
    size_t start, end;
    uint32_t sign; /* a currency or '%' that stands between them, 0: none */
};

/* The first number in text. Understands signs and accounting brackets,
 * 1,234,567 and 1.234.567 and 1'234 and 1 234, decimal commas (12,5), .5, 1/2 and 3½,
 * 1.5e-3 and 3 × 10^5, scale words (1.2 million, 3bn, $5m, 1,2 Mrd., 3億) and numbers in
 * words (one hundred and fifty). Digits that belong to a word (Q3, FY2022) are none, and
 * a date in front of a number ("3 May 1901: 51 crowns") is passed over. `unit`, which may
 * be NULL, is what the number counts: in "USD millions" both "1.2 billion" and "1,200"
 * are 1200. */
bool value_find_number(const char *text, const char *unit, struct value_number *out);

/* How often this number stands in text. */
size_t value_count_number(const char *text, struct decimal value);

#endif
