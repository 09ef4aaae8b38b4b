/* toy_embedder.c - words to topics to vectors. */
#include "toy_embedder.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const topics[TOY_WIDTH][5] = {
    { "budget", "cost", "dollars", "spent" },
    { "cat", "dog", "pet" },
    { "rose", "garden", "flower" },
};

static void embed_one(const char *text, float *out)
{
    double sum = 0;
    for (int i = 0; i < TOY_WIDTH; i++) {
        out[i] = 0;
        for (int k = 0; topics[i][k]; k++) {
            if (strstr(text, topics[i][k])) out[i] = 1;
        }
        sum += (double)out[i];
    }
    for (int i = 0; i < TOY_WIDTH && sum > 0; i++) out[i] /= (float)sqrt(sum);
}

static int embed(struct llm *llm, const struct llm_part *texts, size_t n, float *out,
                 const struct cancel *cancel, struct lw_error *err)
{
    struct toy_embedder *e = (struct toy_embedder *)llm;
    if (cancel_level(cancel) != CANCEL_NONE) {
        return err_set(err, LW_CANCELLED, "cancelled");
    }
    if (++e->calls == e->cancel_at) return err_set(err, LW_CANCELLED, "cancelled");
    for (size_t i = 0; i < n; i++, e->texts++) {
        snprintf(e->last, sizeof e->last, "%.*s", (int)texts[i].len, texts[i].text);
        embed_one(e->last, out + i * TOY_WIDTH);
    }
    return 0;
}

static const struct llm_info *info(struct llm *llm)
{
    return &((struct toy_embedder *)llm)->info;
}

void toy_embedder_init(struct toy_embedder *e)
{
    static const struct llm_ops ops = { .info = info, .embed = embed };
    *e = (struct toy_embedder){
        .llm.ops = &ops,
        .info = { .name = "toy", .embedding = TOY_WIDTH, .in_process = true },
    };
}
