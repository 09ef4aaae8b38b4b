/* gguf_header.c - read the header of a GGUF file with distrust.
 *
 *     "GGUF"  version  n_tensors  n_keys          u32 u32 u64 u64
 *     n_keys    x  key  type  value               string u32 ...
 *     n_tensors x  name  n_dims  dims  type  offset   string u32 u64... u32 u64
 *     padding to the alignment, then the tensors' data, each at its offset
 *
 * libllama maps such a file and believes much of it. Here every count and
 * length is compared with what is left of the file before it is used
 * (gguf_bytes.h), so a hostile header can waste neither memory nor time, and a file that
 * was cut short is found before gigabytes are read. Nothing is kept but a few numbers
 * and two short strings. */
#include "engine/gguf_header.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
    KEY_BYTES_MAX = 128, /* of a key that we care for */
    LAYERS_MAX = 512,    /* as many as libllama has room for */
    EXPERTS_MAX = 1024,
    PARTS_MAX = 1024,
    KERNEL_MAX = 4096,
    WIDTH_MAX = 1 << 20, /* heads, head length, embedding */
    CONTEXT_MAX = 1 << 28,
    VOCABULARY_MAX = 1 << 22,
    ALIGNMENT_MAX = 1 << 20,
    DIMS_MAX = 4,
    /* The fewest bytes that one key or one tensor can take. */
    KEY_BYTES_MIN = 8 + 4 + 1,
    TENSOR_BYTES_MIN = 8 + 4 + 4 + 8,
    VERSION_MIN = 2,
    VERSION_MAX = 3
};

/* --- Keys ----------------------------------------------------------------- */

static const char no_such_size[] =
    "its header is damaged (it claims a size no model has)";

static int bounded(struct gguf_header *h, uint64_t value, int max)
{
    if (value > (uint64_t)max) {
        gguf_bytes_mark_bad(&h->in, no_such_size);
        return 0;
    }
    return (int)value;
}

/* The beginning of an array of whole numbers, one a layer. Returns how many; *of is the
 * type of one. */
static uint64_t read_layers(struct gguf_header *h, uint32_t *of)
{
    *of = (uint32_t)gguf_bytes_uint(&h->in, 4);
    uint64_t count = gguf_bytes_uint(&h->in, 8);

    if (!gguf_value_is_integer(*of) || count > LAYERS_MAX) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (numbers of its layers)");
        return 0;
    }
    return count;
}

/* How many experts a layer asks: one number, or one a layer, of which the largest. */
static void read_experts_used(struct gguf_header *h, uint32_t type)
{
    uint32_t of;

    if (type != GGUF_VALUE_ARRAY) {
        h->experts_used = bounded(h, gguf_bytes_number(&h->in, type), EXPERTS_MAX);
        return;
    }
    for (uint64_t n = read_layers(h, &of); n > 0 && !h->in.bad; n--) {
        int used = bounded(h, gguf_bytes_number(&h->in, of), EXPERTS_MAX);
        h->experts_used = used > h->experts_used ? used : h->experts_used;
    }
}

/* ggml ends the process over one that is negative or no number. */
static void read_epsilon(struct gguf_header *h, uint32_t type)
{
    float epsilon;

    if (type != GGUF_VALUE_F32) {
        gguf_bytes_skip_value(&h->in, type);
        return;
    }
    uint32_t bits = (uint32_t)gguf_bytes_uint(&h->in, sizeof epsilon);
    memcpy(&epsilon, &bits, sizeof epsilon);
    if (!isfinite(epsilon) || epsilon < 0) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (the epsilon of its norms)");
    }
}

/* Heads of keys and values: one number, or one a layer. */
static void read_heads_kv(struct gguf_header *h, uint32_t type, struct gguf_info *out)
{
    uint32_t of;

    if (type != GGUF_VALUE_ARRAY) {
        out->heads_kv = bounded(h, gguf_bytes_number(&h->in, type), WIDTH_MAX);
        return;
    }
    for (uint64_t n = read_layers(h, &of); n > 0 && !h->in.bad; n--) {
        int heads = bounded(h, gguf_bytes_number(&h->in, of), WIDTH_MAX);
        h->heads_kv_sum += (uint64_t)heads;
        h->layers_kv += heads > 0;
        out->heads_kv = heads > out->heads_kv ? heads : out->heads_kv;
    }
}

/* FNV-1a of the string at the current place, which is passed over; never 0.
 * Only up to a NUL byte, as libllama reads it. */
static uint64_t hash_string(struct gguf_header *h)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), len = gguf_bytes_uint(&h->in, 8);
    unsigned char bytes[256];
    bool ended = false;

    gguf_bytes_need(&h->in, len, 1);
    while (len > 0 && !h->in.bad) {
        size_t n = len < sizeof bytes ? (size_t)len : sizeof bytes;
        gguf_bytes_read(&h->in, bytes, n);
        for (size_t i = 0; i < n && !ended; i++) {
            ended = bytes[i] == 0;
            hash = ended ? hash : (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
        }
        len -= n;
    }
    return hash | 1;
}

