/* hash.h - BLAKE2b: short names for long content, and checksums.
 *
 * A digest is 32 bytes; no two contents that anyone can find share one. Its first
 * 32 hex digits are enough to name files, documents and models by what they hold:
 *
 *     struct hash h;
 *     hash_init(&h);
 *     hash_add(&h, text, len);     (as often as you like)
 *     hash_end(&h, digest);
 *     hash_hex(digest, HASH_NAME_CHARS, name);
 *
 * Not secret and no proof of who wrote something: there is no key. Nothing fails, and
 * nothing is to be freed. Threads: one a struct. */
#ifndef LW_BASE_HASH_H
#define LW_BASE_HASH_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

enum { HASH_BYTES = 32, HASH_NAME_CHARS = 32, HASH_STATE_BYTES = 384 };

struct hash {
    alignas(64) unsigned char state[HASH_STATE_BYTES];
};

void hash_init(struct hash *h);
void hash_add(struct hash *h, const void *data, size_t len);
void hash_end(struct hash *h, unsigned char digest[HASH_BYTES]);

/* The first chars (an even number, at most 64) lower-case hex digits of a digest;
 * hex has room for them and a NUL. */
void hash_hex(const unsigned char digest[HASH_BYTES], size_t chars, char *hex);
/* Is s exactly this many lower-case hex digits? */
bool hash_is_hex(const char *s, size_t chars);

#endif
