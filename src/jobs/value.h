/* value.h - numbers and dates as people write them, read exactly.
 *
 * Decimals are mantissa * 10^-places, never floating point, so that a sum of
 * amounts is the amount. Everything fails rather than rounds: 18 digits are
 * the limit. */
#ifndef LW_JOBS_VALUE_H
#define LW_JOBS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct decimal {
    long long mantissa;
    int places; /* 0..18 */
};

struct value_number {
    struct decimal value;
    size_t start, end; /* where in the text, with its scale words */
};

/* The first number in text. Understands signs and accounting brackets,
 * 1,234,567 and 1.234.567 and 1'234, decimal commas (12,5), scale words
 * (1.2 million, 3bn, $5m) and small numbers in words. Digits that belong to a
 * word (Q3, FY2022) are none. `unit`, which may be NULL, is what the number
 * counts: in "USD millions" both "1.2 billion" and "1,200" are 1200. */
bool value_find_number(const char *text, const char *unit, struct value_number *out);

/* The first date in text as yyyymmdd (dd or mm 0 if not said): 2022-03-12,
 * 12 March 1956, March 12, 1956, 12.03.1956, 3/12/1956 (month first unless it
 * cannot be), March 1956, 1956. */
bool value_find_date(const char *text, int *yyyymmdd);

/* False: too large, *sum is unchanged. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *sum);
int decimal_compare(struct decimal a, struct decimal b); /* -1, 0, 1 */
struct decimal decimal_plain(struct decimal d);          /* 12.50 -> 12.5 */
/* "-1234.50": digits as many as the decimal has places. */
enum { DECIMAL_TEXT = 32 };
void decimal_format(struct decimal d, char out[DECIMAL_TEXT]);

#endif
