/* test_provider.c - a model behind HTTP against the fault-injecting server: every
 * fault has its documented outcome, one job is one request, what was refused once is
 * not sent again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "llm/structured.h"
#include "providers/errors.h"
#include "providers/provider.h"

#include "provider_help.h"

#include <math.h>
#include <pthread.h>

static const char *const not_words[] = { " not", "not" };
static const char *const no_word[] = { "No" };

static struct asked ask_scored(struct fixture *x, int max_tokens)
{
    struct llm_request req = request_plain();
    req.alt = not_words;
    req.n_alt = 2;
    req.alt2 = no_word;
    req.n_alt2 = 1;
    req.max_tokens = max_tokens;
    return ask(x, &req);
}

static void expect_failure(const char *script, int code, const char *says, int requests)
{
    struct fixture x;
    fixture_open(&x, script);
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, code);
    if (strstr(a.err.message, says) == NULL) {
        fail_msg("\"%s\" is not in: %s", says, a.err.message);
    }
    assert_int_equal(fixture_requests(&x), requests);
    fixture_close(&x);
}

static void expect_text(const char *script, const char *text, int requests)
{
    struct fixture x;
    fixture_open(&x, script);
    struct asked a = ask_plain(&x);
    if (a.code) {
        fail_msg("%s", a.err.message);
    }
    assert_string_equal(a.text, text);
    assert_int_equal(fixture_requests(&x), requests);
    mem_free(a.text);
    fixture_close(&x);
}

/* Many at once. */
enum { MANY = 200 };

struct tally {
    int seen[MANY];
    int by_finish[LLM_FAILED + 1];
    int64_t n_requests;
    double seconds;
    int pause_ms;         /* with the first reply */
    struct cancel *raise; /* after it */
    char message[1024];
};

static void count(void *user, size_t index, const struct llm_reply *reply)
{
    struct tally *t = user;
    t->seen[index]++;
    t->by_finish[reply->finish]++;
    t->n_requests += reply->usage.requests;
    t->seconds += reply->usage.seconds;
    if (reply->finish == LLM_FAILED) {
        snprintf(t->message, sizeof t->message, "%s", reply->error.message);
    }
    clock_sleep_ms(t->pause_ms);
    t->pause_ms = 0;
    if (t->raise != NULL) {
        cancel_raise(t->raise);
        t->raise = NULL;
    }
}

static int ask_many(struct fixture *x, struct tally *t, const struct cancel *cancel)
{
    struct llm_request reqs[MANY], one = request_plain();
    for (int i = 0; i < MANY; i++) {
        reqs[i] = one;
    }
    int code = llm_chat_many(x->llm, reqs, MANY, count, t, cancel, NULL);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(t->seen[i], 1);
    }
    return code;
}

/* --- What goes out and comes back ------------------------------------------- */

static void test_plain(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "say Hello \\\"you\\\"\\n\\\\end\nusage 11 3 7\n");
    struct llm_request req = request_plain();
    req.seed = 0xffffffff;
    req.stop = "\n\n";
    req.temperature = 0.25;
    struct asked a = ask(&x, &req);
    assert_int_equal(a.code, 0);
    assert_string_equal(a.text, "Hello \"you\"\n\\end");
    assert_int_equal(a.reply.finish, LLM_STOP);
    assert_int_equal(a.reply.usage.requests, 1);
    assert_int_equal(a.reply.usage.prompt_tokens, 11);
    assert_int_equal(a.reply.usage.completion_tokens, 3);
    assert_int_equal(a.reply.usage.cached_tokens, 7);
    assert_true(isnan(a.reply.logprob_alt) && isnan(a.reply.logprob_mean));
    assert_true(fixture_log_has(&x, "Authorization: Bearer sk-canary-5f3a\r\n"));
    assert_true(
        fixture_log_has(&x, "{\"model\":\"m\",\"messages\":[{\"role\":\"system\","
                            "\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":"
                            "\"Say \\\"hello\\\".\"}],\"max_tokens\":16,"
                            "\"temperature\":0.250,\"seed\":2147483647,"
                            "\"stop\":[\"\\n\\n\"]}"));
    mem_free(a.text);
    fixture_close(&x);
}

static void test_parts_are_joined(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "say ok\n");
    struct llm_message m = { .role = LLM_USER,
                             .n_parts = 3,
                             .parts = { { .text = "one ", .len = 4 },
                                        { .text = "two\xff", .len = 4, .verbatim = true },
                                        { .text = " three", .len = 6 } } };
    struct llm_request req = { .messages = &m,
                               .n_messages = 1,
                               .max_tokens = 4,
                               .prefill = "never",
                               .copy_from = "never",
                               .copy_from_len = 5 };
    struct asked a = ask(&x, &req);
    assert_int_equal(a.code, 0);
    assert_true(fixture_log_has(&x, "\"content\":\"one two\xef\xbf\xbd three\"") ||
                fixture_log_has(&x, "\"content\":\"one two three\""));
    assert_false(fixture_log_has(&x, "never"));
    mem_free(a.text);
    fixture_close(&x);
}