/* libllama ends the process over a token that comes twice, so it is looked for
 * here: a table of hashes, at most half full. */
static void read_tokens(struct gguf_header *h, size_t n)
{
    size_t n_slots = 64;

    while (n_slots < 2 * n) {
        n_slots *= 2;
    }
    uint64_t *seen = mem_array(n_slots, sizeof *seen);
    for (size_t i = 0; i < n && !h->in.bad; i++) {
        uint64_t hash = hash_string(h);
        size_t at = (size_t)(hash >> 20) & (n_slots - 1);
        while (seen[at] != 0 && seen[at] != hash) {
            at = (at + 1) & (n_slots - 1);
        }
        if (seen[at] == hash) {
            gguf_bytes_mark_bad(&h->in,
                                "it is damaged (a token comes twice in its vocabulary)");
        }
        seen[at] = hash;
    }
    mem_free(seen);
}

static void read_vocabulary(struct gguf_header *h, uint32_t type, struct gguf_info *out)
{
    if (type != GGUF_VALUE_ARRAY) {
        gguf_bytes_skip_value(&h->in, type);
        return;
    }
    uint32_t of = (uint32_t)gguf_bytes_uint(&h->in, 4);
    uint64_t count = gguf_bytes_uint(&h->in, 8);
    if (of != GGUF_VALUE_STRING || !gguf_bytes_need(&h->in, count, 8)) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (its vocabulary)");
        return;
    }
    out->vocabulary = bounded(h, count, VOCABULARY_MAX);
    read_tokens(h, (size_t)out->vocabulary);
}

static void read_text(struct gguf_header *h, uint32_t type, char *out, size_t out_bytes)
{
    if (type == GGUF_VALUE_STRING) {
        gguf_bytes_string(&h->in, out, out_bytes);
    } else {
        gguf_bytes_skip_value(&h->in, type);
    }
}

/* A model that says that it has none of these is none. */
static void check_least(struct gguf_header *h, const char *key, int value)
{
    if (value == 0 &&
        (strcmp(key, "block_count") == 0 || strcmp(key, "ssm.inner_size") == 0)) {
        gguf_bytes_mark_bad(&h->in, no_such_size);
    }
}

/* Keys of the architecture are called "qwen2.block_count"; key is what follows
 * the first dot. */
static void read_model_key(struct gguf_header *h, const char *key, uint32_t type,
                           struct gguf_info *out)
{
    const struct {
        const char *key;
        int *value;
        int max;
    } numbers[] = {
        { "context_length", &out->context, CONTEXT_MAX },
        { "block_count", &out->layers, LAYERS_MAX },
        { "embedding_length", &out->embedding, WIDTH_MAX },
        { "attention.head_count", &out->heads, WIDTH_MAX },
        { "attention.key_length", &out->key_length, WIDTH_MAX },
        { "attention.value_length", &out->value_length, WIDTH_MAX },
        { "ssm.conv_kernel", &h->ssm_kernel, KERNEL_MAX },
        { "ssm.inner_size", &h->ssm_inner, WIDTH_MAX },
        { "ssm.state_size", &h->ssm_state, WIDTH_MAX },
        { "ssm.group_count", &h->ssm_groups, KERNEL_MAX },
        { "wkv.head_size", &h->wkv_head, WIDTH_MAX },
        { "shortconv.l_cache", &h->short_kernel, KERNEL_MAX },
        { "rope.dimension_count", &h->rope, WIDTH_MAX },
        { "expert_count", &h->experts, EXPERTS_MAX },
        { "expert_group_count", &h->expert_groups, EXPERTS_MAX },
        { "expert_group_used_count", &h->expert_groups_used, EXPERTS_MAX },
    };

    if (strcmp(key, "attention.head_count_kv") == 0) {
        read_heads_kv(h, type, out);
        return;
    }
    if (strcmp(key, "expert_used_count") == 0) {
        read_experts_used(h, type);
        return;
    }
    if (strcmp(key, "attention.layer_norm_rms_epsilon") == 0 ||
        strcmp(key, "attention.layer_norm_epsilon") == 0) {
        read_epsilon(h, type);
        return;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(key, numbers[i].key) == 0) {
            *numbers[i].value =
                bounded(h, gguf_bytes_number(&h->in, type), numbers[i].max);
            check_least(h, key, *numbers[i].value);
            return;
        }
    }
    gguf_bytes_skip_value(&h->in, type);
}

/* Into out, and back to the first key. Most files say it first; those whose keys are in
 * the order of the alphabet may have all that it is a part of in front of it. */
