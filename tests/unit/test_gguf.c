/* test_gguf.c - the header reader meets good, cut, wrong and hostile files.
 *
 * The files are made here, byte by byte; the library's own writer would never
 * write the bad ones. */
#include "base/mem.h"
#include "documents.h"
#include "engine/gguf_info.h"
#include "gguf_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A whole small model: two tensors of 1,024 and 288 bytes. */
static void put_model(struct gguf_file *f)
{
    gguf_put_start(f, 2, 10);
    gguf_put_text(f, "general.architecture", "llama");
    gguf_put_text(f, "general.name", "a\tmodel");
    gguf_put_u32(f, "general.file_type", 15);
    gguf_put_u32(f, "llama.context_length", 2048);
    gguf_put_u32(f, "llama.block_count", 3);
    gguf_put_u32(f, "llama.embedding_length", 64);
    gguf_put_u32(f, "llama.attention.head_count", 4);
    gguf_put_u32(f, "llama.attention.head_count_kv", 2);
    gguf_put_string(f, "tokenizer.ggml.tokens");
    gguf_put_int(f, ARRAY, 4);
    gguf_put_int(f, STRING, 4);
    gguf_put_int(f, 3, 8);
    gguf_put_string(f, "<s>");
    gguf_put_string(f, "");
    gguf_put_string(f, "word");
    gguf_put_string(f, "tokenizer.ggml.scores");
    gguf_put_int(f, ARRAY, 4);
    gguf_put_int(f, F32, 4);
    gguf_put_int(f, 3, 8);
    gguf_put_zeros(f, 12);
    gguf_put_tensor(f, "token_embd.weight", 4, 64, TYPE_F32, 0);
    gguf_put_tensor(f, "output.weight", 2, 256, TYPE_Q4_K, 1024);
    gguf_put_padding(f, 32);
    gguf_put_zeros(f, 1024 + 288);
}

static int read_back(const struct gguf_file *f, struct gguf_info *info,
                     struct lw_error *err)
{
    char path[] = "/tmp/lw-gguf-XXXXXX";

    gguf_save(f, path);
    int rc = gguf_info_read(path, info, err);
    unlink(path);
    return rc;
}

static void expect_bad_file(const char *path, const char *word)
{
    struct gguf_info info = { .layers = 77 };
    struct lw_error err = { .code = 0 };

    assert_int_equal(gguf_info_read(path, &info, &err), LW_ERR_LOCAL);
    assert_int_equal(err.code, LW_ERR_LOCAL);
    if (!strstr(err.message, word)) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    }
    assert_int_equal(info.layers, 77);
}

static void expect_bad(const struct gguf_file *f, const char *word)
{
    char path[] = "/tmp/lw-gguf-XXXXXX";

    gguf_save(f, path);
    expect_bad_file(path, word);
    unlink(path);
}

static void test_a_whole_model(void **state)
{
    struct gguf_file f;
    struct gguf_info info;
    (void)state;

    put_model(&f);
    assert_int_equal(read_back(&f, &info, NULL), 0);
    assert_string_equal(info.architecture, "llama");
    assert_string_equal(info.name, "a model");
    assert_string_equal(info.quantisation, "Q4_K - Medium");
    assert_int_equal(info.file_bytes, f.len);
    assert_int_equal(info.tensor_bytes, 1024 + 288);
    assert_int_equal(info.k_bytes, 288);
    assert_int_equal(info.context, 2048);
    assert_int_equal(info.layers, 3);
    assert_int_equal(info.heads, 4);
    assert_int_equal(info.heads_kv, 2);
    assert_int_equal(info.vocabulary, 3);
    assert_int_equal(info.key_length, 16);
    /* 3 layers, 2 heads, 16 floats of keys and of values, 2 bytes each */
    assert_int_equal(info.kv_bytes_per_token, 3 * 2 * 32 * 2);
}

/* Who writes keys in the order of the alphabet has those of "gemma3" in front of the one
 * that says that it is one. */