static void test_finish(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(
        &x, "times 1\nsay cut of\nfinish length\n\ntimes 1\nsay fine\nfinish none\n\n"
            "times 1\nsay\n\nsay x\nno usage\n");
    struct asked a = ask_plain(&x);
    assert_int_equal(a.reply.finish, LLM_LENGTH);
    assert_string_equal(a.text, "cut of");
    mem_free(a.text);
    a = ask_plain(&x);
    assert_int_equal(a.reply.finish, LLM_STOP);
    mem_free(a.text);
    a = ask_plain(&x);
    assert_int_equal(a.code, 0);
    assert_string_equal(a.text, "");
    mem_free(a.text);
    a = ask_plain(&x);
    assert_int_equal(a.reply.usage.requests, 1);
    assert_int_equal(a.reply.usage.prompt_tokens, 0);
    mem_free(a.text);
    fixture_close(&x);
    fixture_open(&x, "say cut by the context\nfinish model_length\n");
    a = ask_plain(&x);
    assert_int_equal(a.reply.finish, LLM_LENGTH);
    mem_free(a.text);
    fixture_close(&x);
}

/* Under the status 200, since the reply had begun: what there is of it is no answer, and
 * that it is empty says nothing. */
static void test_reply_that_was_broken_off(void **state)
{
    (void)state;
    expect_failure("say 12 March\nfinish error\n", LW_ERR_REMOTE, "was broken off", 2);
    expect_failure("say\nfinish insufficient_system_resource\n", LW_ERR_REMOTE,
                   "is in trouble", 2);
    static const char *const places[] = {
        "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"error\","
        "\"error\":{\"code\":502,\"message\":\"Provider disconnected\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"1\"},\"finish_reason\":\"error\"}],"
        "\"error\":{\"code\":502,\"message\":\"Provider disconnected\"}}",
        "{\"choices\":[{\"finish_reason\":\"error\",\"message\":{},\"error\":null}],"
        "\"error\":{\"code\":502,\"message\":\"Provider disconnected\"}}",
        "{\"choices\":[],\"error\":{\"code\":502,\"message\":\"Provider disconnected\"}}",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char script[512];
        snprintf(script, sizeof script, "raw %s\n", places[i]);
        expect_failure(script, LW_ERR_REMOTE, "(HTTP 502): Provider disconnected", 2);
        snprintf(script, sizeof script, "times 1\nraw %s\n\nsay fine\n", places[i]);
        expect_text(script, "fine", 2);
    }
    expect_text("raw {\"choices\":[{\"message\":{\"content\":\"x\"},\"error\":null}]}\n",
                "x", 1);
}

static void test_no_answer(void **state)
{
    (void)state;
    expect_failure("say x\nno choices\n", LW_ERR_REMOTE, "without choices", 1);
    expect_failure("say x\nfinish content_filter\n", LW_ERR_REMOTE, "content filter", 1);
    expect_failure("think hm, hm\nsay\nfinish length\n", LW_ERR_REMOTE, "reasoning", 1);
    expect_failure("say <think>and so on\nfinish length\n", LW_ERR_REMOTE, "reasoning",
                   1);
    expect_failure(
        "raw {\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I will "
        "not\"}}]}\n",
        LW_ERR_REMOTE, "declines: I will not", 1);
}

/* Hidden, it shows in the count of tokens only. */
static void test_hidden_reasoning(void **state)
{
    (void)state;
    static const struct {
        const char *finish, *counts;
        const char *says; /* NULL: no fault */
    } table[] = {
        { "length",
          "\"completion_tokens\":16,\"completion_tokens_details\":{"
          "\"reasoning_tokens\":16}",
          "reasoning and wrote no answer (it was cut" },
        { "stop",
          "\"completion_tokens\":9,\"completion_tokens_details\":{"
          "\"reasoning_tokens\":8}",
          "reasoning and wrote no answer;" },
        { "stop",
          "\"completion_tokens\":1,\"completion_tokens_details\":{"
          "\"reasoning_tokens\":0}",
          NULL },
        { "stop", "\"completion_tokens\":1", NULL },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char script[320];
        snprintf(script, sizeof script,
                 "raw {\"choices\":[{\"message\":{\"content\":\"\"},"
                 "\"finish_reason\":\"%s\"}],\"usage\":{%s}}\n",
                 table[i].finish, table[i].counts);
        if (table[i].says != NULL) {
            expect_failure(script, LW_ERR_REMOTE, table[i].says, 1);
        } else {
            expect_text(script, "", 1);
        }
    }
}

static void test_reasoning_is_cut(void **state)
{
    (void)state;
    expect_text("say <think>hm</think>\\n\\nyes\n", "yes", 1);
    expect_text("think hm\nsay yes\n", "yes", 1);
    expect_text("say so it goes</think>\\nyes\n", "yes", 1);
    expect_text("say yes <think>hm\n", "yes <think>hm", 1);
    expect_text(
        "raw {\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":"
        "\"yes\"}]}}]}\n",
        "yes", 1);
}

/* --- Refusals --------------------------------------------------------------- */

static void test_refusals(void **state)
{
    (void)state;
    expect_failure("status 401\n", LW_ERR_AUTH, "refuses the key", 1);
    expect_failure("status 403\n", LW_ERR_AUTH, "(HTTP 403)", 1);
    expect_failure("quota\n", LW_ERR_BUDGET, "exceeded your current quota", 1);
    expect_failure("status 402\n", LW_ERR_BUDGET, "no quota left", 1);
    expect_failure("status 404\n", LW_ERR_REMOTE, "does not know this model", 1);
    expect_failure("status 400\n", LW_ERR_REMOTE, "the script says 400", 1);
    expect_failure("status 302\nheader Location: /x\n", LW_ERR_REMOTE, "redirection", 1);
    expect_failure("status 429\nheader retry-after-ms: 20\n", LW_ERR_REMOTE,
                   "takes no more requests", 2);
    expect_failure("status 500\n", LW_ERR_REMOTE, "is in trouble (HTTP 500)", 2);
    expect_failure("status 503\nheader x-should-retry: false\n", LW_ERR_REMOTE, "503", 1);
    expect_failure("status 429\nheader Retry-After: 4000\n", LW_ERR_REMOTE, "429", 1);
}

