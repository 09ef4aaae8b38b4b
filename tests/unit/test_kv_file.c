/* test_kv_file.c - one state in one file: whole, or refused. */
#include "base/limits.h"
#include "engine/kv_file.h"
#include "kv_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 72,
    BEFORE_STATE =
        HEAD_BYTES + sizeof KV_HELP_ORIGIN - 1 + KV_HELP_TOKENS * sizeof(int32_t)
};

struct room {
    int fd;
    int32_t tokens[KV_HELP_TOKENS];
    unsigned char state[KV_HELP_STATE];
    unsigned char *bytes; /* the file as it was written */
    size_t len;
    struct kv_file file;
};

static int set_up(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    char path[] = "/tmp/legwork-test-XXXXXX";

    r->fd = mkstemp(path);
    unlink(path);
    kv_help_tokens(1, r->tokens);
    kv_help_state(1, r->state, sizeof r->state);
    r->file = (struct kv_file){
        .origin = KV_HELP_ORIGIN,
        .token_cost = 0.5,
        .tokens = r->tokens,
        .n_tokens = KV_HELP_TOKENS,
        .state = r->state,
        .state_bytes = sizeof r->state,
    };
    *state = r;
    if (r->fd < 0 || kv_file_write(r->fd, &r->file) != 0) {
        return -1;
    }
    r->len = (size_t)kv_file_bytes(&r->file);
    r->bytes = malloc(r->len + 1);
    return pread(r->fd, r->bytes, r->len + 1, 0) == (ssize_t)r->len ? 0 : -1;
}

static int tear_down(void **state)
{
    struct room *r = *state;

    close(r->fd);
    free(r->bytes);
    free(r);
    return 0;
}

static void put(struct room *r, const unsigned char *bytes, size_t len)
{
    assert_int_equal(ftruncate(r->fd, 0), 0);
    assert_int_equal(pwrite(r->fd, bytes, len, 0), len);
}

/* Why the file is refused, "" if it is not. */
static const char *fault_for(struct room *r, const struct kv_file *wanted)
{
    unsigned char *got = NULL;
    size_t got_bytes = 0;
    const char *why = NULL;

    assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
    enum kv_file_result result = kv_file_read(r->fd, wanted, &got, &got_bytes, &why);
    if (result == KV_FILE_GOOD) {
        assert_int_equal(got_bytes, sizeof r->state);
        assert_memory_equal(got, r->state, sizeof r->state);
        free(got);
        return "";
    }
    assert_int_equal(result, KV_FILE_WRONG);
    assert_null(got);
    assert_non_null(why);
    return why;
}

static const char *fault(struct room *r)
{
    return fault_for(r, &r->file);
}

static void test_round_trip(void **state)
{
    struct room *r = *state;
    int n_tokens;
    double cost;

    assert_int_equal(r->len, BEFORE_STATE + KV_HELP_STATE);
    assert_memory_equal(r->bytes, "lw-kv\r\n\x1a", 8);
    assert_string_equal(fault(r), "");
    assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
    assert_true(kv_file_peek(r->fd, &n_tokens, &cost));
    assert_int_equal(n_tokens, KV_HELP_TOKENS);
    assert_true(cost > 0.49 && cost < 0.51);
}

static void test_every_byte_counts(void **state)
{
    struct room *r = *state;

    for (size_t at = 0; at < r->len; at += at < BEFORE_STATE + 64 ? 1 : 97) {
        for (int bit = 0; bit < 8; bit++) {
            r->bytes[at] ^= (unsigned char)(1 << bit);
            put(r, r->bytes, r->len);
            assert_string_not_equal(fault(r), "");
            r->bytes[at] ^= (unsigned char)(1 << bit);
        }
    }
    r->bytes[r->len - 1] ^= 1;
    put(r, r->bytes, r->len);
    assert_string_equal(fault(r), "its checksum is wrong");
}