static void test_keys_in_any_order(void **state)
{
    struct gguf_file f;
    struct gguf_info first, last;
    (void)state;

    for (int is_last = 0; is_last < 2; is_last++) {
        gguf_put_start(&f, 1, 6);
        if (!is_last) gguf_put_text(&f, "general.architecture", "gemma3");
        gguf_put_u32(&f, "gemma3.context_length", 2048);
        gguf_put_u32(&f, "gemma3.block_count", 3);
        gguf_put_u32(&f, "gemma3.embedding_length", 64);
        gguf_put_u32(&f, "gemma3.attention.head_count", 4);
        gguf_put_string(&f, "gemma3.attention.head_count_kv");
        gguf_put_int(&f, ARRAY, 4);
        gguf_put_int(&f, U32, 4);
        gguf_put_int(&f, 3, 8);
        for (uint64_t layer = 0; layer < 3; layer++) {
            gguf_put_int(&f, layer, 4);
        }
        if (is_last) gguf_put_text(&f, "general.architecture", "gemma3");
        gguf_put_tensor(&f, "t", 1, 8, TYPE_F32, 0);
        gguf_put_padding(&f, 32);
        gguf_put_zeros(&f, 32);
        assert_int_equal(read_back(&f, is_last ? &last : &first, NULL), 0);
    }
    assert_int_equal(first.kv_bytes_per_token, (1 + 2) * 32 * 2);
    assert_memory_equal(&first, &last, sizeof first);
}

/* --- Several files -------------------------------------------------------- */

static const char *const part_names[] = { "m-00001-of-00002.gguf",
                                          "m-00002-of-00002.gguf" };

struct parts {
    char *folder, paths[2][128];
    struct gguf_file files[2];
};

/* All that is said of the model stands in the first of two. */
static void make_parts(struct parts *p)
{
    static const int tensors[] = { 3, 5 };

    p->folder = documents_folder();
    for (int i = 0; i < 2; i++) {
        struct gguf_file *f = &p->files[i];
        gguf_put_start(f, 1, GGUF_PART_KEYS + (i == 0 ? 3 : 0));
        if (i == 0) {
            gguf_put_text(f, "general.architecture", "x");
            gguf_put_u32(f, "x.block_count", 3);
            gguf_put_u32(f, "x.context_length", 2048);
        }
        gguf_put_part(f, i, 2, 2);
        gguf_put_tensor(f, "t", (uint64_t)tensors[i], 64, TYPE_F32, 0);
        gguf_put_padding(f, 32);
        gguf_put_zeros(f, (size_t)tensors[i] * 64 * 4);
        snprintf(p->paths[i], sizeof p->paths[i], "%s/%s", p->folder, part_names[i]);
        documents_write(p->folder, part_names[i], (char *)f->bytes, f->len);
    }
}

static void test_a_model_in_two_files(void **state)
{
    char other[160];
    struct gguf_info info;
    struct parts p;
    (void)state;

    make_parts(&p);
    assert_int_equal(gguf_info_read(p.paths[0], &info, NULL), 0);
    assert_int_equal(info.tensor_bytes, (3 + 5) * 64 * 4);
    assert_int_equal(info.file_bytes, p.files[0].len + p.files[1].len);
    assert_int_equal(info.layers, 3);
    assert_int_equal(info.parts, 2);
    assert_string_equal(info.quantisation, "f32");
    expect_bad_file(p.paths[1], "part 2 of 2: name the first");

    assert_int_equal(truncate(p.paths[1], (off_t)p.files[1].len - 1), 0);
    expect_bad_file(p.paths[0], "part 2 of 2: it is cut short");
    documents_write(p.folder, part_names[1], (char *)p.files[0].bytes, p.files[0].len);
    expect_bad_file(p.paths[0], "another part");
    unlink(p.paths[1]);
    expect_bad_file(p.paths[0], "00002-of-00002.gguf: No such file");
    snprintf(other, sizeof other, "%s/other.gguf", p.folder);
    assert_int_equal(rename(p.paths[0], other), 0);
    expect_bad_file(other, "NAME-00001-of-00002.gguf");
    documents_remove(p.folder);
}

