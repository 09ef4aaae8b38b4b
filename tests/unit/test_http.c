/* test_http.c - transfers against the fault-injecting server: each fault ends as one
 * END event, limits hold, nothing is lost on cancel or close. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/http.h"
#include "net/url.h"

#include "fake_server.h"

#include <pthread.h>

enum { WAIT_MS = 30 * 1000 };

struct client {
    struct fake_server server;
    struct http *http;
    struct queue *events;
};

static struct client client_open(const char *script, int idle_timeout_ms)
{
    struct client c = { .server = fake_server_start(script, NULL),
                        .events = queue_new() };
    struct http_options opt = { .idle_timeout_ms = idle_timeout_ms };
    struct lw_error err;
    assert_int_equal(http_open(&c.http, &opt, &err), 0);
    return c;
}

static void client_close(struct client *c)
{
    http_close(c->http);
    struct http_event *e;
    while ((e = queue_take(c->events, 0)) != NULL) {
        http_event_free(e);
    }
    queue_free(c->events);
    fake_server_stop(&c->server);
}

static struct http_request *start(struct client *c, struct http_call call)
{
    char url[128];
    snprintf(url, sizeof url, "%s/v1/chat/completions", c->server.url);
    call.url = call.url != NULL ? call.url : url;
    call.method = call.method != NULL ? call.method : "POST";
    call.body = call.body != NULL ? call.body : "{}";
    call.body_len = strlen(call.body);
    call.per_host = call.per_host > 0 ? call.per_host : 8;
    call.events = c->events;
    return http_start(c->http, &call);
}

static struct http_event *take(struct client *c)
{
    struct http_event *e = queue_take(c->events, WAIT_MS);
    assert_non_null(e);
    return e;
}

/* One request, its END. */
static struct http_event *exchange(struct client *c, struct http_call call)
{
    start(c, call);
    struct http_event *e = take(c);
    assert_int_equal(e->kind, HTTP_EVENT_END);
    return e;
}

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* --- Whole replies ---------------------------------------------------------- */

static void test_reply(void **state)
{
    (void)state;
    struct client c =
        client_open("when body contains \"abc\"\nwhen header contains \"X-A: 1\"\n"
                    "raw {\"fine\":1}\n",
                    0);
    const char *headers[] = { "X-A: 1" };
    int tag;
    struct http_event *e = exchange(
        &c, (struct http_call){
                .body = "abc", .headers = headers, .n_headers = 1, .user = &tag });
    assert_int_equal(e->error.code, 0);
    assert_int_equal(e->status, 200);
    assert_string_equal(e->data, "{\"fine\":1}");
    assert_int_equal(e->len, 10);
    assert_string_equal(e->content_type, "application/json");
    assert_int_equal(e->retry_after_ms, -1);
    assert_true(e->sent);
    assert_ptr_equal(e->user, &tag);
    http_event_free(e);
    client_close(&c);
}

static void test_get(void **state)
{
    (void)state;
    struct client c = client_open("", 0);
    char url[128];
    snprintf(url, sizeof url, "%s/v1/models", c.server.url);
    struct http_event *e =
        exchange(&c, (struct http_call){ .method = "GET", .url = url });
    assert_int_equal(e->status, 200);
    assert_true(contains(e->data, "fake-model"));
    http_event_free(e);
    client_close(&c);
}

static void test_headers_of_refusals(void **state)
{
    (void)state;
    struct client c = client_open(
        "times 1\nstatus 429\nheader Retry-After: 2\nheader x-should-retry: false\n\n"
        "times 1\nstatus 429\nheader retry-after-ms: 150\nheader Retry-After: 9\n\n"
        "times 1\nstatus 429\nheader Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\n\n"
        "times 1\nstatus 503\nheader Retry-After: soon\n\n",
        0);
    const int expected[] = { 2000, 150, 0, -1 };
    for (int i = 0; i < 4; i++) {
        struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
        assert_int_equal(e->error.code, 0);
        assert_int_equal(e->status, i < 3 ? 429 : 503);
        assert_int_equal(e->retry_after_ms, expected[i]);
        assert_int_equal(e->should_retry_no, i == 0);
        http_event_free(e);
    }
    client_close(&c);
}

