/* gguf_info.c - read the header of a GGUF file with distrust.
 *
 *     "GGUF"  version  n_tensors  n_keys          u32 u32 u64 u64
 *     n_keys    x  key  type  value               string u32 ...
 *     n_tensors x  name  n_dims  dims  type  offset   string u32 u64... u32 u64
 *     padding to the alignment, then the tensors' data, each at its offset
 *     string: u64 length, then bytes; array: u32 type, u64 count, values
 *
 * libllama maps such a file and believes much of it. Here every count and
 * length is compared with what is left of the file before it is used, so a
 * hostile header can waste neither memory nor time, and a file that was cut
 * short is found before gigabytes are read. Nothing is kept but a few numbers
 * and two short strings.
 *
 * A model may lie in several files, NAME-00001-of-00003.gguf and so on, of which libllama
 * is given the first. That one has the keys; each has tensors of its own. */
#include "engine/gguf_info.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <ggml.h>
#include <llama.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

enum value_type {
    VALUE_U8,
    VALUE_I8,
    VALUE_U16,
    VALUE_I16,
    VALUE_U32,
    VALUE_I32,
    VALUE_F32,
    VALUE_BOOL,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_U64,
    VALUE_I64,
    VALUE_F64,
    VALUE_TYPES
};

static const unsigned char value_bytes[VALUE_TYPES] = {
    [VALUE_U8] = 1,  [VALUE_I8] = 1,  [VALUE_U16] = 2, [VALUE_I16] = 2,
    [VALUE_U32] = 4, [VALUE_I32] = 4, [VALUE_F32] = 4, [VALUE_BOOL] = 1,
    [VALUE_U64] = 8, [VALUE_I64] = 8, [VALUE_F64] = 8,
};

/* The file and where we are. Once `bad` is set (what is wrong, as the end of a
 * sentence) every read gives zeros, so callers check when it matters. */
struct header {
    FILE *file;
    uint64_t pos, size;
    const char *bad;
    uint64_t n_tensors, n_keys, alignment;
    int64_t file_type;     /* general.file_type; -1: not said */
    uint64_t heads_kv_sum; /* over layers, where it is given for each */
    int layers_kv;         /* of these, how many have any */
    /* Of layers with a state (Mamba and its kind; RWKV; short convolutions). */
    int ssm_kernel, ssm_inner, ssm_state, ssm_groups, wkv_head, short_kernel;
    int experts, experts_used, expert_groups, expert_groups_used;
    int rope;        /* numbers of a head that are turned; -1: not said */
    int part, parts; /* of a model in several files: this one's number, from 0 */
    uint64_t type_bytes[GGML_TYPE_COUNT];
    uint64_t data_end;          /* of the tensor that ends last, from the data's start */
    struct gguf_places *places; /* NULL: not wanted */
};

/* --- Bytes ---------------------------------------------------------------- */

static void mark_bad(struct header *h, const char *what)
{
    if (!h->bad) {
        h->bad = what;
    }
}

static uint64_t bytes_left(const struct header *h)
{
    return h->bad ? 0 : h->size - h->pos;
}

static bool need(struct header *h, uint64_t count, uint64_t bytes_each)
{
    if (h->bad || count > bytes_left(h) / bytes_each) {
        mark_bad(h, "its header is damaged or cut short");
        return false;
    }
    return true;
}

static void read_bytes(struct header *h, void *out, size_t n)
{
    memset(out, 0, n);
    if (!need(h, n, 1)) {
        return;
    }
    if (fread(out, 1, n, h->file) != n) {
        memset(out, 0, n);
        mark_bad(h, "it cannot be read to its end");
        return;
    }
    h->pos += n;
}

static void skip_bytes(struct header *h, uint64_t n)
{
    char waste[4096];

    if (!need(h, n, 1)) {
        return;
    }
    while (n > 0 && !h->bad) {
        size_t piece = n < sizeof waste ? (size_t)n : sizeof waste;
        read_bytes(h, waste, piece);
        n -= piece;
    }
}

