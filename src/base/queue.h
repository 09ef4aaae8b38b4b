/* queue.h - messages between threads: unbounded count, fixed size, in order.
 *
 * Many threads put, one takes. The queue owns neither messages nor their
 * meaning: it moves pointers. */
#ifndef LW_BASE_QUEUE_H
#define LW_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *q);               /* must be empty and unused */
void queue_put(struct queue *q, void *message); /* any thread; message not NULL */
/* Oldest message; NULL if none came within timeout_ms (-1: wait for ever, 0: do
 * not wait). */
void *queue_take(struct queue *q, int timeout_ms);
size_t queue_length(struct queue *q);

#endif