/* Limits of a minute are waited for, those of a day not; a server's own wish goes first.
 */
static void test_headers_of_limits(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        int expected;
    } table[] = {
        { 429,
          "header x-ratelimit-reset-requests: 17s\nheader x-ratelimit-reset-tokens: "
          "120ms\n",
          17000 },
        { 429, "header x-ratelimit-reset-tokens: 1m2.5s\n", 62500 },
        { 429,
          "header X-RateLimit-Reset-Requests-Day: 33011.38\n"
          "header x-ratelimit-reset-tokens-minute: 11.5\n",
          11500 },
        { 429, "header x-ratelimit-reset-requests: 9s\nheader Retry-After: 2\n", 2000 },
        { 429, "header x-ratelimit-reset-requests: 6h0m0s\n", -1 },
        { 429, "header x-ratelimit-reset-requests: 6ms\n", -1 },
        { 429, "header x-ratelimit-reset-requests: 3 weeks\n", -1 },
        { 429, "header x-ratelimit-reset-requests: 1y\n", -1 },
        { 429, "header x-ratelimit-reset-requests: -1s\n", -1 },
        { 429, "header x-ratelimit-reset-requests: nan\n", -1 },
        { 429, "header x-ratelimit-reset-requests:\n", -1 },
        { 503, "header x-ratelimit-reset-requests: 1s\n", -1 },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char script[200];
        snprintf(script, sizeof script, "status %d\n%s", table[i].status,
                 table[i].headers);
        struct client c = client_open(script, 0);
        struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
        assert_int_equal(e->status, table[i].status);
        assert_int_equal(e->retry_after_ms, table[i].expected);
        http_event_free(e);
        client_close(&c);
    }
}

static void test_redirect_is_a_reply(void **state)
{
    (void)state;
    struct client c = client_open("when path contains \"/v1\"\nstatus 302\n"
                                  "header Location: /elsewhere\n\nsay followed\n",
                                  0);
    struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
    assert_int_equal(e->status, 302);
    http_event_free(e);
    assert_int_equal(fake_server_stat(&c.server, "requests"), 1);
    client_close(&c);
}

/* --- Faults ----------------------------------------------------------------- */

struct fault {
    const char *script;
    int code;
    const char *says;
};

static void test_cut_replies(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        { "close\n", LW_ERR_REMOTE, "closed without a reply" },
        { "raw 0123456789\ntruncate 4\n", LW_ERR_REMOTE, "cut before" },
        { "raw 0123456789\npieces 2\ntruncate 4\n", LW_ERR_REMOTE, "cut before" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct client c = client_open(faults[i].script, 0);
        struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
        assert_int_equal(e->error.code, faults[i].code);
        assert_true(contains(e->error.message, faults[i].says));
        assert_true(contains(e->error.message, "127.0.0.1:"));
        assert_true(e->sent);
        http_event_free(e);
        client_close(&c);
    }
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct client c = client_open("say unused\n", 0);
    struct http_event *e =
        exchange(&c, (struct http_call){ .url = "http://127.0.0.1:9/v1" });
    assert_int_equal(e->error.code, LW_ERR_REMOTE);
    assert_true(contains(e->error.message, "127.0.0.1:9: nothing accepts connections"));
    assert_int_equal(e->status, 0);
    assert_false(e->sent);
    http_event_free(e);
    client_close(&c);
}

/* The way there goes through a proxy: its refusal is told as one, and one that will not
 * pass by itself is not met again. */
