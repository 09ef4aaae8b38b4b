/* schedule.c - groups, requests, cells: letting in, filling batches, letting go.
 *
 * Invariants, checked by tests/unit/test_schedule.c after every operation:
 *   - cells_used is the sum over the groups inside of n_prefix + n_behind +
 *     max(cells_own, cells_own_max), and never more than cells;
 *   - no two of the works inside have the same sequence;
 *   - a request is inside only while its group is, and starts from a prefix
 *     that is complete;
 *   - whoever waits is let in at last, as long as those inside finish;
 *   - a batch is empty only if there is nothing to do. */
#include "engine/schedule.h"

#include <assert.h>
#include <string.h>

/* On a CPU attention walks every cell in use, whoever's it is. One group that is read
 * ahead while another one is scored pays, more only while they are small, or if their
 * replies will go together. */
enum { GROUPS_ALWAYS = 2, CELLS_WALKED = 2048 };

/* When a quarter or fewer of the replies that began together is left, they may go on for
 * so many steps alone; then they wait until others are read. (12 excerpts of 870 tokens,
 * three JSON replies each, 1.5B, two cores: 68 to 73 s if all may end, 77 and 80 if the
 * last quarter waits at once, since its groups keep their room.) */
enum { FEW = 4, STEPS_ALONE = 64 };

void sched_init(struct schedule *s, int batch_tokens, int running_max, int cells,
                const struct sched_hooks *hooks, void *user)
{
    assert(batch_tokens > 0 && running_max > 0 && running_max <= SCHED_RUNNING_MAX);
    *s = (struct schedule){
        .batch_tokens = batch_tokens,
        .running_max = running_max,
        .cells = cells,
        .hooks = hooks,
        .user = user,
    };
}

/* --- Building ------------------------------------------------------------- */

void sched_call_init(struct sched_call *call)
{
    *call = (struct sched_call){ .first = NULL };
}

void sched_group_init(struct sched_group *group, int n_prefix)
{
    *group = (struct sched_group){ .prefix = { .seq = -1, .n_tokens = n_prefix } };
}

void sched_request_init(struct sched_request *r, int n_prompt, int n_total)
{
    *r = (struct sched_request){
        .work = { .seq = -1, .n_tokens = n_prompt },
        .n_prompt = n_prompt,
        .n_total = n_total,
    };
}

void sched_call_append(struct sched_call *call, struct sched_group *group)
{
    group->call = call;
    if (call->last) {
        call->last->next = group;
    } else {
        call->first = call->waiting = group;
    }
    call->last = group;
}

/* Cells of the request that are not the group's. */
static int own_cells(const struct sched_request *r)
{
    return r->n_total - r->group->prefix.n_tokens;
}

void sched_group_append(struct sched_group *group, struct sched_request *r)
{
    assert(r->work.n_tokens > group->prefix.n_tokens && r->n_total >= r->work.n_tokens);
    r->group = group;
    if (group->last) {
        group->last->next = r;
    } else {
        group->first = group->waiting = r;
    }
    group->last = r;
    group->n_waiting++;
    group->may_reply = group->may_reply || r->n_total > r->n_prompt;
    if (own_cells(r) > group->cells_own_max) {
        group->cells_own_max = own_cells(r);
    }
}

bool sched_fits(const struct schedule *s, const struct sched_request *r)
{
    return r->n_total <= s->cells;
}

/* --- Callers -------------------------------------------------------------- */

void sched_add(struct schedule *s, struct sched_call *call)
{
    if (!s->turn) {
        s->turn = call->next = call;
        return;
    }
    /* Behind the one whose turn it is: a newcomer need not wait for a round. */
    call->next = s->turn->next;
    s->turn->next = call;
}

void sched_remove(struct schedule *s, struct sched_call *call)
{
    struct sched_call *before = call;

    while (before->next != call) {
        before = before->next;
    }
    before->next = call->next;
    if (s->turn == call) {
        s->turn = before == call ? NULL : call->next;
    }
    call->next = NULL;
}

