/* random.c - the system's random numbers, by way of libsodium. */
#include "base/random.h"

#include <assert.h>
#include <sodium.h>

uint64_t random_number(void)
{
    uint64_t number;
    int rc = sodium_init();
    assert(rc >= 0);
    (void)rc;
    randombytes_buf(&number, sizeof number);
    return number;
}
