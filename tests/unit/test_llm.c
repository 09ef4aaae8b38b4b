/* test_llm.c - one request of a batch of one, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "llm/fake.h"

#include <math.h>
#include <string.h>

static struct llm *model(const char *script)
{
    struct llm *llm = NULL;
    struct lw_error err = { .code = 0 };
    if (fake_open(&llm, script, &(struct fake_options){ .in_process = true }, &err)) {
        fail_msg("%s", err.message);
    }
    return llm;
}

static int ask(struct llm *llm, struct llm_reply *reply, char **text,
               const struct cancel *cancel, struct lw_error *err)
{
    struct llm_message m = llm_message_text(LLM_USER, "What?");
    struct llm_request req = { .messages = &m, .n_messages = 1, .max_tokens = 8 };
    return llm_chat(llm, &req, reply, text, cancel, err);
}

static void test_reply_is_the_callers(void **state)
{
    (void)state;
    struct llm *llm = model("say twelve");
    struct llm_reply reply;
    char *text = NULL;
    assert_int_equal(ask(llm, &reply, &text, NULL, NULL), 0);
    assert_string_equal(text, "twelve");
    assert_int_equal(reply.finish, LLM_STOP);
    assert_int_equal(reply.len, 6);
    mem_free(text);
    assert_int_equal(ask(llm, &reply, NULL, NULL, NULL), 0);
    assert_string_equal(reply.text, "");
    assert_int_equal(reply.len, 0);
    llm_close(llm);
}

static void test_failure_becomes_the_error(void **state)
{
    (void)state;
    struct llm *llm = model("finish failed the machine is on fire");
    struct llm_reply reply;
    struct lw_error err = { .code = 0 };
    char *text = NULL;
    assert_int_equal(ask(llm, &reply, &text, NULL, &err), LW_ERR);
    assert_string_equal(err.message, "the machine is on fire");
    assert_null(text);
    llm_close(llm);
}

static void test_cut_and_repeated_replies_are_no_errors(void **state)
{
    (void)state;
    struct llm *llm =
        model("say so so so\nfinish repeat\ntimes 1\n\nsay so so\nfinish length");
    struct llm_reply reply;
    char *text = NULL;
    assert_int_equal(ask(llm, &reply, &text, NULL, NULL), 0);
    assert_int_equal(reply.finish, LLM_REPEAT);
    mem_free(text);
    assert_int_equal(ask(llm, &reply, &text, NULL, NULL), 0);
    assert_int_equal(reply.finish, LLM_LENGTH);
    mem_free(text);
    llm_close(llm);
}

static void test_cancelled_or_out_of_time(void **state)
{
    (void)state;
    struct llm *llm = model("say late");
    struct llm_reply reply;
    struct lw_error err = { .code = 0 };
    struct cancel cancel;
    cancel_init(&cancel, 1); /* a deadline long past */
    assert_int_equal(ask(llm, &reply, NULL, &cancel, &err), LW_TIMEOUT);
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    assert_int_equal(ask(llm, &reply, NULL, &cancel, &err), LW_CANCELLED);
    llm_close(llm);
}

static void test_nothing_to_ask(void **state)
{
    (void)state;
    struct llm *llm = model("");
    assert_int_equal(llm_chat_many(llm, NULL, 0, NULL, NULL, NULL, NULL), 0);
    llm_close(llm);
    llm_close(NULL);
}

static void test_bytes_of_all_parts(void **state)
{
    (void)state;
    struct llm_message m[2] = {
        llm_message_text(LLM_SYSTEM, "abc"),
        { .role = LLM_USER,
          .parts = { { "de", 2, false }, { "fgh", 3, true } },
          .n_parts = 2 },
    };
    struct llm_request req = { .messages = m, .n_messages = 2 };
    assert_int_equal(llm_request_bytes(&req), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_is_the_callers),
        cmocka_unit_test(test_failure_becomes_the_error),
        cmocka_unit_test(test_cut_and_repeated_replies_are_no_errors),
        cmocka_unit_test(test_cancelled_or_out_of_time),
        cmocka_unit_test(test_nothing_to_ask),
        cmocka_unit_test(test_bytes_of_all_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
