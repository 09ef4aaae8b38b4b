/* date.h - dates as people write them.
 *
 * 2022-03-12, 12 March 1956, March 12, 1956, 12.03.1956, 3/12/1956 (month first unless
 * it cannot be), 03/1956, March 1956, 1956; months also in German, French, Spanish and
 * Italian ("12 de marzo de 1956"), 1956年3月12日; March 12-14, 1956 is its first day. A
 * year whose day or month cannot be read ("12 Smarch 1956") is no date: that it is of
 * some day in 1956 would be a guess. */
#ifndef LW_JOBS_DATE_H
#define LW_JOBS_DATE_H

#include <stdbool.h>
#include <stddef.h>

struct date {
    int yyyymmdd;      /* mm or dd 0 if not said */
    size_t start, end; /* where in the text */
};

/* The first date in text; one with a month before one that is only a year. */
bool date_find(const char *text, struct date *out);

/* Behind the date with a month that begins at s; NULL if none does. A day and a month
 * without a year ("3 May", "12. März") count here, but not where they may be something
 * else ("15 may attend", "20 Mars bars"); nor does "10-2000", which may be a range. */
const char *date_skip(const char *s);

#endif
