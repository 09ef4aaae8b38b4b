/* test_errors.c - the readable beginning of what a server sent instead of a reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "providers/errors.h"

#include <string.h>

static void test_excerpt(void **state)
{
    (void)state;
    static const char html[] =
        "<!DOCTYPE html><html><head><script>var x = '<b>';</script>"
        "<title>Oh</title></head><body>no <b>way</b>\n";
    char out[64], tiny[6];
    api_error_excerpt(out, sizeof out, html, sizeof html - 1);
    assert_string_equal(out, "Oh no way");
    api_error_excerpt(out, sizeof out, "a < b\n\n c", 9);
    assert_string_equal(out, "a < b c");
    api_error_excerpt(tiny, sizeof tiny, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 8);
    assert_true(strlen(tiny) <= 4 && strlen(tiny) % 2 == 0);
    api_error_excerpt(out, sizeof out, "", 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_excerpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
