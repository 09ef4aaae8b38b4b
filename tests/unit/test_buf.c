/* test_buf.c - a buffer that is full says so and has changed nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "legwork.h"

#include <string.h>

/* The sanitizers would end the process where malloc() returns NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void assert_content(const struct buf *b, const char *expected)
{
    assert_int_equal(b->len, strlen(expected));
    assert_string_equal(b->data, expected);
}

static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_content(&b, "");
    assert_int_equal(buf_add_str(&b, "one"), 0);
    assert_int_equal(buf_add(&b, " two!", 4), 0);
    assert_int_equal(buf_add_char(&b, ';'), 0);
    assert_int_equal(buf_addf(&b, "%d%s", 3, "x"), 0);
    assert_int_equal(buf_add(&b, NULL, 0), 0);
    assert_int_equal(buf_add_str(&b, ""), 0);
    assert_content(&b, "one two;3x");
    assert_false(buf_failed(&b));
    buf_release(&b);
}

static void test_nul_bytes_are_content(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_add(&b, "a\0b", 3), 0);
    assert_int_equal(buf_add_char(&b, '\0'), 0);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "a\0b\0\0", 5);
    buf_release(&b);
}

/* For maxima below, at and above the first allocation and its growth steps. */
static void test_exactly_the_maximum(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct buf b;
        buf_init(&b, max);
        for (size_t i = 0; i < max; i++) {
            assert_int_equal(buf_add_char(&b, 'x'), 0);
            assert_true(b.len < b.cap && b.cap <= max + 1);
            assert_int_equal(b.data[b.len], 0);
        }
        assert_int_equal(buf_add_char(&b, 'y'), LW_ERR);
        assert_true(buf_failed(&b));
        assert_int_equal(b.len, max);
        assert_null(strchr(b.data, 'y'));
        buf_release(&b);
    }
}

static void test_overflow_changes_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    assert_int_equal(buf_add_str(&b, "12345"), 0);
    assert_int_equal(buf_add_str(&b, "6789"), LW_ERR);
    assert_content(&b, "12345");
    assert_true(buf_failed(&b));
    buf_clear(&b);
    assert_content(&b, "");
    assert_int_equal(buf_add_str(&b, "12345"), 0);
    assert_int_equal(buf_addf(&b, "%d", 6789), LW_ERR);
    assert_content(&b, "12345");
    buf_release(&b);
}

static void test_failure_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_int_equal(buf_add_str(&b, "12345"), LW_ERR);
    assert_int_equal(buf_add_char(&b, 'x'), LW_ERR);
    assert_int_equal(buf_addf(&b, "x"), LW_ERR);
    assert_int_equal(buf_add(&b, NULL, 0), LW_ERR);
    buf_cut(&b, 0);
    assert_true(buf_failed(&b));
    assert_content(&b, "");
    buf_clear(&b);
    assert_int_equal(buf_add_str(&b, "1234"), 0);
    assert_false(buf_failed(&b));
    buf_release(&b);
}

static void test_huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    volatile size_t huge = SIZE_MAX;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(buf_add_str(&b, "abc"), 0);
    assert_int_equal(buf_add(&b, "x", huge), LW_ERR);
    assert_int_equal(buf_add(&b, "x", huge - 3), LW_ERR);
    assert_content(&b, "abc");
    buf_release(&b);
}

static void test_no_memory_is_a_failed_append(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the sanitizer ends the process instead of returning NULL */
#endif
    volatile size_t huge = SIZE_MAX / 4;
    struct buf b;
    buf_init(&b, SIZE_MAX - 1);
    assert_int_equal(buf_add_str(&b, "abc"), 0);
    assert_int_equal(buf_add(&b, "x", huge), LW_ERR);
    assert_content(&b, "abc");
    assert_true(buf_failed(&b));
    buf_clear(&b);
    assert_int_equal(buf_add_str(&b, "def"), 0);
    assert_content(&b, "def");
    buf_release(&b);
}

static void test_cut(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_add_str(&b, "abcdef");
    buf_cut(&b, 7);
    buf_cut(&b, 6);
    assert_content(&b, "abcdef");
    buf_cut(&b, 2);
    assert_content(&b, "ab");
    buf_add_str(&b, "Z");
    assert_content(&b, "abZ");
    buf_release(&b);
}

static void test_take_leaves_a_usable_buffer(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    buf_add_str(&b, "abcdef");
    size_t len = 0;
    char *taken = buf_take(&b, &len);
    assert_string_equal(taken, "abcdef");
    assert_int_equal(len, 6);
    assert_content(&b, "");
    assert_int_equal(buf_add_str(&b, "1234567"), LW_ERR);
    char *empty = buf_take(&b, NULL);
    assert_string_equal(empty, "");
    assert_false(buf_failed(&b));
    mem_free(taken);
    mem_free(empty);
    buf_release(&b);
}

static void test_release_twice(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    buf_release(&b);
    buf_release(&b);
}

static void test_addf_of_many_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(buf_addf(&b, "%099999d", 1), 0);
    assert_int_equal(b.len, 99999);
    assert_int_equal(b.data[99998], '1');
    assert_int_equal(buf_addf(&b, "%02d", 1), LW_ERR);
    assert_int_equal(b.len, 99999);
    assert_int_equal(b.data[99999], 0);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_nul_bytes_are_content),
        cmocka_unit_test(test_exactly_the_maximum),
        cmocka_unit_test(test_overflow_changes_nothing),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_huge_lengths_do_not_wrap),
        cmocka_unit_test(test_no_memory_is_a_failed_append),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_take_leaves_a_usable_buffer),
        cmocka_unit_test(test_release_twice),
        cmocka_unit_test(test_addf_of_many_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