/* Once round from the one whose turn it is; NULL: that was the last. */
static struct sched_call *next_call(const struct schedule *s,
                                    const struct sched_call *call)
{
    return call->next == s->turn ? NULL : call->next;
}

static struct sched_group *first_waiting(struct sched_call *call)
{
    while (call->waiting && call->waiting->state != SCHED_WAITING) {
        call->waiting = call->waiting->next;
    }
    return call->waiting;
}

/* The next group to let in, callers taking turns; NULL: none waits. */
static struct sched_group *next_group(struct schedule *s)
{
    for (struct sched_call *call = s->turn; call; call = next_call(s, call)) {
        if (!call->replies && first_waiting(call)) {
            return call->waiting;
        }
    }
    return NULL;
}

/* --- Sequences and cells -------------------------------------------------- */

static int take_seq(struct schedule *s)
{
    for (int i = 0; i < SCHED_SEQ_MAX; i++) {
        if (!s->seq_used[i]) {
            s->seq_used[i] = true;
            return i;
        }
    }
    assert(0 && "there is a sequence for everyone inside");
    return -1;
}

static void give_seq(struct schedule *s, struct sched_work *work)
{
    s->hooks->clear(s->user, work->seq);
    s->seq_used[work->seq] = false;
    work->seq = -1;
}

static int group_cells(const struct sched_group *g, int cells_own)
{
    return g->prefix.n_tokens + g->n_behind +
           (cells_own > g->cells_own_max ? cells_own : g->cells_own_max);
}

static bool request_fits(const struct schedule *s, const struct sched_request *r)
{
    const struct sched_group *g = r->group;
    int more = group_cells(g, g->cells_own + own_cells(r)) - group_cells(g, g->cells_own);

    return s->n_running < s->running_max && more <= s->cells - s->cells_used;
}

/* Change what those inside the group need. */
static void resize_group(struct schedule *s, struct sched_group *g, int cells_own)
{
    s->cells_used += group_cells(g, cells_own) - group_cells(g, g->cells_own);
    g->cells_own = cells_own;
}

bool sched_reserve_behind(struct schedule *s, struct sched_group *group, int n)
{
    int change = n - group->n_behind;

    if (change > s->cells - s->cells_used) {
        return false;
    }
    s->cells_used += change;
    group->n_behind = n;
    return true;
}

/* --- Letting in ----------------------------------------------------------- */

static bool prefix_ready(const struct sched_group *g)
{
    return g->prefix.n_done == g->prefix.n_tokens;
}

/* Is there a seat for a request of one more group? */
static bool seat_left(const struct schedule *s)
{
    int taken = s->n_running;

    for (int i = 0; i < s->n_groups; i++) {
        taken += s->groups[i]->n_waiting;
    }
    return taken < s->running_max;
}

static bool group_fits(const struct schedule *s, const struct sched_group *g)
{
    int cells = s->cells_used + group_cells(g, 0);

    if (s->n_groups == SCHED_GROUPS_MAX || cells > s->cells) {
        return false;
    }
    return s->n_groups < GROUPS_ALWAYS || cells <= CELLS_WALKED ||
           (g->may_reply && seat_left(s));
}

/* Is the next group to let in the caller's, and is there room for it? One that does not
 * fit keeps those of other callers waiting behind it. */
static bool next_fits(struct schedule *s, struct sched_call *call)
{
    return !call->replies && first_waiting(call) && group_fits(s, call->waiting) &&
           group_fits(s, next_group(s));
}

/* Is another excerpt to be read before the questions to this one? */
static bool reads_ahead(struct schedule *s, const struct sched_group *g)
{
    struct sched_call *call = g->call;

    return g->may_reply && next_fits(s, call) && call->waiting->may_reply;
}

static struct sched_group *let_group_in(struct schedule *s)
{
    struct sched_group *g = next_group(s);

