/* test_schedule.c - the schedule against a model of a cache that counts cells.
 *
 * The fake cache keeps for each sequence which tokens stand in it, shared cells
 * once, and complains as the real one would: about a gap, about a sequence that
 * is used twice, about more cells than there are. */
#include "base/mem.h"
#include "engine/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 64, REQUESTS_MAX = 512, BATCH = 64 };

struct fake {
    struct schedule sched;
    int n_in[SCHED_SEQ_MAX];   /* tokens in each sequence */
    int shared[SCHED_SEQ_MAX]; /* of these, cells of another sequence */
    int restore;               /* tokens that a new group finds, at most */
    int behind;                /* more that come with a whole prefix, at most */
    int rest;                  /* tokens that stay of a group that rests; -1: none can */
    bool forgets;              /* what rested comes back no better than new */
    int rested[SCHED_SEQ_MAX]; /* tokens of the prefix that rests */
    int n_computed, n_begun, n_ended, n_started_behind, n_rested;
    struct sched_group *ended[GROUPS_MAX];
};

static int fake_begin(void *user, struct sched_group *g)
{
    struct fake *f = user;
    int most = f->rested[g->prefix.seq] && !f->forgets ? INT_MAX : f->restore;
    int n = most < g->prefix.n_tokens ? most : g->prefix.n_tokens;

    assert_int_equal(f->n_in[g->prefix.seq], 0);
    f->rested[g->prefix.seq] = 0;
    f->n_in[g->prefix.seq] = n;
    if (n == g->prefix.n_tokens && sched_reserve_behind(&f->sched, g, f->behind)) {
        f->n_in[g->prefix.seq] += f->behind;
    }
    f->n_begun++;
    return n;
}

static int fake_rest(void *user, struct sched_group *g)
{
    struct fake *f = user;
    int n = f->rest;

    assert_int_equal(f->n_in[g->prefix.seq], g->prefix.n_tokens);
    assert_int_equal(f->rested[g->prefix.seq], 0);
    if (n < 0 || n >= g->prefix.n_tokens) {
        return -1;
    }
    f->rested[g->prefix.seq] = g->prefix.n_tokens;
    f->n_in[g->prefix.seq] = n;
    f->n_rested++;
    return n;
}

static void fake_end(void *user, struct sched_group *g)
{
    struct fake *f = user;

    assert_int_equal(f->n_in[g->prefix.seq], g->prefix.n_done + g->n_behind);
    f->rested[g->prefix.seq] = 0;
    f->ended[f->n_ended++] = g;
}

static void fake_copy(void *user, int from, int to, int n)
{
    struct fake *f = user;

    assert_int_not_equal(from, to);
    assert_int_equal(f->n_in[to], 0);
    assert_true(f->n_in[from] >= n);
    f->n_in[to] = f->shared[to] = n;
}

static void fake_clear(void *user, int seq)
{
    struct fake *f = user;

    f->n_in[seq] = f->shared[seq] = 0;
}

/* Every second request shares all that is behind the prefix, but for its own last. */
static int fake_start(void *user, struct sched_request *r)
{
    struct fake *f = user;
    const struct sched_group *g = r->group;
    int n = g->prefix.n_tokens + (r->work.n_tokens % 2 ? g->n_behind : 0);

    assert_int_equal(g->prefix.n_done, g->prefix.n_tokens);
    n = n < r->work.n_tokens ? n : r->work.n_tokens - 1;
    fake_copy(user, g->prefix.seq, r->work.seq, n);
    f->n_started_behind += n > g->prefix.n_tokens;
    return n;
}

static const struct sched_hooks hooks = { .group_begins = fake_begin,
                                          .group_rests = fake_rest,
                                          .request_begins = fake_start,
                                          .group_ends = fake_end,
                                          .copy = fake_copy,
                                          .clear = fake_clear };

static void fake_init(struct fake *f, int running_max, int cells)
{
    *f = (struct fake){ .rest = -1 };
    sched_init(&f->sched, BATCH, running_max, cells, &hooks, f);
}

