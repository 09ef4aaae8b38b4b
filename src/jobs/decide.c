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
 * turns away .87 of the others; 0.5B: .83 and .86 at 0.3. */
static const double EVEN_MARGIN = 0.2;

/* s below which a chunk is not asked in a look-up. 29 questions over four documents,
 * 1.5B, excerpts of 2,200 characters; 17 have an answer there, 12 have none. The best
 * excerpt's s was 0.25 or more for the 17, under 0.17 for 9 of the 12. */
static const double ASK_SCREEN = 0.1;

/* strength = yn + ln s. The same questions: 1.3 or more for 16 of the 17, 0.25 or
 * less for 11 of the 12; the twelfth asks about a name that is not there. Between,
 * the found sentence is looked at on its own: strength + wyn was 2.1 and more for
 * those with an answer, 0.4 and less for those without. */
static const double ABSENT_STRENGTH = -0.5, FOUND_STRENGTH = 1.5,
                    FOUND_WITH_SENTENCE = 1.2;

/* What an unknown name takes from the strength, if it is the only name. A passage about
 * another vault than the one asked about had strength + wyn = 5.4. */
static const double UNKNOWN_NAMES_COST = 5;

/* s from which a chunk is worth an answer in a list, and yn from which it is then
 * listed. Three questions over a text of 14 chunks (four kinds of stone, five leaks, six
 * payments, each in a chunk of its own), 1.5B: s was 0.19 or more for all 15 chunks that
 * told of one, 0.16 or less for 25 of the 27 others; yn was 0.56 or more for the 15. */
static const double LISTED_SCREEN = 0.17, LISTED_YN = 0.4;

/* Chunks read behind the best found one without a better one: it is no longer
 * contested. One wave. Not fitted. */
static const size_t STOP_SINCE_BEST = 3;
/* So strong that nothing more is read: by the chunk (13 of the 17, and of the 12
 * only the one with the unknown name), or with its sentence. */
static const double STOP_STRENGTH = 1.8, STOP_WITH_SENTENCE = 2.0;

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

enum decide_verdict decide_look(const struct decide_look *look)
{
    double strength = decide_strength(look);
    if (isnan(strength) || isnan(look->screen)) return VERDICT_ABSENT;
    if (!isnan(look->wyn)) {
        bool found = strength + look->wyn > FOUND_WITH_SENTENCE;
        return found ? VERDICT_FOUND : VERDICT_ABSENT;
    }
    if (strength > FOUND_STRENGTH) return VERDICT_FOUND;
    return strength > ABSENT_STRENGTH ? VERDICT_UNSURE : VERDICT_ABSENT;
}

bool decide_worth_listing(double screen)
{
    return screen > LISTED_SCREEN; /* false for NAN */
}

bool decide_listed(double screen, double yn)
{
    if (!decide_worth_listing(screen)) return false;
    return isnan(yn) || yn > LISTED_YN;
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
    if (!isnan(margin))
        return logistic(CONFIDENCE_MARGIN_STEEP * (margin - EVEN_MARGIN));
    if (!isnan(screen)) return 1 - exp(-fmax(screen, 0));
    return 0.5;
}

bool decide_stop(const struct decide_wave *w)
{
    if (!w->found || w->unread == 0) return false;
    return w->since_best >= STOP_SINCE_BEST || w->best_strength > STOP_STRENGTH ||
           w->best_with_sentence > STOP_WITH_SENTENCE;
}
