/* scale.h - "million", "bn", "Mrd.", "億": what the digits in front of them are times. */
#ifndef LW_JOBS_SCALE_H
#define LW_JOBS_SCALE_H

#include <stdbool.h>

/* A word that is a thousand in Spain and a million in the street: no power below this
 * is one. */
enum { SCALE_UNSURE = 99 };

/* The power of ten of the scale words at *s ("hundred thousand"), moved behind them; 0
 * if there is none, SCALE_UNSURE or more if it cannot be told. money: the number in
 * front is an amount of money, where "m" and "b" are scales too. */
int scale_read(const char **s, bool money);

/* The scale that a unit's words name: 6 for "USD millions" and "USD mil", 0 for none,
 * SCALE_UNSURE for a "mil" elsewhere. */
int scale_of_unit(const char *unit);

#endif