    if (!g || !group_fits(s, g)) {
        return NULL;
    }
    g->state = SCHED_INSIDE;
    g->prefix.seq = take_seq(s);
    g->prefix.n_done = 0;
    s->groups[s->n_groups++] = g;
    s->cells_used += group_cells(g, 0);
    s->turn = g->call->next;
    if (g->prefix.n_tokens > 0) {
        g->prefix.n_done = s->hooks->group_begins(s->user, g);
    }
    return g;
}

static bool seat_request(struct schedule *s, struct sched_request *r)
{
    struct sched_group *g = r->group;

    if (!request_fits(s, r)) {
        return false;
    }
    resize_group(s, g, g->cells_own + own_cells(r));
    r->state = SCHED_INSIDE;
    r->work.seq = take_seq(s);
    s->running[s->n_running++] = r;
    g->n_waiting--;
    g->n_inside++;
    g->call->n_inside++;
    return true;
}

/* A twin waits while its leader computes the prompt of both. */
static bool waits_for_twin(const struct sched_request *r)
{
    return r->twin && r->twin->state == SCHED_INSIDE &&
           r->twin->work.n_done < r->work.n_tokens;
}

/* The group's next request to let in; NULL: none yet. */
static struct sched_request *next_request(struct schedule *s, struct sched_group *g)
{
    struct sched_request *r;

    if (g->n_waiting == 0 || g->call->replies || !prefix_ready(g) || reads_ahead(s, g)) {
        return NULL;
    }
    while (g->waiting->state != SCHED_WAITING) {
        g->waiting = g->waiting->next;
    }
    for (r = g->waiting; r && (r->state != SCHED_WAITING || waits_for_twin(r));) {
        r = r->next;
    }
    return r;
}

static bool let_request_in(struct schedule *s, struct sched_group *g)
{
    struct sched_request *r = next_request(s, g);

    if (!r || !seat_request(s, r)) {
        return false;
    }
    r->work.n_done = g->prefix.n_tokens > 0 ? s->hooks->request_begins(s->user, r) : 0;
    return true;
}

bool sched_join(struct schedule *s, struct sched_request *leader,
                struct sched_request *twin)
{
    assert(twin->twin == leader && twin->state == SCHED_WAITING);
    if (!seat_request(s, twin)) {
        return false;
    }
    twin->work.n_done = twin->work.n_tokens;
    s->hooks->copy(s->user, leader->work.seq, twin->work.seq, twin->work.n_tokens);
    return true;
}

/* --- Phases --------------------------------------------------------------- */

/* Its prompt is read. */
static bool has_begun(const struct sched_request *r)
{
    return r->work.n_done >= r->n_prompt;
}

/* Has the caller anything inside that is to be read, or room for something? */
static bool can_read(struct schedule *s, struct sched_call *call)
{
    for (int i = 0; i < s->n_running; i++) {
        if (s->running[i]->group->call == call && !has_begun(s->running[i])) {
            return true;
        }
    }
    for (int i = 0; i < s->n_groups; i++) {
        struct sched_group *g = s->groups[i];
        const struct sched_request *next = g->call == call ? next_request(s, g) : NULL;
        if (g->call == call && (!prefix_ready(g) || (next && request_fits(s, next)))) {
            return true;
        }
    }
    return next_fits(s, call);
}

/* Of the callers whose replies are over, or go on alone for too long. */
static void end_replies(struct schedule *s)
{
    for (struct sched_call *call = s->turn; call; call = next_call(s, call)) {
        if (call->n_inside <= (call->n_began + FEW - 1) / FEW) {
            call->n_alone++;
        }
        if (call->n_inside == 0 || call->n_alone > STEPS_ALONE) {
            call->replies = false;
        }
    }
}

/* Of the callers for whom nothing is to be read. */
static void begin_replies(struct schedule *s)
{
    for (struct sched_call *call = s->turn; call; call = next_call(s, call)) {
        if (call->n_inside > 0 && !call->replies && !can_read(s, call)) {
            call->replies = true;
            call->n_began = call->n_inside;
            call->n_alone = 0;
        }
    }
}