static void test_proxy_that_refuses(void **state)
{
    (void)state;
    static const int statuses[] = { 407, 403, 502 };
    for (int i = 0; i < 3; i++) {
        char script[40], said[40];
        snprintf(script, sizeof script, "status %d\n", statuses[i]);
        snprintf(said, sizeof said, "(HTTP %d)", statuses[i]);
        struct client c = client_open(script, 0);
        setenv("https_proxy", c.server.url, 1);
        struct http_event *e =
            exchange(&c, (struct http_call){ .url = "https://far.example/v1" });
        unsetenv("https_proxy");
        assert_int_equal(e->error.code, LW_ERR_REMOTE);
        assert_true(contains(e->error.message, "far.example: the proxy"));
        assert_true(contains(e->error.message, said));
        assert_true(contains(e->error.message, "HTTPS_PROXY"));
        assert_int_equal(e->status, 0);
        assert_int_equal(e->should_retry_no, statuses[i] < 500);
        http_event_free(e);
        client_close(&c);
    }
}

static void test_bad_url(void **state)
{
    (void)state;
    static const char *const urls[] = { "", "nonsense://x/", "http://",
                                        "file:///etc/passwd" };
    struct client c = client_open("say unused\n", 0);
    for (size_t i = 0; i < 4; i++) {
        struct http_event *e = exchange(&c, (struct http_call){ .url = urls[i] });
        assert_int_equal(e->error.code, LW_ERR_USAGE);
        assert_false(e->sent);
        http_event_free(e);
    }
    client_close(&c);
}

static void test_hang_before_headers(void **state)
{
    (void)state;
    struct client c = client_open("hang before\n", 0);
    struct http_event *e = exchange(&c, (struct http_call){ .timeout_ms = 100 });
    assert_int_equal(e->error.code, LW_TIMEOUT);
    assert_true(contains(e->error.message, "within 0.1 seconds"));
    assert_true(e->sent);
    http_event_free(e);
    client_close(&c);
}

static void test_hang_after_headers(void **state)
{
    (void)state;
    struct client c = client_open("say never\nhang after\n", 50);
    struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
    assert_int_equal(e->error.code, LW_TIMEOUT);
    assert_true(contains(e->error.message, "in the middle of its reply"));
    assert_int_equal(e->status, 200);
    http_event_free(e);
    client_close(&c);
}

static void test_body_limit(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, 2 * LIMIT_HTTP_REPLY_BYTES);
    buf_addf(&script, "raw %0*d\n", LIMIT_HTTP_REPLY_BYTES + 1, 0);
    struct client c = client_open(script.data, 0);
    struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
    assert_int_equal(e->error.code, LW_ERR_REMOTE);
    assert_true(contains(e->error.message, "larger than 16 MiB"));
    http_event_free(e);
    client_close(&c);
    buf_release(&script);
}

static void test_header_limit(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, 1024 * 1024);
    buf_add_str(&script, "say x\n");
    for (int i = 0; i < 1000; i++) {
        buf_addf(&script, "header X-%d: %080d\n", i, i);
    }
    struct client c = client_open(script.data, 0);
    struct http_event *e = exchange(&c, (struct http_call){ .body = "{}" });
    assert_int_equal(e->error.code, LW_ERR_REMOTE);
    assert_true(contains(e->error.message, "headers"));
    http_event_free(e);
    client_close(&c);
    buf_release(&script);
}

static void test_key_is_in_no_error(void **state)
{
    (void)state;
    static const char *const scripts[] = { "close\n", "say x\ntruncate 3\n",
                                           "hang before\n" };
    const char *headers[] = { "Authorization: Bearer sk-canary-1234" };
    for (size_t i = 0; i < 3; i++) {
        struct client c = client_open(scripts[i], 0);
        struct http_event *e = exchange(
            &c,
            (struct http_call){ .headers = headers, .n_headers = 1, .timeout_ms = 200 });
        assert_int_not_equal(e->error.code, 0);
        assert_false(contains(e->error.message, "canary"));
        http_event_free(e);
        client_close(&c);
    }
}

