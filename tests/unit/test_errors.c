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

/* A spent account, and limits that pass. */
static void test_quota(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        bool is_quota;
    } table[] = {
        { 402, "", true },
        { 429, "{\"error\":{\"type\":\"insufficient_quota\"}}", true },
        { 429, "{\"error\":{\"code\":\"insufficient_quota\"}}", true },
        { 429, "{\"error\":{\"type\":\"exceeded_current_quota_error\"}}", true },
        { 400, "{\"error\":{\"code\":\"billing_hard_limit_reached\"}}", true },
        { 429, "{\"error\":{\"code\":\"organization_spend_limit_exceeded\"}}", true },
        { 400, "{\"error\":{\"type\":\"credit_balance_too_low\"}}", true },
        { 403, "{\"error\":{\"type\":\"insufficient_balance\"}}", true },
        { 403, "{\"error\":{\"code\":\"insufficient_credits\"}}", true },
        { 400, "{\"error\":{\"type\":\"budget_exceeded\"}}", true },
        { 429,
          "{\"message\":\"x\",\"type\":\"too_many_requests_error\",\"code\":"
          "\"request_quota_exceeded\"}",
          false },
        { 429, "{\"error\":{\"code\":\"token_quota_exceeded\"}}", false },
        { 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", false },
        { 500, "{\"error\":{\"type\":\"insufficient_quota\"}}", false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct api_error e;
        api_error_read(&e, table[i].status, table[i].body, strlen(table[i].body));
        if (api_error_is_quota(&e) != table[i].is_quota) {
            fail_msg("HTTP %d %s", table[i].status, table[i].body);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_excerpt),
        cmocka_unit_test(test_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
