/* queue.c - messages between threads: a linked list, a lock and a condition.
 *
 * A list and not a ring: a put must not have to move what waits. */
#include "base/queue.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

#include <assert.h>

struct node {
    struct node *next;
    void *message;
};

/* Everything but the lock itself is read and written with the lock held. */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct node *first, *last; /* last is stale when first is NULL */
    size_t length;
};

struct queue *queue_new(void)
{
    struct queue *q = mem_alloc(sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    thread_condition_init(&q->filled);
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL) {
        return;
    }
    assert(q->first == NULL);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

void queue_put(struct queue *q, void *message)
{
    assert(message != NULL);
    struct node *n = mem_alloc(sizeof *n);
    n->message = message;
    pthread_mutex_lock(&q->lock);
    if (q->first == NULL) {
        q->first = n;
    } else {
        q->last->next = n;
    }
    q->last = n;
    q->length++;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* Called with the lock held; returns with it held. */
static void wait_filled(struct queue *q, int timeout_ms)
{
    if (timeout_ms == 0) {
        return;
    }
    int64_t end = clock_ms() + timeout_ms;
    while (q->first == NULL && (timeout_ms < 0 || clock_ms() < end)) {
        if (timeout_ms < 0) {
            pthread_cond_wait(&q->filled, &q->lock);
        } else {
            thread_wait_until(&q->filled, &q->lock, end);
        }
    }
}

void *queue_take(struct queue *q, int timeout_ms)
{
    pthread_mutex_lock(&q->lock);
    wait_filled(q, timeout_ms);
    struct node *n = q->first;
    if (n != NULL) {
        q->first = n->next;
        q->length--;
    }
    pthread_mutex_unlock(&q->lock);
    if (n == NULL) {
        return NULL;
    }
    void *message = n->message;
    mem_free(n);
    return message;
}

size_t queue_length(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t length = q->length;
    pthread_mutex_unlock(&q->lock);
    return length;
}
