/* index.c - which characters of a text stand verbatim in the documents.
 *
 * The windows of the documents (12 bytes at every 8th byte) hang in chains
 * under their hash. A run of 20 characters has 20 bytes or more, so it holds
 * a whole window wherever it begins; every byte of the text is therefore
 * looked up, every place found is compared and extended as far as document
 * and text agree, and extensions of 20 characters or more are marked.
 *
 * Two things keep this quick. A bit a window tells most bytes of a text apart
 * before a chain is touched. And a window whose surroundings are those of the
 * one before it in its chain is left out, or a page of spaces would be one
 * long chain; the surroundings compared reach as far as any run of 20
 * characters around the window, so nothing that counts is lost. */
#include "guard/guard.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum {
    WINDOW = GUARD_WINDOW_BYTES,
    STEP = GUARD_STEP_BYTES,
    RUN_BYTES_MAX = 4 * GUARD_RUN_CHARS,
    FILTER_BITS_EACH = 4 /* the filter has 8 to 16 bits a window: 2^4 a chain */
};

_Static_assert(WINDOW + STEP - 1 < GUARD_RUN_CHARS, "a run holds a whole window");
_Static_assert(LIMIT_TEXT_TOTAL_BYTES / STEP < UINT32_MAX,
               "windows are numbered by 32 bits");

/* Windows are numbered through all documents, from 1; 0 ends a chain. */
struct guard_index {
    const struct doc_set *set;
    uint32_t *first; /* number of each document's first window; one more at the end */
    unsigned bits;   /* there are 2^bits chains */
    uint32_t *heads;
    uint32_t *next; /* by number */
    uint64_t *filter;
};

struct place {
    const char *text; /* of the document */
    size_t len, at;
};

/* --- Windows ------------------------------------------------------------- */

