/* errors.h - what a server says when it refuses, as data and as a sentence. */
#ifndef LW_PROVIDERS_ERRORS_H
#define LW_PROVIDERS_ERRORS_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

/* Strings are cut to their room; "" where the server gives none. */
struct api_error {
    int status; /* HTTP's, or the one that the body names instead; 0: none */
    char message[400];
    char type[64], code[64], param[64];
    bool flagged; /* it says which part of the text it does not like */
};

/* From a body in any form: OpenAI's, a plain {"error":"..."} or {"detail":...},
 * HTML, text. */
void api_error_read(struct api_error *e, int status, const char *body, size_t len);
/* From a reply already parsed. False: it holds no error. */
bool api_error_from_json(struct api_error *e, const json_t *root);

/* Is part in text, in any case of letters? */
bool api_error_mentions(const char *text, const char *part);

/* The account's money or quota is spent: no use to wait. A quota of a minute is none. */
bool api_error_is_quota(const struct api_error *e);

/* "NAME refuses the key (HTTP 401): ...". Returns LW_ERR_AUTH, LW_ERR_BUDGET or
 * LW_ERR_REMOTE (also for a 403 that is about the text sent, not the key). The secret is
 * blotted out where the server repeats it. */
int api_error_say(const struct api_error *e, const char *name, const char *secret,
                  struct lw_error *err);

/* Stars in place of the secret (NULL: none), wherever it stands in text, and of its
 * beginning where the text ends in it. So each piece that a server made is blotted
 * before it is put into a sentence: there, its end cannot be seen any more. */
void api_error_blot(char *text, const char *secret);
/* The same in a text that nobody has cut: its end is its own, whatever a key begins
 * with. */
void api_error_blot_whole(char *text, const char *secret);

/* The beginning of such a piece, blotted. */
void api_error_piece(char *out, size_t cap, const char *piece, const char *secret);

/* The readable beginning of a text that may be HTML: tags, scripts and line ends
 * removed. */
void api_error_excerpt(char *out, size_t cap, const char *body, size_t len);

#endif
