/* decimal.h - mantissa * 10^-places: never floating point, so that a sum of amounts is
 * the amount. Everything fails rather than rounds: 18 digits are the limit. */
#ifndef LW_JOBS_DECIMAL_H
#define LW_JOBS_DECIMAL_H

#include <stdbool.h>

enum { DECIMAL_PLACES_MAX = 18 };

struct decimal {
    long long mantissa;
    int places; /* 0..DECIMAL_PLACES_MAX */
};

/* d * 10^exponent. False: too large or too small, *d is not to be used. */
bool decimal_shift(struct decimal *d, int exponent);
/* d * num / den. False: no such decimal, or too large; *d is unchanged. */
bool decimal_ratio(struct decimal *d, long long num, long long den);
/* False: too large, *sum is unchanged. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *sum);
int decimal_compare(struct decimal a, struct decimal b); /* -1, 0, 1 */
struct decimal decimal_plain(struct decimal d);          /* 12.50 -> 12.5 */
/* "-1234.50": digits as many as the decimal has places. */
enum { DECIMAL_TEXT = 32 };
void decimal_format(struct decimal d, char out[DECIMAL_TEXT]);

#endif
