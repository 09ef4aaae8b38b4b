/* toy_embedder.h - a model whose vectors a test can foretell: each of a few topics is a
 * number, and a text that holds one of the topic's words has it. */
#ifndef LW_TESTS_TOY_EMBEDDER_H
#define LW_TESTS_TOY_EMBEDDER_H

#include "llm/llm.h"

/* "money": budget, cost, dollars, spent. "animals": cat, dog, pet. "plants": rose,
 * garden, flower. A text without any is all 0. */
enum { TOY_WIDTH = 3, TOY_TEXT_BYTES = 512 };

struct toy_embedder {
    struct llm llm; /* first */
    struct llm_info info;
    int calls, texts;
    int cancel_at;             /* this call fails with LW_CANCELLED; 0: none does */
    char last[TOY_TEXT_BYTES]; /* the text that was embedded last */
};

/* It needs no closing. */
void toy_embedder_init(struct toy_embedder *e);

#endif