/* Of one text, not of the key. */
static void test_flagged_text(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"error\":{\"code\":403,\"message\":\"Not this\",\"metadata\":{"
        "\"reasons\":[\"violence\"],\"flagged_input\":\"a b c\"}}}",
        "{\"error\":{\"message\":\"Your input was flagged\",\"code\":403}}",
        "{\"error\":\"this model requires moderation: it did not pass\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct fixture x;
        struct tally t = { .raise = NULL };
        char script[400];
        snprintf(script, sizeof script, "times 3\nstatus 403\nraw %s\n\nsay fine\n",
                 bodies[i]);
        fixture_open(&x, script);
        assert_int_equal(ask_many(&x, &t, NULL), 0);
        assert_int_equal(t.by_finish[LLM_FAILED], 3);
        assert_int_equal(t.by_finish[LLM_STOP], MANY - 3);
        assert_non_null(strstr(t.message, "declines this text (HTTP 403): "));
        assert_null(strstr(t.message, "key"));
        fixture_close(&x);
    }
    expect_failure("status 403\nraw {\"error\":{\"message\":\"no permission\"}}\n",
                   LW_ERR_AUTH, "refuses the key", 1);
}

static void test_refusals_that_pass(void **state)
{
    (void)state;
    expect_text(
        "times 1\nstatus 429\nheader retry-after-ms: 20\n"
        "raw {\"message\":\"Requests per minute limit exceeded - too many requests "
        "sent.\",\"type\":\"too_many_requests_error\",\"param\":\"quota\","
        "\"code\":\"request_quota_exceeded\"}\n\nsay fine\n",
        "fine", 2);
    expect_text("times 1\nstatus 500\n\nsay fine\n", "fine", 2);
    expect_text("times 1\nstatus 429\nheader retry-after-ms: 20\n\nsay fine\n", "fine",
                2);
    expect_text("times 1\nstatus 502\nhtml\n\nsay fine\n", "fine", 2);
    expect_text("times 1\nclose\n\nsay fine\n", "fine", 2);
    expect_text("times 1\nsay lost words\ntruncate 60\n\nsay fine\n", "fine", 2);
    expect_text("times 1\nraw {\"error\":{\"message\":\"upstream\",\"code\":502}}\n\n"
                "say fine\n",
                "fine", 2);
}

static void test_retry_after_is_waited_for(void **state)
{
    (void)state;
    int64_t before = clock_ms();
    expect_text("times 1\nstatus 429\nheader Retry-After: 1\n\nsay fine\n", "fine", 2);
    assert_true(clock_ms() - before >= 1000);
}

static void test_bodies_of_all_makes(void **state)
{
    (void)state;
    expect_failure("status 400\nhtml\n", LW_ERR_REMOTE,
                   "(HTTP 400): Bad Gateway The upstream server is away", 1);
    expect_failure("status 400\nraw plain\\n  words\n", LW_ERR_REMOTE, "): plain words",
                   1);
    expect_failure("status 400\nraw {\"error\":\"model not loaded\"}\n", LW_ERR_REMOTE,
                   "model not loaded", 1);
    expect_failure("status 422\nraw {\"detail\":[{\"loc\":[\"body\"]}]}\n", LW_ERR_REMOTE,
                   "\"loc\"", 1);
    expect_failure("status 400\nraw [{\"error\":{\"message\":\"in a list\"}}]\n",
                   LW_ERR_REMOTE, "in a list", 1);
    expect_failure("status 400\nraw\n", LW_ERR_REMOTE, "(HTTP 400)", 1);
    expect_failure(
        "status 401\nraw {\"error\":{\"message\":\"bad key sk-canary-5f3a!\"}}\n",
        LW_ERR_AUTH, "bad key **************!", 1);
}

static void test_replies_that_are_none(void **state)
{
    (void)state;
    expect_failure("say x\ntype text/html\n", LW_ERR_REMOTE, "its type is text/html", 1);
    expect_failure("html\n", LW_ERR_REMOTE, "Bad Gateway", 1);
    expect_failure("raw {\"choices\":[{\"mess\n", LW_ERR_REMOTE, "that is no reply", 1);
    expect_failure("raw {\"fine\":true}\n", LW_ERR_REMOTE, "no reply of a model", 1);
    expect_failure("raw [1,2]\n", LW_ERR_REMOTE, "no reply of a model", 1);
    expect_failure("raw\n", LW_ERR_REMOTE, "that is no reply", 1);
    expect_failure("say x\ntruncate 60\n", LW_ERR_REMOTE, "cut before", 2);
    expect_text("say in pieces\npieces 1\n", "in pieces", 1);
}

static void test_key_is_blotted_out(void **state)
{
    (void)state;
    expect_failure("raw your key is sk-canary-5f3a\ntype text/plain\n", LW_ERR_REMOTE,
                   "your key is **************", 1);
    expect_failure("raw {\"choices\":[{\"message\":{\"refusal\":\"not for "
                   "sk-canary-5f3a\"}}]}\n",
                   LW_ERR_REMOTE, "not for ****", 1);
    char text[] = "sk-canary-5f3a, sk-canary-5f3asome, then cut in sk-canar";
    api_error_blot(text, fixture_key);
    assert_string_equal(text, "**************, **************some, then cut in ********");
    api_error_blot(text, NULL);
    api_error_blot(text, "");
}