/* --- Resting -------------------------------------------------------------- */

/* Tokens of excerpts that are inside and not read yet. */
static int excerpts_left(const struct schedule *s)
{
    int n = 0;

    for (int i = 0; i < s->n_groups; i++) {
        const struct sched_group *g = s->groups[i];
        n += g->rests ? 0 : g->prefix.n_tokens - g->prefix.n_done;
    }
    return n;
}

/* Is the next step full without the questions to this one? */
static bool can_rest(struct schedule *s, const struct sched_group *g)
{
    int next = reads_ahead(s, g) ? g->call->waiting->prefix.n_tokens : 0;

    return g->may_reply && !g->rests && !g->stays && g->prefix.n_tokens > 0 &&
           prefix_ready(g) && g->n_inside == 0 && g->n_behind == 0 &&
           excerpts_left(s) + next >= s->batch_tokens;
}

static void rest(struct schedule *s)
{
    for (int i = 0; i < s->n_groups; i++) {
        struct sched_group *g = s->groups[i];
        if (!can_rest(s, g)) {
            continue;
        }
        int n_left = s->hooks->group_rests(s->user, g);
        assert(n_left < g->prefix.n_tokens);
        g->stays = n_left < 0;
        g->rests = n_left >= 0;
        g->prefix.n_done = g->rests ? n_left : g->prefix.n_done;
    }
}

/* The first group that rests and need not any more; NULL: there is none. Once is enough:
 * two whose rests end badly would else wait for each other for ever. */
static struct sched_group *wake_group(struct schedule *s)
{
    for (int i = 0; i < s->n_groups; i++) {
        struct sched_group *g = s->groups[i];
        if (g->rests && !reads_ahead(s, g)) {
            s->hooks->clear(s->user, g->prefix.seq);
            g->rests = false;
            g->stays = true;
            g->prefix.n_done = s->hooks->group_begins(s->user, g);
            return g;
        }
    }
    return NULL;
}

/* --- Filling a batch ------------------------------------------------------ */

struct plan {
    struct sched_piece *pieces;
    int n, room;
};

static void put_piece(struct plan *p, struct sched_work *work, struct sched_group *group,
                      struct sched_request *request)
{
    int left = work->n_tokens - work->n_done;
    int count = left < p->room ? left : p->room;

    if (count == 0) {
        return;
    }
    p->pieces[p->n++] = (struct sched_piece){
        .work = work,
        .request = request,
        .group = group,
        .start = work->n_done,
        .count = count,
        .logits = request && count == left,
    };
    p->room -= count;
}

/* Replies first, since they need a token or a few each. */
static void put_replies(struct schedule *s, struct plan *p)
{
    for (int i = 0; i < s->n_running; i++) {
        struct sched_request *r = s->running[i];
        if (has_begun(r) && r->group->call->replies) {
            put_piece(p, &r->work, r->group, r);
        }
    }
}

/* What is inside and still to be read, the oldest first. */
static void put_prompts(struct schedule *s, struct plan *p)
{
    for (int i = 0; i < s->n_running; i++) {
        struct sched_request *r = s->running[i];
        if (!has_begun(r)) {
            put_piece(p, &r->work, r->group, r);
        }
    }
    for (int i = 0; i < s->n_groups; i++) {
        if (!s->groups[i]->rests) {
            put_piece(p, &s->groups[i]->prefix, s->groups[i], NULL);
        }
    }
}

/* Try the groups in order, those of callers with fewer requests inside first. */
static bool put_next_request(struct schedule *s, struct plan *p)
{
    bool tried[SCHED_GROUPS_MAX] = { false };

    for (int round = 0; round < s->n_groups; round++) {
        int best = -1;
        for (int i = 0; i < s->n_groups; i++) {
            if (!tried[i] && (best < 0 || s->groups[i]->call->n_inside <
                                              s->groups[best]->call->n_inside)) {
                best = i;
            }
        }
        tried[best] = true;
        if (let_request_in(s, s->groups[best])) {
            struct sched_request *r = s->running[s->n_running - 1];
            put_piece(p, &r->work, r->group, r);
            return true;
        }
    }
    return false;
}

