#include "base/buf.h"

#include <string.h>

#include "support/test.h"

START_TEST(test_buf_new_one_holds_no_storage)
{
    struct buf b;
    buf_init(&b, 100);
    ck_assert_ptr_null(b.storage);
    ck_assert_uint_eq(buf_space(&b), 100);
    buf_trim(&b);
    buf_free(&b);
    ck_assert_uint_eq(buf_space(&b), 100);
}
END_TEST

START_TEST(test_buf_first_in_first_out)
{
    struct buf b;
    buf_init(&b, 100);
    ck_ok(buf_add(&b, "hello ", 6));
    ck_ok(buf_add(&b, "world", 5));
    ck_assert_uint_eq(b.len, 11);
    ck_assert_mem_eq(buf_at(&b), "hello world", 11);
    buf_drain(&b, 6);
    ck_assert_mem_eq(buf_at(&b), "world", 5);
    ck_ok(buf_add(&b, "!", 1));
    ck_assert_mem_eq(buf_at(&b), "world!", 6);
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_over_the_cap_adds_nothing)
{
    struct buf b;
    buf_init(&b, 4);
    ck_ok(buf_add(&b, "abc", 3));
    ck_err(buf_add(&b, "de", 2), ERR_FULL);
    ck_assert_uint_eq(b.len, 3);
    ck_ok(buf_add(&b, "d", 1));
    ck_assert_uint_eq(buf_space(&b), 0);
    ck_assert_mem_eq(buf_at(&b), "abcd", 4);
    ck_assert_ptr_null(buf_room(&b, 1));
    ck_err(buf_add(&b, "e", SIZE_MAX), ERR_FULL);
    buf_drain(&b, 1);
    ck_ok(buf_add(&b, "e", 1));
    ck_assert_mem_eq(buf_at(&b), "bcde", 4);
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_storage_never_exceeds_the_cap)
{
    static const size_t caps[] = {1, 10, 1023, 1024, 1025, 1500, 5000};
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        struct buf b;
        buf_init(&b, caps[i]);
        for (size_t n = 0; n < caps[i]; n++) {
            uint8_t c = (uint8_t)n;
            ck_ok(buf_add(&b, &c, 1));
            ck_assert_uint_le(b.size, caps[i]);
        }
        for (size_t n = 0; n < caps[i]; n++)
            ck_assert_uint_eq(buf_at(&b)[n], (uint8_t)n);
        buf_free(&b);
    }
}
END_TEST

START_TEST(test_buf_room_counts_what_is_committed)
{
    struct buf b;
    buf_init(&b, 100);
    uint8_t *room = buf_room(&b, 50);
    ck_assert_ptr_nonnull(room);
    ck_assert_uint_eq(b.len, 0);
    memcpy(room, "abc", 3);
    buf_commit(&b, 3);
    ck_assert_uint_eq(b.len, 3);
    ck_assert_mem_eq(buf_at(&b), "abc", 3);
    room = buf_room(&b, 97);
    ck_assert_ptr_eq(room, buf_at(&b) + 3);
    ck_assert_ptr_null(buf_room(&b, 98));
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_drained_to_the_end_begins_at_the_front_again)
{
    struct buf b;
    buf_init(&b, 4000);
    for (int i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(buf_room(&b, 1000));
        buf_commit(&b, 1000);
        buf_drain(&b, 300);
        buf_drain(&b, 700);
    }
    ck_assert_uint_eq(b.head, 0);
    ck_assert_uint_eq(b.size, 1024); /* never had to grow */
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_moves_to_the_front_before_it_grows)
{
    static uint8_t bytes[1024];
    struct buf b;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    buf_init(&b, 1 << 16);
    ck_ok(buf_add(&b, bytes, 1024));
    buf_drain(&b, 600);
    ck_ok(buf_add(&b, bytes, 600));
    ck_assert_uint_eq(b.size, 1024);
    ck_assert_mem_eq(buf_at(&b), bytes + 600, 424);
    ck_assert_mem_eq(buf_at(&b) + 424, bytes, 600);
    ck_ok(buf_add(&b, bytes, 1));
    ck_assert_uint_eq(b.size, 2048);
    ck_assert_mem_eq(buf_at(&b) + 424, bytes, 600);
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_trim_gives_back_only_when_empty)
{
    struct buf b;
    buf_init(&b, 100);
    ck_ok(buf_add(&b, "ab", 2));
    buf_drain(&b, 1);
    buf_trim(&b);
    ck_assert_uint_eq(b.len, 1);
    ck_assert_mem_eq(buf_at(&b), "b", 1);
    buf_drain(&b, 1);
    ck_assert_ptr_nonnull(b.storage);
    buf_trim(&b);
    ck_assert_ptr_null(b.storage);
    ck_ok(buf_add(&b, "c", 1));
    ck_assert_mem_eq(buf_at(&b), "c", 1);
    buf_wipe(&b);
    ck_assert_ptr_null(b.storage);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_uint_eq(buf_space(&b), 100);
}
END_TEST

START_TEST(test_buf_adding_nothing_is_fine_even_when_full)
{
    struct buf b;
    buf_init(&b, 3);
    ck_ok(buf_add(&b, NULL, 0));
    ck_ok(buf_add(&b, "abc", 3));
    ck_ok(buf_add(&b, NULL, 0));
    ck_assert_uint_eq(b.len, 3);
    buf_free(&b);
}
END_TEST

START_TEST(test_buf_random_adds_and_drains_keep_the_bytes_in_order)
{
    struct env *env = test_env(3);
    struct buf b;
    uint8_t chunk[300], in = 0, out = 0;
    buf_init(&b, 2000);
    for (int i = 0; i < 20000; i++) {
        size_t n = env_random_below(env, sizeof chunk + 1);
        if (env_random_below(env, 2)) {
            size_t space = buf_space(&b);
            for (size_t k = 0; k < n; k++)
                chunk[k] = (uint8_t)(in + k);
            ck_err(buf_add(&b, chunk, n), n > space ? ERR_FULL : OK);
            if (n <= space)
                in = (uint8_t)(in + n);
        } else {
            n = n < b.len ? n : b.len;
            for (size_t k = 0; k < n; k++)
                ck_assert_uint_eq(buf_at(&b)[k], (uint8_t)(out + k));
            out = (uint8_t)(out + n);
            buf_drain(&b, n);
        }
        ck_assert_uint_le(b.head + b.len, b.size);
        if (env_random_below(env, 50) == 0)
            buf_trim(&b);
    }
    buf_free(&b);
    test_env_free(env);
}
END_TEST

TESTS("base/buf", test_buf_new_one_holds_no_storage, test_buf_first_in_first_out,
      test_buf_over_the_cap_adds_nothing, test_buf_storage_never_exceeds_the_cap,
      test_buf_room_counts_what_is_committed, test_buf_drained_to_the_end_begins_at_the_front_again,
      test_buf_moves_to_the_front_before_it_grows, test_buf_trim_gives_back_only_when_empty,
      test_buf_adding_nothing_is_fine_even_when_full,
      test_buf_random_adds_and_drains_keep_the_bytes_in_order)
