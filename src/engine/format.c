/* format.c - the table of formats.
 *
 * libllama numbers its formats but keeps their usual names in a program of its
 * own, not in the library; so they stand here, with the three short names that
 * people also use. What it can read but not write is left out. */
#include "engine/format.h"

#include "base/buf.h"
#include "base/nearest.h"

#include <ctype.h>
#include <llama.h>
#include <string.h>
#include <strings.h>

enum { FORMATS_MAX = 64, LIST_BYTES_MAX = 800, NAME_BYTES = 24 };

static const struct format table[] = {
    { "IQ1_S", LLAMA_FTYPE_MOSTLY_IQ1_S },
    { "Q1_0", LLAMA_FTYPE_MOSTLY_Q1_0 },
    { "TQ1_0", LLAMA_FTYPE_MOSTLY_TQ1_0 },
    { "IQ1_M", LLAMA_FTYPE_MOSTLY_IQ1_M },
    { "IQ2_XXS", LLAMA_FTYPE_MOSTLY_IQ2_XXS },
    { "TQ2_0", LLAMA_FTYPE_MOSTLY_TQ2_0 },
    { "Q2_0", LLAMA_FTYPE_MOSTLY_Q2_0 },
    { "IQ2_XS", LLAMA_FTYPE_MOSTLY_IQ2_XS },
    { "IQ2_S", LLAMA_FTYPE_MOSTLY_IQ2_S },
    { "IQ2_M", LLAMA_FTYPE_MOSTLY_IQ2_M },
    { "Q2_K_S", LLAMA_FTYPE_MOSTLY_Q2_K_S },
    { "Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K },
    { "IQ3_XXS", LLAMA_FTYPE_MOSTLY_IQ3_XXS },
    { "IQ3_XS", LLAMA_FTYPE_MOSTLY_IQ3_XS },
    { "Q3_K_S", LLAMA_FTYPE_MOSTLY_Q3_K_S },
    { "IQ3_S", LLAMA_FTYPE_MOSTLY_IQ3_S },
    { "IQ3_M", LLAMA_FTYPE_MOSTLY_IQ3_M },
    { "Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M },
    { "Q3_K", LLAMA_FTYPE_MOSTLY_Q3_K_M },
    { "Q3_K_L", LLAMA_FTYPE_MOSTLY_Q3_K_L },
    { "IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS },
    { "MXFP4_MOE", LLAMA_FTYPE_MOSTLY_MXFP4_MOE },
    { "Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0 },
    { "IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL },
    { "Q4_K_S", LLAMA_FTYPE_MOSTLY_Q4_K_S },
    { "Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1 },
    { "Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M },
    { "Q4_K", LLAMA_FTYPE_MOSTLY_Q4_K_M },
    { "Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0 },
    { "Q5_K_S", LLAMA_FTYPE_MOSTLY_Q5_K_S },
    { "Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M },
    { "Q5_K", LLAMA_FTYPE_MOSTLY_Q5_K_M },
    { "Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1 },
    { "Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K },
    { "Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0 },
    { "BF16", LLAMA_FTYPE_MOSTLY_BF16 },
    { "F16", LLAMA_FTYPE_MOSTLY_F16 },
    { "F32", LLAMA_FTYPE_ALL_F32 },
    { .name = NULL },
};
_Static_assert(sizeof table / sizeof *table <= FORMATS_MAX, "FORMATS_MAX is too small");

const struct format *format_table(void)
{
    return table;
}

/* Letters and digits alone: "q4-k-m" and "Q4KM" mean Q4_K_M. */
static void bare(const char *name, char out[NAME_BYTES])
{
    size_t n = 0;

    for (; *name && n + 1 < NAME_BYTES; name++) {
        if (isalnum((unsigned char)*name)) {
            out[n++] = *name;
        }
    }
    out[n] = '\0';
}

static const char *nearest(const char *name, const char *const *names, size_t n)
{
    char wanted[NAME_BYTES], known[NAME_BYTES];

    bare(name, wanted);
    for (size_t i = 0; i < n; i++) {
        bare(names[i], known);
        if (strcasecmp(wanted, known) == 0) {
            return names[i];
        }
    }
    return nearest_name(name, names, n);
}

static int unknown(const char *name, struct lw_error *err)
{
    const char *names[FORMATS_MAX];
    size_t n = 0;

    for (const struct format *f = table; f->name; f++) {
        names[n++] = f->name;
    }
    const char *near = nearest(name, names, n);
    if (near) {
        return err_set(err, LW_ERR_USAGE, "there is no type \"%.40s\"; did you mean %s?",
                       name, near);
    }
    struct buf list;
    buf_init(&list, LIST_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    err_set(err, LW_ERR_USAGE, "there is no type \"%.40s\"; there are %s", name,
            list.data);
    buf_release(&list);
    return LW_ERR_USAGE;
}

int format_find(const char *name, const struct format **out, struct lw_error *err)
{
    for (const struct format *f = table; f->name; f++) {
        if (strcasecmp(f->name, name) == 0) {
            *out = f;
            return 0;
        }
    }
    return unknown(name, err);
}

bool format_is_whole(const char *quantisation)
{
    static const char *const whole[] = { "F32", "all F32", "F16", "BF16" };

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcasecmp(whole[i], quantisation) == 0) {
            return true;
        }
    }
    return false;
}
