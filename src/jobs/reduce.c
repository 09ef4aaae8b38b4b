/* reduce.c - many findings of a task to one value.
 *
 * Each reduce is a fold over the findings of its task, in the order of their
 * rank: it says of each whether it can take part, and keeps what it needs. */
#include "jobs/reduce.h"

#include "base/buf.h"
#include "jobs/date.h"
#include "jobs/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LIST_BYTES_MAX = 64 * 1024 };

struct fold {
    const struct task *task;
    struct buf list;            /* LIST */
    size_t count;               /* COUNT */
    struct decimal number;      /* SUM, MIN, MAX */
    int day;                    /* LATEST, EARLIEST */
    const struct finding *best; /* of those that choose one */
    size_t *from;
    size_t n_from;
};

/* --- One finding after the other --------------------------------------------- */

/* Each returns false if the finding cannot take part. */

static bool fold_list(struct fold *f, const struct finding *x)
{
    buf_addf(&f->list, "%s%s", f->n_from > 0 ? "; " : "", x->value);
    return true;
}

static bool fold_vote(struct fold *f, const struct finding *x)
{
    if (!f->best || x->votes > f->best->votes) f->best = x;
    return true;
}

/* yes_no: a value begins with one of these words, or says something else. */
static bool says(const struct finding *x, const char *word)
{
    size_t len = strlen(word);
    unsigned char next = (unsigned char)x->value[strnlen(x->value, len)];
    return strncasecmp(x->value, word, len) == 0 && !isalpha(next) && next < 0x80;
}

static bool fold_count(struct fold *f, const struct finding *x)
{
    bool counts = f->task->answer != ANSWER_YES_NO || says(x, "yes");
    f->count += counts;
    return counts || says(x, "no");
}

static bool fold_sum(struct fold *f, const struct finding *x)
{
    struct value_number n;
    if (!value_find_number(x->value, f->task->unit, &n)) return false;
    if (f->n_from == 0) {
        f->number = n.value;
        return true;
    }
    return decimal_add(f->number, n.value, &f->number);
}

static bool fold_number(struct fold *f, const struct finding *x, int wanted)
{
    struct value_number n;
    if (!value_find_number(x->value, f->task->unit, &n)) return false;
    if (!f->best || decimal_compare(n.value, f->number) == wanted) {
        f->best = x;
        f->number = n.value;
    }
    return true;
}

static bool fold_min(struct fold *f, const struct finding *x)
{
    return fold_number(f, x, -1);
}

static bool fold_max(struct fold *f, const struct finding *x)
{
    return fold_number(f, x, 1);
}

static bool fold_latest(struct fold *f, const struct finding *x)
{
    struct date date;
    if (!date_find(x->value, &date)) return false;
    if (!f->best || date.yyyymmdd > f->day) {
        f->best = x;
        f->day = date.yyyymmdd;
    }
    return true;
}

static bool fold_earliest(struct fold *f, const struct finding *x)
{
    struct date date;
    if (!date_find(x->value, &date)) return false;
    if (!f->best || date.yyyymmdd < f->day) {
        f->best = x;
        f->day = date.yyyymmdd;
    }
    return true;
}

/* ORDER REDUCES */
static bool (*const folds[REDUCE_KINDS])(struct fold *f, const struct finding *x) = {
    [REDUCE_LIST] = fold_list,     [REDUCE_VOTE] = fold_vote,
    [REDUCE_COUNT] = fold_count,   [REDUCE_SUM] = fold_sum,
    [REDUCE_MIN] = fold_min,       [REDUCE_MAX] = fold_max,
    [REDUCE_LATEST] = fold_latest, [REDUCE_EARLIEST] = fold_earliest,
};

/* --- The value ---------------------------------------------------------------- */

/* Is it evidence of the value? A no takes part in a count of those that say yes, and is
 * evidence of nothing. */
static bool is_behind(const struct fold *f, const struct finding *x)
{
    bool yes_only = f->task->reduce == REDUCE_COUNT && f->task->answer == ANSWER_YES_NO;
    return !yes_only || says(x, "yes");
}

static const char *sum_text(struct arena *arena, const struct fold *f)
{
    char digits[DECIMAL_TEXT];
    decimal_format(f->number, digits);
    const char *unit = f->task->unit;
    return arena_printf(arena, "%s%s%s", digits, unit ? " " : "", unit ? unit : "");
}

static const char *value_of(struct arena *arena, const struct fold *f)
{
    switch (f->task->reduce) {
    case REDUCE_LIST: return arena_strndup(arena, f->list.data, f->list.len);
    case REDUCE_COUNT: return arena_printf(arena, "%zu", f->count);
    case REDUCE_SUM: return sum_text(arena, f);
    default: return f->best->value;
    }
}

void reduce_task(struct arena *arena, const struct plan *plan, int task,
                 const struct finding_list *findings, struct reduced *out)
{
    const struct task *t = &plan->tasks[task];
    bool takes_all = t->reduce == REDUCE_LIST || t->reduce == REDUCE_VOTE;
    struct fold f = { .task = t,
                      .from = arena_array(arena, findings->n, sizeof *f.from) };
    buf_init(&f.list, LIST_BYTES_MAX);
    *out = (struct reduced){ .value = NULL };
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *x = &findings->items[i];
        if (x->task != task) continue;
        if ((!takes_all && !x->supported) || !folds[t->reduce](&f, x)) {
            out->left_out++;
            continue;
        }
        out->used++;
        if (is_behind(&f, x)) f.from[f.n_from++] = i;
    }
    if (out->used > 0) out->value = value_of(arena, &f);
    if (f.best) {
        f.from[0] = (size_t)(f.best - findings->items);
        f.n_from = 1;
    }
    out->from = f.from;
    out->n_from = f.n_from;
    buf_release(&f.list);
}
