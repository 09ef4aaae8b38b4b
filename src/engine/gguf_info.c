/* gguf_info.c - a model's files one after the other, and what follows from their headers.
 *
 * A model may lie in several files, NAME-00001-of-00003.gguf and so on, of which libllama
 * is given the first. That one has the keys; each has tensors of its own. Numbers that
 * are right by themselves (gguf_header.c) may not fit each other, which is found here. */
#include "engine/gguf_info.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "engine/gguf_header.h"

#include <llama.h>
#include <stdio.h>
#include <string.h>

/* --- Numbers that belong together ------------------------------------------ */

/* Of these a head is turned whole; libllama ends the process where it is not. It says a
 * sentence for llama and falcon, and for most others the part may be smaller. */
static bool turns_whole_heads(const char *architecture)
{
    static const char *const names[] = {
        "qwen2",     "qwen2moe", "qwen3",   "qwen3moe", "olmo2", "starcoder2",
        "internlm2", "exaone",   "granite", "smollm3",  "orion", "baichuan"
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(architecture, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void check_rope(struct gguf_header *h, const struct gguf_info *info)
{
    int head = info->heads > 0 ? info->embedding / info->heads : 0;

    head = info->key_length > 0 ? info->key_length : head;
    if (h->rope < 0 || head == 0) {
        return;
    }
    bool fits = h->rope % 2 == 0 && h->rope <= head;
    if (!fits || (turns_whole_heads(info->architecture) && h->rope != head)) {
        gguf_bytes_mark_bad(&h->in,
                            "its header is damaged (the part of a head that is turned)");
    }
}

/* Some models say one expert where there are none; libllama knows which. */
static void check_experts(struct gguf_header *h, const char *architecture)
{
    int groups = h->expert_groups, groups_used = h->expert_groups_used;
    int alone = strncmp(architecture, "hunyuan", 7) == 0 ? 1 : 0;
    bool none = h->experts <= alone && h->experts_used == 0 && groups == 0;
    bool some = h->experts > 0 && h->experts_used > 0 && h->experts_used <= h->experts &&
                groups < h->experts;
    bool grouped =
        groups > 1 && (h->experts % groups || groups_used < 1 || groups_used >= groups);

    if (!none && (!some || grouped)) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (the number of its experts)");
    }
}

/* --- What follows from them ------------------------------------------------ */

/* Text from the file goes into messages: one line, valid UTF-8. */
static void make_printable(char *s)
{
    s[utf8_valid(s, strlen(s))] = '\0';
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f) {
            *s = ' ';
        }
    }
}

static void name_quantisation(const struct gguf_header *h, struct gguf_info *out)
{
    const char *name = NULL;

    if (h->file_type >= 0) {
        name = llama_ftype_name((enum llama_ftype)h->file_type);
    }
    if (!name || strncmp(name, "unknown", 7) == 0) {
        int most = 0;
        for (int i = 1; i < GGML_TYPE_COUNT; i++) {
            most = h->type_bytes[i] > h->type_bytes[most] ? i : most;
        }
        name = ggml_type_name((enum ggml_type)most);
    }
    snprintf(out->quantisation, sizeof out->quantisation, "%s", name);
}

/* Numbers in the state of one layer, for one sequence. */
static uint64_t state_numbers(const struct gguf_header *h, const struct gguf_info *out)
{
    uint64_t width = (uint64_t)out->embedding, inner = (uint64_t)h->ssm_inner;
    uint64_t state = (uint64_t)h->ssm_state, groups = (uint64_t)h->ssm_groups;
    uint64_t kernel = h->ssm_kernel > 0 ? (uint64_t)h->ssm_kernel - 1 : 0;

    if (h->wkv_head > 0) {
        return width * ((uint64_t)h->wkv_head + 2);
    }
    if (h->short_kernel > 0) {
        return width * ((uint64_t)h->short_kernel - 1);
    }
    return kernel * (inner + 2 * groups * state) + state * inner;
}