/* --- Streams ---------------------------------------------------------------- */

static void test_stream_in_pieces(void **state)
{
    (void)state;
    struct client c = client_open("raw abcdef\npieces 1\n", 0);
    char got[16] = "";
    struct http_event *e;
    int pieces = 0;
    start(&c, (struct http_call){ .stream = true });
    while ((e = take(&c))->kind == HTTP_EVENT_DATA) {
        assert_int_equal(e->status, 200);
        strncat(got, e->data, e->len);
        pieces++;
        http_event_free(e);
    }
    assert_string_equal(got, "abcdef");
    assert_int_equal(pieces, 6);
    assert_int_equal(e->error.code, 0);
    assert_int_equal(e->len, 0);
    http_event_free(e);
    client_close(&c);
}

static void test_stream_cut(void **state)
{
    (void)state;
    struct client c = client_open("raw abcdef\npieces 2\ntruncate 4\n", 0);
    struct http_event *e;
    size_t bytes = 0;
    start(&c, (struct http_call){ .stream = true });
    while ((e = take(&c))->kind == HTTP_EVENT_DATA) {
        bytes += e->len;
        http_event_free(e);
    }
    assert_int_equal(bytes, 4);
    assert_int_equal(e->error.code, LW_ERR_REMOTE);
    http_event_free(e);
    client_close(&c);
}

/* --- Many ------------------------------------------------------------------- */

static void test_limit_and_reuse(void **state)
{
    (void)state;
    struct client c = client_open("say x\ndelay 5\n", 0);
    for (int i = 0; i < 60; i++) {
        start(&c, (struct http_call){ .per_host = 3 });
    }
    for (int i = 0; i < 60; i++) {
        struct http_event *e = take(&c);
        assert_int_equal(e->error.code, 0);
        http_event_free(e);
    }
    assert_int_equal(fake_server_stat(&c.server, "requests"), 60);
    assert_in_range(fake_server_stat(&c.server, "max_concurrent"), 2, 3);
    /* Three that were kept, and those of the questions themselves. */
    assert_true(fake_server_stat(&c.server, "connections") <= 3 + 3);
    client_close(&c);
}

static void test_in_order(void **state)
{
    (void)state;
    struct client c = client_open("say x\n", 0);
    int numbers[20];
    for (int i = 0; i < 20; i++) {
        start(&c, (struct http_call){ .per_host = 1, .user = &numbers[i] });
    }
    for (int i = 0; i < 20; i++) {
        struct http_event *e = take(&c);
        assert_ptr_equal(e->user, &numbers[i]);
        http_event_free(e);
    }
    client_close(&c);
}

static void test_cancel(void **state)
{
    (void)state;
    struct client c = client_open("hang before\n", 0);
    struct http_request *requests[20];
    for (int i = 0; i < 20; i++) {
        requests[i] = start(&c, (struct http_call){ .per_host = 4 });
    }
    while (fake_server_stat(&c.server, "requests") < 4) {
        clock_sleep_ms(5);
    }
    /* Those that wait first, or they would take the places that become free. */
    for (int i = 20; i-- > 0;) {
        http_cancel(c.http, requests[i]);
    }
    int n_sent = 0;
    for (int i = 0; i < 20; i++) {
        struct http_event *e = take(&c);
        assert_int_equal(e->error.code, LW_CANCELLED);
        n_sent += e->sent;
        http_event_free(e);
    }
    assert_int_equal(n_sent, 4);
    client_close(&c);
}

/* A cancel right behind the start must not fall between inbox and waiting line. */
static void test_cancel_at_once(void **state)
{
    (void)state;
    struct client c = client_open("hang before\n", 0);
    for (int i = 0; i < 500; i++) {
        http_cancel(c.http, start(&c, (struct http_call){ .per_host = 4 }));
        struct http_event *e = take(&c);
        assert_int_equal(e->error.code, LW_CANCELLED);
        http_event_free(e);
    }
    client_close(&c);
}

