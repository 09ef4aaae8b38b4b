/* terms.c - a hash table of terms, and notes that are sorted once.
 *
 * Every word of every document goes through terms_intern() and terms_count().
 * Slots are numbers, not terms, so that the table of a large vocabulary stays
 * in the cache; the sort is by counting, since terms are numbers. */
#include "text/terms.h"

#include "base/random.h"

#include <assert.h>
#include <string.h>

enum { SLOTS_FIRST = 1024 };

void terms_init(struct terms *t)
{
    *t = (struct terms){ .arena = arena_new(),
                         .n_slots = SLOTS_FIRST,
                         .seed = random_number(),
                         .factor = random_number() | 1 };
    t->slots = mem_array(t->n_slots, sizeof *t->slots);
}

void terms_release(struct terms *t)
{
    mem_free(t->items);
    mem_free(t->stems);
    mem_free(t->counts);
    mem_free(t->here);
    mem_free(t->slots);
    mem_free(t->notes);
    mem_free(t->postings);
    arena_free(t->arena);
    *t = (struct terms){ .arena = NULL };
}

/* --- The table ----------------------------------------------------------------- */

static uint64_t load_8(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    return bytes;
}

static uint64_t load_4(const char *text)
{
    uint32_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    return bytes;
}

/* Of one to eight bytes, such that no two words of the same length are equal. */
static uint64_t load_short(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len >= 4) return load_4(text) | load_4(text + len - 4) << 32;
    return len == 0
               ? 0
               : (uint64_t)s[0] | (uint64_t)s[len / 2] << 8 | (uint64_t)s[len - 1] << 16;
}

/* A factor that is odd loses nothing. */
static uint64_t mix(uint64_t hash, uint64_t eight, uint64_t factor)
{
    hash = (hash ^ eight) * factor;
    return hash ^ hash >> 32;
}

/* Eight bytes at a step: most words take one. Seed and factor are secrets: whoever
 * knew them could write words that share a slot, and each would be compared with all. */
static uint64_t hash_of(const struct terms *t, const char *text, size_t len)
{
    uint64_t factor = t->factor, hash = mix(t->seed, len, factor);
    for (; len > 8; text += 8, len -= 8) hash = mix(hash, load_8(text), factor);
    return mix(mix(hash, load_short(text, len), factor), 0, factor);
}

/* The slot of the hash, or the free one where it belongs. */
static struct term_slot *slot_of(const struct terms *t, uint64_t hash)
{
    size_t at = hash & (t->n_slots - 1);
    while (t->slots[at].number && t->slots[at].hash != hash) {
        at = (at + 1) & (t->n_slots - 1);
    }
    return &t->slots[at];
}

static void grow_slots(struct terms *t)
{
    struct term_slot *old = t->slots;
    size_t n_old = t->n_slots;
    t->n_slots *= 2;
    t->slots = mem_array(t->n_slots, sizeof *t->slots);
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].number) *slot_of(t, old[i].hash) = old[i];
    }
    mem_free(old);
}

static void make_room(struct terms *t)
{
    size_t caps[] = { t->cap, t->cap, t->cap };
    mem_grow((void **)&t->items, &t->cap, t->n + 1, sizeof *t->items);
    mem_grow((void **)&t->stems, &caps[0], t->n + 1, sizeof *t->stems);
    mem_grow((void **)&t->counts, &caps[1], t->n + 1, sizeof *t->counts);
    mem_grow((void **)&t->here, &caps[2], t->n + 1, sizeof *t->here);
}

int32_t terms_intern(struct terms *t, const char *text, size_t len)
{
    uint64_t hash = hash_of(t, text, len);
    struct term_slot *slot = slot_of(t, hash);
    if (slot->number) return (int32_t)(slot->number - 1);
    assert(t->n < INT32_MAX);
    make_room(t);
    t->items[t->n] =
        (struct term){ .text = arena_strndup(t->arena, text, len), .len = (uint32_t)len };
    t->stems[t->n] = TERM_NONE;
    t->counts[t->n] = 0;
    *slot = (struct term_slot){ .hash = hash, .number = (uint32_t)++t->n };
    if (2 * t->n >= t->n_slots) grow_slots(t);
    return (int32_t)(t->n - 1);
}

/* --- Postings ------------------------------------------------------------------ */

static void note_chunk(struct terms *t)
{
    mem_grow((void **)&t->notes, &t->cap_notes, t->n_notes + t->n_here, sizeof *t->notes);
    for (size_t i = 0; i < t->n_here; i++) {
        uint32_t term = t->here[i];
        t->notes[t->n_notes++] =
            (struct note){ .term = term, .posting = { t->chunk, t->counts[term] } };
        t->items[term].n++;
        t->counts[term] = 0;
    }
    t->n_here = 0;
}

void terms_count(struct terms *t, int32_t term, uint32_t chunk)
{
    assert(!t->postings && chunk >= t->chunk);
    if (chunk != t->chunk) note_chunk(t);
    t->chunk = chunk;
    if (t->counts[term]++ == 0) t->here[t->n_here++] = (uint32_t)term;
}

void terms_close(struct terms *t)
{
    uint32_t first = 0;
    note_chunk(t);
    assert(t->n_notes < UINT32_MAX);
    t->postings = mem_array(t->n_notes, sizeof *t->postings);
    for (size_t i = 0; i < t->n; i++) {
        t->items[i].first = t->counts[i] = first;
        first += t->items[i].n;
    }
    for (size_t i = 0; i < t->n_notes; i++) {
        t->postings[t->counts[t->notes[i].term]++] = t->notes[i].posting;
    }
    mem_free(t->notes);
    t->notes = NULL;
}