static void find_architecture(struct gguf_header *h, struct gguf_info *out)
{
    uint64_t start = h->in.pos;
    bool found = false;

    for (uint64_t i = 0; i < h->n_keys && !found && !h->in.bad; i++) {
        char key[KEY_BYTES_MAX];
        gguf_bytes_string(&h->in, key, sizeof key);
        uint32_t type = (uint32_t)gguf_bytes_uint(&h->in, 4);
        found = strcmp(key, "general.architecture") == 0;
        if (found) {
            read_text(h, type, out->architecture, sizeof out->architecture);
        } else {
            gguf_bytes_skip_value(&h->in, type);
        }
    }
    gguf_bytes_go_to(&h->in, start);
}

static void read_key(struct gguf_header *h, struct gguf_info *out)
{
    char key[KEY_BYTES_MAX];

    gguf_bytes_string(&h->in, key, sizeof key);
    uint32_t type = (uint32_t)gguf_bytes_uint(&h->in, 4);
    size_t arch_len = strlen(out->architecture);
    if (strcmp(key, "general.type") == 0) {
        read_text(h, type, out->type, sizeof out->type);
    } else if (strcmp(key, "general.name") == 0) {
        read_text(h, type, out->name, sizeof out->name);
    } else if (strcmp(key, "general.file_type") == 0) {
        h->file_type = (int64_t)(gguf_bytes_number(&h->in, type) & 0xffff);
    } else if (strcmp(key, "general.alignment") == 0) {
        h->alignment = gguf_bytes_number(&h->in, type);
    } else if (strcmp(key, "split.no") == 0) {
        h->part = bounded(h, gguf_bytes_number(&h->in, type), PARTS_MAX);
    } else if (strcmp(key, "split.count") == 0) {
        h->parts = bounded(h, gguf_bytes_number(&h->in, type), PARTS_MAX);
    } else if (strcmp(key, "tokenizer.ggml.tokens") == 0) {
        read_vocabulary(h, type, out);
    } else if (arch_len > 0 && strncmp(key, out->architecture, arch_len) == 0 &&
               key[arch_len] == '.') {
        read_model_key(h, key + arch_len + 1, type, out);
    } else {
        gguf_bytes_skip_value(&h->in, type);
    }
}

/* --- Tensors -------------------------------------------------------------- */

/* Bytes of a tensor, 0 and marked bad if its shape or type cannot be. */
static uint64_t tensor_bytes(struct gguf_header *h, const uint64_t *dims, uint32_t n_dims,
                             uint32_t type)
{
    if (type >= GGML_TYPE_COUNT || ggml_type_size((enum ggml_type)type) == 0) {
        gguf_bytes_mark_bad(&h->in,
                            "its header is damaged (a tensor of an unknown type)");
        return 0;
    }
    uint64_t block = (uint64_t)ggml_blck_size((enum ggml_type)type);
    uint64_t bytes = dims[0] / block;
    if (dims[0] % block != 0) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (a tensor of broken rows)");
        return 0;
    }
    /* No tensor is longer than the file, so the product never overflows. */
    for (uint32_t i = 1; i <= n_dims; i++) {
        uint64_t factor = i < n_dims ? dims[i] : ggml_type_size((enum ggml_type)type);
        if (factor != 0 && bytes > h->in.size / factor) {
            gguf_bytes_mark_bad(
                &h->in, "it is cut short or damaged (a tensor is longer than the file)");
            return 0;
        }
        bytes *= factor;
    }
    return bytes;
}

/* From the data's start, which is known when the header is at its end. */
static void add_place(struct gguf_places *places, uint64_t start, uint64_t bytes)
{
    mem_grow((void **)&places->tensors, &places->cap, places->n + 1,
             sizeof *places->tensors);
    places->tensors[places->n++] = (struct gguf_place){ .start = start, .bytes = bytes };
}

static bool is_k_quant(uint32_t type)
{
    return type >= GGML_TYPE_Q2_K && type <= GGML_TYPE_Q6_K;
}