static uint64_t read_uint(struct header *h, size_t bytes)
{
    unsigned char raw[8];
    uint64_t value = 0;

    read_bytes(h, raw, bytes);
    for (size_t i = bytes; i > 0; i--) {
        value = value << 8 | raw[i - 1];
    }
    return value;
}

/* The string at the current place; what does not fit into out is passed over. */
static void read_string(struct header *h, char *out, size_t out_bytes)
{
    uint64_t len = read_uint(h, 8);

    out[0] = '\0';
    if (!need(h, len, 1)) {
        return;
    }
    size_t take = len < out_bytes ? (size_t)len : out_bytes - 1;
    read_bytes(h, out, take);
    out[take] = '\0';
    skip_bytes(h, len - take);
}

static void skip_string(struct header *h)
{
    skip_bytes(h, read_uint(h, 8));
}

/* --- Keys ----------------------------------------------------------------- */

static bool is_integer(uint32_t type)
{
    return type < VALUE_TYPES && type != VALUE_STRING && type != VALUE_ARRAY &&
           type != VALUE_F32 && type != VALUE_F64 && type != VALUE_BOOL;
}

static void skip_array(struct header *h)
{
    uint32_t type = (uint32_t)read_uint(h, 4);
    uint64_t count = read_uint(h, 8);

    if (type == VALUE_STRING && need(h, count, 8)) {
        for (uint64_t i = 0; i < count && !h->bad; i++) {
            skip_string(h);
        }
    } else if (type < VALUE_TYPES && value_bytes[type] > 0) {
        if (need(h, count, value_bytes[type])) {
            skip_bytes(h, count * value_bytes[type]);
        }
    } else {
        mark_bad(h, "its header is damaged (an array of an unknown type)");
    }
}

static void skip_value(struct header *h, uint32_t type)
{
    if (type == VALUE_STRING) {
        skip_string(h);
    } else if (type == VALUE_ARRAY) {
        skip_array(h);
    } else if (type < VALUE_TYPES) {
        skip_bytes(h, value_bytes[type]);
    } else {
        mark_bad(h, "its header is damaged (a value of an unknown type)");
    }
}

/* An integer of any width; 0 and passed over if the value is something else. */
static uint64_t read_number(struct header *h, uint32_t type)
{
    if (!is_integer(type)) {
        skip_value(h, type);
        return 0;
    }
    return read_uint(h, value_bytes[type]);
}

static const char no_such_size[] =
    "its header is damaged (it claims a size no model has)";

static int bounded(struct header *h, uint64_t value, int max)
{
    if (value > (uint64_t)max) {
        mark_bad(h, no_such_size);
        return 0;
    }
    return (int)value;
}

/* The beginning of an array of whole numbers, one a layer. Returns how many; *of is the
 * type of one. */
static uint64_t read_layers(struct header *h, uint32_t *of)
{
    *of = (uint32_t)read_uint(h, 4);
    uint64_t count = read_uint(h, 8);

    if (!is_integer(*of) || count > LAYERS_MAX) {
        mark_bad(h, "its header is damaged (numbers of its layers)");
        return 0;
    }
    return count;
}

/* How many experts a layer asks: one number, or one a layer, of which the largest. */
static void read_experts_used(struct header *h, uint32_t type)
{
    uint32_t of;

    if (type != VALUE_ARRAY) {
        h->experts_used = bounded(h, read_number(h, type), EXPERTS_MAX);
        return;
    }
    for (uint64_t n = read_layers(h, &of); n > 0 && !h->bad; n--) {
        int used = bounded(h, read_uint(h, value_bytes[of]), EXPERTS_MAX);
        h->experts_used = used > h->experts_used ? used : h->experts_used;
    }
}

