/* test_provider_ask.c - what a server is asked about itself: which model it has, what it
 * serves, and whether it runs the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "providers/provider.h"

#include "provider_help.h"

/* A plain URL: the server is asked which model it has. */
static void open_url(struct fixture *x, const char *script)
{
    char model[80];
    fixture_open(x, script);
    llm_close(x->llm);
    snprintf(model, sizeof model, "%s/v1", x->server.url);
    struct provider_options opt = { .model = model, .http = x->http };
    assert_int_equal(provider_open(&x->llm, &opt, NULL), 0);
}

static void test_only_model_is_asked_for(void **state)
{
    (void)state;
    struct fixture x;
    open_url(&x, "when path contains \"/chat/\"\nsay fine\n");
    assert_int_equal(fixture_requests(&x), 0);
    assert_int_equal(llm_info(x.llm)->context, 8192);
    for (int i = 0; i < 2; i++) {
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, 0);
        mem_free(a.text);
    }
    assert_int_equal(fixture_requests(&x), 3);
    assert_true(fixture_log_has(&x, "{\"model\":\"fake-model\","));
    fixture_close(&x);
}

/* A failure is an answer, too, until a new run asks anew. */
static void test_failed_question_is_remembered(void **state)
{
    (void)state;
    struct fixture x;
    struct lw_error err = { .code = 0 };
    open_url(&x, "times 2\nstatus 500\n\nwhen path contains \"/chat/\"\nsay fine\n");
    for (int i = 0; i < 3; i++) assert_int_equal(llm_info(x.llm)->context, 0);
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, LW_ERR_REMOTE);
    assert_non_null(strstr(a.err.message, "in trouble"));
    assert_int_equal(fixture_requests(&x), 1);
    assert_int_equal(provider_ask(x.llm, NULL, &err), LW_ERR_REMOTE);
    assert_int_equal(fixture_requests(&x), 2);
    assert_int_equal(provider_ask(x.llm, NULL, &err), 0);
    assert_int_equal(provider_ask(x.llm, NULL, &err), 0);
    assert_int_equal(llm_info(x.llm)->context, 8192);
    assert_int_equal(fixture_requests(&x), 3);
    a = ask_plain(&x);
    assert_string_equal(a.text, "fine");
    mem_free(a.text);
    fixture_close(&x);
}

static void test_question_is_cut_short(void **state)
{
    (void)state;
    struct fixture x;
    struct cancel cancel;
    struct lw_error err = { .code = 0 };
    open_url(&x, "times 1\nhang before\n");
    cancel_init(&cancel, clock_ms() + 300);
    int64_t before = clock_ms();
    assert_int_equal(provider_ask(x.llm, &cancel, &err), LW_TIMEOUT);
    assert_true(clock_ms() - before < 5000);
    assert_int_equal(provider_ask(x.llm, NULL, &err), 0);
    fixture_close(&x);
}

/* What was promised to stay on this device is not sent to a model that its server passes
 * on to a cloud, however the name came. */
static void test_listed_model_of_a_cloud(void **state)
{
    (void)state;
    static const char *const ids[] = { "gpt-oss:120b-cloud", "gpt-oss:120b-CLOUD",
                                       "kimi:Cloud" };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct fixture x;
        struct lw_error err = { .code = 0 };
        char script[128], model[128];
        snprintf(script, sizeof script, "raw {\"data\":[{\"id\":\"%s\"}]}\n", ids[i]);
        open_url(&x, script);
        assert_true(llm_info(x.llm)->on_device);
        assert_int_equal(provider_ask(x.llm, NULL, &err), LW_ERR_POLICY);
        assert_non_null(strstr(err.message, ids[i]));
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, LW_ERR_POLICY);
        assert_false(fixture_log_has(&x, "/chat/"));
        llm_close(x.llm);
        snprintf(model, sizeof model, "%s/v1#%s", x.server.url, ids[i]);
        struct provider_options opt = { .model = model, .http = x.http };
        assert_int_equal(provider_open(&x.llm, &opt, NULL), 0);
        assert_false(llm_info(x.llm)->on_device);
        fixture_close(&x);
    }
}

static void test_no_model_to_ask_for(void **state)
{
    (void)state;
    struct fixture x;
    open_url(&x, "times 1\nraw {\"data\":[]}\n");
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, LW_ERR_REMOTE);
    assert_non_null(strstr(a.err.message, "lists no model"));
    fixture_close(&x);
}