static void test_heads_of_each_layer(void **state)
{
    struct gguf_file f;
    struct gguf_info info;
    (void)state;

    gguf_put_start(&f, 1, 6);
    gguf_put_text(&f, "general.architecture", "x");
    gguf_put_u32(&f, "x.block_count", 3);
    gguf_put_u32(&f, "x.attention.head_count", 8);
    gguf_put_u32(&f, "x.attention.key_length", 10);
    gguf_put_u32(&f, "x.attention.value_length", 6);
    gguf_put_string(&f, "x.attention.head_count_kv");
    gguf_put_int(&f, ARRAY, 4);
    gguf_put_int(&f, U32, 4);
    gguf_put_int(&f, 3, 8);
    gguf_put_int(&f, 1, 4);
    gguf_put_int(&f, 2, 4);
    gguf_put_int(&f, 4, 4);
    gguf_put_tensor(&f, "t", 1, 8, TYPE_F32, 0);
    gguf_put_padding(&f, 32);
    gguf_put_zeros(&f, 32);
    assert_int_equal(read_back(&f, &info, NULL), 0);
    assert_int_equal(info.heads_kv, 4);
    assert_int_equal(info.kv_bytes_per_token, (1 + 2 + 4) * (10 + 6) * 2);
    assert_string_equal(info.quantisation, "f32");
}

static void test_every_truncation(void **state)
{
    struct gguf_file whole, cut;
    struct gguf_info info;
    struct lw_error err;
    (void)state;

    put_model(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        cut = whole;
        cut.len = len;
        assert_int_equal(read_back(&cut, &info, &err), LW_ERR_LOCAL);
    }
    cut.len = whole.len - 1;
    expect_bad(&cut, "cut short");
    cut.len = 60;
    expect_bad(&cut, "damaged or cut short");
    cut.len = 3;
    expect_bad(&cut, "not a GGUF file");
}

static void test_what_is_no_gguf(void **state)
{
    struct gguf_file f = { .len = 0 };
    struct lw_error err;
    struct gguf_info info;
    (void)state;

    expect_bad(&f, "not a GGUF file");
    gguf_put(&f, "%PDF-1.7 and so on, of some length", 34);
    expect_bad(&f, "not a GGUF file");
    gguf_put_start(&f, 1, 0);
    f.bytes[4] = 1;
    expect_bad(&f, "version");
    gguf_put_start(&f, 0, 0);
    expect_bad(&f, "no tensors");
    assert_int_equal(gguf_info_read("/nowhere/x.gguf", &info, &err), LW_ERR_LOCAL);
    assert_non_null(strstr(err.message, "/nowhere/x.gguf"));
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(gguf_info_read("/tmp", &info, &err), LW_ERR_LOCAL);
}

static void test_hostile_counts(void **state)
{
    static const uint64_t counts[] = { UINT64_MAX, UINT64_MAX / 8 + 1, UINT64_C(1) << 62,
                                       UINT64_C(1) << 32, 5000 };
    struct gguf_file f;
    (void)state;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        gguf_put_start(&f, 1, counts[i]);
        expect_bad(&f, "header");
        gguf_put_start(&f, counts[i], 0);
        expect_bad(&f, "header");
        gguf_put_start(&f, 1, 1);
        gguf_put_int(&f, counts[i], 8); /* the length of a key */
        gguf_put_zeros(&f, 200);
        expect_bad(&f, "header");
        gguf_put_start(&f, 1, 1);
        gguf_put_string(&f, "some.array");
        gguf_put_int(&f, ARRAY, 4);
        gguf_put_int(&f, U64, 4);
        gguf_put_int(&f, counts[i], 8);
        gguf_put_zeros(&f, 200);
        expect_bad(&f, "header");
    }
}