/* What a server repeats of the key, cut by the room for a header or for a complaint. */
static void test_long_key_is_blotted_out(void **state)
{
    (void)state;
    static const char long_key[] =
        "sk-canary-"
        "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz";
    static const char *const scripts[] = { "type text/%s\nraw no\n",
                                           "type text/plain\nraw %s\n",
                                           "raw {\"error\":{\"message\":\"%s\"}}\n",
                                           "status 401\nraw {\"detail\":\"%s\"}\n" };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fixture x;
        char script[256];
        snprintf(script, sizeof script, scripts[i], long_key);
        fixture_open_with(&x, script, (struct provider_options){ .key = long_key });
        struct asked a = ask_plain(&x);
        assert_int_not_equal(a.code, 0);
        assert_non_null(strstr(a.err.message, "******"));
        fixture_close(&x);
    }
}

/* Whoever complains of a reply quotes from it; placeholders for keys are words. */
static void test_key_in_a_reply_is_blotted_out(void **state)
{
    (void)state;
    expect_text("say the key sk-canary-5f3a it is\n", "the key ************** it is", 1);
    expect_text("say keys begin with sk-canary\n", "keys begin with sk-canary", 1);
    struct fixture x;
    fixture_open_with(&x, "say ask ollama\n",
                      (struct provider_options){ .key = "ollama" });
    struct asked a = ask_plain(&x);
    assert_string_equal(a.text, "ask ollama");
    mem_free(a.text);
    fixture_close(&x);
}

static void test_hangs(void **state)
{
    (void)state;
    static const char *const scripts[] = { "hang before\n", "say x\nhang after\n" };
    static const char *const says[] = { "within 0.15 seconds", "in the middle" };
    for (int i = 0; i < 2; i++) {
        struct fixture x;
        fixture_open_with(&x, scripts[i],
                          (struct provider_options){ .timeout_ms = i == 0 ? 150 : 0,
                                                     .attempts_max = 5 });
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, LW_ERR_REMOTE);
        assert_non_null(strstr(a.err.message, says[i]));
        assert_int_equal(fixture_requests(&x), 2);
        fixture_close(&x);
    }
}

/* Counts that no prompt has can be added up all the same. */
static void test_counts_beyond_all_measure(void **state)
{
    (void)state;
    struct fixture x;
    struct usage sum = { .requests = 0 };
    fixture_open(&x,
                 "raw {\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":{"
                 "\"prompt_tokens\":9223372036854775807,\"completion_tokens\":1e300,"
                 "\"prompt_tokens_details\":{\"cached_tokens\":9223372036854775807}}}\n");
    for (int i = 0; i < 3; i++) {
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, 0);
        assert_int_equal(a.reply.usage.prompt_tokens, INT32_MAX);
        usage_add(&sum, &a.reply.usage);
        mem_free(a.text);
    }
    assert_int_equal(sum.prompt_tokens, 3 * (int64_t)INT32_MAX);
    assert_int_equal(sum.completion_tokens, 3 * (int64_t)INT32_MAX);
    assert_int_equal(sum.cached_tokens, 3 * (int64_t)INT32_MAX);
    fixture_close(&x);
}

static void test_silent_truncation(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "usage 4096 5\nsay x\n");
    struct buf text;
    buf_init(&text, 1024 * 1024);
    for (int i = 0; i < 20000; i++) {
        buf_addf(&text, "%d words ", i);
    }
    struct llm_message m = { .role = LLM_USER,
                             .n_parts = 1,
                             .parts = { { .text = text.data, .len = text.len } } };
    struct llm_request req = { .messages = &m, .n_messages = 1, .max_tokens = 4 };
    struct asked a = ask(&x, &req);
    assert_int_equal(a.code, LW_ERR_REMOTE);
    assert_non_null(strstr(a.err.message, "num_ctx"));
    /* Lines of dots may well be few tokens. */
    memset(text.data, '.', text.len);
    a = ask(&x, &req);
    assert_int_equal(a.code, 0);
    mem_free(a.text);
    buf_release(&text);
    fixture_close(&x);
}

/* --- Streams ---------------------------------------------------------------- */

struct stream {
    struct buf text;
    int pieces;
};

static void on_text(void *user, const char *text, size_t len)
{
    struct stream *s = user;
    buf_add(&s->text, text, len);
    s->pieces++;
}

static struct asked ask_stream(struct fixture *x, const char *script, struct stream *s)
{
    struct llm_request req = request_plain();
    buf_init(&s->text, 65536);
    s->pieces = 0;
    req.on_text = on_text;
    req.user = s;
    fixture_open(x, script);
    return ask(x, &req);
}

static void expect_stream(const char *script, const char *text, int pieces)
{
    struct fixture x;
    struct stream s;
    struct asked a = ask_stream(&x, script, &s);
    if (a.code) {
        fail_msg("%s", a.err.message);
    }
    assert_string_equal(a.text, text);
    assert_string_equal(s.text.data, text);
    assert_int_equal(s.pieces, pieces);
    mem_free(a.text);
    buf_release(&s.text);
    fixture_close(&x);
}

