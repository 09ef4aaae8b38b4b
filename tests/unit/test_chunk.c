/* test_chunk.c - finding the chunk of a byte. */
#include "flow/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_find(void **state)
{
    (void)state;
    struct chunk_list list = { .n = 0 };
    assert_int_equal(chunk_list_find(&list, 0, 0), -1);
    for (int doc = 0; doc < 6; doc += 2) { /* document 1, 3 and 5 have none */
        for (size_t i = 0; i < 10; i++) {
            chunk_list_add(
                &list, (struct chunk){ .doc = doc, .start = i * 5, .end = i * 5 + 5 });
        }
    }
    assert_int_equal(chunk_list_find(&list, 0, 0), 0);
    assert_int_equal(chunk_list_find(&list, 0, 4), 0);
    assert_int_equal(chunk_list_find(&list, 0, 5), 1);
    assert_int_equal(chunk_list_find(&list, 0, 49), 9);
    assert_int_equal(chunk_list_find(&list, 0, 50), -1);
    assert_int_equal(chunk_list_find(&list, 1, 0), -1);
    assert_int_equal(chunk_list_find(&list, 4, 17), 23);
    assert_int_equal(chunk_list_find(&list, 5, 17), -1);
    chunk_list_release(&list);
    assert_int_equal(list.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
