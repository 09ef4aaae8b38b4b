/* test_fake.c - the scripted model does what its script says, and what a real
 * one would have to do whatever it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "llm/fake.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct fake_options in_process = { .in_process = true, .context = 200 };

static struct llm *model(const char *script)
{
    struct llm *llm = NULL;
    struct lw_error err = { .code = 0 };
    if (fake_open(&llm, script, &in_process, &err)) fail_msg("%s", err.message);
    return llm;
}

/* A reply that outlives its callback. */
struct kept {
    struct llm_reply reply;
    char text[256];
};

static void keep(void *user, size_t index, const struct llm_reply *reply)
{
    struct kept *k = (struct kept *)user + index;
    k->reply = *reply;
    snprintf(k->text, sizeof k->text, "%.*s", (int)reply->len, reply->text);
}

static struct kept ask_with(struct llm *llm, struct llm_request req, const char *user)
{
    struct llm_message m[2] = { llm_message_text(LLM_SYSTEM, "You read."),
                                llm_message_text(LLM_USER, user) };
    struct kept k;
    req.messages = m;
    req.n_messages = 2;
    assert_int_equal(llm_chat_many(llm, &req, 1, keep, &k, NULL, NULL), 0);
    return k;
}

static struct kept ask(struct llm *llm, const char *user)
{
    return ask_with(llm, (struct llm_request){ .max_tokens = 50 }, user);
}

static void test_first_rule_that_holds(void **state)
{
    (void)state;
    struct llm *llm = model("# birth dates\n"
                            "when user contains \"birth\"\n"
                            "when user lacks \"death\"\n"
                            "say 12 March 1956\n"
                            "when system contains \"read\"\n"
                            "say something \\\"else\\\"\\nand \\\\ more\n");
    assert_string_equal(ask(llm, "the date of birth").text, "12 March 1956");
    assert_string_equal(ask(llm, "birth and death").text,
                        "something \"else\"\nand \\ more");
    llm_close(llm);
}

static void test_rules_are_used_up(void **state)
{
    (void)state;
    struct llm *llm = model("say one\ntimes 2\n\nsay two\n");
    assert_string_equal(ask(llm, "?").text, "one");
    assert_string_equal(ask(llm, "?").text, "one");
    assert_string_equal(ask(llm, "?").text, "two");
    llm_close(llm);
}

static void test_no_rule(void **state)
{
    (void)state;
    struct llm *llm = model("when user contains \"x\"\nsay y\n");
    struct kept k = ask(llm, "nothing of it");
    assert_int_equal(k.reply.finish, LLM_FAILED);
    assert_non_null(strstr(k.reply.error.message, "no rule"));
    llm_close(llm);
}

static void test_scores(void **state)
{
    (void)state;
    static const char *const absent[] = { " not", " Not" }, *const yes[] = { "Yes" };
    struct llm *llm = model("when user contains \"scored\"\n"
                            "say 5\n"
                            "absent -0.25 -3\n"
                            "when user contains \"absent\"\n"
                            "say not stated\n"
                            "when any contains \"\"\n"
                            "say Yes\n");
    struct llm_request score = { .alt = absent, .n_alt = 2, .alt2 = yes, .n_alt2 = 1 };
    struct kept k = ask_with(llm, score, "scored");
    assert_true(fabs(k.reply.logprob_alt + 0.25) < 1e-9);
    assert_true(fabs(k.reply.logprob_alt2 + 3) < 1e-9);
    assert_string_equal(k.text, ""); /* max_tokens 0 decodes nothing */
    k = ask_with(llm, score, "absent");
    assert_true(k.reply.logprob_alt > -0.1);
    assert_true(k.reply.logprob_alt2 < -5);
    k = ask_with(llm, score, "yes");
    assert_true(k.reply.logprob_alt < -5);
    assert_true(k.reply.logprob_alt2 > -0.1);
    assert_true(isnan(ask(llm, "no lists").reply.logprob_alt));
    llm_close(llm);
}

static void test_limits_of_a_request_hold(void **state)
{
    (void)state;
    struct llm *llm = model("say first line\\nsecond line that is long\n");
    struct llm_request req = { .max_tokens = 50, .stop = "\n" };
    assert_string_equal(ask_with(llm, req, "?").text, "first line");
    struct kept k = ask_with(llm, (struct llm_request){ .max_tokens = 3 }, "?");
    assert_string_equal(k.text, "first line\ns");
    assert_int_equal(k.reply.finish, LLM_LENGTH);
    k = ask_with(llm, (struct llm_request){ .max_tokens = 199 }, "?");
    assert_int_equal(k.reply.finish, LLM_FAILED);
    assert_int_equal(k.reply.error.code, LW_ERR_INPUT);
    llm_close(llm);
}

static void test_log(void **state)
{
    (void)state;
    struct llm *llm = model("say ok\n");
    json_t *schema = json_object();
    ask(llm, "first");
    ask_with(llm, (struct llm_request){ .prefill = "Answer:", .schema = schema },
             "second");
    assert_int_equal(fake_request_count(llm), 2);
    assert_string_equal(fake_request_at(llm, 0), "[system]\nYou read.\n[user]\nfirst\n");
    assert_string_equal(fake_request_at(llm, 1),
                        "[system]\nYou read.\n[user]\nsecond\n[prefill]\nAnswer:");
    assert_null(fake_request_at(llm, 2));
    assert_false(fake_request_had_schema(llm, 0));
    assert_true(fake_request_had_schema(llm, 1));
    json_decref(schema);
    llm_close(llm);
}

static void test_cancel(void **state)
{
    (void)state;
    struct llm *llm = model("say late\nsleep 60000\n");
    struct llm_message m = llm_message_text(LLM_USER, "?");
    struct llm_request req[2] = { { .messages = &m, .n_messages = 1 },
                                  { .messages = &m, .n_messages = 1 } };
    struct kept k[2];
    struct cancel cancel;
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    assert_int_equal(llm_chat_many(llm, req, 2, keep, k, &cancel, NULL), 0);
    assert_int_equal(k[0].reply.finish, LLM_CANCELLED);
    assert_int_equal(k[1].reply.finish, LLM_CANCELLED);
    cancel_raise(&cancel);
    assert_int_equal(llm_chat_many(llm, req, 2, keep, k, &cancel, NULL), LW_CANCELLED);
    llm_close(llm);
}

static void test_broken_scripts(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "whenever it rains",
        "when user contains birth",
        "when nobody contains \"x\"",
        "when user equals \"x\"",
        "say x\nfinish never",
        "sleep soon",
        "absent much",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct llm *llm = NULL;
        struct lw_error err = { .code = 0 };
        assert_int_equal(fake_open(&llm, scripts[i], &in_process, &err), LW_ERR_USAGE);
        assert_non_null(strstr(err.message, "line"));
        assert_null(llm);
    }
}

static void test_info(void **state)
{
    (void)state;
    struct llm *llm = NULL;
    fake_open(&llm, "", &(struct fake_options){ .context = 4096, .parallel = 8 }, NULL);
    assert_false(llm_info(llm)->cheap_scoring);
    assert_false(llm_info(llm)->prefill);
    assert_int_equal(llm_info(llm)->parallel, 8);
    assert_int_equal(llm_count_tokens(llm, "twelve bytes", 12), 3);
    llm_close(llm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_rule_that_holds),
        cmocka_unit_test(test_rules_are_used_up),
        cmocka_unit_test(test_no_rule),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_limits_of_a_request_hold),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_broken_scripts),
        cmocka_unit_test(test_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