static void derive(const struct gguf_header *h, struct gguf_info *out)
{
    if (out->heads_kv == 0) {
        out->heads_kv = out->heads;
    }
    int head = out->heads > 0 ? out->embedding / out->heads : 0;
    out->key_length = out->key_length > 0 ? out->key_length : head;
    out->value_length = out->value_length > 0 ? out->value_length : head;
    uint64_t heads = h->heads_kv_sum > 0
                         ? h->heads_kv_sum
                         : (uint64_t)out->layers * (uint64_t)out->heads_kv;
    uint64_t floats = (uint64_t)out->key_length + (uint64_t)out->value_length;
    out->kv_bytes_per_token = heads * floats * 2;
    /* Where some layers only have keys and values, the others have the states. */
    int with_state =
        h->layers_kv < out->layers ? out->layers - h->layers_kv : out->layers;
    out->state_bytes = state_numbers(h, out) * (uint64_t)with_state * sizeof(float);
    out->narrow_bytes = out->parts > 1 ? 0 : out->narrow_bytes;
    make_printable(out->architecture);
    make_printable(out->type);
    make_printable(out->name);
    name_quantisation(h, out);
}

/* --- The files ------------------------------------------------------------ */

/* The only one, or the first. */
static int add_first(struct gguf_header *h, const char *path, struct gguf_info *out,
                     struct lw_error *err)
{
    int rc = gguf_header_open(h, path, err);

    if (rc) {
        return rc;
    }
    gguf_header_read_first(h, out);
    if (!h->in.bad) {
        check_rope(h, out);
        check_experts(h, out->architecture);
    }
    out->file_bytes = h->in.size;
    out->parts = h->parts > 1 ? h->parts : 1;
    return gguf_header_close(h, path, err);
}

int gguf_part_path(const char *path, int part, int parts, char out[PATH_MAX],
                   struct lw_error *err)
{
    char name[PATH_MAX];

    if (llama_split_prefix(name, sizeof name, path, 0, parts) > 0 &&
        llama_split_path(out, PATH_MAX, name, part, parts) > 0) {
        return 0;
    }
    return err_set(err, LW_ERR_LOCAL,
                   "the model %s is the first of %d parts, and the others are found only "
                   "where it is called NAME-00001-of-%05d.gguf",
                   path, parts, parts);
}

/* Another part of the model whose first file was read. */
static int add_part(struct gguf_header *h, const char *first, int part,
                    struct gguf_info *out, struct lw_error *err)
{
    char path[PATH_MAX];
    int rc = gguf_part_path(first, part, out->parts, path, err);

    if (rc || (rc = gguf_header_open(h, path, err))) {
        return rc;
    }
    gguf_header_read_part(h, out);
    if (!h->in.bad && (h->part != part || h->parts != out->parts)) {
        gguf_bytes_mark_bad(&h->in, "it is another part than its name says");
    }
    out->file_bytes += h->in.size;
    return gguf_header_close(h, path, err);
}

static struct gguf_header *new_header(struct gguf_places *places)
{
    struct gguf_header *h = mem_alloc(sizeof *h);

    gguf_header_init(h, places);
    return h;
}

int gguf_info_read(const char *path, struct gguf_info *out, struct lw_error *err)
{
    struct gguf_header *h = new_header(NULL);
    struct gguf_info info = { .layers = 0 };
    int rc = add_first(h, path, &info, err);

    for (int part = 1; rc == 0 && part < info.parts; part++) {
        rc = add_part(h, path, part, &info, err);
    }
    if (rc == 0) {
        derive(h, &info);
        *out = info;
    }
    mem_free(h);
    return rc;
}

int gguf_places_read(const char *path, struct gguf_places *out, struct lw_error *err)
{
    struct gguf_header *h = new_header(out);
    struct gguf_info info = { .layers = 0 };
    int rc;

    *out = (struct gguf_places){ .tensors = NULL };
    rc = gguf_header_open(h, path, err);
    if (rc == 0) {
        gguf_header_read_part(h, &info);
        out->parts = h->parts > 1 ? h->parts : 1;
        rc = gguf_header_close(h, path, err);
    }
    mem_free(h);
    return rc;
}

bool gguf_is_narrow(const char *tensor, int type)
{
    return type == GGML_TYPE_Q5_0 && strcmp(tensor, "token_embd.weight") != 0;
}

void gguf_places_release(struct gguf_places *places)
{
    mem_free(places->tensors);
    *places = (struct gguf_places){ .tensors = NULL };
}