static void test_hostile_tensors(void **state)
{
    struct gguf_file f;
    (void)state;

    for (int kind = 0; kind < 6; kind++) {
        gguf_put_start(&f, 1, 1);
        gguf_put_text(&f, "general.architecture", "x");
        switch (kind) {
        case 0: gguf_put_tensor(&f, "t", UINT64_MAX, 32, TYPE_F32, 0); break;
        case 1:
            gguf_put_tensor(&f, "t", UINT64_C(1) << 40, UINT64_C(1) << 40, TYPE_F32, 0);
            break;
        case 2: gguf_put_tensor(&f, "t", 1, 8, 9999, 0); break;
        case 3: gguf_put_tensor(&f, "t", 1, 8, TYPE_F32, UINT64_MAX - 8); break;
        case 4: gguf_put_tensor(&f, "t", 1, 100, TYPE_Q4_K, 0); break;
        default:
            gguf_put_tensor(&f, "t", 1, 8, 4, 0);
            break; /* a type that was removed */
        }
        gguf_put_padding(&f, 32);
        gguf_put_zeros(&f, 64);
        expect_bad(&f, "cannot be used");
    }
}

static void test_nested_arrays_are_refused(void **state)
{
    struct gguf_file f;
    (void)state;

    gguf_put_start(&f, 1, 1);
    gguf_put_string(&f, "deep");
    gguf_put_int(&f, ARRAY, 4);
    gguf_put_int(&f, ARRAY, 4);
    gguf_put_int(&f, 1, 8);
    gguf_put_zeros(&f, 100);
    expect_bad(&f, "unknown type");
}

static void test_a_token_twice(void **state)
{
    struct gguf_file f;
    (void)state;

    gguf_put_start(&f, 1, 1);
    gguf_put_string(&f, "tokenizer.ggml.tokens");
    gguf_put_int(&f, ARRAY, 4);
    gguf_put_int(&f, STRING, 4);
    gguf_put_int(&f, 3, 8);
    gguf_put_string(&f, "one");
    gguf_put_string(&f, "two");
    gguf_put_string(&f, "one");
    gguf_put_zeros(&f, 100);
    expect_bad(&f, "twice");
}

static void test_sizes_no_model_has(void **state)
{
    struct gguf_file f;
    (void)state;

    gguf_put_start(&f, 1, 2);
    gguf_put_text(&f, "general.architecture", "x");
    gguf_put_u32(&f, "x.block_count", UINT32_MAX);
    gguf_put_zeros(&f, 100);
    expect_bad(&f, "a size no model has");
    gguf_put_start(&f, 1, 2);
    gguf_put_u32(&f, "x.block_count", 0);
    gguf_put_text(&f, "general.architecture", "x");
    gguf_put_zeros(&f, 100);
    expect_bad(&f, "a size no model has");
}

static void put_f32(struct gguf_file *f, const char *key, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    gguf_put_string(f, key);
    gguf_put_int(f, F32, 4);
    gguf_put_int(f, bits, 4);
}

/* A model of heads of 16 numbers with this and that said of it. */
static void put_with(struct gguf_file *f, const char *const *keys, const uint32_t *values,
                     size_t n)
{
    gguf_put_start(f, 1, 4 + n);
    gguf_put_text(f, "general.architecture", "qwen2");
    gguf_put_u32(f, "qwen2.embedding_length", 64);
    gguf_put_u32(f, "qwen2.attention.head_count", 4);
    put_f32(f, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
    for (size_t i = 0; i < n; i++) {
        gguf_put_u32(f, keys[i], values[i]);
    }
    gguf_put_tensor(f, "t", 1, 8, TYPE_F32, 0);
    gguf_put_padding(f, 32);
    gguf_put_zeros(f, 32);
}

/* libllama ends the process over each of these. */
static void test_numbers_that_end_the_process(void **state)
{
    static const struct {
        const char *keys[4];
        uint32_t values[4];
        bool is_good;
    } cases[] = {
        { { "qwen2.block_count" }, { 0 }, false },
        { { "qwen2.block_count" }, { 513 }, false },
        { { "qwen2.ssm.inner_size" }, { 0 }, false },
        { { "qwen2.rope.dimension_count" }, { 16 }, true },
        { { "qwen2.rope.dimension_count" }, { 0 }, false },
        { { "qwen2.rope.dimension_count" }, { 3 }, false },
        { { "qwen2.rope.dimension_count" }, { 8 }, false },
        { { "qwen2.rope.dimension_count" }, { 1000 }, false },
        { { "qwen2.expert_count" }, { 0 }, true },
        { { "qwen2.expert_count" }, { 1 }, false },
        { { "qwen2.expert_count" }, { 4 }, false },
        { { "qwen2.expert_count" }, { 100000 }, false },
        { { "qwen2.expert_used_count" }, { 2 }, false },
        { { "qwen2.expert_group_count" }, { 2 }, false },
        { { "qwen2.expert_count", "qwen2.expert_used_count" }, { 4, 2 }, true },
        { { "qwen2.expert_count", "qwen2.expert_used_count" }, { 4, 5 }, false },
        { { "qwen2.expert_count", "qwen2.expert_used_count", "qwen2.expert_group_count",
            "qwen2.expert_group_used_count" },
          { 4, 2, 2, 1 },
          true },
        { { "qwen2.expert_count", "qwen2.expert_used_count", "qwen2.expert_group_count",
            "qwen2.expert_group_used_count" },
          { 4, 2, 3, 1 },
          false },
    };
    struct gguf_file f;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gguf_info info;
        struct lw_error err = { .message = "" };
        size_t n = 0;
        while (n < 4 && cases[i].keys[n]) {
            n++;
        }
        put_with(&f, cases[i].keys, cases[i].values, n);
        bool is_good = read_back(&f, &info, &err) == 0;
        if (is_good != cases[i].is_good) {
            fail_msg("%s %u: %s", cases[i].keys[0], cases[i].values[0], err.message);
        }
    }
}

