/* test_resident.c - models that come and go, in a memory of so many bytes. */
#include "base/clock.h"
#include "base/mem.h"
#include "llm/llm.h"
#include "models/resident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MEMORY = 100, PATIENCE_MS = 10000 };

static atomic_int used;    /* bytes of the models that are open */
static atomic_int working; /* calls under way */

static uint64_t memory_free(void)
{
    return (uint64_t)(MEMORY - used);
}

/* --- A model that takes memory and says "ok" ------------------------------ */

struct toy {
    struct llm llm;
    struct llm_info info;
    char name[16];
    int size, sleep_ms;
};

static void toy_close(struct llm *llm)
{
    used -= ((struct toy *)llm)->size;
    mem_free(llm);
}

static const struct llm_info *toy_info(struct llm *llm)
{
    return &((struct toy *)llm)->info;
}

static int toy_count_tokens(struct llm *llm, const char *text, size_t len)
{
    (void)llm;
    (void)text;
    return (int)len;
}

static int toy_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                         llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                         struct lw_error *err)
{
    (void)reqs;
    (void)cancel;
    (void)err;
    working++;
    clock_sleep_ms(((struct toy *)llm)->sleep_ms);
    working--;
    struct llm_reply reply = { .finish = LLM_STOP, .text = "ok", .len = 2 };
    for (size_t i = 0; i < n; i++) on_reply(user, i, &reply);
    return 0;
}

static const struct llm_ops toy_ops = { .close = toy_close,
                                        .info = toy_info,
                                        .count_tokens = toy_count_tokens,
                                        .chat_many = toy_chat_many };

/* How to get one. */
struct plan {
    int size, sleep_ms;
    int code; /* open fails with it */
    int n_opened, n_again, n_released;
    const struct cancel *cancel;
    struct llm *llm; /* the resident */
};

static uint64_t plan_need(void *user)
{
    return (uint64_t)((struct plan *)user)->size;
}

static int plan_open(void *user, bool again, struct llm **out, struct lw_error *err)
{
    struct plan *p = user;
    if (p->code) return err_set(err, p->code, "gone");
    if (cancel_level(p->cancel)) return err_set(err, LW_CANCELLED, "cancelled");
    if (p->size > MEMORY - used) return err_set(err, LW_ERR_LOCAL, "too large");
    struct toy *toy = mem_alloc(sizeof *toy);
    *toy = (struct toy){ .llm.ops = &toy_ops,
                         .name = "toy",
                         .info = { .where = "here", .context = 512 },
                         .size = p->size,
                         .sleep_ms = p->sleep_ms };
    toy->info.name = toy->name;
    used += p->size;
    p->n_opened++;
    p->n_again += again;
    *out = &toy->llm;
    return 0;
}

static void plan_release(void *user)
{
    ((struct plan *)user)->n_released++;
}

static int open_plan(struct residents *set, struct plan *p, struct lw_error *err)
{
    struct resident_model model = { .name = "toy.gguf",
                                    .need = plan_need,
                                    .open = plan_open,
                                    .release = plan_release,
                                    .user = p,
                                    .cancel = p->cancel };
    return resident_open(&p->llm, set, &model, err);
}

static void open_all(struct residents *set, struct plan *plans, size_t n)
{
    struct lw_error err;
    for (size_t i = 0; i < n; i++) assert_int_equal(open_plan(set, &plans[i], &err), 0);
}

/* --- Asking ---------------------------------------------------------------- */

static int ask(struct plan *p, struct lw_error *err)
{
    struct llm_message message = llm_message_text(LLM_USER, "well?");
    struct llm_request req = { .messages = &message, .n_messages = 1 };
    struct llm_reply reply;
    return llm_chat(p->llm, &req, &reply, NULL, NULL, err);
}

static void assert_answers(struct plan *p)
{
    struct lw_error err;
    assert_int_equal(ask(p, &err), 0);
}

/* The thread that closes them has its own time. */
static void assert_used_soon(int bytes)
{
    int64_t end = clock_ms() + PATIENCE_MS;
    while (used != bytes && clock_ms() < end) clock_sleep_ms(1);
    assert_int_equal(used, bytes);
}

static struct residents *new_set(void)
{
    used = 0;
    return residents_new(&(struct residents_options){ .memory_free = memory_free });
}

static void close_all(struct residents *set, struct plan *plans, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        llm_close(plans[i].llm);
        assert_int_equal(plans[i].n_released, 1);
    }
    residents_free(set);
    assert_int_equal(used, 0);
}

/* --- Tests ----------------------------------------------------------------- */

static void test_two_that_fit_stay(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 40 }, { .size = 60 } };
    (void)state;

    open_all(set, p, 2);
    for (int i = 0; i < 6; i++) assert_answers(&p[i % 2]);
    assert_int_equal(p[0].n_opened + p[1].n_opened, 2);
    assert_string_equal(llm_info(p[0].llm)->name, "toy");
    assert_int_equal(llm_info(p[0].llm)->context, 512);
    close_all(set, p, 2);
}

static void test_two_that_do_not_fit_take_turns(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 70 }, { .size = 60 } };
    (void)state;

    open_all(set, p, 2);
    assert_int_equal(used, 60);
    assert_answers(&p[0]);
    assert_int_equal(used, 70);
    assert_int_equal(llm_count_tokens(p[1].llm, "four", 4), 4);
    assert_int_equal(used, 60);
    assert_int_equal(p[0].n_again, 1);
    assert_int_equal(p[1].n_again, 1);
    assert_string_equal(llm_info(p[0].llm)->where, "here"); /* while it is out */
    close_all(set, p, 2);
}

