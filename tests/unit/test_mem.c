/* test_mem.c - growth, the arena's alignment and zeroing, and the one sentence
 * with which a process without memory ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "legwork.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_zero(const void *p, size_t len)
{
    const unsigned char *byte = p;
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(byte[i], 0);
    }
}

static void test_alloc_is_zeroed(void **state)
{
    (void)state;
    void *p = mem_alloc(1000);
    assert_zero(p, 1000);
    mem_free(p);
    p = mem_array(30, 33);
    assert_zero(p, 990);
    mem_free(p);
}

static void test_nothing_is_not_null(void **state)
{
    (void)state;
    void *p = mem_alloc(0), *q = mem_array(0, 8);
    assert_non_null(p);
    assert_non_null(q);
    mem_free(p);
    mem_free(q);
    mem_free(NULL);
}

static void test_grow_keeps_elements(void **state)
{
    (void)state;
    int *items = NULL;
    size_t cap = 0, times = 0;
    for (int i = 0; i < 10000; i++) {
        size_t before = cap;
        mem_grow((void **)&items, &cap, (size_t)i + 1, sizeof *items);
        times += cap != before;
        items[i] = i;
    }
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(items[i], i);
    }
    assert_in_range(times, 1, 25);
    assert_true(cap >= 10000 && cap < 15001);
    mem_grow((void **)&items, &cap, 100000, sizeof *items);
    assert_true(cap >= 100000);
    mem_free(items);
}

static void test_strings(void **state)
{
    (void)state;
    char *s = mem_strdup("caf\xc3\xa9"), *t = mem_strndup("abcdef", 3);
    char *u = mem_strndup(NULL, 0);
    assert_string_equal(s, "caf\xc3\xa9");
    assert_string_equal(t, "abc");
    assert_string_equal(u, "");
    mem_free(s);
    mem_free(t);
    mem_free(u);
}

/* Sizes around the alignment, a quarter of a block and a block; each piece is
 * filled, so that an overlap shows as a byte that is not zero. */
static void test_arena_pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0,     1,     15,    16,    17,    100,   16383,
                                    16384, 16385, 65519, 65535, 65536, 65537, 300000 };
    struct arena *a = arena_new();
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *p = arena_alloc(a, sizes[i]);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_zero(p, sizes[i]);
            memset(p, 0xaa, sizes[i] > 0 ? sizes[i] : 1);
        }
    }
    assert_zero(arena_array(a, 7, 9), 63);
    arena_free(a);
}

static void test_big_piece_does_not_waste_the_block(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *first = arena_alloc(a, 16);
    arena_alloc(a, 1000000);
    char *second = arena_alloc(a, 16);
    assert_ptr_equal(second, first + 16);
    assert_in_range(arena_bytes(a), 1000000, 1000000 + 200000);
    size_t before = arena_bytes(a);
    for (int i = 0; i < 100; i++) {
        arena_alloc(a, 40000);
        arena_alloc(a, 100);
    }
    assert_in_range(arena_bytes(a) - before, 99 * 40000, 100 * 40100 + 70000);
    arena_free(a);
}

static void test_arena_bytes_follow_use(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int i = 0; i < 100000; i++) {
        arena_alloc(a, 100);
    }
    assert_in_range(arena_bytes(a), 11200000, 11400000);
    arena_free(a);
    arena_free(NULL);
}

static void test_arena_strings(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *s = arena_strdup(a, "one"), *t = arena_strndup(a, "twofold", 3);
    char *u = arena_printf(a, "%s-%s-%05d", s, t, 42);
    char *empty = arena_printf(a, "%s", "");
    char *big = arena_printf(a, "%0100000d", 7);
    assert_string_equal(s, "one");
    assert_string_equal(t, "two");
    assert_string_equal(u, "one-two-00042");
    assert_string_equal(empty, "");
    assert_string_equal(arena_strndup(a, NULL, 0), "");
    assert_int_equal(strlen(big), 100000);
    assert_int_equal(big[99999], '7');
    arena_free(a);
}

static void array_overflow(void)
{
    volatile size_t n = SIZE_MAX / 4;
    mem_array(n, 8);
}

static void grow_overflow(void)
{
    volatile size_t n = SIZE_MAX / 4;
    void *p = NULL;
    size_t cap = 0;
    mem_grow(&p, &cap, n, 8);
}

static void strndup_overflow(void)
{
    volatile size_t n = SIZE_MAX;
    mem_strndup("x", n);
}

static void arena_too_much(void)
{
    volatile size_t n = SIZE_MAX - 20;
    arena_alloc(arena_new(), n);
}

static void arena_array_overflow(void)
{
    volatile size_t n = SIZE_MAX / 4;
    arena_array(arena_new(), n, 8);
}

/* What fn leaves on standard error, and its exit status. */
static int run_child(void (*fn)(void), char *said, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], said, room - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_no_memory_is_one_sentence(void **state)
{
    (void)state;
    void (*const tries[])(void) = { array_overflow, grow_overflow, strndup_overflow,
                                    arena_too_much, arena_array_overflow };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char said[200];
        assert_int_equal(run_child(tries[i], said, sizeof said), LW_ERR);
        assert_string_equal(said, "legwork: the machine has no memory left\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_is_zeroed),
        cmocka_unit_test(test_nothing_is_not_null),
        cmocka_unit_test(test_grow_keeps_elements),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_arena_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_big_piece_does_not_waste_the_block),
        cmocka_unit_test(test_arena_bytes_follow_use),
        cmocka_unit_test(test_arena_strings),
        cmocka_unit_test(test_no_memory_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
