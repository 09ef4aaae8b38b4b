/* reduce.c - many findings of a task to one value.
 *
 * Each reduce is a fold over the findings of its task, in the order of their
 * rank: it says of each whether it can take part, and keeps what it needs. Amounts are
 * put into one unit before they are folded. */
#include "jobs/reduce.h"

#include "base/buf.h"
#include "jobs/date.h"
#include "jobs/unit.h"
#include "jobs/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LIST_BYTES_MAX = 64 * 1024 };

/* What a finding states, before and after it is put into the unit of all. */
struct amount {
    bool known;
    struct decimal value;
    struct unit_found unit;
};

struct fold {
    const struct task *task;
    const struct finding *items;
    struct amount *amounts;       /* SUM, MIN, MAX: one for each of items */
    const struct unit *converted; /* SUM: the unit of the total, NULL as stated */
    struct buf list;              /* LIST */
    size_t count;                 /* COUNT */
    struct decimal number;        /* SUM, MIN, MAX */
    int day;                      /* LATEST, EARLIEST */
    const struct finding *best;   /* of those that choose one */
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
    const struct amount *a = &f->amounts[x - f->items];
    if (!a->known) return false;
    if (f->n_from == 0) {
        f->number = a->value;
        return true;
    }
    return decimal_add(f->number, a->value, &f->number);
}

