/* place.c - a JSON pointer that grows and shrinks.
 *
 * Keys are not escaped (~0, ~1): nobody follows the pointer, a person reads it. */
#include "llm/place.h"

#include <stdio.h>

size_t place_push(struct place *p, const char *key)
{
    size_t before = p->len;
    int n = snprintf(p->text + p->len, sizeof p->text - p->len, "/%s", key);
    p->len = n < 0 ? before : p->len + (size_t)n;
    if (p->len >= sizeof p->text) p->len = sizeof p->text - 1;
    return before;
}

size_t place_push_index(struct place *p, size_t i)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", i);
    return place_push(p, number);
}

void place_pop(struct place *p, size_t before)
{
    p->len = before;
    p->text[before] = '\0';
}