/* ggml ends the process over one that is negative or no number. */
static void read_epsilon(struct header *h, uint32_t type)
{
    float epsilon;

    if (type != VALUE_F32) {
        skip_value(h, type);
        return;
    }
    uint32_t bits = (uint32_t)read_uint(h, sizeof epsilon);
    memcpy(&epsilon, &bits, sizeof epsilon);
    if (!isfinite(epsilon) || epsilon < 0) {
        mark_bad(h, "its header is damaged (the epsilon of its norms)");
    }
}

/* Heads of keys and values: one number, or one a layer. */
static void read_heads_kv(struct header *h, uint32_t type, struct gguf_info *out)
{
    uint32_t of;

    if (type != VALUE_ARRAY) {
        out->heads_kv = bounded(h, read_number(h, type), WIDTH_MAX);
        return;
    }
    for (uint64_t n = read_layers(h, &of); n > 0 && !h->bad; n--) {
        int heads = bounded(h, read_uint(h, value_bytes[of]), WIDTH_MAX);
        h->heads_kv_sum += (uint64_t)heads;
        h->layers_kv += heads > 0;
        out->heads_kv = heads > out->heads_kv ? heads : out->heads_kv;
    }
}

/* FNV-1a of the string at the current place, which is passed over; never 0.
 * Only up to a NUL byte, as libllama reads it. */
static uint64_t hash_string(struct header *h)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), len = read_uint(h, 8);
    unsigned char bytes[256];
    bool ended = false;

    need(h, len, 1);
    while (len > 0 && !h->bad) {
        size_t n = len < sizeof bytes ? (size_t)len : sizeof bytes;
        read_bytes(h, bytes, n);
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
static void read_tokens(struct header *h, size_t n)
{
    size_t n_slots = 64;

    while (n_slots < 2 * n) {
        n_slots *= 2;
    }
    uint64_t *seen = mem_array(n_slots, sizeof *seen);
    for (size_t i = 0; i < n && !h->bad; i++) {
        uint64_t hash = hash_string(h);
        size_t at = (size_t)(hash >> 20) & (n_slots - 1);
        while (seen[at] != 0 && seen[at] != hash) {
            at = (at + 1) & (n_slots - 1);
        }
        if (seen[at] == hash) {
            mark_bad(h, "it is damaged (a token comes twice in its vocabulary)");
        }
        seen[at] = hash;
    }
    mem_free(seen);
}

static void read_vocabulary(struct header *h, uint32_t type, struct gguf_info *out)
{
    if (type != VALUE_ARRAY) {
        skip_value(h, type);
        return;
    }
    uint32_t of = (uint32_t)read_uint(h, 4);
    uint64_t count = read_uint(h, 8);
    if (of != VALUE_STRING || !need(h, count, 8)) {
        mark_bad(h, "its header is damaged (its vocabulary)");
        return;
    }
    out->vocabulary = bounded(h, count, VOCABULARY_MAX);
    read_tokens(h, (size_t)out->vocabulary);
}

static void read_text(struct header *h, uint32_t type, char *out, size_t out_bytes)
{
    if (type == VALUE_STRING) {
        read_string(h, out, out_bytes);
    } else {
        skip_value(h, type);
    }
}

/* A model that says that it has none of these is none. */
static void check_least(struct header *h, const char *key, int value)
{
    if (value == 0 &&
        (strcmp(key, "block_count") == 0 || strcmp(key, "ssm.inner_size") == 0)) {
        mark_bad(h, no_such_size);
    }
}

/* Keys of the architecture are called "qwen2.block_count"; key is what follows
 * the first dot. */
static void read_model_key(struct header *h, const char *key, uint32_t type,
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
            *numbers[i].value = bounded(h, read_number(h, type), numbers[i].max);
            check_least(h, key, *numbers[i].value);
            return;
        }
    }
    skip_value(h, type);
}

/* Into out, and back to the first key. Most files say it first; those whose keys are in
 * the order of the alphabet may have all that it is a part of in front of it. */