static void test_streams(void **state)
{
    (void)state;
    expect_stream("say one two three\n", "one two three", 3);
    expect_stream("say one two three\npieces 1\n", "one two three", 3);
    expect_stream("say one two\nfinish none\n", "one two", 2);
    expect_stream("think so it is\nsay one\n", "one", 1);
    expect_stream("say <think>a b c</think> one two\n", "one two", 2);
    expect_stream("raw : note\\n\\ndata: {\\\"ping\\\":1}\\n\\ndata: {\\\"choices\\\":[{"
                  "\\\"delta\\\":{\\\"content\\\":\\\"x\\\"}}]}\\n\\ndata: [DONE]\\n\\n"
                  "data: [DONE]\\n\\n\n",
                  "x", 1);
    /* A server that does not stream, and one that stumbles before it speaks. */
    expect_stream("raw {\"choices\":[{\"message\":{\"content\":\"whole\"}}]}\n"
                  "type application/json\n",
                  "whole", 1);
    expect_stream("times 1\nsay one\ntruncate 20\n\nsay two\n", "two", 1);
    /* Nothing is missing if only the end of the end is. */
    expect_stream("raw data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\\n\\n"
                  "data: [DONE]\\n\\n:\\n\ntruncate 62\n",
                  "x", 1);
    expect_stream("times 1\nstatus 503\n\nsay two\n", "two", 1);
    expect_stream("times 1\nsay\nfinish error\n\nsay two\n", "two", 1);
}

static void test_stream_usage(void **state)
{
    (void)state;
    struct fixture x;
    struct stream s;
    struct asked a = ask_stream(&x, "refuse stream_options\n\nsay one\nusage 9 2\n", &s);
    assert_int_equal(a.code, 0);
    assert_int_equal(a.reply.usage.requests, 2);
    assert_int_equal(a.reply.usage.prompt_tokens, 0);
    assert_true(fixture_log_has(&x, "\"stream_options\":{\"include_usage\":true}"));
    mem_free(a.text);
    buf_release(&s.text);
    fixture_close(&x);
    a = ask_stream(&x, "say one\nusage 9 2\n", &s);
    assert_int_equal(a.reply.usage.prompt_tokens, 9);
    assert_int_equal(a.reply.usage.completion_tokens, 2);
    mem_free(a.text);
    buf_release(&s.text);
    fixture_close(&x);
}

/* It is told once, and then the reply comes whole, which is handed on as one piece. */
static void test_stream_that_is_refused(void **state)
{
    (void)state;
    struct fixture x;
    struct stream s;
    struct asked a = ask_stream(
        &x,
        "when body contains \"\\\"stream\\\":true\"\nstatus 400\n"
        "raw {\"detail\":\"Streaming is not supported\"}\n\nsay one two\nusage 9 2\n",
        &s);
    assert_int_equal(a.code, 0);
    assert_string_equal(s.text.data, "one two");
    assert_int_equal(s.pieces, 1);
    assert_int_equal(a.reply.usage.requests, 2);
    assert_int_equal(a.reply.usage.prompt_tokens, 9);
    assert_non_null(strstr(x.notices.data, "replies come whole"));
    mem_free(a.text);
    buf_release(&s.text);
    fixture_close(&x);
}

/* A gateway ends a reply that is silent too long. A streamed one begins at once, and is
 * gathered where nobody wants the pieces. */
static void test_gateway_that_ends_silence(void **state)
{
    (void)state;
    static const char gateway[] =
        "when body lacks \"\\\"stream\\\":true\"\nstatus %d\n\n";
    static const int statuses[] = { 504, 524 };
    for (int i = 0; i < 2; i++) {
        char script[256];
        int n = snprintf(script, sizeof script, gateway, statuses[i]);
        snprintf(script + n, sizeof script - (size_t)n, "say one two\nusage 9 2\n");
        struct fixture x;
        fixture_open(&x, script);
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, 0);
        assert_string_equal(a.text, "one two");
        assert_int_equal(a.reply.usage.requests, 2);
        assert_int_equal(a.reply.usage.prompt_tokens, 9);
        mem_free(a.text);
        fixture_close(&x);
        /* What was cut in the middle was told to nobody, so it goes again. */
        snprintf(script + n, sizeof script - (size_t)n,
                 "times 1\nsay one two\ntruncate 200\n\nsay one two\n");
        fixture_open_with(&x, script, (struct provider_options){ .attempts_max = 3 });
        a = ask_plain(&x);
        assert_int_equal(a.code, 0);
        assert_string_equal(a.text, "one two");
        assert_int_equal(fixture_requests(&x), 3);
        mem_free(a.text);
        fixture_close(&x);
    }
}

static void expect_stream_failure(const char *script, int code, const char *says,
                                  int requests)
{
    struct fixture x;
    struct stream s;
    struct asked a = ask_stream(&x, script, &s);
    assert_int_equal(a.code, code);
    if (strstr(a.err.message, says) == NULL) {
        fail_msg("\"%s\" is not in: %s", says, a.err.message);
    }
    assert_int_equal(fixture_requests(&x), requests);
    buf_release(&s.text);
    fixture_close(&x);
}

static void test_stream_faults(void **state)
{
    (void)state;
    expect_stream_failure("say one two three\nno done\n", LW_ERR_REMOTE, "in the middle",
                          1);
    expect_stream_failure("say one two three\ntruncate 300\n", LW_ERR_REMOTE, "cut", 1);
    expect_stream_failure("say one two\nfinish error\n", LW_ERR_REMOTE, "broken off", 1);
    expect_stream_failure("raw data: {\\\"choi\\n\\n\n", LW_ERR_REMOTE, "no reply", 1);
    expect_stream_failure(
        "raw data: {\\\"error\\\":{\\\"message\\\":\\\"too hot\\\"}}\\n\\n\n",
        LW_ERR_REMOTE, "too hot", 1);
    expect_stream_failure("status 401\n", LW_ERR_AUTH, "refuses the key", 1);
    expect_stream_failure("html\n", LW_ERR_REMOTE, "text/html", 1);
    expect_stream_failure("say one\nhang after\n", LW_ERR_REMOTE, "in the middle", 2);
}

