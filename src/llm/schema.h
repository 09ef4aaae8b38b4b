/* schema.h - the part of JSON Schema that legwork honours everywhere.
 *
 * Subset: type (one, or a list), properties, required, additionalProperties
 * false or absent, items, minItems, maxItems, enum, const, minimum, maximum
 * (checked, not generated), minLength, maxLength, anyOf and $ref (each alone
 * beside annotations), $defs at the top, local and not recursive; no deeper
 * than LIMIT_JSON_DEPTH with refs followed. title, description, default,
 * examples and $schema are ignored. Anything else is an error that names the
 * keyword and the place (JSON pointer).
 *
 * schema_to_gbnf() makes a grammar whose every sentence is JSON of the schema,
 * minimum and maximum aside, with properties in their order and at most a space
 * behind colons and commas. Strings
 * and arrays without a maximum get one (256 characters, 32 items), so that a
 * small model cannot run on for ever; a maximum over SCHEMA_REPEAT_MAX becomes
 * that, which libllama's grammars can count to. */
#ifndef LW_LLM_SCHEMA_H
#define LW_LLM_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { SCHEMA_REPEAT_MAX = 1000 };

/* LW_ERR_USAGE if the schema uses what the subset does not have. */
int schema_check(const json_t *schema, struct lw_error *err);
/* The same errors, and one for a grammar that does not fit into *out. */
int schema_to_gbnf(const json_t *schema, struct buf *out, struct lw_error *err);
/* Does value satisfy a checked schema? LW_ERR_INPUT with the JSON pointer and what
 * was wrong. */
int schema_validate(const json_t *schema, const json_t *value, struct lw_error *err);
/* The schema itself, or what its $ref leads to in the end. For checked schemas. */
const json_t *schema_resolve(const json_t *root, const json_t *schema);
/* The "type" keyword (a name or a list of names): does it name this one? Is a value of
 * it? NULL allows nothing. */
bool schema_allows_type(const json_t *type, const char *name);
bool schema_has_type(const json_t *type, const json_t *value);

#endif
