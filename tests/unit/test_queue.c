/* test_queue.c - nothing lost, nothing twice, each sender's order kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/queue.h"

#include <pthread.h>

enum { SENDERS = 4, MESSAGES = 5000 };

struct message {
    int sender, number;
};

static void test_in_order(void **state)
{
    (void)state;
    int items[100];
    struct queue *q = queue_new();
    for (int i = 0; i < 100; i++) {
        queue_put(q, &items[i]);
    }
    assert_int_equal(queue_length(q), 100);
    for (int i = 0; i < 100; i++) {
        assert_ptr_equal(queue_take(q, i % 2 ? 0 : -1), &items[i]);
    }
    assert_int_equal(queue_length(q), 0);
    queue_free(q);
    queue_free(NULL);
}

static void test_emptied_and_filled_again(void **state)
{
    (void)state;
    int a, b;
    struct queue *q = queue_new();
    for (int i = 0; i < 10; i++) {
        queue_put(q, &a);
        queue_put(q, &b);
        assert_ptr_equal(queue_take(q, 1000), &a);
        assert_ptr_equal(queue_take(q, 1000), &b);
        assert_null(queue_take(q, 0));
    }
    queue_free(q);
}

static void test_timeouts(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    double start = clock_seconds();
    assert_null(queue_take(q, 0));
    assert_true(clock_seconds() - start < 1);
    start = clock_seconds();
    assert_null(queue_take(q, 60));
    double waited = clock_seconds() - start;
    assert_true(waited >= 0.059 && waited < 10);
    start = clock_seconds();
    assert_null(queue_take(q, 1001));
    assert_true(clock_seconds() - start >= 1.0);
    queue_free(q);
}

struct late {
    struct queue *q;
    struct message message;
};

static void *put_later(void *arg)
{
    struct late *late = arg;
    clock_sleep_ms(50);
    queue_put(late->q, &late->message);
    return NULL;
}

static void test_taker_is_woken(void **state)
{
    (void)state;
    static const int timeouts_ms[] = { -1, 60000, INT32_MAX };
    struct late late = { .q = queue_new() };
    for (int i = 0; i < 3; i++) {
        pthread_t sender;
        assert_int_equal(pthread_create(&sender, NULL, put_later, &late), 0);
        double start = clock_seconds();
        assert_ptr_equal(queue_take(late.q, timeouts_ms[i]), &late.message);
        assert_true(clock_seconds() - start < 30);
        pthread_join(sender, NULL);
    }
    queue_free(late.q);
}

struct sender {
    struct queue *q;
    struct message messages[MESSAGES];
};

static struct sender senders[SENDERS];

/* The fields are written by the sender and read by the taker without a lock of
 * their own: the thread sanitizer checks that the queue hands them over. */
static void *send_all(void *arg)
{
    struct sender *s = arg;
    for (int i = 0; i < MESSAGES; i++) {
        s->messages[i] = (struct message){ .sender = (int)(s - senders), .number = i };
        queue_put(s->q, &s->messages[i]);
    }
    return NULL;
}

static void test_many_senders(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i].q = q;
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    int next[SENDERS] = { 0 };
    for (int i = 0; i < SENDERS * MESSAGES; i++) {
        const struct message *m = queue_take(q, 60000);
        assert_non_null(m);
        assert_int_equal(m->number, next[m->sender]);
        next[m->sender]++;
    }
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_null(queue_take(q, 0));
    assert_int_equal(queue_length(q), 0);
    queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_emptied_and_filled_again),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_taker_is_woken),
        cmocka_unit_test(test_many_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