static bool fold_number(struct fold *f, const struct finding *x, int wanted)
{
    const struct amount *a = &f->amounts[x - f->items];
    if (!a->known) return false;
    if (!f->best || decimal_compare(a->value, f->number) == wanted) {
        f->best = x;
        f->number = a->value;
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

/* --- Amounts in one unit ------------------------------------------------------ */

static struct amount read_amount(const struct task *task, const char *text)
{
    struct value_number n;
    struct amount a = { .known = value_find_number(text, task->unit, &n) };
    if (!a.known) return a;
    unit_of_number(text, &n, &a.unit);
    a.value = n.value;
    a.known = !unit_goes_on(text, &n, &a.unit);
    return a;
}

/* A kind of unit, how many amounts have it, and the smallest and largest of them. */
struct kind {
    struct unit_found unit;
    const struct unit *largest;
    size_t n;
};
enum { KINDS_MAX = 64 };

static void count_kind(struct kind kinds[KINDS_MAX], const struct unit_found *u)
{
    size_t k = 0;
    while (k < KINDS_MAX && kinds[k].n > 0 && !unit_is_like(&kinds[k].unit, u)) k++;
    if (k == KINDS_MAX) return;
    struct kind *kind = &kinds[k];
    if (kind->n++ == 0) *kind = (struct kind){ *u, u->unit, 1 };
    if (u->unit->size < kind->unit.unit->size) kind->unit = *u;
    if (u->unit->size > kind->largest->size) kind->largest = u->unit;
}

/* The kind that most amounts have, the first of equals; n 0: none has one. */
static struct kind common_kind(const struct fold *f, size_t n)
{
    struct kind kinds[KINDS_MAX] = { { .n = 0 } };
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        const struct amount *a = &f->amounts[i];
        if (a->known && a->unit.unit) count_kind(kinds, &a->unit);
    }
    for (size_t k = 1; k < KINDS_MAX; k++) {
        if (kinds[k].n > kinds[best].n) best = k;
    }
    return kinds[best];
}

/* What a name of several units stands for: the only one of them that another amount
 * names plainly. "pounds" are lb where there are lb, but "$" where there are CAD is told
 * apart from them. */
static const struct unit *plain_unit(const struct fold *f, size_t n,
                                     const struct unit_found *u)
{
    const struct unit *only = u->unit;
    bool has_own = false;
    for (size_t i = 0; i < n; i++) {
        const struct unit_found *x = &f->amounts[i].unit;
        if (!f->amounts[i].known || !x->unit || !unit_may_be(u, x->unit)) continue;
        if (x->unit == u->unit) {
            if (!x->also) return u->unit;
            has_own = true;
        } else {
            if (only != u->unit && only != x->unit) return u->unit;
            only = x->unit;
        }
    }
    return has_own && only->kind == u->unit->kind ? u->unit : only;
}

/* Settles all amounts of one such name at once: there are few names, and may be very
 * many amounts. */
static void settle_name(struct fold *f, size_t n, struct unit_found name)
{
    const struct unit *plain = plain_unit(f, n, &name);
    for (size_t i = 0; i < n; i++) {
        struct unit_found *u = &f->amounts[i].unit;
        if (u->also != name.also) continue;
        u->unit = plain;
        u->also = NULL;
    }
}

/* Names of several units, in the amounts and in what was asked for, settled on one. */
static void settle_units(struct fold *f, size_t n, struct unit_found *asked)
{
    if (asked->also) asked->unit = plain_unit(f, n, asked);
    for (size_t i = 0; i < n; i++) {
        struct unit_found *u = &f->amounts[i].unit;
        if (!f->amounts[i].known || !u->also) continue;
        if (!asked->unit)
            settle_name(f, n, *u);
        else if (unit_may_be(u, asked->unit))
            u->unit = asked->unit;
    }
}

/* Of the task's unit those are taken, amounts or rates, that are more: "USD" is asked of
 * rents "per month" too, and "USD per share" is answered by "$15". */
static void choose_rates(const struct fold *f, size_t n, struct unit_found *asked)
{
    struct unit_found other = *asked;
    size_t like = 0, like_other = 0;
    other.per = !asked->per;
    for (size_t i = 0; i < n; i++) {
        const struct amount *a = &f->amounts[i];
        if (!a->known || !a->unit.unit) continue;
        like += unit_is_like(&a->unit, asked);
        like_other += unit_is_like(&a->unit, &other);
    }
    if (like_other > like) *asked = other;
}

/* All amounts in one unit; those that have no exact number in it are not known. Where
 * units of two sizes occur, a number alone may be of either. */
static void convert_amounts(struct fold *f, size_t n)
{
    struct kind kind = { .n = 0 };
    bool asked = false;
    if (f->task->unit) {
        unit_in_words(f->task->unit, &kind.unit);
        asked = kind.unit.unit != NULL;
    }
    settle_units(f, n, &kind.unit);
    if (asked)
        choose_rates(f, n, &kind.unit);
    else
        kind = common_kind(f, n);
    bool mixed = !asked && kind.largest != kind.unit.unit;
    if (mixed && !f->task->unit) f->converted = kind.unit.unit;
    for (size_t i = 0; i < n; i++) {
        struct amount *a = &f->amounts[i];
        a->known = a->known && unit_is_like(&a->unit, &kind.unit) &&
                   !(mixed && !a->unit.unit) &&
                   unit_convert(a->unit.unit, kind.unit.unit, &a->value);
    }
}

/* Of what takes part: the findings of the task that their excerpts support. */
static void read_amounts(struct arena *arena, struct fold *f, int task,
                         const struct finding_list *findings)
{
    f->amounts = arena_array(arena, findings->n, sizeof *f->amounts);
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *x = &findings->items[i];
        if (x->task == task && x->supported) {
            f->amounts[i] = read_amount(f->task, x->value);
        }
    }
    convert_amounts(f, findings->n);
}

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
    char own[UNIT_NAME_MAX];
    const char *unit = f->task->unit;
    if (f->converted) {
        unit_name(f->converted, own);
        unit = own;
    }
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

static bool needs_amounts(enum reduce_kind reduce)
{
    return reduce == REDUCE_SUM || reduce == REDUCE_MIN || reduce == REDUCE_MAX;
}

void reduce_task(struct arena *arena, const struct plan *plan, int task,
                 const struct finding_list *findings, struct reduced *out)
{
    const struct task *t = &plan->tasks[task];
    bool takes_all = t->reduce == REDUCE_LIST || t->reduce == REDUCE_VOTE;
    struct fold f = { .task = t,
                      .items = findings->items,
                      .from = arena_array(arena, findings->n, sizeof *f.from) };
    size_t *left = arena_array(arena, findings->n, sizeof *left);
    buf_init(&f.list, LIST_BYTES_MAX);
    *out = (struct reduced){ .value = NULL };
    if (needs_amounts(t->reduce)) read_amounts(arena, &f, task, findings);
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *x = &findings->items[i];
        if (x->task != task) continue;
        if ((!takes_all && !x->supported) || !folds[t->reduce](&f, x)) {
            out->left_out++;
            if (x->supported) left[out->n_left++] = i;
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
    out->left = left;
    buf_release(&f.list);
}
