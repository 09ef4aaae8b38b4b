/* test_engine_widen.c - the stream in which Q5_0 is Q8_0 says what the file says.
 *
 * The files are written with ggml's own writer and read back with its own reader. */
#include "engine/widen.h"
#include "engine_help.h"

#include "base/mem.h"
#include "engine/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ggml.h>
#include <gguf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 32, BLOCKS = 3000, NUMBERS = BLOCKS * BLOCK, FILE_MAX = 1 << 17 };

/* The weights are equal; a processor may still sum in another order. */
static const double CLOSE = 0.001;

static float number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / (float)(1 << 24) - 0.5f;
}

static void floats_of(enum ggml_type type, const void *data, float *out, int64_t n)
{
    const struct ggml_type_traits *traits = ggml_get_type_traits(type);

    if (type == GGML_TYPE_F32) {
        memcpy(out, data, (size_t)n * sizeof *out);
    } else {
        traits->to_float(data, out, n);
    }
}

/* --- Blocks --------------------------------------------------------------- */

static void test_blocks_say_the_same_numbers(void **state)
{
    float *in = mem_array(NUMBERS, sizeof *in);
    float *narrow_out = mem_array(NUMBERS, sizeof *in);
    float *wide_out = mem_array(NUMBERS, sizeof *in);
    size_t narrow_bytes = ggml_row_size(GGML_TYPE_Q5_0, NUMBERS);
    size_t wide_bytes = ggml_row_size(GGML_TYPE_Q8_0, NUMBERS);
    unsigned char *narrow = mem_alloc(narrow_bytes), *wide = mem_alloc(wide_bytes);
    uint32_t seed = 1;
    (void)state;

    for (int i = 0; i < NUMBERS; i++) in[i] = number(&seed) * (float)(i / BLOCK % 50);
    assert_int_equal(
        ggml_quantize_chunk(GGML_TYPE_Q5_0, in, narrow, 0, BLOCKS, BLOCK, NULL),
        narrow_bytes);
    widen_blocks(narrow, wide, BLOCKS);
    floats_of(GGML_TYPE_Q5_0, narrow, narrow_out, NUMBERS);
    floats_of(GGML_TYPE_Q8_0, wide, wide_out, NUMBERS);
    assert_memory_equal(narrow_out, wide_out, NUMBERS * sizeof *in);
    mem_free(in);
    mem_free(narrow_out);
    mem_free(wide_out);
    mem_free(narrow);
    mem_free(wide);
}

/* --- The stream ----------------------------------------------------------- */

