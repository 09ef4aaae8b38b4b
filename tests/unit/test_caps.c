/* test_caps.c - what a refusal teaches about a server's parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "providers/caps.h"
#include "providers/errors.h"

#include <stdio.h>

static void test_caps(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *message, *param;
        int feature; /* -1: none */
        int level;
    } table[] = {
        { 400,
          "Unsupported value: 'temperature' does not support 0 with this model. Only the "
          "default (1) value is supported.",
          "temperature", CAPS_TEMPERATURE, 1 },
        { 422, "Extra inputs are not permitted: seed", "", CAPS_SEED, 1 },
        { 400, "property 'logprobs' is unsupported", "", CAPS_LOGPROBS, 2 },
        { 400, "top_logprobs must be at most 5, more are not supported", "",
          CAPS_LOGPROBS, 1 },
        { 400, "top_logprobs=20 but engine was configured with max_topk_logprobs=None",
          "", CAPS_LOGPROBS, 1 },
        { 400, "Requested sample logprobs of 20, which is greater than max allowed: 5",
          "", CAPS_LOGPROBS, 2 },
        { 400, "Streaming is not supported", "", CAPS_STREAM, 1 },
        { 400, "Your organization must be verified to stream this model.", "stream",
          CAPS_STREAM, 1 },
        { 400, "Streaming is not supported with response_format json_schema", "",
          CAPS_STREAM, 1 },
        { 422, "Extra inputs are not permitted: stream_options", "", CAPS_STREAM_USAGE,
          1 },
        { 400, "Invalid schema for response_format 'reply'", "response_format",
          CAPS_FORMAT, 1 },
        { 404, "No endpoints found that support response_format", "", CAPS_FORMAT, 1 },
        { 400, "JSON schema conversion failed", "", CAPS_FORMAT, 1 },
        { 400, "context length exceeded", "messages", -1, 0 },
        { 500, "temperature is not supported", "", -1, 0 },
        { 400, "the temperature of the sun", "", -1, 0 },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct caps shared = { { 0 } }, used = { { 0 } };
        struct api_error e = { .status = table[i].status };
        char notice[128];
        snprintf(e.message, sizeof e.message, "%s", table[i].message);
        snprintf(e.param, sizeof e.param, "%s", table[i].param);
        bool learnt = caps_learn(&shared, &used, ~0u, &e, notice, sizeof notice);
        assert_int_equal(learnt, table[i].feature >= 0);
        for (int f = 0; f < CAPS_FEATURES; f++) {
            assert_int_equal(shared.level[f], f == table[i].feature ? table[i].level : 0);
        }
        assert_int_equal(notice[0] != '\0', learnt);
        /* What another request has taught already is no news, but still a reason to
         * go again. */
        assert_int_equal(caps_learn(&shared, &used, ~0u, &e, notice, sizeof notice),
                         learnt);
        assert_string_equal(notice, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