/* Of three, the one goes that was asked first, and no more than must. */
static void test_the_longest_unused_goes(void **state)
{
    struct residents *set = new_set();
    struct plan p[3] = { { .size = 40 }, { .size = 40 }, { .size = 40 } };
    (void)state;

    open_all(set, p, 2);
    clock_sleep_ms(2);
    assert_answers(&p[1]);
    clock_sleep_ms(2);
    assert_answers(&p[0]);
    open_all(set, &p[2], 1);
    assert_int_equal(used, 80);
    assert_answers(&p[0]);
    assert_int_equal(p[0].n_opened, 1);
    assert_answers(&p[1]);
    assert_int_equal(p[1].n_opened, 2);
    close_all(set, p, 3);
}

static void test_what_fits_nowhere_says_so(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 40 }, { .size = 120 } };
    struct lw_error err;
    (void)state;

    open_all(set, p, 1);
    assert_int_equal(open_plan(set, &p[1], &err), LW_ERR_LOCAL);
    assert_string_equal(err.message, "too large");
    assert_int_equal(p[1].n_released, 0);
    assert_answers(&p[0]);
    close_all(set, p, 1);
}

static void test_idle_ones_go(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 40 }, { .size = 50 } };
    (void)state;

    residents_set_idle(set, 20);
    open_all(set, p, 2);
    assert_used_soon(0);
    assert_answers(&p[1]);
    assert_int_equal(p[1].n_again, 1);
    assert_used_soon(0);
    residents_set_idle(set, 0);
    assert_answers(&p[0]);
    clock_sleep_ms(60);
    assert_int_equal(used, 40);
    residents_set_idle(set, 1);
    assert_used_soon(0);
    close_all(set, p, 2);
}

/* One that works for longer than it may be idle is not idle. */
static void test_the_busy_stay(void **state)
{
    struct residents *set = new_set();
    struct plan p = { .size = 40, .sleep_ms = 60 };
    (void)state;

    open_all(set, &p, 1);
    residents_set_idle(set, 5);
    assert_answers(&p);
    assert_used_soon(0);
    close_all(set, &p, 1);
}

static void count_failed(void *user, size_t index, const struct llm_reply *reply)
{
    (void)index;
    assert_int_equal(reply->finish, LLM_FAILED);
    assert_string_equal(reply->error.message, "gone");
    ++*(int *)user;
}

/* The file was removed meanwhile: every request says so, and a later one may work. */
static void test_one_that_does_not_come_back(void **state)
{
    struct residents *set = new_set();
    struct plan p = { .size = 40 };
    struct llm_message message = llm_message_text(LLM_USER, "well?");
    struct llm_request reqs[3];
    struct lw_error err;
    float out[4];
    int n = 0;
    (void)state;

    for (int i = 0; i < 3; i++) {
        reqs[i] = (struct llm_request){ .messages = &message, .n_messages = 1 };
    }
    open_all(set, &p, 1);
    residents_set_idle(set, 1);
    assert_used_soon(0);
    p.code = LW_ERR_LOCAL;
    assert_int_equal(llm_chat_many(p.llm, reqs, 3, count_failed, &n, NULL, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(llm_count_tokens(p.llm, "seven bytes", 6), 3);
    assert_int_equal(llm_embed(p.llm, message.parts, 1, out, NULL, &err), LW_ERR_LOCAL);
    assert_int_equal(resident_wake(p.llm, &err), LW_ERR_LOCAL);
    p.code = 0;
    assert_int_equal(resident_wake(p.llm, &err), 0);
    assert_answers(&p);
    close_all(set, &p, 1);
}

static void *ask_once(void *arg)
{
    assert_answers(arg);
    return NULL;
}

static void *ask_often(void *arg)
{
    for (int i = 0; i < 40; i++) {
        assert_answers(arg);
        clock_sleep_ms(i % 3);
    }
    return NULL;
}

/* One waits until the other has done its work, or until it is cancelled. */
static void test_waiting_for_room_ends(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 70, .sleep_ms = 400 }, { .size = 60 } };
    struct cancel cancel;
    pthread_t thread;
    struct lw_error err;
    (void)state;

    cancel_init(&cancel, 0);
    p[1].cancel = &cancel;
    for (int i = 1; i >= 0; i--) assert_int_equal(open_plan(set, &p[i], &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, ask_once, &p[0]), 0);
    for (int i = 0; i < PATIENCE_MS && working == 0; i++) clock_sleep_ms(1);
    cancel_raise(&cancel);
    assert_int_equal(ask(&p[1], &err), LW_CANCELLED);
    cancel_init(&cancel, 0);
    assert_answers(&p[1]);
    pthread_join(thread, NULL);
    assert_int_equal(p[0].n_opened, 1);
    close_all(set, p, 2);
}

static void test_many_threads(void **state)
{
    struct residents *set = new_set();
    struct plan p[2] = { { .size = 70 }, { .size = 60 } };
    pthread_t threads[4];
    (void)state;

    residents_set_idle(set, 1);
    open_all(set, p, 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &p[i % 2]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_used_soon(0);
    close_all(set, p, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_that_fit_stay),
        cmocka_unit_test(test_two_that_do_not_fit_take_turns),
        cmocka_unit_test(test_the_longest_unused_goes),
        cmocka_unit_test(test_what_fits_nowhere_says_so),
        cmocka_unit_test(test_idle_ones_go),
        cmocka_unit_test(test_the_busy_stay),
        cmocka_unit_test(test_one_that_does_not_come_back),
        cmocka_unit_test(test_waiting_for_room_ends),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
