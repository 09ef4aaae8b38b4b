/* json.h - the one door through which JSON from outside comes in (jansson).
 *
 * Parsing is strict: UTF-8, no duplicate keys, no \u0000, depth at most
 * LIMIT_JSON_DEPTH, at most LIMIT_JSON_VALUES values, nothing after the value
 * (of any type). The readers below never abort on a wrong type or a NULL; they
 * return the default. json_t is jansson's reference-counted value; use
 * json_decref() or json_auto_t. */
#ifndef LW_BASE_JSON_H
#define LW_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* New reference, or NULL with a sentence (line, column, what) in *err, code
 * LW_ERR_INPUT. */
json_t *json_parse(const char *text, size_t len, struct lw_error *err);
/* The first JSON object inside text that models wrap in prose or a ``` fence:
 * new reference or NULL. Tries every '{' in order, nested braces and strings
 * understood; at most 64 tries.
 *
 * Strict as json_parse(), but for two slips of small models, wherever they are
 * in the object: a line end that stands in a string as it is (taken as \n or \r),
 * and one comma between a last value and its closing bracket (taken as absent). */
json_t *json_find_object(const char *text, size_t len);
/* Compact text, keys in insertion order, reals with 15 digits. A writer that
 * fails leaves the content as it was and the buffer failed. */
int json_write(const json_t *value, struct buf *out);
/* s quoted and escaped as a JSON string; malformed bytes become U+FFFD. */
int json_write_string(const char *s, size_t len, struct buf *out);

/* The text as a new value: null for NULL, malformed bytes become U+FFFD (file names and
 * replies need not be UTF-8; JSON must). */
json_t *json_text(const char *text);

const char *json_str(const json_t *object, const char *key, const char *fallback);
double json_num(const json_t *object, const char *key, double fallback);
/* Clamped to [min, max], the fallback is not; a real number is rounded. */
long json_int(const json_t *object, const char *key, long fallback, long min, long max);
bool json_bool(const json_t *object, const char *key, bool fallback);

#endif