/* --- Learning --------------------------------------------------------------- */

static void test_refused_parameter_is_remembered(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x,
                 "refuse temperature\n\nrefuse max_tokens\n\nrefuse seed\n\nsay fine\n");
    for (int i = 0; i < 5; i++) {
        struct asked a = ask_plain(&x);
        assert_int_equal(a.code, 0);
        assert_string_equal(a.text, "fine");
        assert_int_equal(a.reply.usage.requests, i == 0 ? 4 : 1);
        mem_free(a.text);
    }
    assert_int_equal(fixture_requests(&x), 3 + 5);
    assert_true(fixture_log_has(&x, "\"max_completion_tokens\":16}"));
    assert_non_null(strstr(x.notices.data, "temperature is not sent"));
    assert_non_null(strstr(x.notices.data, "max_completion_tokens"));
    fixture_close(&x);
}

/* Tokasaurus as it starts, which says neither "unsupported" nor which parameter it means
 * but in the sentence. */
static void test_scores_that_a_server_does_not_give(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "when body contains \"top_logprobs\"\nstatus 400\n"
                     "raw {\"detail\":\"top_logprobs=20 but engine was configured with "
                     "max_topk_logprobs=None\"}\n\nsay fine\n");
    for (int i = 0; i < 2; i++) {
        struct asked a = ask_scored(&x, 16);
        assert_int_equal(a.code, 0);
        assert_int_equal(a.reply.usage.requests, i == 0 ? 3 : 1);
        assert_true(isnan(a.reply.logprob_alt));
        mem_free(a.text);
    }
    fixture_close(&x);
}

static void test_size_is_not_a_refused_name(void **state)
{
    (void)state;
    expect_failure(
        "status 400\nraw {\"error\":{\"message\":\"max_tokens is too large: this "
        "model supports at most 10\",\"param\":\"max_tokens\"}}\n",
        LW_ERR_REMOTE, "too large", 1);
    expect_failure(
        "status 400\nraw {\"error\":{\"message\":\"the seed of the problem\"}}\n",
        LW_ERR_REMOTE, "seed of", 1);
}

static void test_system_role(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "times 1\nstatus 400\nraw {\"error\":{\"message\":\"System role not "
                     "supported\"}}\n\nsay fine\n");
    struct asked a = ask_plain(&x);
    assert_int_equal(a.code, 0);
    assert_true(
        fixture_log_has(&x, "[{\"role\":\"user\",\"content\":\"Be brief.\\n\\nSay "));
    mem_free(a.text);
    fixture_close(&x);
}

static json_t *schema_of_answer(void)
{
    return json_pack("{s:s, s:{s:{s:s}}, s:[s], s:b}", "type", "object", "properties",
                     "answer", "type", "string", "required", "answer",
                     "additionalProperties", 0);
}

static void test_schema_fallbacks(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "refuse json_schema\n\nrefuse json_object\n\n"
                     "say {\\\"answer\\\":\\\"x\\\"}\n");
    json_t *schema = schema_of_answer();
    struct llm_request req = request_plain();
    req.schema = schema;
    for (int i = 0; i < 3; i++) {
        struct asked a = ask(&x, &req);
        assert_int_equal(a.code, 0);
        mem_free(a.text);
    }
    assert_int_equal(fixture_requests(&x), 2 + 3);
    assert_true(fixture_log_has(
        &x, "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
            "{\"name\":\"reply\",\"strict\":true,\"schema\":{\"type\":"));
    assert_true(fixture_log_has(&x, "\"response_format\":{\"type\":\"json_object\"}"));
    assert_true(fixture_log_has(&x, "and nothing else:\\n{\\\"type\\\":\\\"object\\\""));
    json_decref(schema);
    fixture_close(&x);
}

static void test_open_schema_is_not_strict(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "say {}\n");
    json_t *schema = json_pack("{s:s, s:{s:{}}}", "type", "object", "properties", "a");
    struct llm_request req = request_plain();
    req.schema = schema;
    struct asked a = ask(&x, &req);
    assert_true(fixture_log_has(&x, "\"strict\":false"));
    mem_free(a.text);
    json_decref(schema);
    fixture_close(&x);
}

static int n_in(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text++;
    }
    return n;
}

/* One that takes response_format and looks away sees the schema with the complaint; one
 * that was told in words is told once. */
static void test_schema_that_was_ignored(void **state)
{
    (void)state;
    static const char *const scripts[] = { "", "refuse json_schema\n\n" };
    for (int i = 0; i < 2; i++) {
        struct fixture x;
        char script[160];
        snprintf(script, sizeof script,
                 "%swhen body contains \"cannot be used\"\nsay {\\\"answer\\\":"
                 "\\\"x\\\"}\n\nsay {\\\"reply\\\":1}\n",
                 scripts[i]);
        fixture_open(&x, script);
        json_t *schema = schema_of_answer(), *value = NULL;
        struct llm_request req = request_plain();
        struct usage usage = { 0 };
        req.schema = schema;
        assert_int_equal(structured_chat(x.llm, &req, &value, &usage, NULL, NULL), 0);
        struct buf log = fixture_log(&x);
        const char *repair = strstr(log.data, "cannot be used");
        assert_non_null(repair);
        assert_int_equal(n_in(repair, "this JSON schema, and nothing else:\\n{"), 1);
        assert_int_equal(n_in(log.data, "this JSON schema, and nothing else:\\n{"),
                         1 + i);
        buf_release(&log);
        json_decref(value);
        json_decref(schema);
        fixture_close(&x);
    }
}

