/* terms.c - a hash table of terms, and notes that are sorted once.
 *
 * Every word of every document goes through terms_intern() and terms_count().
 * Slots are numbers, not terms, so that the table of a large vocabulary stays
 * in the cache; the sort is by counting, since terms are numbers. */
#include "text/terms.h"

#include <assert.h>

enum { SLOTS_FIRST = 1024 };

void terms_init(struct terms *t)
{
    *t = (struct terms){ .arena = arena_new(), .n_slots = SLOTS_FIRST };
    t->slots = mem_array(t->n_slots, sizeof *t->slots);
}

void terms_release(struct terms *t)
{
    mem_free(t->items);
    mem_free(t->slots);
    mem_free(t->notes);
    mem_free(t->postings);
    arena_free(t->arena);
    *t = (struct terms){ .arena = NULL };
}

/* --- The table ----------------------------------------------------------------- */

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

/* The slot of the hash, or the free one where it belongs. */
static size_t slot_of(const struct terms *t, uint64_t hash)
{
    size_t at = hash & (t->n_slots - 1);
    while (t->slots[at] && t->items[t->slots[at] - 1].hash != hash) {
        at = (at + 1) & (t->n_slots - 1);
    }
    return at;
}

static void grow_slots(struct terms *t)
{
    mem_free(t->slots);
    t->n_slots *= 2;
    t->slots = mem_array(t->n_slots, sizeof *t->slots);
    for (size_t i = 0; i < t->n; i++) {
        t->slots[slot_of(t, t->items[i].hash)] = (uint32_t)i + 1;
    }
}

int32_t terms_intern(struct terms *t, const char *text, size_t len)
{
    uint64_t hash = hash_of(text, len);
    size_t at = slot_of(t, hash);
    if (t->slots[at]) return (int32_t)(t->slots[at] - 1);
    assert(t->n < INT32_MAX);
    mem_grow((void **)&t->items, &t->cap, t->n + 1, sizeof *t->items);
    t->items[t->n++] = (struct term){ .hash = hash,
                                      .text = arena_strndup(t->arena, text, len),
                                      .len = (uint32_t)len,
                                      .stem = TERM_NONE };
    t->slots[at] = (uint32_t)t->n;
    if (2 * t->n >= t->n_slots) grow_slots(t);
    return (int32_t)(t->n - 1);
}

/* --- Postings ------------------------------------------------------------------ */

void terms_count(struct terms *t, int32_t term, uint32_t chunk)
{
    struct term *of = &t->items[term];
    struct note *last = of->last_note ? &t->notes[of->last_note - 1] : NULL;
    if (last && last->posting.chunk == chunk) {
        last->posting.count++;
        return;
    }
    assert(!t->postings && t->n_notes < UINT32_MAX);
    mem_grow((void **)&t->notes, &t->cap_notes, t->n_notes + 1, sizeof *t->notes);
    t->notes[t->n_notes++] = (struct note){ .term = (uint32_t)term,
                                            .posting = { .chunk = chunk, .count = 1 } };
    of->last_note = (uint32_t)t->n_notes;
    of->n++;
}

void terms_close(struct terms *t)
{
    uint32_t first = 0;
    t->postings = mem_array(t->n_notes, sizeof *t->postings);
    for (size_t i = 0; i < t->n; i++) {
        t->items[i].first = first;
        first += t->items[i].n;
        t->items[i].n = 0;
    }
    for (size_t i = 0; i < t->n_notes; i++) {
        struct term *term = &t->items[t->notes[i].term];
        t->postings[term->first + term->n++] = t->notes[i].posting;
    }
    mem_free(t->notes);
    t->notes = NULL;
}
