/* retry.h - when to try again, as a pure function.
 *
 * Full jitter: a random time in [0, min(cap, base * 2^attempt)] (Brooker,
 * "Exponential Backoff And Jitter", 2015), but never less than Retry-After; base is half
 * a second, and four seconds for a 429 without a Retry-After. 401, 403, 404, 400 and 429
 * with insufficient quota are final, and so is a Retry-After of more than five minutes.
 */
#ifndef LW_NET_RETRY_H
#define LW_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_AFTER_MAX_MS = 5 * 60 * 1000 };

struct retry_input {
    int attempt; /* 0: the first try has just failed */
    int attempts_max;
    int status;           /* 0: no HTTP status */
    bool transport_error; /* connection refused, reset, timed out, cut */
    bool quota_exhausted; /* the error body says so */
    bool should_retry_no;
    int retry_after_ms;   /* -1: absent */
    uint32_t random;      /* any 32 random bits */
    int64_t time_left_ms; /* until the deadline; INT64_MAX: none */
};

/* Milliseconds to wait before the next try, or -1: do not try again. */
int64_t retry_delay_ms(const struct retry_input *in);

#endif
