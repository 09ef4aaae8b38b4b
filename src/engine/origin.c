/* origin.c - what makes a state of one process useless in another, written down.
 *
 *     model 0123456789abcdef0123456789abcdef     identity.h
 *     engine 0.9.8 (1234abc) state 3             libllama computes and lays out
 *     libllama 0.5.0                             its graphs change with it, ggml or not
 *     cache f16 f16 flash -1 unified 1 ...       what the context was made with
 *     rope ...
 *
 * One line more when in doubt: a state that is not found costs seconds, one that does
 * not belong here costs the answer. Not in it: threads, the size of the batch and
 * the instructions of the processor, which change the rounding and nothing else. */
#include "engine/origin.h"

#include "engine/identity.h"

#include <ggml.h>

int origin_of(const struct loaded *m, const char *path, struct buf *out,
              struct lw_error *err)
{
    const struct llama_context_params *p = &m->params;
    char identity[IDENTITY_BYTES];
    int rc = identity_of_loaded(path, &m->file, identity, err);

    if (rc) {
        return rc;
    }
    buf_addf(out, "model %s\n", identity);
    buf_addf(out, "engine %s (%s) state %d\n", ggml_version(), ggml_commit(),
             LLAMA_STATE_SEQ_VERSION);
    buf_addf(out, "libllama %s\n", llama_version());
    buf_addf(out, "cache %s %s flash %d unified %d swa %d offload %d layers %d\n",
             ggml_type_name(p->type_k), ggml_type_name(p->type_v),
             (int)p->flash_attn_type, p->kv_unified, p->swa_full, p->offload_kqv,
             (int)llama_model_n_layer(m->model));
    buf_addf(out, "rope %d %g %g yarn %g %g %g %g %u long %d\n",
             (int)p->rope_scaling_type, (double)p->rope_freq_base,
             (double)p->rope_freq_scale, (double)p->yarn_ext_factor,
             (double)p->yarn_attn_factor, (double)p->yarn_beta_fast,
             (double)p->yarn_beta_slow, (unsigned)p->yarn_orig_ctx, load_is_long_rope(m));
    return 0;
}