static const struct {
    const char *name;
    enum ggml_type type;
    int64_t columns, rows;
} tensors[] = {
    { "token_embd.weight", GGML_TYPE_Q5_0, 64, 9 },
    { "blk.0.attn_norm.weight", GGML_TYPE_F32, 5, 1 }, /* padding behind it */
    { "blk.0.ffn_up.weight", GGML_TYPE_Q5_0, 32, 2100 },
    { "blk.0.ffn_down.weight", GGML_TYPE_Q4_0, 64, 3 },
    { "output.weight", GGML_TYPE_Q5_0, 96, 7 },
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

/* A GGUF file of these tensors, with numbers of a series. parts: as many files make the
 * model; 0: nothing said of that. */
static void write_file(char path[HELP_PATH_MAX], uint16_t parts)
{
    struct ggml_init_params params = { .mem_size = 1 << 20 };
    struct ggml_context *ctx = ggml_init(params);
    struct gguf_context *g = gguf_init_empty();
    uint32_t seed = 7;

    gguf_set_val_str(g, "general.architecture", "qwen2");
    if (parts > 0) gguf_set_val_u16(g, "split.count", parts);
    for (int i = 0; i < TENSORS; i++) {
        int64_t n = tensors[i].columns * tensors[i].rows;
        struct ggml_tensor *t =
            ggml_new_tensor_2d(ctx, tensors[i].type, tensors[i].columns, tensors[i].rows);
        float *numbers = mem_array((size_t)n, sizeof *numbers);
        for (int64_t k = 0; k < n; k++) numbers[k] = number(&seed);
        if (t->type == GGML_TYPE_F32) {
            memcpy(t->data, numbers, ggml_nbytes(t));
        } else {
            ggml_quantize_chunk(t->type, numbers, t->data, 0, tensors[i].rows,
                                tensors[i].columns, NULL);
        }
        ggml_set_name(t, tensors[i].name);
        gguf_add_tensor(g, t);
        mem_free(numbers);
    }
    snprintf(path, HELP_PATH_MAX, "/tmp/lw-widen-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(gguf_write_to_file(g, path, false));
    gguf_free(g);
    ggml_free(ctx);
}

static void skip_where_nothing_is_widened(void)
{
#if !defined(__linux__)
    skip();
#endif
}

static size_t read_whole(FILE *file, unsigned char *out)
{
    rewind(file);
    size_t n = fread(out, 1, FILE_MAX, file);
    assert_true(feof(file) && n > 0);
    return n;
}

static void expect_same_numbers(const struct ggml_context *a,
                                const struct ggml_context *b, int which)
{
    const struct ggml_tensor *narrow =
        ggml_get_tensor((struct ggml_context *)(uintptr_t)a, tensors[which].name);
    const struct ggml_tensor *wide =
        ggml_get_tensor((struct ggml_context *)(uintptr_t)b, tensors[which].name);
    int64_t n = tensors[which].columns * tensors[which].rows;
    float *first = mem_array((size_t)n, sizeof *first);
    float *second = mem_array((size_t)n, sizeof *second);
    bool widened = gguf_is_narrow(tensors[which].name, (int)tensors[which].type);

    assert_int_equal(narrow->type, tensors[which].type);
    assert_int_equal(wide->type, widened ? GGML_TYPE_Q8_0 : narrow->type);
    floats_of(narrow->type, narrow->data, first, n);
    floats_of(wide->type, wide->data, second, n);
    assert_memory_equal(first, second, (size_t)n * sizeof *first);
    mem_free(first);
    mem_free(second);
}

static void test_the_stream_is_the_same_model(void **state)
{
    char path[HELP_PATH_MAX];
    struct ggml_context *narrow = NULL, *wide = NULL;
    struct gguf_init_params to_narrow = { .ctx = &narrow }, to_wide = { .ctx = &wide };
    (void)state;

    skip_where_nothing_is_widened();
    write_file(path, 0);
    FILE *stream = widen_open(path);
    assert_non_null(stream);
    struct gguf_context *g = gguf_init_from_file(path, to_narrow);
    struct gguf_context *h = gguf_init_from_file_ptr(stream, to_wide);
    assert_true(g && h && narrow && wide);
    assert_string_equal(gguf_get_val_str(h, gguf_find_key(h, "general.architecture")),
                        "qwen2");
    assert_int_equal(gguf_get_n_tensors(h), TENSORS);
    for (int i = 0; i < TENSORS; i++) expect_same_numbers(narrow, wide, i);
    gguf_free(g);
    gguf_free(h);
    ggml_free(narrow);
    ggml_free(wide);
    fclose(stream);
    unlink(path);
}

/* Wherever and however much is read, it is what stands there. */
static void test_pieces_of_any_length(void **state)
{
    static unsigned char whole[FILE_MAX], piece[FILE_MAX];
    char path[HELP_PATH_MAX];
    uint32_t seed = 3;
    (void)state;

    skip_where_nothing_is_widened();
    write_file(path, 0);
    FILE *stream = widen_open(path);
    assert_non_null(stream);
    setvbuf(stream, NULL, _IONBF, 0);
    size_t n = read_whole(stream, whole);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    assert_int_equal(ftell(stream), n);
    assert_int_not_equal(fseek(stream, -1, SEEK_SET), 0);
    for (int i = 0; i < 3000; i++) {
        size_t at = (size_t)((number(&seed) + 0.5f) * (float)n);
        size_t wanted = 1 + (size_t)((number(&seed) + 0.5f) * (i % 2 ? 80.0f : 9000.0f));
        size_t there = at < n ? n - at : 0;
        assert_int_equal(fseek(stream, (long)at, SEEK_SET), 0);
        size_t got = fread(piece, 1, wanted, stream);
        assert_int_equal(got, wanted < there ? wanted : there);
        assert_memory_equal(piece, whole + at, got);
    }
    fclose(stream);
    unlink(path);
}

static void test_a_file_that_became_shorter(void **state)
{
    static unsigned char whole[FILE_MAX];
    char path[HELP_PATH_MAX];
    (void)state;

    skip_where_nothing_is_widened();
    write_file(path, 0);
    FILE *stream = widen_open(path);
    assert_non_null(stream);
    assert_int_equal(truncate(path, 20000), 0);
    assert_true(fread(whole, 1, FILE_MAX, stream) < FILE_MAX);
    assert_true(ferror(stream) || feof(stream));
    fclose(stream);
    unlink(path);
}

static void test_what_cannot_be_widened(void **state)
{
    char path[HELP_PATH_MAX] = "/tmp/lw-widen-XXXXXX";
    (void)state;

    assert_null(widen_open("/nowhere/at/all.gguf"));
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "GGUF and no more", 16), 16);
    close(fd);
    assert_null(widen_open(path));
    unlink(path);
    write_file(path, 2);
    assert_null(widen_open(path));
    unlink(path);
}