static uint64_t hash_window(const char *s)
{
    uint64_t a;
    uint32_t b;
    memcpy(&a, s, sizeof a);
    memcpy(&b, s + sizeof a, sizeof b);
    uint64_t h = (a ^ (uint64_t)b * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return (h ^ h >> 32) * 0xd6e8feb86659fd93u;
}

static size_t windows_of(const struct doc *doc)
{
    return doc->len < WINDOW ? 0 : (doc->len - WINDOW) / STEP + 1;
}

static struct place place_of(const struct guard_index *ix, uint32_t window)
{
    size_t low = 0, high = ix->set->n_docs;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (ix->first[middle] <= window) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct doc *doc = ix->set->docs[low];
    return (struct place){
        .text = doc->text,
        .len = doc->len,
        .at = (size_t)(window - ix->first[low]) * STEP,
    };
}

static uint32_t chain_of(const struct guard_index *ix, uint64_t hash)
{
    return (uint32_t)(hash >> (64 - ix->bits));
}

static uint64_t filter_bit(const struct guard_index *ix, uint64_t hash)
{
    return hash >> (64 - ix->bits - FILTER_BITS_EACH);
}

/* --- Building ------------------------------------------------------------ */

/* Is everything that a run of 20 characters through the window at b can reach
 * the same around a? */
static bool same_surroundings(const struct place *a, const struct place *b)
{
    size_t before = RUN_BYTES_MAX, after = RUN_BYTES_MAX;
    if (a->at < before || b->at < before) return false;
    if (a->len - a->at < after || b->len - b->at < after) return false;
    return memcmp(a->text + a->at - before, b->text + b->at - before, before + after) ==
           0;
}

static void add_window(struct guard_index *ix, const struct place *place, uint32_t window)
{
    uint64_t hash = hash_window(place->text + place->at), bit = filter_bit(ix, hash);
    uint64_t *bits = &ix->filter[bit / 64], mask = (uint64_t)1 << bit % 64;
    uint32_t *head = &ix->heads[chain_of(ix, hash)];
    if (*bits & mask) { /* else no window like it has come */
        struct place last = place_of(ix, *head);
        if (same_surroundings(&last, place)) return;
    }
    ix->next[window] = *head;
    *head = window;
    *bits |= mask;
}

static void add_documents(struct guard_index *ix)
{
    for (size_t d = 0; d < ix->set->n_docs; d++) {
        const struct doc *doc = ix->set->docs[d];
        struct place place = { .text = doc->text, .len = doc->len };
        for (uint32_t w = ix->first[d]; w < ix->first[d + 1]; w++) {
            add_window(ix, &place, w);
            place.at += STEP;
        }
    }
}

struct guard_index *guard_index_new(const struct doc_set *set)
{
    struct guard_index *ix = mem_alloc(sizeof *ix);
    ix->set = set;
    ix->first = mem_array(set->n_docs + 1, sizeof *ix->first);
    uint32_t n = 1;
    for (size_t d = 0; d < set->n_docs; d++) {
        ix->first[d] = n;
        n += (uint32_t)windows_of(set->docs[d]);
    }
    ix->first[set->n_docs] = n;
    ix->bits = 4;
    while (((uint32_t)2 << ix->bits) < n) ix->bits++; /* one window or two a chain */
    ix->heads = mem_array((size_t)1 << ix->bits, sizeof *ix->heads);
    ix->next = mem_array(n, sizeof *ix->next);
    ix->filter =
        mem_array(((size_t)1 << (ix->bits + FILTER_BITS_EACH)) / 64, sizeof *ix->filter);
    add_documents(ix);
    return ix;
}

void guard_index_free(struct guard_index *ix)
{
    if (!ix) return;
    mem_free(ix->first);
    mem_free(ix->heads);
    mem_free(ix->next);
    mem_free(ix->filter);
    mem_free(ix);
}

/* --- Counting ------------------------------------------------------------ */

static bool starts_char(const char *s)
{
    return ((unsigned char)*s & 0xc0) != 0x80;
}

/* Does [start, end) hold a run's worth of characters? Long ones are not counted through.
 */
static bool is_run(const char *text, size_t start, size_t end)
{
    if (end < start || end - start < GUARD_RUN_CHARS) return false;
    return end - start >= RUN_BYTES_MAX ||
           utf8_count(text + start, end - start) >= GUARD_RUN_CHARS;
}

/* How far text and document agree around text[at] and the place, in whole
 * characters; false if that is no run. */
static bool extend(const char *text, size_t len, size_t at, const struct place *place,
                   size_t *start, size_t *end)
{
    if (memcmp(text + at, place->text + place->at, WINDOW) != 0) return false;
    size_t a = at, b = at + WINDOW;
    for (size_t d = place->at; a > 0 && d > 0 && text[a - 1] == place->text[d - 1]; d--)
        a--;
    for (size_t d = place->at + WINDOW; b < len && d < place->len; d++, b++) {
        if (text[b] != place->text[d]) break;
    }
    while (a < b && !starts_char(text + a)) a++;
    while (b > a && b < len && !starts_char(text + b)) b--;
    *start = a;
    *end = b;
    return is_run(text, a, b);
}

/* The runs through the window at text[at]: they overlap, so together they are
 * one stretch. False if there are none. */
static bool stretch_at(const struct guard_index *ix, const char *text, size_t len,
                       size_t at, size_t *start, size_t *end)
{
    uint64_t hash = hash_window(text + at);
    uint64_t bit = filter_bit(ix, hash);
    if (!(ix->filter[bit / 64] >> bit % 64 & 1)) return false;
    *start = SIZE_MAX;
    *end = 0;
    uint32_t window = ix->heads[chain_of(ix, hash)];
    for (int n = 0; window && n < GUARD_PLACES_MAX; n++, window = ix->next[window]) {
        struct place place = place_of(ix, window);
        size_t a, b;
        if (!extend(text, len, at, &place, &a, &b)) continue;
        if (a < *start) *start = a;
        if (b > *end) *end = b;
    }
    return *end > 0;
}

/* Where the last 19 characters of text[0, end) begin. */
static size_t before_end(const char *text, size_t end)
{
    for (int n = 1; n < GUARD_RUN_CHARS && end > 0; n++) {
        end--;
        while (end > 0 && !starts_char(text + end)) end--;
    }
    return end;
}

/* The next byte to look up when the stretch [start, end) was found at `at`. A
 * run that is not inside the stretch either begins within the last 19
 * characters of it, or before it; then it holds a window that begins less
 * than STEP bytes after the run does. */
static size_t next_lookup(const char *text, size_t at, size_t start, size_t end)
{
    if (at + 1 < start + STEP) return at + 1;
    size_t tail = before_end(text, end);
    return tail > at ? tail : at + 1;
}

static int64_t count_marked(const char *text, const unsigned char *marked, size_t len)
{
    int64_t n = 0;
    for (size_t i = 0; i < len; i++) n += marked[i] && starts_char(text + i);
    return n;
}

int64_t guard_index_count(const struct guard_index *ix, const char *text, size_t len)
{
    unsigned char *marked = NULL; /* bytes inside a run; made when there is one */
    size_t at = 0;
    while (at + WINDOW <= len) {
        size_t start, end;
        if (!stretch_at(ix, text, len, at, &start, &end)) {
            at++;
            continue;
        }
        assert(start < end && end <= len);
        if (!marked) marked = mem_alloc(len);
        memset(marked + start, 1, end - start);
        at = next_lookup(text, at, start, end);
    }
    if (!marked) return 0;
    int64_t n = count_marked(text, marked, len);
    mem_free(marked);
    return n;
}
