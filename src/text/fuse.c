/* fuse.c - places instead of scores: the reciprocal rank fusion of fuse.h.
 *
 * 60 is the constant of its authors. It makes first places count little more than
 * tenth ones, so that neither order rules alone; nobody has found that its exact
 * value matters. */
#include "text/fuse.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static const double K = 60;

struct placed {
    size_t index;
    double score;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

void fuse_add(const double *score, size_t n, double *fused)
{
    struct placed *order = mem_array(n, sizeof *order);
    size_t n_placed = 0, place = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(score[i])) order[n_placed++] = (struct placed){ i, score[i] };
    }
    if (n_placed > 0) qsort(order, n_placed, sizeof *order, compare_placed);
    for (size_t i = 0; i < n_placed; i++) {
        if (i == 0 || order[i].score < order[i - 1].score) place = i + 1;
        fused[order[i].index] += 1 / (K + (double)place);
    }
    mem_free(order);
}
