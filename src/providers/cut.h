/* cut.h - did the server read the whole prompt, or cut it without a word?
 *
 * Ollama and its like drop the middle of a prompt that is longer than the context
 * they serve, answer what is left, and say nothing; only the number of prompt tokens
 * that they report gives them away. A prompt counts as cut when one of these holds:
 *
 *   filled   the context is known, and the number is that of a prompt cut to fit: the
 *            whole context, or the half of it that newer versions keep. The context
 *            is asked for where the server tells (Ollama: /api/show, /api/ps).
 *   too few  fewer tokens than any tokeniser makes of the text: none joins two words,
 *            or a word and a number, so there are at least as many tokens as those;
 *            nor does any make ten bytes of text without blanks one token. (Of 1,397
 *            pieces of 6,000 bytes of English prose, tables and contracts five
 *            tokenisers made 1.08 to 5.4 times as many; of licences and C code,
 *            nineteen made 1.1 to 2.7 times as many.)
 *   round    the context is not known, the number is one that contexts have (2048, 4096,
 *            6000, ...), and the text should be a tenth more tokens, judged by what
 *            earlier replies of this server counted for theirs.
 *
 * Not noticed: a cut of less than about a fifth (English; more in languages of long
 * words, and up to half without blanks) by a server that does not tell its context,
 * where that is no round number or nothing was read before; prompts under
 * CUT_BYTES_MIN, but for a filled context; servers that report no count. A server
 * that counts only what it had not cached (Ollama before 0.5) may look like one
 * that cuts.
 *
 * Pure functions over plain data; the owner of a struct cut_meter locks it. */
#ifndef LW_PROVIDERS_CUT_H
#define LW_PROVIDERS_CUT_H

#include "llm/llm.h"

/* Of shorter prompts too little is known. */
enum { CUT_BYTES_MIN = 4096 };

/* What is known of a server. All 0: nothing. */
struct cut_meter {
    int64_t context;        /* tokens it really serves; 0: unknown */
    int64_t tokens, pieces; /* of replies whose prompt seemed whole */
};

/* The size of a prompt, as far as it can be known here. */
struct cut_prompt {
    int64_t bytes;
    int64_t pieces;     /* words, numbers and marks apart from words */
    int64_t tokens_min; /* fewer tokens than this cannot be all of it */
};

/* Is it worth the time to count a prompt of so many bytes: to judge it, or to learn? */
bool cut_wants(const struct cut_meter *m, int64_t bytes);
struct cut_prompt cut_prompt_of(const struct llm_request *req);
/* tokens: what the server reported for it; 0: nothing, and nothing is cut. */
bool cut_is_certain(const struct cut_meter *m, const struct cut_prompt *p,
                    int64_t tokens);
/* The prompt seemed whole: remember how the server counts. One that was not counted
 * (only its bytes are set) teaches nothing, nor do more tokens than it has bytes. */
void cut_learn(struct cut_meter *m, const struct cut_prompt *p, int64_t tokens);

#endif