/* An echo is a reply of the wrong content: the caller's repair sees it. */
static void test_schema_echo_is_repaired(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "times 1\necho schema\n\nsay {\\\"answer\\\":\\\"x\\\"}\n");
    json_t *schema = schema_of_answer(), *value = NULL;
    struct llm_request req = request_plain();
    struct usage usage = { 0 };
    req.schema = schema;
    assert_int_equal(structured_chat(x.llm, &req, &value, &usage, NULL, NULL), 0);
    assert_string_equal(json_str(value, "answer", ""), "x");
    assert_int_equal(fixture_requests(&x), 2);
    json_decref(value);
    json_decref(schema);
    fixture_close(&x);
}

/* --- Screening -------------------------------------------------------------- */

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static void test_scores(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "say not stated\nlogprob \" not\" -1\nlogprob \"not\" -2\n"
                     "logprob \"nothing\" -3\nlogprob \"November\" -4\n");
    struct asked a = ask_scored(&x, 16);
    assert_true(near(a.reply.logprob_alt, log(exp(-1) + exp(-2))));
    /* Not among them: the smallest is the bound. */
    assert_true(near(a.reply.logprob_alt2, -4));
    assert_true(near(a.reply.logprob_mean, -1));
    assert_true(fixture_log_has(&x, "\"logprobs\":true,\"top_logprobs\":20"));
    mem_free(a.text);
    a = ask_scored(&x, 0);
    assert_string_equal(a.text, "");
    assert_int_equal(a.reply.finish, LLM_STOP);
    assert_true(near(a.reply.logprob_alt, log(exp(-1) + exp(-2))));
    assert_true(fixture_log_has(&x, "\"max_tokens\":1,"));
    mem_free(a.text);
    fixture_close(&x);
}

static void test_scores_left_over(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "say yes\nlogprob \"yes\" -0.01\nlogprob \"Yes\" -4.7\n");
    struct asked a = ask_scored(&x, 16);
    assert_true(near(a.reply.logprob_alt, log(1 - exp(-0.01) - exp(-4.7))));
    mem_free(a.text);
    fixture_close(&x);
}

static void test_no_scores(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "refuse top_logprobs\n\nsay not stated\nlogprob \" not\" -1\n");
    struct asked a = ask_scored(&x, 16);
    assert_int_equal(a.code, 0);
    assert_true(isnan(a.reply.logprob_alt) && isnan(a.reply.logprob_alt2));
    assert_int_equal(fixture_requests(&x), 3); /* twenty, five, none */
    mem_free(a.text);
    fixture_close(&x);
    fixture_open(&x,
                 "say <think>x</think>not\nlogprob \"<think>\" -1\nlogprob \"x\" -2\n");
    a = ask_scored(&x, 16);
    assert_true(isnan(a.reply.logprob_alt));
    mem_free(a.text);
    fixture_close(&x);
}

/* --- Many ------------------------------------------------------------------- */

static void test_one_request_a_job(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open_with(&x, "say fine\ndelay 10\n",
                      (struct provider_options){ .parallel = 6 });
    struct tally t = { .raise = NULL };
    int64_t before = clock_ms();
    assert_int_equal(ask_many(&x, &t, NULL), 0);
    double wall = (double)(clock_ms() - before) / 1000.0;
    assert_int_equal(t.by_finish[LLM_STOP], MANY);
    assert_int_equal(t.n_requests, MANY);
    assert_int_equal(fixture_requests(&x), MANY);
    assert_in_range(fake_server_stat(&x.server, "max_concurrent"), 2, 6);
    assert_true(t.seconds <= wall + 0.01);
    fixture_close(&x);
}

struct asker {
    struct fixture *x;
    struct tally tally;
};

static void *ask_in_thread(void *arg)
{
    struct asker *a = arg;
    struct llm_request reqs[MANY];
    struct llm_message m = llm_message_text(LLM_USER, "Say it.");
    for (int i = 0; i < MANY; i++) {
        reqs[i] =
            (struct llm_request){ .messages = &m, .n_messages = 1, .max_tokens = 2 };
    }
    llm_chat_many(a->x->llm, reqs, MANY, count, &a->tally, NULL, NULL);
    return NULL;
}

static void test_threads_share_the_limit(void **state)
{
    (void)state;
    struct fixture x;
    struct asker askers[3];
    pthread_t threads[3];
    fixture_open_with(&x, "refuse seed\n\nsay fine\n",
                      (struct provider_options){ .parallel = 4 });
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){ .x = &x };
        pthread_create(&threads[i], NULL, ask_in_thread, &askers[i]);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].tally.by_finish[LLM_STOP], MANY);
    }
    assert_true(fake_server_stat(&x.server, "max_concurrent") <= 4);
    fixture_close(&x);
}

static void test_one_failure_is_one(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "times 3\nraw {\"half\n\nsay fine\n");
    struct tally t = { .raise = NULL };
    assert_int_equal(ask_many(&x, &t, NULL), 0);
    assert_int_equal(t.by_finish[LLM_FAILED], 3);
    assert_int_equal(t.by_finish[LLM_STOP], MANY - 3);
    fixture_close(&x);
}

static void expect_early_end(const char *script, const char *says, int requests_max)
{
    struct fixture x;
    fixture_open_with(&x, script, (struct provider_options){ .parallel = 4 });
    struct tally t = { .raise = NULL };
    assert_int_equal(ask_many(&x, &t, NULL), 0);
    assert_int_equal(t.by_finish[LLM_FAILED], MANY);
    assert_non_null(strstr(t.message, says));
    assert_true(fixture_requests(&x) <= requests_max);
    fixture_close(&x);
}