static void find_architecture(struct header *h, struct gguf_info *out)
{
    uint64_t start = h->pos;
    bool found = false;

    for (uint64_t i = 0; i < h->n_keys && !found && !h->bad; i++) {
        char key[KEY_BYTES_MAX];
        read_string(h, key, sizeof key);
        uint32_t type = (uint32_t)read_uint(h, 4);
        found = strcmp(key, "general.architecture") == 0;
        if (found) {
            read_text(h, type, out->architecture, sizeof out->architecture);
        } else {
            skip_value(h, type);
        }
    }
    if (fseeko(h->file, (off_t)start, SEEK_SET) != 0) {
        mark_bad(h, "it cannot be read twice");
    }
    h->pos = start;
}

static void read_key(struct header *h, struct gguf_info *out)
{
    char key[KEY_BYTES_MAX];

    read_string(h, key, sizeof key);
    uint32_t type = (uint32_t)read_uint(h, 4);
    size_t arch_len = strlen(out->architecture);
    if (strcmp(key, "general.type") == 0) {
        read_text(h, type, out->type, sizeof out->type);
    } else if (strcmp(key, "general.name") == 0) {
        read_text(h, type, out->name, sizeof out->name);
    } else if (strcmp(key, "general.file_type") == 0) {
        h->file_type = (int64_t)(read_number(h, type) & 0xffff);
    } else if (strcmp(key, "general.alignment") == 0) {
        h->alignment = read_number(h, type);
    } else if (strcmp(key, "split.no") == 0) {
        h->part = bounded(h, read_number(h, type), PARTS_MAX);
    } else if (strcmp(key, "split.count") == 0) {
        h->parts = bounded(h, read_number(h, type), PARTS_MAX);
    } else if (strcmp(key, "tokenizer.ggml.tokens") == 0) {
        read_vocabulary(h, type, out);
    } else if (arch_len > 0 && strncmp(key, out->architecture, arch_len) == 0 &&
               key[arch_len] == '.') {
        read_model_key(h, key + arch_len + 1, type, out);
    } else {
        skip_value(h, type);
    }
}

/* --- Tensors -------------------------------------------------------------- */

