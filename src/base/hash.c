/* hash.c - BLAKE2b as libsodium has it (generichash, 32 bytes, no key).
 *
 * Why this one: states of megabytes are checked each time that they are loaded, and
 * on one core of the machine where it was chosen it reads 0.87 GB/s (0.70 without
 * sodium_init()), SHA-256 of the same library 0.28.
 *
 * sodium_init() only chooses the fastest code for this processor; it may be called
 * by any thread at any time, and costs nothing but the first time. */
#include "base/hash.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(sizeof(crypto_generichash_state) == HASH_STATE_BYTES,
               "room for the state");
_Static_assert(HASH_BYTES == crypto_generichash_BYTES, "the usual length");

static crypto_generichash_state *state_of(struct hash *h)
{
    return (crypto_generichash_state *)(void *)h->state;
}

void hash_init(struct hash *h)
{
    int rc = sodium_init();
    assert(rc >= 0);
    rc = crypto_generichash_init(state_of(h), NULL, 0, HASH_BYTES);
    assert(rc == 0);
    (void)rc;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
    if (len > 0) {
        crypto_generichash_update(state_of(h), data, len);
    }
}

void hash_end(struct hash *h, unsigned char digest[HASH_BYTES])
{
    crypto_generichash_final(state_of(h), digest, HASH_BYTES);
}

void hash_hex(const unsigned char digest[HASH_BYTES], size_t chars, char *hex)
{
    assert(chars % 2 == 0 && chars <= 2 * (size_t)HASH_BYTES);
    sodium_bin2hex(hex, chars + 1, digest, chars / 2);
}

bool hash_is_hex(const char *s, size_t chars)
{
    for (size_t i = 0; i < chars; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) {
            return false;
        }
    }
    return s[chars] == '\0';
}