/* What stands in the head of schedule.c, and that the cache does not overflow. */
static void check(const struct fake *f)
{
    const struct schedule *s = &f->sched;
    int sum = 0, used = 0;
    bool seen[SCHED_SEQ_MAX] = { false };

    for (int i = 0; i < s->n_groups; i++) {
        const struct sched_group *g = s->groups[i];
        int own = g->cells_own > g->cells_own_max ? g->cells_own : g->cells_own_max;
        sum += g->prefix.n_tokens + g->n_behind + own;
        assert_int_equal(g->state, SCHED_INSIDE);
        assert_false(seen[g->prefix.seq]);
        seen[g->prefix.seq] = true;
        used += f->n_in[g->prefix.seq];
        assert_int_equal(g->rests, f->rested[g->prefix.seq] > 0);
        assert_true(!g->rests || g->n_inside == 0);
        assert_true(g->n_waiting + g->n_inside > 0);
    }
    assert_int_equal(sum, s->cells_used);
    assert_true(sum <= s->cells);
    for (int i = 0; i < s->n_running; i++) {
        const struct sched_request *r = s->running[i];
        assert_int_equal(r->group->state, SCHED_INSIDE);
        assert_int_equal(r->group->prefix.n_done, r->group->prefix.n_tokens);
        assert_false(seen[r->work.seq]);
        seen[r->work.seq] = true;
        used += f->n_in[r->work.seq] - f->shared[r->work.seq];
        assert_true(r->work.n_tokens <= r->n_total);
    }
    assert_true(used <= s->cells);
}

/* One step of the engine; returns how many tokens it computed. */
static int compute(struct fake *f, struct sched_piece *pieces, int *n)
{
    int tokens = 0;

    *n = sched_plan(&f->sched, pieces);
    check(f);
    for (int i = 0; i < *n; i++) {
        const struct sched_piece *p = &pieces[i];
        assert_true(p->count > 0);
        assert_int_equal(f->n_in[p->work->seq], p->start);
        assert_int_equal(p->logits,
                         p->request && p->start + p->count == p->work->n_tokens);
        f->n_in[p->work->seq] += p->count;
        tokens += p->count;
        for (int k = 0; k < i; k++) {
            assert_ptr_not_equal(pieces[k].work, p->work);
        }
    }
    assert_true(tokens <= BATCH);
    sched_done(&f->sched, pieces, *n);
    f->n_computed += tokens;
    return tokens;
}

struct world {
    struct fake fake;
    struct sched_call calls[4];
    bool added[4];
    struct sched_group groups[4][GROUPS_MAX / 4];
    struct sched_request requests[REQUESTS_MAX];
    int n_requests, n_over, n_prompt_tokens;
    bool loses; /* steps are aborted, too */
    uint32_t random;
};

/* --- Small, by hand ------------------------------------------------------- */

struct small {
    struct fake fake;
    struct sched_call call[2];
    struct sched_group group[4];
    struct sched_request request[8];
    struct sched_piece pieces[SCHED_PIECES_MAX];
    int n;
};

static void test_a_prefix_is_computed_once(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 1000);
    sched_call_init(&t->call[0]);
    sched_group_init(&t->group[0], 50);
    sched_call_append(&t->call[0], &t->group[0]);
    for (int i = 0; i < 3; i++) {
        sched_request_init(&t->request[i], 60, 60);
        sched_group_append(&t->group[0], &t->request[i]);
    }
    sched_add(&t->fake.sched, &t->call[0]);
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 50);
    assert_null(t->pieces[0].request);
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 30);
    assert_int_equal(t->n, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(t->pieces[i].logits);
        assert_int_equal(t->pieces[i].start, 50);
        sched_finish(&t->fake.sched, t->pieces[i].request);
    }
    assert_int_equal(t->fake.n_ended, 1);
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 0);
    sched_remove(&t->fake.sched, &t->call[0]);
    assert_int_equal(t->fake.sched.cells_used, 0);
    mem_free(t);
}

