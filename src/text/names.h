/* names.h - do the documents know what a question is about?
 *
 * "What is the access code for the Ravenmoor vault?" over documents in which
 * Ravenmoor stands nowhere has no answer there, however much a passage about
 * another vault looks like one. Small models do not see the difference.
 *
 * A name is a word with a capital letter that does not begin a sentence, is no
 * function word, has no digit and is not all capitals (acronyms are often
 * spelt out). Questions in title case, or with so few function words of English
 * that they are likely in another language, tell nothing. A name is known if the
 * documents have the word, or one so like it that a slip of the pen may explain the
 * difference.
 *
 * Measured with a sketch of this rule on five sets of the evaluation pack: of 123
 * questions with names, 8 have an unknown one in their own document; of 228
 * moved to another document of their set, 182 have.
 *
 * Who types without capitals ("who played bill's son") gives no names, so there every
 * word that says something is taken for one, but only if three at least and two in five
 * stand nowhere: one may be put in other words. With the questions of nine sets in small
 * letters a sketch of that holds for 6 of 362 in their own document and, moved to another
 * of their set, for 44 in a hundred of three sets, 41 of a fourth and few of the others,
 * whose documents are all of a kind. (Stories, asked about in words of their own: 10 of
 * 56, and 63 in a hundred.) */
#ifndef LW_TEXT_NAMES_H
#define LW_TEXT_NAMES_H

#include "text/search.h"

#include <stdbool.h>
#include <stddef.h>

struct names {
    int n;                  /* names in the question */
    int unknown;            /* of these, not in the documents */
    char first_unknown[64]; /* as the question has it; "" if none */
};

void names_look_up(struct search *s, const char *question, struct names *out);

/* Does a sentence speak of another than the question does: "How often did the Heron
 * leak?", "At the ninth inspection the Constance was found to leak"? The sentence
 * has a name that the question has not, and none of the question's; and what stands
 * around it (text[0, len), the sentence included) has none either, or has it in the same
 * place of a like sentence ("the Heron was found ..."). Thora Ardent is not Ines Ardent.
 */
bool names_differ(const char *question, const char *sentence, size_t sentence_len,
                  const char *around, size_t around_len);

#endif
