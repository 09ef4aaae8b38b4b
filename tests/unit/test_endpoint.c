/* test_endpoint.c - a model's name becomes an address, and what must never be sent is
 * refused before any connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "providers/endpoint.h"

#include <string.h>

static int try_open(const char *model, const char *base_url, const char *with_key,
                    struct lw_error *err)
{
    struct llm *llm = NULL;
    struct provider_options opt = { .model = model,
                                    .base_url = base_url,
                                    .key = with_key };
    int code = provider_open(&llm, &opt, err);
    llm_close(llm);
    return code;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "openai/gpt-5",        "openrouter/meta-llama/llama-3.1-8b",
        "ollama/qwen2.5:1.5b", "http://localhost:8000/v1#m",
        "https://host/v1",     "HTTPS://HOST/v1#a/b:c",
    };
    static const char *const bad[] = {
        "gpt-5", "nobody/gpt-5", "openai",        "/openai/x",
        "",      "./model.gguf", "ftp://host/v1", "openaix/m"
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(provider_is_name(good[i]));
        assert_int_equal(try_open(good[i], NULL, "k", NULL), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(provider_is_name(bad[i]));
        assert_int_equal(try_open(bad[i], NULL, "k", NULL), LW_ERR_USAGE);
    }
    struct lw_error err;
    assert_int_equal(try_open("nobody/m", NULL, NULL, &err), LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "openai/MODEL"));
    assert_int_equal(try_open("openai/", NULL, "k", &err), LW_ERR_USAGE);
}

static void test_keys(void **state)
{
    (void)state;
    struct lw_error err;
    assert_int_equal(try_open("openai/m", NULL, NULL, &err), LW_ERR_AUTH);
    assert_non_null(strstr(err.message, "OPENAI_API_KEY"));
    assert_int_equal(try_open("openai/m", NULL, " \n", &err), LW_ERR_AUTH);
    assert_int_equal(try_open("openai/m", NULL, "a\r\nX-Evil: 1", &err), LW_ERR_AUTH);
    assert_null(strstr(err.message, "Evil"));
    assert_int_equal(try_open("openai/m", NULL, "a\n", &err), 0);
    assert_int_equal(try_open("ollama/m", NULL, NULL, &err), 0);
    assert_int_equal(try_open("http://far.example/v1#m", NULL, NULL, &err), 0);
    assert_int_equal(try_open("http://far.example/v1#m", NULL, "k", &err), LW_ERR_POLICY);
    assert_int_equal(try_open("openai/m", "http://127.0.0.1.evil.com/v1", "k", &err),
                     LW_ERR_POLICY);
    assert_int_equal(try_open("openai/m", "http://127.0.0.1:8080/v1", "k", &err), 0);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *model, *base_url, *name, *where;
        bool on_device;
    } table[] = {
        { "openai/m", NULL, "openai/m", "api.openai.com:443", false },
        { "http://localhost:8000/v1#a/b", NULL, "a/b at localhost:8000", "localhost:8000",
          true },
        { "http://[::1]:8000#m", NULL, "m at [::1]:8000", "[::1]:8000", true },
        { "http://10.1.2.3:8000/v1#m", NULL, "m at 10.1.2.3:8000", "10.1.2.3:8000",
          false },
        { "ollama/m", "gpu.example", "ollama/m", "gpu.example:11434", false },
        { "ollama/m", "gpu.example/ollama", "ollama/m", "gpu.example:11434", false },
        { "ollama/m", "gpu.example:80/a:b", "ollama/m", "gpu.example:80", false },
        { "ollama/m", ":8000", "ollama/m", "127.0.0.1:8000", true },
        { "ollama/m", "0.0.0.0:8000", "ollama/m", "127.0.0.1:8000", true },
        { "ollama/m", "[::1]", "ollama/m", "[::1]:11434", true },
        { "ollama/m", "[::]", "ollama/m", "[::1]:11434", true },
        { "ollama/m", "http://[::]:8000", "ollama/m", "[::1]:8000", true },
        { "ollama/m", "[fd00::7]:8000/v1", "ollama/m", "[fd00::7]:8000", false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct llm *llm;
        struct provider_options opt = { .model = table[i].model,
                                        .base_url = table[i].base_url,
                                        .key = i == 0 ? "k" : NULL };
        assert_int_equal(provider_open(&llm, &opt, NULL), 0);
        const struct llm_info *info = provider_info(llm);
        assert_string_equal(info->name, table[i].name);
        assert_string_equal(info->where, table[i].where);
        assert_int_equal(info->on_device, table[i].on_device);
        assert_false(info->in_process || info->prefill || info->cheap_scoring);
        assert_true(info->parallel > 0);
        assert_int_equal(llm_count_tokens(llm, "12345", 5), 2);
        llm_close(llm);
    }
}

/* It is asked more than other servers, also where only its address is named. */
static void test_ollama_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *model, *base_url;
        bool is_ollama;
    } table[] = {
        { "ollama/m", NULL, true },
        { "ollama/m", "gpu.example:8000", true },
        { "http://localhost:11434/v1#m", NULL, true },
        { "http://localhost:8000/v1#m", NULL, false },
        { "tokasaurus/m", NULL, false },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct endpoint ep;
        struct provider_options opt = { .model = table[i].model,
                                        .base_url = table[i].base_url };
        assert_int_equal(endpoint_init(&ep, &opt, NULL), 0);
        assert_int_equal(ep.is_ollama, table[i].is_ollama);
        endpoint_release(&ep);
    }
}

static void test_base_urls(void **state)
{
    (void)state;
    static const struct {
        const char *model, *base_url, *expect;
    } table[] = {
        { "ollama/m", NULL, "http://127.0.0.1:11434/v1" },
        { "ollama/m", "gpu.example/ollama", "http://gpu.example:11434/ollama/v1" },
        { "ollama/m", "gpu.example:8000/v1", "http://gpu.example:8000/v1" },
        { "http://gpu.example:8000#m", NULL, "http://gpu.example:8000/v1" },
        { "http://gpu.example:8000/api#m", NULL, "http://gpu.example:8000/api" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct endpoint ep;
        struct provider_options opt = { .model = table[i].model,
                                        .base_url = table[i].base_url };
        assert_int_equal(endpoint_init(&ep, &opt, NULL), 0);
        assert_string_equal(ep.base_url, table[i].expect);
        endpoint_release(&ep);
    }
}

static void test_urls_refused(void **state)
{
    (void)state;
    struct lw_error err;
    assert_int_equal(try_open("http://me:secret@host/v1#m", NULL, NULL, &err),
                     LW_ERR_USAGE);
    assert_null(strstr(err.message, "secret"));
    assert_int_equal(try_open("openai/m", "https://me:secret@host/v1", "k", &err),
                     LW_ERR_USAGE);
    assert_null(strstr(err.message, "secret"));
    assert_int_equal(try_open("http://host/v1?key=1#m", NULL, NULL, &err), LW_ERR_USAGE);
    assert_int_equal(try_open("http://", NULL, NULL, &err), LW_ERR_USAGE);
    assert_int_equal(try_open("http://host:99999/v1", NULL, NULL, &err), LW_ERR_USAGE);
    /* A zone would be lost on the way, and the address another one. */
    assert_int_equal(try_open("http://[fe80::1%25eth0]:8000/v1#m", NULL, NULL, &err),
                     LW_ERR_USAGE);
    assert_non_null(strstr(err.message, "zone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_ollama_is_known),
        cmocka_unit_test(test_base_urls), cmocka_unit_test(test_urls_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