static void test_every_length(void **state)
{
    struct room *r = *state;

    for (size_t len = 0; len < r->len; len += len < BEFORE_STATE + 64 ? 1 : 101) {
        put(r, r->bytes, len);
        assert_string_not_equal(fault(r), "");
    }
    put(r, r->bytes, r->len - 1);
    assert_string_equal(fault(r), "it is not as long as it says");
    r->bytes[r->len] = 0;
    put(r, r->bytes, r->len + 1);
    assert_string_equal(fault(r), "it is not as long as it says");
    /* Bytes that a power cut left out. */
    assert_int_equal(ftruncate(r->fd, 0), 0);
    assert_int_equal(ftruncate(r->fd, (off_t)r->len), 0);
    assert_string_equal(fault(r), "it holds something else");
}

static void test_of_something_else(void **state)
{
    struct room *r = *state;
    struct kv_file other = r->file;
    int32_t tokens[KV_HELP_TOKENS];
    const char wrong[] = "it is of another model or text";

    other.origin = "a model; an engine; a layouT";
    assert_string_equal(fault_for(r, &other), wrong);
    other.origin = "another";
    assert_string_equal(fault_for(r, &other), wrong);
    other = r->file;
    memcpy(tokens, r->tokens, sizeof tokens);
    tokens[KV_HELP_TOKENS - 1]++;
    other.tokens = tokens;
    assert_string_equal(fault_for(r, &other), wrong);
    other = r->file;
    other.n_tokens--;
    assert_string_equal(fault_for(r, &other), wrong);
    r->bytes[8] = 2;
    put(r, r->bytes, r->len);
    assert_string_equal(fault(r), "it is of another version");
}

/* Sizes that lie would ask for more memory than there is, or than is allowed here. */
static void test_sizes_are_not_believed(void **state)
{
    struct room *r = *state;
    const uint64_t sizes[] = { 0, UINT64_MAX, UINT64_MAX - BEFORE_STATE + 1,
                               UINT64_C(1) << 62, (uint64_t)LIMIT_KV_STATE_BYTES + 1 };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memcpy(r->bytes + 32, &sizes[i], sizeof sizes[i]);
        put(r, r->bytes, r->len);
        assert_string_equal(fault(r), "it is not as long as it says");
    }
    /* As long as it says, and longer than any state. */
    assert_int_equal(ftruncate(r->fd, (off_t)BEFORE_STATE + LIMIT_KV_STATE_BYTES + 1), 0);
    assert_string_equal(fault(r), "it is not as long as it says");
}

static void test_peek_at_what_is_not_ours(void **state)
{
    struct room *r = *state;
    int n_tokens;
    double cost;

    for (size_t len = 0; len < 24; len++) {
        put(r, r->bytes, len);
        assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
        assert_false(kv_file_peek(r->fd, &n_tokens, &cost));
    }
    memset(r->bytes + 12, 0xff, 4);
    put(r, r->bytes, r->len);
    assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
    assert_false(kv_file_peek(r->fd, &n_tokens, &cost));
    r->bytes[0] = 'L';
    put(r, r->bytes, r->len);
    assert_int_equal(lseek(r->fd, 0, SEEK_SET), 0);
    assert_false(kv_file_peek(r->fd, &n_tokens, &cost));
}

static void test_keys(void **state)
{
    struct room *r = *state;
    char key[KV_FILE_KEY_CHARS + 1], other_key[KV_FILE_KEY_CHARS + 1];
    struct kv_file other = r->file;

    kv_file_key(&r->file, key);
    other.token_cost = 7;
    other.state_bytes = 1;
    kv_file_key(&other, other_key);
    assert_string_equal(key, other_key);
    other.n_tokens--;
    kv_file_key(&other, other_key);
    assert_string_not_equal(key, other_key);
    other = r->file;
    other.origin = "another";
    kv_file_key(&other, other_key);
    assert_string_not_equal(key, other_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_byte_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_something_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_are_not_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_peek_at_what_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