static void open_ollama(struct fixture *x, const char *script, const char *model)
{
    char host[64];
    fixture_open(x, script);
    llm_close(x->llm);
    snprintf(host, sizeof host, "127.0.0.1:%d", x->server.port);
    struct provider_options opt = { .model = model, .base_url = host, .http = x->http };
    assert_int_equal(provider_open(&x->llm, &opt, NULL), 0);
}

static void test_ollama(void **state)
{
    (void)state;
    struct fixture x;
    open_ollama(&x,
                "when path contains \"/api/show\"\nraw {\"parameters\":\"top_k   4"
                "\\\\nnum_ctx                        6144\"}\n\nsay fine\n",
                "ollama/m");
    assert_int_equal(llm_info(x.llm)->context, 6144);
    assert_true(llm_info(x.llm)->on_device);
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, 0);
    assert_int_equal(fixture_requests(&x), 2);
    assert_false(fixture_log_has(&x, "/api/ps"));
    assert_true(fixture_log_has(&x, "POST /api/show\r\n") ||
                fixture_log_has(&x, "POST /api/show\n"));
    assert_true(fixture_log_has(&x, "POST /v1/chat/completions"));
    mem_free(a.text);
    fixture_close(&x);
    open_ollama(&x, "status 404\n", "ollama/kimi:1t-cloud");
    assert_int_equal(llm_info(x.llm)->context, 0);
    assert_false(llm_info(x.llm)->on_device);
    fixture_close(&x);
}

/* Ollama's manifest says where a model runs, and its name need not: a cloud model that
 * was copied to another name is no model of this device. */
static void test_ollama_that_passes_on(void **state)
{
    (void)state;
    static const char script[] =
        "when path contains \"/api/show\"\nraw {\"remote_model\":\"gpt-oss:120b\","
        "\"remote_host\":\"https://cloud.example:443\"}\n\nsay fine\n";
    struct fixture x;
    struct lw_error err = { .code = 0 };
    open_ollama(&x, script, "ollama/reader");
    assert_int_equal(provider_ask(x.llm, NULL, &err), LW_ERR_POLICY);
    assert_non_null(strstr(err.message, "ollama/reader passes on"));
    assert_non_null(strstr(err.message, "cloud.example"));
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, LW_ERR_POLICY);
    assert_false(fixture_log_has(&x, "/chat/"));
    fixture_close(&x);
    /* Named as what it is, it is nobody's secret. */
    open_ollama(&x, script, "ollama/gpt-oss:120b-cloud");
    assert_int_equal(provider_ask(x.llm, NULL, &err), 0);
    fixture_close(&x);
}

/* What is served is asked for when the model is loaded: after the first long prompt. */
static void test_ollama_that_cuts(void **state)
{
    (void)state;
    struct fixture x;
    open_ollama(&x,
                "when path contains \"/api/show\"\nraw {}\n\n"
                "when path contains \"/api/ps\"\ntimes 1\nraw {\"models\":[]}\n\n"
                "when path contains \"/api/ps\"\nraw {\"models\":[{\"name\":\"m:latest\","
                "\"context_length\":2222},{\"name\":\"m2\",\"context_length\":1}]}\n\n"
                "times 2\nusage 2222 5\nsay x\n\nusage 2100 5\nsay x\n",
                "ollama/m");
    char *text = mem_alloc(6001);
    for (int i = 0; i < 6000; i++) {
        text[i] = "abc d"[i % 5];
    }
    struct llm_message m = llm_message_text(LLM_USER, text);
    struct llm_request req = { .messages = &m, .n_messages = 1, .max_tokens = 4 };
    for (int i = 0; i < 3; i++) {
        struct asked a = ask(&x, &req);
        assert_int_equal(a.code, i < 2 ? LW_ERR_REMOTE : 0);
        assert_true(i == 2 || strstr(a.err.message, "only 2222 tokens") != NULL);
        mem_free(a.text);
    }
    assert_int_equal(fixture_requests(&x), 6);
    mem_free(text);
    fixture_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_model_is_asked_for),
        cmocka_unit_test(test_no_model_to_ask_for),
        cmocka_unit_test(test_listed_model_of_a_cloud),
        cmocka_unit_test(test_failed_question_is_remembered),
        cmocka_unit_test(test_question_is_cut_short),
        cmocka_unit_test(test_ollama),
        cmocka_unit_test(test_ollama_that_passes_on),
        cmocka_unit_test(test_ollama_that_cuts),
    };
    return fake_server_missing() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