static void test_twins_start_together(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    struct schedule *s = &t->fake.sched;
    (void)state;

    fake_init(&t->fake, 2, 1000);
    sched_call_init(&t->call[0]);
    sched_group_init(&t->group[0], 10);
    sched_call_append(&t->call[0], &t->group[0]);
    for (int i = 0; i < 3; i++) {
        sched_request_init(&t->request[i], 30, 40);
        t->request[i].twin = i > 0 ? &t->request[0] : NULL;
        sched_group_append(&t->group[0], &t->request[i]);
    }
    sched_add(s, &t->call[0]);
    compute(&t->fake, t->pieces, &t->n);
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 20);
    assert_int_equal(t->n, 1); /* the twins wait for the first */
    assert_true(sched_join(s, &t->request[0], &t->request[1]));
    assert_false(sched_join(s, &t->request[0], &t->request[2])); /* two run at most */
    check(&t->fake);
    sched_extend(&t->request[0], 1);
    sched_extend(&t->request[1], 1);
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 2);
    sched_finish(s, &t->request[0]);
    sched_finish(s, &t->request[1]);
    /* The third reads its own tokens now. */
    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 20);
    sched_finish(s, &t->request[2]);
    assert_int_equal(s->cells_used, 0);
    mem_free(t);
}

/* A group whose 500 tokens of prefix are all found, and `behind` more with them; a
 * request of each length, up to a 0, that may write eight tokens more. */
static struct small *small_restored(int cells, int behind, const int *n_tokens)
{
    struct small *t = mem_alloc(sizeof *t);

    fake_init(&t->fake, 8, cells);
    t->fake.restore = 1000;
    t->fake.behind = behind;
    sched_call_init(&t->call[0]);
    sched_group_init(&t->group[0], 500);
    sched_call_append(&t->call[0], &t->group[0]);
    for (int i = 0; n_tokens[i]; i++) {
        sched_request_init(&t->request[i], n_tokens[i], n_tokens[i] + 8);
        sched_group_append(&t->group[0], &t->request[i]);
    }
    sched_add(&t->fake.sched, &t->call[0]);
    return t;
}

static void test_restored_prefix_costs_nothing(void **state)
{
    struct small *t = small_restored(1000, 0, (int[]){ 510, 0 });
    (void)state;

    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 10);
    assert_true(t->pieces[0].logits);
    sched_finish(&t->fake.sched, &t->request[0]);
    mem_free(t);
}

/* A question that was screened before costs its last token; another one its own. */
static void test_what_is_behind_a_prefix_is_shared(void **state)
{
    struct small *t = small_restored(1000, 20, (int[]){ 521, 522, 0 });
    (void)state;

    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 1 + 22);
    assert_int_equal(t->fake.n_started_behind, 1);
    assert_int_equal(t->fake.sched.cells_used, 500 + 20 + (21 + 8) + (22 + 8));
    sched_finish(&t->fake.sched, &t->request[0]);
    sched_finish(&t->fake.sched, &t->request[1]);
    assert_int_equal(t->fake.sched.cells_used, 0);
    mem_free(t);
}

/* The cache is full without it. */
static void test_no_room_behind_a_prefix(void **state)
{
    struct small *t = small_restored(540, 20, (int[]){ 521, 0 });
    (void)state;

    assert_int_equal(compute(&t->fake, t->pieces, &t->n), 21);
    assert_int_equal(t->group[0].n_behind, 0);
    sched_finish(&t->fake.sched, &t->request[0]);
    mem_free(t);
}

static void test_callers_take_turns(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 100000);
    for (int c = 0; c < 2; c++) {
        sched_call_init(&t->call[c]);
        for (int g = 2 * c; g < 2 * c + 2; g++) {
            sched_group_init(&t->group[g], BATCH);
            sched_call_append(&t->call[c], &t->group[g]);
            sched_request_init(&t->request[g], BATCH + 1, BATCH + 1);
            sched_group_append(&t->group[g], &t->request[g]);
        }
        sched_add(&t->fake.sched, &t->call[c]);
    }
    static const int order[] = { 0, 2, 1, 3 };
    for (int i = 0; i < 4; i++) {
        compute(&t->fake, t->pieces, &t->n);
        assert_ptr_equal(t->pieces[t->n - 1].group, &t->group[order[i]]);
        for (int k = 0; k < t->n; k++) {
            if (t->pieces[k].logits) {
                sched_finish(&t->fake.sched, t->pieces[k].request);
            }
        }
    }
    mem_free(t);
}

/* Reading excerpt after excerpt, three questions each: hardly a batch that is not full.
 */