static void read_tensor(struct gguf_header *h, struct gguf_info *out)
{
    uint64_t dims[DIMS_MAX] = { 0 };
    char name[KEY_BYTES_MAX];

    gguf_bytes_string(&h->in, name, sizeof name);
    uint32_t n_dims = (uint32_t)gguf_bytes_uint(&h->in, 4);
    if (n_dims < 1 || n_dims > DIMS_MAX) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (the shape of a tensor)");
        return;
    }
    for (uint32_t i = 0; i < n_dims; i++) {
        dims[i] = gguf_bytes_uint(&h->in, 8);
    }
    uint32_t type = (uint32_t)gguf_bytes_uint(&h->in, 4);
    uint64_t offset = gguf_bytes_uint(&h->in, 8);
    uint64_t bytes = tensor_bytes(h, dims, n_dims, type);
    if (h->in.bad) {
        return;
    }
    if (offset > h->in.size || bytes > h->in.size - offset) {
        gguf_bytes_mark_bad(&h->in, "it is cut short: tensors are missing at its end");
        return;
    }
    out->tensor_bytes += bytes;
    out->narrow_bytes += gguf_is_narrow(name, (int)type) ? bytes : 0;
    out->k_bytes += is_k_quant(type) ? bytes : 0;
    h->type_bytes[type] += bytes;
    h->data_end = offset + bytes > h->data_end ? offset + bytes : h->data_end;
    if (h->places) {
        add_place(h->places, offset, bytes);
    }
}

static void check_end(struct gguf_header *h)
{
    uint64_t align = h->alignment;

    if (align == 0 || align > ALIGNMENT_MAX || (align & (align - 1)) != 0) {
        gguf_bytes_mark_bad(&h->in, "its header is damaged (its alignment)");
        return;
    }
    uint64_t start = (h->in.pos + align - 1) / align * align;
    if (start > h->in.size || h->data_end > h->in.size - start) {
        gguf_bytes_mark_bad(&h->in, "it is cut short: tensors are missing at its end");
        return;
    }
    for (size_t i = 0; h->places && i < h->places->n; i++) {
        h->places->tensors[i].start += start;
    }
    if (h->places) {
        h->places->data_start = start;
    }
}

/* --- The whole ------------------------------------------------------------ */

static void read_start(struct gguf_header *h)
{
    char magic[4];

    gguf_bytes_read(&h->in, magic, sizeof magic);
    if (h->in.bad || memcmp(magic, "GGUF", sizeof magic) != 0) {
        h->in.bad = "it is not a GGUF file";
        return;
    }
    uint32_t version = (uint32_t)gguf_bytes_uint(&h->in, 4);
    if (!h->in.bad && (version < VERSION_MIN || version > VERSION_MAX)) {
        gguf_bytes_mark_bad(&h->in, "its GGUF version is not 2 or 3 (convert it again)");
    }
    h->n_tensors = gguf_bytes_uint(&h->in, 8);
    h->n_keys = gguf_bytes_uint(&h->in, 8);
    gguf_bytes_need(&h->in, h->n_keys, KEY_BYTES_MIN);
    gguf_bytes_need(&h->in, h->n_tensors, TENSOR_BYTES_MIN);
}

static void read_keys(struct gguf_header *h, struct gguf_info *out)
{
    for (uint64_t i = 0; i < h->n_keys && !h->in.bad; i++) {
        read_key(h, out);
    }
}

/* The first of several files may hold none. */
static void read_tensors(struct gguf_header *h, struct gguf_info *out)
{
    if (!h->in.bad && h->n_tensors == 0 && h->parts < 2) {
        gguf_bytes_mark_bad(&h->in,
                            "it holds no tensors (a vocabulary alone is no model)");
    }
    for (uint64_t i = 0; i < h->n_tensors && !h->in.bad; i++) {
        read_tensor(h, out);
    }
    if (!h->in.bad) {
        check_end(h);
    }
}

void gguf_header_read_first(struct gguf_header *h, struct gguf_info *out)
{
    read_start(h);
    find_architecture(h, out);
    read_keys(h, out);
    if (!h->in.bad && h->part > 0) {
        gguf_bytes_mark_bad(&h->in, "name the first");
    }
    read_tensors(h, out);
    if (!h->in.bad && out->architecture[0] == '\0') {
        gguf_bytes_mark_bad(&h->in, "it does not say which architecture it is of");
    }
}

void gguf_header_read_part(struct gguf_header *h, struct gguf_info *out)
{
    struct gguf_info said = { .layers = 0 };

    read_start(h);
    read_keys(h, &said);
    read_tensors(h, out);
}

void gguf_header_init(struct gguf_header *h, struct gguf_places *places)
{
    *h = (struct gguf_header){ .file_type = -1, .rope = -1, .places = places };
}

int gguf_header_open(struct gguf_header *h, const char *path, struct lw_error *err)
{
    h->alignment = 32;
    h->data_end = 0;
    h->part = h->parts = 0;
    return gguf_bytes_open(&h->in, path, err);
}

int gguf_header_close(struct gguf_header *h, const char *path, struct lw_error *err)
{
    char part[64] = "";

    gguf_bytes_close(&h->in);
    if (!h->in.bad) {
        return 0;
    }
    if (h->parts > 1) {
        snprintf(part, sizeof part, "part %d of %d: ", h->part + 1, h->parts);
    }
    return err_set(err, LW_ERR_LOCAL, "the model %s cannot be used: %s%s", path, part,
                   h->in.bad);
}
