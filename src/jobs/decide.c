/* decide.c - the decisions of reading: what is worth an answer, what is found,
 * when to stop.
 *
 * Nothing here calls a model or keeps anything: numbers in, a decision out, so
 * that the thresholds can be fitted on recorded runs and tested as a table. The
 * zero of s means little (it lies elsewhere for every task), which is why the
 * second look decides, or in a sweep the margin within the document. */
#include "jobs/decide.h"

#include "base/mem.h"

#include <math.h>

/* The margin d from which a chunk is worth an answer. 130 excerpt-question
 * pairs, 1.5B: d > 0.2 keeps .97 of the excerpts with the answer and turns
 * away .87 of the others; 0.5B: .83 and .86 at 0.3. */
static const double CANDIDATE_MARGIN = 0.2;

/* A chunk alone in its document has no margin; then -ln P(absent) itself must
 * show that "not stated" is not nearly certain. Not fitted. */
static const double CANDIDATE_SCREEN_ALONE = 0.1;

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

/* s from which a chunk is worth an answer in a list whatever its margin: the
 * model gives "not stated" less than one half. Not fitted. */
static const double LISTED_SCREEN = 0.7;

/* yn from which a listed chunk is found although its margin is small: where
 * most chunks hold something, their mean is no yardstick. Not fitted. */
static const double LISTED_YN_ALONE = 3.0;
/* yn below which even a good margin is not believed. The zero of yn accepts half
 * of the near ones, so this only turns away what the model is sure of. */
static const double LISTED_YN_VETO = -1.5;

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

bool decide_candidate(double screen, double margin)
{
    if (isnan(screen)) return false;
    return isnan(margin) ? screen > CANDIDATE_SCREEN_ALONE : margin > CANDIDATE_MARGIN;
}

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

bool decide_worth_listing(double screen, double margin)
{
    return decide_candidate(screen, margin) || screen > LISTED_SCREEN;
}

bool decide_listed(double screen, double margin, double yn)
{
    if (isnan(screen)) return false;
    if (isnan(yn)) return decide_worth_listing(screen, margin);
    if (yn > LISTED_YN_ALONE) return true;
    return decide_candidate(screen, margin) && yn > LISTED_YN_VETO;
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
        return logistic(CONFIDENCE_MARGIN_STEEP * (margin - CANDIDATE_MARGIN));
    if (!isnan(screen)) return 1 - exp(-fmax(screen, 0));
    return 0.5;
}

bool decide_stop(const struct decide_wave *w)
{
    if (!w->found || w->unread == 0) return false;
    return w->since_best >= STOP_SINCE_BEST || w->best_strength > STOP_STRENGTH ||
           w->best_with_sentence > STOP_WITH_SENTENCE;
}