static void test_batches_are_full(void **state)
{
    struct world *w = mem_alloc(sizeof *w);
    struct sched_piece pieces[SCHED_PIECES_MAX];
    int n, n_steps = 0, n_over = 0;
    (void)state;

    fake_init(&w->fake, 8, 1000);
    sched_call_init(&w->calls[0]);
    for (int g = 0; g < 16; g++) {
        sched_group_init(&w->groups[0][g], 75);
        sched_call_append(&w->calls[0], &w->groups[0][g]);
        for (int i = 3 * g; i < 3 * g + 3; i++) {
            sched_request_init(&w->requests[i], 85, 85);
            sched_group_append(&w->groups[0][g], &w->requests[i]);
        }
    }
    sched_add(&w->fake.sched, &w->calls[0]);
    while (n_over < 48) {
        compute(&w->fake, pieces, &n);
        n_steps++;
        for (int i = 0; i < n; i++) {
            if (pieces[i].logits) {
                sched_finish(&w->fake.sched, pieces[i].request);
                n_over++;
            }
        }
    }
    assert_int_equal(w->fake.n_computed, 16 * (75 + 30));
    assert_true(n_steps <= w->fake.n_computed / BATCH + 3);
    mem_free(w);
}

/* n excerpts of 60 tokens, a question of ten to each, replies of n_reply tokens. */
static void build_questions(struct small *t, int c, int n, int n_reply)
{
    sched_call_init(&t->call[c]);
    for (int g = 2 * c; g < 2 * c + n; g++) {
        sched_group_init(&t->group[g], 60);
        sched_call_append(&t->call[c], &t->group[g]);
        sched_request_init(&t->request[g], 70, 70 + n_reply);
        sched_group_append(&t->group[g], &t->request[g]);
    }
    sched_add(&t->fake.sched, &t->call[c]);
}

/* One step; whoever got logits writes one more token. Returns the tokens computed. */
static int step(struct small *t)
{
    int tokens = compute(&t->fake, t->pieces, &t->n);

    for (int i = 0; i < t->n; i++) {
        struct sched_request *r = t->pieces[i].request;
        if (t->pieces[i].logits && r->work.n_tokens < r->n_total) {
            sched_extend(r, 1);
        } else if (t->pieces[i].logits) {
            sched_finish(&t->fake.sched, r);
        }
    }
    return tokens;
}

static int steps_until_over(struct small *t, const struct sched_request *r)
{
    int n = 0;

    while (r->state != SCHED_OVER) {
        assert_true(step(t) > 0);
        n++;
    }
    return n;
}

static void test_replies_go_together(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 1000);
    build_questions(t, 0, 4, 5);
    for (int n_read = 0; n_read < 4 * 70;) {
        n_read += step(t);
        assert_true(n_read <= 4 * 70);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(step(t), 4);
    }
    assert_int_equal(t->fake.n_ended, 4);
    assert_int_equal(step(t), 0);
    mem_free(t);
}

/* There is room for two at a time: the third is read when both are over. */
static void test_replies_end_before_others_are_read(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 160);
    build_questions(t, 0, 3, 5);
    t->request[1].n_total--; /* its reply is one token shorter */
    steps_until_over(t, &t->request[1]);
    assert_int_equal(step(t), 1);
    assert_int_equal(t->request[0].state, SCHED_OVER);
    assert_int_equal(step(t), 60);
    steps_until_over(t, &t->request[2]);
    mem_free(t);
}

/* A long reply does not keep the others waiting for ever, nor they it. */
static void test_a_long_reply_waits_for_others(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 700);
    build_questions(t, 0, 4, 5);
    t->request[0].n_total = 70 + 390; /* room for it and two more */
    t->group[0].cells_own_max = 400;
    int n = steps_until_over(t, &t->request[3]);
    assert_in_range(n, 10, 100);
    assert_int_equal(t->request[0].state, SCHED_INSIDE);
    assert_in_range(steps_until_over(t, &t->request[0]), 300, 390);
    mem_free(t);
}

/* Each has its own phase. */
static void test_nobody_waits_for_the_reading_of_others(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 1000);
    build_questions(t, 0, 1, 5);
    step(t);
    step(t);
    build_questions(t, 1, 2, 5);
    for (int i = 0; i < 5; i++) {
        step(t);
        assert_ptr_equal(t->pieces[0].request, &t->request[0]);
    }
    assert_int_equal(t->request[0].state, SCHED_OVER);
    assert_true(t->request[3].work.n_done < 70 + 5);
    steps_until_over(t, &t->request[3]);
    mem_free(t);
}

