/* test_retry.c - the rule of trying again, as numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/retry.h"

static struct retry_input input(int status)
{
    return (struct retry_input){
        .attempts_max = 5,
        .status = status,
        .retry_after_ms = -1,
        .random = UINT32_MAX,
        .time_left_ms = INT64_MAX,
    };
}

static void test_statuses(void **state)
{
    (void)state;
    static const int passing[] = { 408, 409, 425, 429, 500, 502, 503, 504, 520, 529 };
    static const int final[] = { 200, 301, 400, 401, 403, 404,
                                 405, 413, 422, 501, 505, 600 };
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        struct retry_input in = input(passing[i]);
        assert_true(retry_delay_ms(&in) >= 0);
    }
    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        struct retry_input in = input(final[i]);
        assert_int_equal(retry_delay_ms(&in), -1);
    }
}

static void test_transport(void **state)
{
    (void)state;
    struct retry_input in = input(0);
    assert_int_equal(retry_delay_ms(&in), -1);
    in.transport_error = true;
    assert_true(retry_delay_ms(&in) >= 0);
    in.status = 200; /* cut in its middle */
    assert_true(retry_delay_ms(&in) >= 0);
    in.status = 401; /* the refusal was understood before the cut */
    assert_int_equal(retry_delay_ms(&in), -1);
}

static void test_final_words(void **state)
{
    (void)state;
    struct retry_input in = input(429);
    in.quota_exhausted = true;
    assert_int_equal(retry_delay_ms(&in), -1);
    in = input(503);
    in.should_retry_no = true;
    assert_int_equal(retry_delay_ms(&in), -1);
}

static void test_attempts(void **state)
{
    (void)state;
    struct retry_input in = input(500);
    for (in.attempt = 0; in.attempt < 4; in.attempt++) {
        assert_true(retry_delay_ms(&in) >= 0);
    }
    assert_int_equal(retry_delay_ms(&in), -1);
    in.attempts_max = 1;
    in.attempt = 0;
    assert_int_equal(retry_delay_ms(&in), -1);
}

/* Limits are counted in minutes: five tries within seconds would all be too early. */
static void test_rate_limit_without_a_word(void **state)
{
    (void)state;
    static const int64_t ceilings[] = { 4000, 8000, 16000, 30000, 30000 };
    for (int i = 0; i < 5; i++) {
        struct retry_input in = input(429);
        in.attempts_max = 100;
        in.attempt = i;
        assert_in_range(retry_delay_ms(&in), ceilings[i] - 1, ceilings[i]);
        in.retry_after_ms = 0;
        assert_true(retry_delay_ms(&in) <= 500 << i);
    }
}

static void test_jitter(void **state)
{
    (void)state;
    static const int64_t ceilings[] = {
        500, 1000, 2000, 4000, 8000, 16000, 30000, 30000
    };
    for (int i = 0; i < 8; i++) {
        struct retry_input in = input(503);
        in.attempts_max = 100;
        in.attempt = i;
        int64_t most = retry_delay_ms(&in);
        assert_true(most <= ceilings[i] && most >= ceilings[i] - 1);
        in.random = UINT32_MAX / 2;
        assert_true(retry_delay_ms(&in) <= ceilings[i] / 2);
        in.random = 0;
        assert_int_equal(retry_delay_ms(&in), 0);
    }
    struct retry_input far = input(503);
    far.attempt = 1000000;
    far.attempts_max = INT32_MAX;
    assert_true(retry_delay_ms(&far) <= 30000);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct retry_input in = input(429);
    in.retry_after_ms = 7000;
    in.random = 0;
    assert_int_equal(retry_delay_ms(&in), 7000);
    in.random = UINT32_MAX;
    assert_in_range(retry_delay_ms(&in), 7000, 7500);
    in.retry_after_ms = 0;
    assert_in_range(retry_delay_ms(&in), 0, 500);
    in.retry_after_ms = 3600 * 1000; /* nobody waits an hour */
    assert_int_equal(retry_delay_ms(&in), -1);
}

static void test_deadline(void **state)
{
    (void)state;
    struct retry_input in = input(429);
    in.retry_after_ms = 2000;
    in.random = 0;
    in.time_left_ms = 2001;
    assert_int_equal(retry_delay_ms(&in), 2000);
    in.time_left_ms = 2000;
    assert_int_equal(retry_delay_ms(&in), -1);
    in.time_left_ms = -5;
    assert_int_equal(retry_delay_ms(&in), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_transport),
        cmocka_unit_test(test_final_words),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_rate_limit_without_a_word),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