static void test_epsilons(void **state)
{
    static const float bad[] = { NAN, -1, INFINITY };
    static const char *const keys[] = { "qwen2.attention.layer_norm_rms_epsilon",
                                        "qwen2.attention.layer_norm_epsilon" };
    struct gguf_file f;
    (void)state;

    for (size_t i = 0; i < 6; i++) {
        gguf_put_start(&f, 1, 2);
        gguf_put_text(&f, "general.architecture", "qwen2");
        put_f32(&f, keys[i / 3], bad[i % 3]);
        gguf_put_tensor(&f, "t", 1, 8, TYPE_F32, 0);
        gguf_put_padding(&f, 32);
        gguf_put_zeros(&f, 32);
        expect_bad(&f, "epsilon");
    }
}

/* Whatever the bytes are, it comes back, and what it says is within bounds. */
static void test_flipped_bytes(void **state)
{
    struct gguf_file whole, f;
    uint32_t random = 1;
    (void)state;

    put_model(&whole);
    for (int round = 0; round < 4000; round++) {
        struct gguf_info info;
        f = whole;
        for (int flips = 1 + round % 4; flips > 0; flips--) {
            random = random * 1664525u + 1013904223u;
            size_t at = (random >> 8) % 700;
            f.bytes[at] = (unsigned char)(random >> 24);
        }
        if (read_back(&f, &info, NULL) == 0) {
            assert_true(info.tensor_bytes <= f.len * 2);
            assert_true(info.layers >= 0 && info.vocabulary >= 0);
            assert_true(strlen(info.architecture) < sizeof info.architecture);
        }
    }
}

static void test_random_bytes(void **state)
{
    struct gguf_file f;
    uint32_t random = 7;
    struct gguf_info info;
    (void)state;

    for (int round = 0; round < 500; round++) {
        f.len = 24 + (size_t)round * 4;
        for (size_t i = 0; i < f.len; i++) {
            random = random * 1664525u + 1013904223u;
            f.bytes[i] = (unsigned char)(random >> 24);
        }
        memcpy(f.bytes, "GGUF\3\0\0\0", 8);
        assert_int_equal(read_back(&f, &info, NULL), LW_ERR_LOCAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_model),
        cmocka_unit_test(test_keys_in_any_order),
        cmocka_unit_test(test_a_model_in_two_files),
        cmocka_unit_test(test_heads_of_each_layer),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_what_is_no_gguf),
        cmocka_unit_test(test_hostile_counts),
        cmocka_unit_test(test_hostile_tensors),
        cmocka_unit_test(test_nested_arrays_are_refused),
        cmocka_unit_test(test_a_token_twice),
        cmocka_unit_test(test_sizes_no_model_has),
        cmocka_unit_test(test_numbers_that_end_the_process),
        cmocka_unit_test(test_epsilons),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
