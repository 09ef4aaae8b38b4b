/* decide.c - the decisions of reading: what is worth an answer, what is found,
 * when to stop.
 *
 * Nothing here calls a model or keeps anything: numbers in, a decision out, so
 * that the thresholds can be fitted on recorded runs and tested as a table. The
 * zero of s means little (it lies elsewhere for every task), which is why the
 * second look decides. */
#include "jobs/decide.h"

#include "base/mem.h"

#include <math.h>

/* The margin d at which a chunk is as likely to hold the answer as not. 130
 * excerpt-question pairs, 1.5B: d > 0.2 keeps .97 of the excerpts with the answer and
 * turns away .87 of the others; 0.5B: .83 and .86 at 0.3. Measured with the question in
 * front of how to answer, as it no longer stands; d weighs only what has no yn. */
static const double EVEN_MARGIN = 0.2;

/* s below which a chunk is not asked in a look-up; strength = yn + ln s from which it is
 * found. The best strength that any of the 10 best-ranked chunks had, 1.5B, chunks of 320
 * tokens:
 *
 *     40 with an answer, ten papers        1.08 or more for 39, one at 0.60; s of the
 *                                          best chunk 0.63 or more for all
 *     20 without, the same papers          0.70 or less; 11 had no s over 0.1 at all
 *     14 with an answer, a medical record  1.18 or more for the 6 right ones
 *     14 with an answer, three articles    2.43 or more for the 5 right ones
 *      6 without, the same articles        0.98, a name that is not there; -2.69 or less
 *
 * A look at the found sentence alone, which decided between the two before, let one
 * false answer through, and no question was the better for it. */
static const double ASK_SCREEN = 0.3, FOUND_STRENGTH = 1.0;

/* What an unknown name takes from the strength, if it is the only name. A passage about
 * another vault than the one asked about had a strength of 2.0. */
static const double UNKNOWN_NAMES_COST = 5;

/* s from which a chunk is looked at again for a list; yn + LISTED_WEIGHT ln s from which
 * it is listed. Both looks count: of two novels, six questions, 159 pairs with a chunk
 * (stones that somebody keeps, leaks of a ship, somebody's payments), 1.5B, stones had an
 * s of 0.25 and 0.39 with a yn of 2.3 and 2.8, payments 1.1 to 1.2 with -0.1. The sum was
 * -0.09 or more for all 30 chunks that tell of one; for others with an s over 0.2 it was
 * under -1.7, but for 7 that tell of another's: names tell these apart (text/names.h). Of
 * a third novel's stones other gems came up to -0.37. Of a fourth's stones and payments
 * one is at -0.23 and one, which is lost, at -0.44; of its other chunks one is listed
 * (0.44), of which no item was kept, the next are at -0.5. */
static const double LISTED_SCREEN = 0.2, LISTED_WEIGHT = 1.7, LISTED_STRENGTH = -0.3;

/* The strength from which nothing more is read, and the lead over the next best answer
 * from which nothing contests a weaker one. 24 questions over six papers, up to 10 chunks
 * each, 1.5B: the strongest answer was right for 17 with all ten read and for 16 with 4.3
 * read on average, as it was with 3.8 by a strength of 1.8 or a lead of 1.0. By those a
 * question over a seventh paper was answered from a passage of 1.14 that led by 1.4,
 * where a later one of 3.35 has the answer. */
static const double STOP_STRENGTH = 3.0, STOP_LEAD = 1.5;
/* For a worker without scores: chunks read behind the first answer. Not fitted. */
static const size_t STOP_SINCE_BEST = 3;

/* How fast confidence goes from 0 to 1 around a threshold. */
static const double CONFIDENCE_STRENGTH_STEEP = 0.8, CONFIDENCE_STRENGTH_HALF = 0.3;
static const double CONFIDENCE_MARGIN_STEEP = 2.0;

/* --- Margins --------------------------------------------------------------- */

struct doc_sum {
    double sum;
    size_t n;
};

static size_t doc_count(const int *doc, size_t n)
{
    int highest = -1;
    for (size_t i = 0; i < n; i++) highest = doc[i] > highest ? doc[i] : highest;
    return (size_t)(highest + 1);
}

void decide_margins(const double *screen, const int *doc, size_t n, double *margin)
{
    struct doc_sum *sums = mem_array(doc_count(doc, n), sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        if (isnan(screen[i])) continue;
        sums[doc[i]].sum += screen[i];
        sums[doc[i]].n++;
    }
    for (size_t i = 0; i < n; i++) {
        const struct doc_sum *d = &sums[doc[i]];
        if (isnan(screen[i]) || d->n < 2) {
            margin[i] = NAN;
        } else {
            margin[i] = screen[i] - (d->sum - screen[i]) / (double)(d->n - 1);
        }
    }
    mem_free(sums);
}

/* --- Decisions ------------------------------------------------------------- */

bool decide_worth_asking(double screen)
{
    return screen > ASK_SCREEN; /* false for NAN */
}

double decide_strength(const struct decide_look *look)
{
    return look->yn + log(fmax(look->screen, 1e-9)) -
           UNKNOWN_NAMES_COST * look->unknown_names;
}

bool decide_sure(double strength)
{
    return !(strength <= FOUND_STRENGTH);
}

bool decide_found(const struct decide_look *look)
{
    return decide_worth_asking(look->screen) && decide_strength(look) > FOUND_STRENGTH;
}

bool decide_worth_listing(double screen)
{
    return screen > LISTED_SCREEN; /* false for NAN */
}

bool decide_listed(const struct decide_look *look)
{
    if (!decide_worth_listing(look->screen)) return false;
    double more = (LISTED_WEIGHT - 1) * log(look->screen);
    return isnan(look->yn) || decide_strength(look) + more > LISTED_STRENGTH;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

double decide_confidence(double screen, double margin, double strength)
{
    if (!isnan(strength)) {
        return logistic(CONFIDENCE_STRENGTH_STEEP *
                        (strength - CONFIDENCE_STRENGTH_HALF));
    }
    if (!isnan(margin)) return logistic(CONFIDENCE_MARGIN_STEEP * (margin - EVEN_MARGIN));
    if (!isnan(screen)) return 1 - exp(-fmax(screen, 0));
    return 0.5;
}

bool decide_stop(const struct decide_wave *w)
{
    if (!w->found || w->unread == 0) return false;
    if (isnan(w->best_strength)) return w->since_best >= STOP_SINCE_BEST;
    if (w->best_strength > STOP_STRENGTH || isnan(w->next_strength)) return true;
    return w->best_strength - w->next_strength > STOP_LEAD;
}
