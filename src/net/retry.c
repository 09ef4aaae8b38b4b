/* retry.c - when to try again.
 *
 * One table-free rule for all providers, kept apart from everything that waits
 * so that it can be tested with numbers. A server's own wish (Retry-After) is a
 * floor: the jitter comes on top of it, or all requests that were turned away
 * together would come back together. A wish beyond what a person would wait for
 * ends the trying instead of being cut short. A rate limit without such a wish is waited
 * for longer than trouble is: most are counted in minutes. */
#include "net/retry.h"

enum { BASE_MS = 500, LIMIT_BASE_MS = 4000, CAP_MS = 30 * 1000 };

/* Conflict, too early, rate limits and the server's own troubles pass by themselves;
 * "not implemented" and "version not supported" do not. */
static bool status_may_pass(int status)
{
    if (status == 501 || status == 505) {
        return false;
    }
    return status == 408 || status == 409 || status == 425 || status == 429 ||
           (status >= 500 && status <= 599);
}

/* A refusal stays one, even if its body was cut on the way. */
static bool is_final(const struct retry_input *in)
{
    bool cut = in->transport_error && in->status < 400;
    return in->attempt + 1 >= in->attempts_max || in->should_retry_no ||
           in->quota_exhausted || in->retry_after_ms > RETRY_AFTER_MAX_MS ||
           !(cut || status_may_pass(in->status));
}

/* The k-th ceiling is base * 2^k, at most the cap; the jitter is uniform below it. */
static int64_t jitter_ms(const struct retry_input *in)
{
    bool limit = in->status == 429 && in->retry_after_ms < 0;
    int64_t ceiling = limit ? LIMIT_BASE_MS : BASE_MS;
    for (int i = 0; i < in->attempt && ceiling < CAP_MS; i++) {
        ceiling *= 2;
    }
    if (ceiling > CAP_MS) {
        ceiling = CAP_MS;
    }
    return (int64_t)(((uint64_t)ceiling * in->random) >> 32);
}

int64_t retry_delay_ms(const struct retry_input *in)
{
    if (is_final(in)) {
        return -1;
    }
    int64_t delay = jitter_ms(in);
    if (in->retry_after_ms > 0) {
        delay += in->retry_after_ms;
    }
    return delay < in->time_left_ms ? delay : -1;
}