/* Bytes of a tensor, 0 and marked bad if its shape or type cannot be. */
static uint64_t tensor_bytes(struct header *h, const uint64_t *dims, uint32_t n_dims,
                             uint32_t type)
{
    if (type >= GGML_TYPE_COUNT || ggml_type_size((enum ggml_type)type) == 0) {
        mark_bad(h, "its header is damaged (a tensor of an unknown type)");
        return 0;
    }
    uint64_t block = (uint64_t)ggml_blck_size((enum ggml_type)type);
    uint64_t bytes = dims[0] / block;
    if (dims[0] % block != 0) {
        mark_bad(h, "its header is damaged (a tensor of broken rows)");
        return 0;
    }
    /* No tensor is longer than the file, so the product never overflows. */
    for (uint32_t i = 1; i <= n_dims; i++) {
        uint64_t factor = i < n_dims ? dims[i] : ggml_type_size((enum ggml_type)type);
        if (factor != 0 && bytes > h->size / factor) {
            mark_bad(h, "it is cut short or damaged (a tensor is longer than the file)");
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

bool gguf_is_narrow(const char *tensor, int type)
{
    return type == GGML_TYPE_Q5_0 && strcmp(tensor, "token_embd.weight") != 0;
}

static void read_tensor(struct header *h, struct gguf_info *out)
{
    uint64_t dims[DIMS_MAX] = { 0 };
    char name[KEY_BYTES_MAX];

    read_string(h, name, sizeof name);
    uint32_t n_dims = (uint32_t)read_uint(h, 4);
    if (n_dims < 1 || n_dims > DIMS_MAX) {
        mark_bad(h, "its header is damaged (the shape of a tensor)");
        return;
    }
    for (uint32_t i = 0; i < n_dims; i++) {
        dims[i] = read_uint(h, 8);
    }
    uint32_t type = (uint32_t)read_uint(h, 4);
    uint64_t offset = read_uint(h, 8);
    uint64_t bytes = tensor_bytes(h, dims, n_dims, type);
    if (h->bad) {
        return;
    }
    if (offset > h->size || bytes > h->size - offset) {
        mark_bad(h, "it is cut short: tensors are missing at its end");
        return;
    }
    out->tensor_bytes += bytes;
    out->narrow_bytes += gguf_is_narrow(name, (int)type) ? bytes : 0;
    h->type_bytes[type] += bytes;
    h->data_end = offset + bytes > h->data_end ? offset + bytes : h->data_end;
    if (h->places) {
        add_place(h->places, offset, bytes);
    }
}

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

static void check_rope(struct header *h, const struct gguf_info *info)
{
    int head = info->heads > 0 ? info->embedding / info->heads : 0;

    head = info->key_length > 0 ? info->key_length : head;
    if (h->rope < 0 || head == 0) {
        return;
    }
    bool fits = h->rope % 2 == 0 && h->rope <= head;
    if (!fits || (turns_whole_heads(info->architecture) && h->rope != head)) {
        mark_bad(h, "its header is damaged (the part of a head that is turned)");
    }
}

/* Some models say one expert where there are none; libllama knows which. */
static void check_experts(struct header *h, const char *architecture)
{
    int groups = h->expert_groups, groups_used = h->expert_groups_used;
    int alone = strncmp(architecture, "hunyuan", 7) == 0 ? 1 : 0;
    bool none = h->experts <= alone && h->experts_used == 0 && groups == 0;
    bool some = h->experts > 0 && h->experts_used > 0 && h->experts_used <= h->experts &&
                groups < h->experts;
    bool grouped =
        groups > 1 && (h->experts % groups || groups_used < 1 || groups_used >= groups);

    if (!none && (!some || grouped)) {
        mark_bad(h, "its header is damaged (the number of its experts)");
    }
}

static void check_end(struct header *h)
{
    uint64_t align = h->alignment;

    if (align == 0 || align > ALIGNMENT_MAX || (align & (align - 1)) != 0) {
        mark_bad(h, "its header is damaged (its alignment)");
        return;
    }
    uint64_t start = (h->pos + align - 1) / align * align;
    if (start > h->size || h->data_end > h->size - start) {
        mark_bad(h, "it is cut short: tensors are missing at its end");
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

static void read_start(struct header *h)
{
    char magic[4];

    read_bytes(h, magic, sizeof magic);
    if (h->bad || memcmp(magic, "GGUF", sizeof magic) != 0) {
        h->bad = "it is not a GGUF file";
        return;
    }
    uint32_t version = (uint32_t)read_uint(h, 4);
    if (!h->bad && (version < VERSION_MIN || version > VERSION_MAX)) {
        mark_bad(h, "its GGUF version is not 2 or 3 (convert it again)");
    }
    h->n_tensors = read_uint(h, 8);
    h->n_keys = read_uint(h, 8);
    need(h, h->n_keys, KEY_BYTES_MIN);
    need(h, h->n_tensors, TENSOR_BYTES_MIN);
}

static void read_keys(struct header *h, struct gguf_info *out)
{
    for (uint64_t i = 0; i < h->n_keys && !h->bad; i++) {
        read_key(h, out);
    }
}

/* The first of several files may hold none. */
static void read_tensors(struct header *h, struct gguf_info *out)
{
    if (!h->bad && h->n_tensors == 0 && h->parts < 2) {
        mark_bad(h, "it holds no tensors (a vocabulary alone is no model)");
    }
    for (uint64_t i = 0; i < h->n_tensors && !h->bad; i++) {
        read_tensor(h, out);
    }
    if (!h->bad) {
        check_end(h);
    }
}

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

static void name_quantisation(const struct header *h, struct gguf_info *out)
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
static uint64_t state_numbers(const struct header *h, const struct gguf_info *out)
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

static void derive(const struct header *h, struct gguf_info *out)
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

/* The only file, or the first. */
static void read_first(struct header *h, struct gguf_info *out)
{
    read_start(h);
    find_architecture(h, out);
    read_keys(h, out);
    if (!h->bad && h->part > 0) {
        mark_bad(h, "name the first");
    }
    read_tensors(h, out);
    if (!h->bad) {
        check_rope(h, out);
        check_experts(h, out->architecture);
    }
    if (!h->bad && out->architecture[0] == '\0') {
        mark_bad(h, "it does not say which architecture it is of");
    }
}

/* The tensors of any file; what is said of the model stands in the first. */
static void read_part(struct header *h, struct gguf_info *out)
{
    struct gguf_info said = { .layers = 0 };

    read_start(h);
    read_keys(h, &said);
    read_tensors(h, out);
}

static int open_file(struct header *h, const char *path, struct lw_error *err)
{
    struct stat st;
    FILE *file = fopen(path, "rb");

    if (!file || fstat(fileno(file), &st) != 0) {
        int code = errno;
        if (file) {
            fclose(file);
        }
        return err_set(err, LW_ERR_LOCAL, "cannot open the model %s: %s", path,
                       strerror(code));
    }
    if (!S_ISREG(st.st_mode)) {
        fclose(file);
        return err_set(err, LW_ERR_LOCAL, "the model %s is not a file", path);
    }
    h->file = file;
    h->size = (uint64_t)st.st_size;
    h->alignment = 32;
    h->pos = h->data_end = 0;
    h->part = h->parts = 0;
    return 0;
}

static int close_file(struct header *h, const char *path, struct lw_error *err)
{
    char part[64] = "";

    fclose(h->file);
    if (!h->bad) {
        return 0;
    }
    if (h->parts > 1) {
        snprintf(part, sizeof part, "part %d of %d: ", h->part + 1, h->parts);
    }
    return err_set(err, LW_ERR_LOCAL, "the model %s cannot be used: %s%s", path, part,
                   h->bad);
}

static int add_file(struct header *h, const char *path, struct gguf_info *out,
                    struct lw_error *err)
{
    int rc = open_file(h, path, err);

    if (rc) {
        return rc;
    }
    read_first(h, out);
    out->file_bytes = h->size;
    out->parts = h->parts > 1 ? h->parts : 1;
    return close_file(h, path, err);
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
static int add_part(struct header *h, const char *first, int part, struct gguf_info *out,
                    struct lw_error *err)
{
    char path[PATH_MAX];
    int rc = gguf_part_path(first, part, out->parts, path, err);

    if (rc || (rc = open_file(h, path, err))) {
        return rc;
    }
    read_part(h, out);
    if (!h->bad && (h->part != part || h->parts != out->parts)) {
        mark_bad(h, "it is another part than its name says");
    }
    out->file_bytes += h->size;
    return close_file(h, path, err);
}

static struct header *new_header(struct gguf_places *places)
{
    struct header *h = mem_alloc(sizeof *h);

    *h = (struct header){ .file_type = -1, .rope = -1, .places = places };
    return h;
}

int gguf_info_read(const char *path, struct gguf_info *out, struct lw_error *err)
{
    struct header *h = new_header(NULL);
    struct gguf_info info = { .layers = 0 };
    int rc = add_file(h, path, &info, err);

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
    struct header *h = new_header(out);
    struct gguf_info info = { .layers = 0 };
    int rc;

    *out = (struct gguf_places){ .tensors = NULL };
    rc = open_file(h, path, err);
    if (rc == 0) {
        read_part(h, &info);
        out->parts = h->parts > 1 ? h->parts : 1;
        rc = close_file(h, path, err);
    }
    mem_free(h);
    return rc;
}

void gguf_places_release(struct gguf_places *places)
{
    mem_free(places->tensors);
    *places = (struct gguf_places){ .tensors = NULL };
}