/* While an excerpt is read the others do not stand in the cache, but for the instructions
 * that all of them share. */
static void test_excerpts_rest_while_others_are_read(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    struct fake *f = &t->fake;
    (void)state;

    fake_init(f, 8, 1000);
    f->rest = 7;
    build_questions(t, 0, 4, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(t), BATCH);
        for (int g = 0; g < i; g++) {
            assert_int_equal(f->n_in[t->group[g].prefix.seq], 7);
        }
    }
    /* The last excerpt ends, and the questions are read. */
    assert_int_equal(step(t), BATCH);
    assert_int_equal(step(t), 4 * 70 - 4 * BATCH);
    assert_int_equal(f->n_rested, 2);
    steps_until_over(t, &t->request[3]);
    assert_int_equal(f->n_computed, 4 * 70 + 4 * 5);
    mem_free(t);
}

/* What rested may be lost: then it is read again. */
static void test_a_rest_may_end_badly(void **state)
{
    struct small *t = mem_alloc(sizeof *t);
    (void)state;

    fake_init(&t->fake, 8, 1000);
    t->fake.rest = 0;
    t->fake.forgets = true;
    build_questions(t, 0, 3, 5);
    steps_until_over(t, &t->request[2]);
    assert_in_range(t->fake.n_rested, 1, 10);
    assert_in_range(t->fake.n_computed, 3 * 75 + 60, 3 * 75 + 10 * 60);
    mem_free(t);
}

static void test_too_large_is_told(void **state)
{
    struct fake f;
    struct sched_request r;
    (void)state;

    fake_init(&f, 8, 100);
    sched_request_init(&r, 50, 100);
    assert_true(sched_fits(&f.sched, &r));
    sched_request_init(&r, 50, 101);
    assert_false(sched_fits(&f.sched, &r));
}

/* --- Large, at random ----------------------------------------------------- */

static int pick(struct world *w, int n)
{
    w->random = w->random * 1664525u + 1013904223u;
    return (int)((w->random >> 8) % (uint32_t)n);
}

static void build_call(struct world *w, int c)
{
    int n_groups = 1 + pick(w, GROUPS_MAX / 4);

    sched_call_init(&w->calls[c]);
    for (int g = 0; g < n_groups; g++) {
        struct sched_group *group = &w->groups[c][g];
        int prefix = pick(w, 3) == 0 ? 0 : pick(w, 150);
        sched_group_init(group, prefix);
        sched_call_append(&w->calls[c], group);
        for (int n = 1 + pick(w, 8); n > 0 && w->n_requests < REQUESTS_MAX; n--) {
            struct sched_request *r = &w->requests[w->n_requests++];
            int prompt = prefix + 1 + pick(w, 40);
            sched_request_init(r, prompt, prompt + (pick(w, 2) ? pick(w, 40) : 0));
            if (group->first && pick(w, 3) == 0) {
                sched_request_init(r, group->first->work.n_tokens, group->first->n_total);
                r->twin = group->first;
            }
            sched_group_append(group, r);
        }
    }
}

static void finish(struct world *w, struct sched_request *r)
{
    sched_finish(&w->fake.sched, r);
    check(&w->fake);
    w->n_over++;
}

/* A request got logits: twins join, then it ends or goes on. */
static void go_on(struct world *w, struct sched_request *r)
{
    for (struct sched_request *t = r->next; t; t = t->next) {
        if (t->twin == r && t->state == SCHED_WAITING &&
            t->work.n_tokens == r->work.n_tokens && sched_join(&w->fake.sched, r, t)) {
            check(&w->fake);
            if (t->work.n_tokens < t->n_total) {
                sched_extend(t, 1);
            } else {
                finish(w, t);
            }
        }
    }
    if (r->work.n_tokens < r->n_total && pick(w, 10) > 0) {
        sched_extend(r, 1 + pick(w, r->n_total - r->work.n_tokens < 3 ? 1 : 3));
    } else {
        finish(w, r);
    }
}

