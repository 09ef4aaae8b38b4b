/* chunk.c - the list of chunks that a run reads.
 *
 * Chunks stay in the order of their documents and, in a document, of their
 * text; finding the chunk that holds a byte is a binary search over that. */
#include "flow/chunk.h"

#include "base/mem.h"

void chunk_list_release(struct chunk_list *list)
{
    mem_free(list->items);
    *list = (struct chunk_list){ .items = NULL };
}

void chunk_list_add(struct chunk_list *list, struct chunk chunk)
{
    mem_grow((void **)&list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = chunk;
}

long chunk_list_find(const struct chunk_list *list, int doc, size_t pos)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct chunk *c = &list->items[middle];
        if (c->doc < doc || (c->doc == doc && c->end <= pos)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == list->n) return -1;
    const struct chunk *c = &list->items[low];
    return c->doc == doc && c->start <= pos ? (long)low : -1;
}