/* --- The engine ----------------------------------------------------------- */

/* ln P(reply begins as `alt` does) of some requests. */
static void scores(const struct engine_options *extra, double out[2])
{
    static const char *const alt[] = { " not", "not" };
    struct llm *llm = help_open_tiny("narrow", extra);
    struct llm_request reqs[2];
    struct ask asks[2];

    for (int i = 0; i < 2; i++) {
        ask_init(&asks[i], "Excerpt:\n", i ? help_garden : help_lease, "\nWho is it?");
        asks[i].req.alt = alt;
        asks[i].req.n_alt = 2;
        asks[i].req.max_tokens = 0;
        reqs[i] = asks[i].req;
    }
    struct kept *replies = help_run(llm, reqs, 2);
    for (int i = 0; i < 2; i++) out[i] = replies[i].reply.logprob_alt;
    mem_free(replies);
    llm_close(llm);
}

static void test_the_engine_computes_alike(void **state)
{
    struct engine_options as_they_are = { .mmap = ENGINE_MMAP_YES };
    double wide[2], narrow[2];
    (void)state;

    scores(NULL, wide);
    scores(&as_they_are, narrow);
    for (int i = 0; i < 2; i++) assert_true(fabs(wide[i] - narrow[i]) < CLOSE);
}

static void test_memory_is_counted(void **state)
{
    char path[HELP_PATH_MAX];
    struct gguf_info info;
    (void)state;

    if (!help_tiny_path("narrow", path)) skip();
    assert_int_equal(gguf_info_read(path, &info, NULL), 0);
    assert_true(info.narrow_bytes > 0 && info.narrow_bytes < info.tensor_bytes);
    struct engine_options opt = { .path = path }, as_they_are = opt;
    as_they_are.mmap = ENGINE_MMAP_YES;
    assert_int_equal(engine_need(&opt) - engine_need(&as_they_are), widen_more(&info));
    struct loaded m;
    assert_int_equal(load_model(&m, &opt, NULL), 0);
    assert_int_equal(m.widened, widen_more(&info) > 0);
    load_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_say_the_same_numbers),
        cmocka_unit_test(test_the_stream_is_the_same_model),
        cmocka_unit_test(test_pieces_of_any_length),
        cmocka_unit_test(test_a_file_that_became_shorter),
        cmocka_unit_test(test_what_cannot_be_widened),
        cmocka_unit_test(test_the_engine_computes_alike),
        cmocka_unit_test(test_memory_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
