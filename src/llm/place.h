/* place.h - where in a JSON value a walk is, as a JSON pointer; for messages.
 *
 * It grows as the walk goes down and shrinks as it comes back:
 *
 *     size_t before = place_push(&p, "items");
 *     ... p.text is "/items" ...
 *     place_pop(&p, before);
 *
 * One that grows too long is cut: it is for the reader's eye. */
#ifndef LW_LLM_PLACE_H
#define LW_LLM_PLACE_H

#include <stddef.h>

struct place {
    char text[256]; /* "" at the top */
    size_t len;
};

size_t place_push(struct place *p, const char *key);
size_t place_push_index(struct place *p, size_t i);
void place_pop(struct place *p, size_t before);

#endif
