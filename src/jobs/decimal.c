/* decimal.c - decimals that are added and compared exactly. */
#include "jobs/decimal.h"

#include <stdio.h>

static bool times_ten(long long *n)
{
    return !__builtin_mul_overflow(*n, 10LL, n);
}

bool decimal_shift(struct decimal *d, int exponent)
{
    for (; exponent < 0; exponent++) {
        if (d->mantissa % 10 == 0 && d->places == 0)
            d->mantissa /= 10;
        else
            d->places++;
    }
    for (; exponent > 0; exponent--) {
        if (d->places > 0)
            d->places--;
        else if (!times_ten(&d->mantissa))
            return false;
    }
    return d->places <= DECIMAL_PLACES_MAX;
}

static bool with_places(struct decimal d, int places, long long *mantissa)
{
    for (; d.places < places; d.places++) {
        if (!times_ten(&d.mantissa)) return false;
    }
    *mantissa = d.mantissa;
    return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *sum)
{
    int places = a.places > b.places ? a.places : b.places;
    long long x, y, both;
    if (!with_places(a, places, &x) || !with_places(b, places, &y)) return false;
    if (__builtin_add_overflow(x, y, &both)) return false;
    *sum = (struct decimal){ .mantissa = both, .places = places };
    return true;
}

bool decimal_ratio(struct decimal *d, long long num, long long den)
{
    struct decimal x = decimal_plain(*d);
    if (__builtin_mul_overflow(x.mantissa, num, &x.mantissa)) return false;
    while (x.mantissa % den != 0) {
        if (!times_ten(&x.mantissa) || ++x.places > DECIMAL_PLACES_MAX) return false;
    }
    x.mantissa /= den;
    *d = decimal_plain(x);
    return true;
}

struct decimal decimal_plain(struct decimal d)
{
    while (d.places > 0 && d.mantissa % 10 == 0) {
        d.mantissa /= 10;
        d.places--;
    }
    return d;
}

/* Where the places cannot be made equal the one that overflows has so many
 * more digits before the point that its sign decides. */
int decimal_compare(struct decimal a, struct decimal b)
{
    a = decimal_plain(a);
    b = decimal_plain(b);
    int places = a.places > b.places ? a.places : b.places;
    long long x, y;
    if (!with_places(a, places, &x)) return a.mantissa > 0 ? 1 : -1;
    if (!with_places(b, places, &y)) return b.mantissa > 0 ? -1 : 1;
    return (x > y) - (x < y);
}

void decimal_format(struct decimal d, char out[DECIMAL_TEXT])
{
    char digits[DECIMAL_TEXT];
    unsigned long long size = d.mantissa < 0 ? 0ULL - (unsigned long long)d.mantissa
                                             : (unsigned long long)d.mantissa;
    int n = snprintf(digits, sizeof digits, "%0*llu", d.places + 1, size);
    int whole = n - d.places;
    snprintf(out, DECIMAL_TEXT, "%s%.*s%s%s", d.mantissa < 0 ? "-" : "", whole, digits,
             d.places > 0 ? "." : "", digits + whole);
}