/* Returns whether a group came into the cache. */
static bool let_in(struct schedule *s, struct plan *p)
{
    bool any = false;

    while (p->room > 0) {
        if (put_next_request(s, p)) {
            continue;
        }
        struct sched_group *g = let_group_in(s);
        g = g ? g : wake_group(s);
        if (!g) {
            break;
        }
        put_piece(p, &g->prefix, g, NULL);
        any = true;
    }
    return any;
}

int sched_plan(struct schedule *s, struct sched_piece pieces[SCHED_PIECES_MAX])
{
    struct plan p = { .pieces = pieces, .room = s->batch_tokens };
    bool came;

    do {
        end_replies(s);
        begin_replies(s);
        rest(s);
        put_replies(s, &p);
        put_prompts(s, &p);
        came = let_in(s, &p);
        /* All of a group that came may have been found, and no seat be free. */
    } while (p.n == 0 && came);
    return p.n;
}

void sched_done(struct schedule *s, const struct sched_piece *pieces, int n)
{
    (void)s;
    for (int i = 0; i < n; i++) {
        assert(pieces[i].work->n_done == pieces[i].start);
        pieces[i].work->n_done += pieces[i].count;
    }
}

void sched_extend(struct sched_request *r, int n)
{
    assert(r->state == SCHED_INSIDE && n <= r->n_total - r->work.n_tokens);
    r->work.n_tokens += n;
}

/* --- Letting go ----------------------------------------------------------- */

static void end_group(struct schedule *s, struct sched_group *g)
{
    int i = 0;

    if (g->state == SCHED_WAITING) {
        g->state = SCHED_OVER;
        return;
    }
    s->hooks->group_ends(s->user, g);
    g->state = SCHED_OVER;
    s->cells_used -= group_cells(g, 0);
    give_seq(s, &g->prefix);
    while (s->groups[i] != g) {
        i++;
    }
    s->n_groups--;
    memmove(&s->groups[i], &s->groups[i + 1],
            (size_t)(s->n_groups - i) * sizeof s->groups[0]);
}

static void leave(struct schedule *s, struct sched_request *r)
{
    int i = 0;

    give_seq(s, &r->work);
    resize_group(s, r->group, r->group->cells_own - own_cells(r));
    r->group->n_inside--;
    r->group->call->n_inside--;
    while (s->running[i] != r) {
        i++;
    }
    s->n_running--;
    memmove(&s->running[i], &s->running[i + 1],
            (size_t)(s->n_running - i) * sizeof s->running[0]);
}

static void put_back(struct schedule *s, struct sched_request *r)
{
    leave(s, r);
    r->state = SCHED_WAITING;
    r->work.n_done = 0;
    r->group->n_waiting++;
    r->group->waiting = r->group->first;
}

void sched_lost(struct schedule *s, const struct sched_piece *piece)
{
    if (piece->request) {
        put_back(s, piece->request);
        return;
    }
    /* Nothing starts from a prefix, nor is anything behind it, before it is whole. */
    assert(piece->group->n_inside == 0 && piece->group->n_behind == 0);
    s->hooks->clear(s->user, piece->work->seq);
    piece->work->n_done = 0;
}

void sched_finish(struct schedule *s, struct sched_request *r)
{
    assert(r->state != SCHED_OVER);
    if (r->state == SCHED_INSIDE) {
        leave(s, r);
    } else {
        r->group->n_waiting--;
    }
    r->state = SCHED_OVER;
    if (r->group->n_waiting == 0 && r->group->n_inside == 0) {
        end_group(s, r->group);
    }
}