static void test_close_in_flight(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct client c = client_open("hang before\n", 0);
        for (int k = 0; k < 10; k++) {
            start(&c, (struct http_call){ .per_host = 2 });
        }
        if (i % 2) {
            clock_sleep_ms(2);
        }
        client_close(&c);
    }
}

struct crowd {
    struct client *client;
    int n_good;
};

static void *ask_many(void *arg)
{
    struct crowd *crowd = arg;
    struct client own = *crowd->client;
    own.events = queue_new();
    for (int i = 0; i < 200; i++) {
        struct http_request *r = start(&own, (struct http_call){ .per_host = 8 });
        if (i % 7 == 0) {
            http_cancel(own.http, r);
        }
    }
    for (int i = 0; i < 200; i++) {
        struct http_event *e = take(&own);
        crowd->n_good += e->error.code == 0 || e->error.code == LW_CANCELLED;
        http_event_free(e);
    }
    queue_free(own.events);
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct client c = client_open("say x\n", 0);
    struct crowd crowds[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        crowds[i] = (struct crowd){ .client = &c };
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &crowds[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].n_good, 200);
    }
    assert_true(fake_server_stat(&c.server, "max_concurrent") <= 8);
    client_close(&c);
}

/* --- What left -------------------------------------------------------------- */

static void test_metered_body(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "raw {}\n",
        "status 500\n",
        "say x\ntruncate 40\n",
        "hang before\n",
        "say never\nhang after\n",
        "close\n",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct client c = client_open(scripts[i], 100);
        struct http_event *e =
            exchange(&c, (struct http_call){
                             .body = "{\"a\":1}", .metered = true, .timeout_ms = 200 });
        assert_int_equal(e->tries, 1);
        assert_int_equal(e->body_bytes, 7);
        assert_int_equal(e->body_len, 7);
        assert_memory_equal(e->body, "{\"a\":1}", 7);
        assert_int_equal(fake_server_stat(&c.server, "body_bytes"), 7);
        http_event_free(e);
        client_close(&c);
    }
}

/* A question without a body is a try all the same. */
static void test_metered_get(void **state)
{
    (void)state;
    struct client c = client_open("times 1\nclose\n\nraw {}\n", 0);
    for (int i = 0; i < 2; i++) {
        struct http_event *e =
            exchange(&c, (struct http_call){ .method = "GET", .metered = true });
        assert_int_equal(e->tries, 1);
        assert_int_equal(e->body_bytes, 0);
        http_event_free(e);
    }
    client_close(&c);
}

static void test_metered_body_that_never_left(void **state)
{
    (void)state;
    struct client c = client_open("say unused\n", 0);
    struct http_event *e =
        exchange(&c, (struct http_call){
                         .url = "http://127.0.0.1:9/v1", .body = "{}", .metered = true });
    assert_int_equal(e->tries, 0);
    assert_int_equal(e->body_bytes, 0);
    http_event_free(e);
    client_close(&c);
}

static void test_metered_body_on_a_dead_connection(void **state)
{
    (void)state;
    struct client c = client_open("times 1\nraw {}\n\ntimes 1\nclose\n\nraw {}\n", 0);
    for (int i = 1; i <= 2; i++) {
        struct http_event *e =
            exchange(&c, (struct http_call){ .body = "12345", .metered = true });
        assert_int_equal(e->error.code, 0);
        assert_int_equal(e->tries, i);
        assert_int_equal(e->body_bytes, 5 * i);
        http_event_free(e);
    }
    assert_int_equal(fake_server_stat(&c.server, "body_bytes"), 15);
    client_close(&c);
}

