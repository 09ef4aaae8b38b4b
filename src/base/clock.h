/* clock.h - time that only goes forward. */
#ifndef LW_BASE_CLOCK_H
#define LW_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);     /* monotonic milliseconds since some start */
double clock_seconds(void); /* the same in seconds */
/* Sleep, shorter when interrupted by a signal. */
void clock_sleep_ms(int ms);

#endif
