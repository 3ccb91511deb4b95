#include "support/test.h"

#include "host/memory.h"

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

START_TEST(test_memory_that_was_asked_for_is_what_queues_may_take)
{
    ck_assert_uint_eq(memory_for_queues(1, 4 * GB), 1);
    ck_assert_uint_eq(memory_for_queues(3 * MB, 0), 3 * MB);
}
END_TEST

/* C tor's compute_real_max_mem_in_queues(). */
START_TEST(test_memory_for_queues_is_a_share_of_the_machines)
{
    if (sizeof(size_t) < 8)
        return;
    ck_assert_uint_eq(memory_for_queues(0, 0), 8 * GB);
    ck_assert_uint_eq(memory_for_queues(0, 100 * MB), 256 * MB);
    ck_assert_uint_eq(memory_for_queues(0, 400 * MB), 300 * MB);
    ck_assert_uint_eq(memory_for_queues(0, 4 * GB), 3 * GB);
    ck_assert_uint_eq(memory_for_queues(0, 8 * GB - 4), 6 * GB - 3);
    ck_assert_uint_eq(memory_for_queues(0, 10 * GB), 4 * GB);
    ck_assert_uint_eq(memory_for_queues(0, 64 * GB), 8 * GB);
}
END_TEST

START_TEST(test_memory_of_this_machine_is_known)
{
    ck_assert_uint_gt(memory_of_machine(), 16 * MB);
}
END_TEST

TESTS("host/memory", test_memory_that_was_asked_for_is_what_queues_may_take,
      test_memory_for_queues_is_a_share_of_the_machines, test_memory_of_this_machine_is_known)
