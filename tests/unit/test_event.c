/* test_event.c - progress: what is left before and after the first part was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/event.h"

struct heard {
    struct lw_event last;
    int n;
};

static void hear(void *user, const struct lw_event *event)
{
    struct heard *h = user;
    h->last = *event;
    h->n++;
}

static void test_time_left(void **state)
{
    (void)state;
    struct heard h = { .n = 0 };
    struct events e;
    events_init(&e);
    e.fn = hear;
    e.user = &h;
    event_progress(&e, &(struct reading_progress){ .total = 10 });
    assert_float_equal(h.last.seconds_left, -1, 1e-9);
    event_stage(&e, "reading");
    e.part_seconds = 1.5; /* measured earlier */
    event_progress(&e, &(struct reading_progress){ .total = 10, .seconds = 0.1 });
    assert_float_equal(h.last.seconds_left, 15, 1e-9);
    event_stage(&e, "reading");
    event_progress(&e,
                   &(struct reading_progress){ .done = 2, .total = 10, .seconds = 8 });
    assert_float_equal(h.last.seconds_left, 32, 1e-9); /* the run's own speed */
    assert_int_equal(h.last.jobs_found, 0);
    events_release(&e);
}

static void test_steps(void **state)
{
    (void)state;
    struct heard h = { .n = 0 };
    struct events e;
    events_init(&e);
    event_steps(&e, 1, 3); /* nobody listens */
    e.fn = hear;
    e.user = &h;
    event_steps(&e, 1, 3);
    event_steps(&e, 2, 3); /* too soon */
    event_steps(&e, 3, 3); /* the last one always passes */
    assert_int_equal(h.n, 2);
    assert_int_equal(h.last.jobs_done, 3);
    assert_int_equal(h.last.jobs_total, 3);
    assert_true(h.last.jobs_found < 0);
    events_release(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_left),
        cmocka_unit_test(test_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