/* What was in the connection when it was closed arrives after the END. */
static bool server_gets(const struct client *c, int64_t bytes)
{
    for (int i = 0; i < 2000; i++) {
        if (fake_server_stat(&c->server, "body_bytes") == bytes) return true;
        clock_sleep_ms(5);
    }
    return false;
}

static void test_metered_body_that_is_cut(void **state)
{
    (void)state;
    enum { LARGE = 32 * 1024 * 1024 };
    struct client c = client_open("hang before\n", 0);
    char *body = mem_alloc(LARGE + 1);
    memset(body, 'x', LARGE);
    struct http_event *e = NULL;
    /* Cancelled before it began, a body is not told: then again, and later. */
    for (int ms = 1; !e || e->body_len == 0; ms *= 2) {
        http_event_free(e);
        struct http_request *r =
            start(&c, (struct http_call){ .body = body, .metered = true });
        clock_sleep_ms(ms);
        http_cancel(c.http, r);
        e = take(&c);
        assert_true(ms < 60 * 1000);
    }
    assert_true(e->body_bytes <= LARGE && e->body_len == LARGE);
    assert_true(server_gets(&c, e->body_bytes));
    http_event_free(e);
    mem_free(body);
    client_close(&c);
}

/* --- URLs ------------------------------------------------------------------- */

static void test_url(void **state)
{
    (void)state;
    struct url u;
    assert_int_equal(url_parse(&u, "http://LocalHost:8000/v1/", NULL), 0);
    assert_string_equal(u.host, "localhost");
    assert_int_equal(u.port, 8000);
    assert_string_equal(u.path, "/v1");
    assert_false(u.https || u.has_credentials || u.has_query);
    assert_int_equal(url_parse(&u, "https://[::1]?x=1", NULL), 0);
    assert_string_equal(u.host, "::1");
    assert_int_equal(u.port, 443);
    assert_string_equal(u.path, "");
    assert_true(u.https && u.has_query);
    assert_int_equal(url_parse(&u, "http://me:secret@host/", NULL), 0);
    assert_true(u.has_credentials);
    struct lw_error err;
    assert_int_equal(url_parse(&u, "http://me:secret@host:port/", &err), LW_ERR_USAGE);
    assert_false(contains(err.message, "secret"));
}

static void test_loopback(void **state)
{
    (void)state;
    static const char *const near[] = { "localhost", "LOCALHOST", "127.0.0.1",
                                        "127.9.9.9", "::1",       "::ffff:127.0.0.1" };
    static const char *const far[] = { "127.0.0.1.evil.com",
                                       "localhost.evil.com",
                                       "0.0.0.0",
                                       "128.0.0.1",
                                       "evil.com",
                                       "",
                                       "::",
                                       "127.1",
                                       "10.0.0.1",
                                       "::ffff:8.8.8.8",
                                       "localhost." };
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        assert_true(url_host_is_loopback(near[i]));
    }
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        assert_false(url_host_is_loopback(far[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_headers_of_refusals),
        cmocka_unit_test(test_headers_of_limits),
        cmocka_unit_test(test_redirect_is_a_reply),
        cmocka_unit_test(test_cut_replies),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_proxy_that_refuses),
        cmocka_unit_test(test_bad_url),
        cmocka_unit_test(test_hang_before_headers),
        cmocka_unit_test(test_hang_after_headers),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_header_limit),
        cmocka_unit_test(test_key_is_in_no_error),
        cmocka_unit_test(test_stream_in_pieces),
        cmocka_unit_test(test_stream_cut),
        cmocka_unit_test(test_limit_and_reuse),
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_at_once),
        cmocka_unit_test(test_metered_body),
        cmocka_unit_test(test_metered_get),
        cmocka_unit_test(test_metered_body_that_never_left),
        cmocka_unit_test(test_metered_body_on_a_dead_connection),
        cmocka_unit_test(test_metered_body_that_is_cut),
        cmocka_unit_test(test_close_in_flight),
        cmocka_unit_test(test_many_threads),
    };
    return fake_server_missing() ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