static void test_final_refusal_ends_the_rest(void **state)
{
    (void)state;
    expect_early_end("status 401\n", "refuses the key", 8);
    expect_early_end("quota\n", "quota", 8);
    expect_early_end("status 404\n", "does not know", 8);
    struct fixture x;
    fixture_open(&x, "times 1\nstatus 401\n\nsay fine\n");
    assert_int_equal(ask_plain(&x).code, LW_ERR_AUTH);
    assert_int_equal(ask_plain(&x).code, LW_ERR_AUTH); /* for good */
    assert_int_equal(fixture_requests(&x), 1);
    fixture_close(&x);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open_with(
        &x, "say unused\n",
        (struct provider_options){ .model = "http://127.0.0.1:9/v1#m", .parallel = 4 });
    struct tally t = { .raise = NULL };
    int64_t before = clock_ms();
    assert_int_equal(ask_many(&x, &t, NULL), 0);
    assert_int_equal(t.by_finish[LLM_FAILED], MANY);
    assert_int_equal(t.n_requests, 0);
    assert_non_null(strstr(t.message, "nothing accepts connections"));
    assert_true(clock_ms() - before < 20000);
    fixture_close(&x);
}

static void test_cancel(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open_with(&x, "times 1\nsay fine\n\nhang before\n",
                      (struct provider_options){ .parallel = 4 });
    struct cancel cancel;
    cancel_init(&cancel, 0);
    struct tally t = { .raise = &cancel };
    assert_int_equal(ask_many(&x, &t, &cancel), 0);
    assert_int_equal(t.by_finish[LLM_STOP], 1);
    assert_int_equal(t.by_finish[LLM_CANCELLED], MANY - 1);
    struct tally again = { .raise = NULL };
    cancel_raise(&cancel);
    assert_int_equal(ask_many(&x, &again, &cancel), LW_CANCELLED);
    assert_int_equal(again.by_finish[LLM_CANCELLED], MANY);
    fixture_close(&x);
}

/* A refused parameter is left out in the next try, if there is to be one: here it arrives
 * when the run is over, by a cancel or by the refusal of the key. */
static void test_nothing_goes_again_after_the_end(void **state)
{
    (void)state;
    static const char *const scripts[] = { "say fine\n", "status 401\n" };
    for (int i = 0; i < 2; i++) {
        struct fixture x;
        struct cancel cancel;
        char script[120];
        snprintf(script, sizeof script,
                 "times 1\n%s\nrefuse temperature\ndelay 100\n\nsay fine\n", scripts[i]);
        fixture_open_with(&x, script, (struct provider_options){ .parallel = 2 });
        cancel_init(&cancel, 0);
        struct tally t = { .raise = i == 0 ? &cancel : NULL, .pause_ms = 500 };
        assert_int_equal(ask_many(&x, &t, &cancel), 0);
        assert_int_equal(t.by_finish[LLM_STOP], i == 0);
        assert_int_equal(t.by_finish[i == 0 ? LLM_CANCELLED : LLM_FAILED], MANY - !i);
        assert_int_equal(t.n_requests, 2);
        assert_int_equal(fixture_requests(&x), 2);
        fixture_close(&x);
    }
}

static void test_deadline(void **state)
{
    (void)state;
    struct fixture x;
    fixture_open(&x, "times 1\nstatus 503\n\nhang before\n");
    struct cancel cancel;
    struct llm_reply reply;
    struct llm_request req = request_plain();
    cancel_init(&cancel, clock_ms() + 700);
    int64_t before = clock_ms();
    assert_int_equal(llm_chat(x.llm, &req, &reply, NULL, &cancel, NULL), LW_TIMEOUT);
    assert_true(clock_ms() - before < 10000);
    fixture_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_parts_are_joined),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_reply_that_was_broken_off),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_hidden_reasoning),
        cmocka_unit_test(test_reasoning_is_cut),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_flagged_text),
        cmocka_unit_test(test_refusals_that_pass),
        cmocka_unit_test(test_retry_after_is_waited_for),
        cmocka_unit_test(test_bodies_of_all_makes),
        cmocka_unit_test(test_replies_that_are_none),
        cmocka_unit_test(test_key_is_blotted_out),
        cmocka_unit_test(test_long_key_is_blotted_out),
        cmocka_unit_test(test_key_in_a_reply_is_blotted_out),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_counts_beyond_all_measure),
        cmocka_unit_test(test_silent_truncation),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_stream_usage),
        cmocka_unit_test(test_stream_that_is_refused),
        cmocka_unit_test(test_gateway_that_ends_silence),
        cmocka_unit_test(test_stream_faults),
        cmocka_unit_test(test_refused_parameter_is_remembered),
        cmocka_unit_test(test_scores_that_a_server_does_not_give),
        cmocka_unit_test(test_size_is_not_a_refused_name),
        cmocka_unit_test(test_system_role),
        cmocka_unit_test(test_schema_fallbacks),
        cmocka_unit_test(test_open_schema_is_not_strict),
        cmocka_unit_test(test_schema_that_was_ignored),
        cmocka_unit_test(test_schema_echo_is_repaired),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_scores_left_over),
        cmocka_unit_test(test_no_scores),
        cmocka_unit_test(test_one_request_a_job),
        cmocka_unit_test(test_threads_share_the_limit),
        cmocka_unit_test(test_one_failure_is_one),
        cmocka_unit_test(test_final_refusal_ends_the_rest),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_nothing_goes_again_after_the_end),
        cmocka_unit_test(test_deadline),
    };
    return fake_server_missing() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