static void cancel_call(struct world *w, int c)
{
    for (struct sched_group *g = w->calls[c].first; g; g = g->next) {
        for (struct sched_request *r = g->first; r; r = r->next) {
            if (r->state != SCHED_OVER) {
                finish(w, r);
            }
        }
    }
}

/* A step that was aborted: what stood in the sequences of some of its pieces is lost. */
static void lose_some(struct world *w)
{
    struct fake *f = &w->fake;
    struct sched_piece pieces[SCHED_PIECES_MAX];
    int n = sched_plan(&f->sched, pieces);

    check(f);
    for (int i = 0; i < n; i++) {
        if (pick(w, 2)) {
            sched_lost(&f->sched, &pieces[i]);
            check(f);
            assert_int_equal(pieces[i].work->n_done, 0);
        }
    }
}

static bool anything_to_do(const struct world *w)
{
    for (int c = 0; c < 4; c++) {
        const struct sched_group *g = w->added[c] ? w->calls[c].first : NULL;
        while (g && g->state == SCHED_OVER) {
            g = g->next;
        }
        if (g) {
            return true;
        }
    }
    return false;
}

static void run_world(struct world *w)
{
    struct sched_piece pieces[SCHED_PIECES_MAX];
    int n;

    while (w->n_over < w->n_requests) {
        for (int c = 0; c < 4; c++) {
            if (!w->added[c] && pick(w, 6) == 0) {
                sched_add(&w->fake.sched, &w->calls[c]);
                w->added[c] = true;
            }
        }
        if (pick(w, 400) == 0 && w->added[3]) {
            cancel_call(w, 3);
        }
        if (w->loses && pick(w, 10) == 0) {
            lose_some(w);
        }
        int computed = compute(&w->fake, pieces, &n);
        assert_true(computed > 0 || !anything_to_do(w)); /* nobody waits for ever */
        for (int i = 0; i < n; i++) {
            if (pieces[i].logits && pieces[i].request->state == SCHED_INSIDE) {
                go_on(w, pieces[i].request);
            }
        }
    }
    for (int c = 0; c < 4; c++) {
        if (w->added[c]) {
            sched_remove(&w->fake.sched, &w->calls[c]);
        }
    }
}

static void test_at_random(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 150; seed++) {
        struct world *w = mem_alloc(sizeof *w);
        w->random = seed;
        fake_init(&w->fake, 1 + pick(w, 16), 230 + pick(w, 600));
        w->fake.restore = pick(w, 3) == 0 ? pick(w, 150) : 0;
        w->fake.behind = pick(w, 2) ? pick(w, 60) : 0;
        w->fake.rest = pick(w, 2) ? pick(w, 100) : -1;
        w->fake.forgets = pick(w, 8) == 0;
        w->loses = seed % 2 == 0;
        for (int c = 0; c < 4; c++) {
            build_call(w, c);
        }
        run_world(w);
        assert_null(w->fake.sched.turn);
        assert_int_equal(w->fake.sched.cells_used, 0);
        assert_int_equal(w->fake.sched.n_groups, 0);
        assert_int_equal(w->fake.sched.n_running, 0);
        for (int i = 0; i < SCHED_SEQ_MAX; i++) {
            assert_false(w->fake.sched.seq_used[i]);
            assert_int_equal(w->fake.n_in[i], 0);
        }
        mem_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_prefix_is_computed_once),
        cmocka_unit_test(test_twins_start_together),
        cmocka_unit_test(test_restored_prefix_costs_nothing),
        cmocka_unit_test(test_what_is_behind_a_prefix_is_shared),
        cmocka_unit_test(test_no_room_behind_a_prefix),
        cmocka_unit_test(test_callers_take_turns),
        cmocka_unit_test(test_batches_are_full),
        cmocka_unit_test(test_replies_go_together),
        cmocka_unit_test(test_replies_end_before_others_are_read),
        cmocka_unit_test(test_a_long_reply_waits_for_others),
        cmocka_unit_test(test_nobody_waits_for_the_reading_of_others),
        cmocka_unit_test(test_excerpts_rest_while_others_are_read),
        cmocka_unit_test(test_a_rest_may_end_badly),
        cmocka_unit_test(test_too_large_is_told),
        cmocka_unit_test(test_at_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
