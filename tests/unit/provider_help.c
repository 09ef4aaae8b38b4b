/* provider_help.c - the fixture of the tests of models behind HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "provider_help.h"

const char fixture_key[] = "sk-canary-5f3a";

static void keep_notice(void *user, const char *sentence)
{
    buf_addf(user, "%s\n", sentence);
}

void fixture_open_with(struct fixture *x, const char *script, struct provider_options opt)
{
    struct lw_error err = { .message = "" };
    char model[128];
    snprintf(x->log, sizeof x->log, "/tmp/legwork-test-XXXXXX");
    close(mkstemp(x->log));
    x->server = fake_server_start(script, x->log);
    buf_init(&x->notices, 65536);
    assert_int_equal(
        http_open(&x->http, &(struct http_options){ .idle_timeout_ms = 100 }, &err), 0);
    snprintf(model, sizeof model, "%s/v1#m", x->server.url);
    opt.model = opt.model != NULL ? opt.model : model;
    opt.key = opt.key != NULL ? opt.key : fixture_key;
    opt.attempts_max = opt.attempts_max > 0 ? opt.attempts_max : 2;
    opt.http = x->http;
    opt.notice = keep_notice;
    opt.user = &x->notices;
    if (provider_open(&x->llm, &opt, &err)) {
        print_error("%s\n", err.message);
        fail();
    }
}

void fixture_open(struct fixture *x, const char *script)
{
    fixture_open_with(x, script, (struct provider_options){ .attempts_max = 0 });
}

void fixture_close(struct fixture *x)
{
    llm_close(x->llm);
    http_close(x->http);
    fake_server_stop(&x->server);
    buf_release(&x->notices);
    unlink(x->log);
}

struct buf fixture_log(const struct fixture *x)
{
    struct buf text;
    char piece[4096];
    size_t n;
    FILE *f = fopen(x->log, "rb");
    assert_non_null(f);
    buf_init(&text, 16 * 1024 * 1024);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        buf_add(&text, piece, n);
    }
    fclose(f);
    return text;
}

bool fixture_log_has(const struct fixture *x, const char *part)
{
    struct buf text = fixture_log(x);
    bool has = strstr(text.data, part) != NULL;
    buf_release(&text);
    return has;
}

int fixture_requests(const struct fixture *x)
{
    return fake_server_stat(&x->server, "requests");
}

/* --- Asking ----------------------------------------------------------------- */

static struct llm_message hello[2];

struct llm_request request_plain(void)
{
    hello[0] = llm_message_text(LLM_SYSTEM, "Be brief.");
    hello[1] = llm_message_text(LLM_USER, "Say \"hello\".");
    return (struct llm_request){ .messages = hello, .n_messages = 2, .max_tokens = 16 };
}

struct asked ask(struct fixture *x, const struct llm_request *req)
{
    struct asked a = { .err.message = "" };
    a.code = llm_chat(x->llm, req, &a.reply, &a.text, NULL, &a.err);
    if (strstr(a.err.message, "canary") != NULL) {
        fail_msg("the key is in the error: %s", a.err.message);
    }
    return a;
}

struct asked ask_plain(struct fixture *x)
{
    struct llm_request req = request_plain();
    return ask(x, &req);
}
