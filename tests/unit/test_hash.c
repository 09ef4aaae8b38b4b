/* test_hash.c - digests that other implementations give too. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CHARS = 2 * HASH_BYTES };

static void hash_text(const char *text, size_t piece, char hex[CHARS + 1])
{
    unsigned char digest[HASH_BYTES];
    struct hash h;
    size_t len = strlen(text);

    hash_init(&h);
    for (size_t at = 0; at < len; at += piece) {
        hash_add(&h, text + at, len - at < piece ? len - at : piece);
    }
    hash_end(&h, digest);
    hash_hex(digest, CHARS, hex);
}

/* As Python's hashlib.blake2b(text, digest_size=32) says. */
static void test_known_digests(void **state)
{
    char hex[CHARS + 1], thousand[1001];
    (void)state;

    hash_text("", 1, hex);
    assert_string_equal(
        hex, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    hash_text("abc", 3, hex);
    assert_string_equal(
        hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    memset(thousand, 'a', 1000);
    thousand[1000] = '\0';
    for (size_t piece = 1; piece <= 1000; piece += 37) {
        hash_text(thousand, piece, hex);
        assert_string_equal(
            hex, "e00b0ddbf1e2cdaf5c898e1a5e8826ea3a2c339bcf2a478da2e5fca9ff126672");
    }
}

static void test_nothing_added(void **state)
{
    unsigned char digest[HASH_BYTES];
    char name[HASH_NAME_CHARS + 1];
    struct hash h;
    (void)state;

    hash_init(&h);
    hash_add(&h, NULL, 0);
    hash_end(&h, digest);
    hash_hex(digest, HASH_NAME_CHARS, name);
    assert_string_equal(name, "0e5751c026e543b2e8ab2eb06099daa1");
    hash_hex(digest, 0, name);
    assert_string_equal(name, "");
}

static void test_hex_digits(void **state)
{
    (void)state;
    assert_true(hash_is_hex("", 0));
    assert_true(hash_is_hex("09af", 4));
    assert_false(hash_is_hex("09af", 3));
    assert_false(hash_is_hex("09a", 4));
    assert_false(hash_is_hex("09aF", 4));
    assert_false(hash_is_hex("../a", 4));
    assert_false(hash_is_hex("09g0", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_nothing_added),
        cmocka_unit_test(test_hex_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
