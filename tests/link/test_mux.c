#include "link/mux.h"

#include "link/limits.h"
#include "support/test.h"

START_TEST(test_mux_everybody_writes_below_the_soft_cap)
{
    struct mux m = {0};
    struct link_circ a = {0}, b = {0};
    for (int i = 0; i < 100; i++) {
        ck_assert(mux_may_write(&m, &a, LINK_OUT_SOFT - 1, LINK_OUT_SOFT));
        mux_wrote(&a);
        ck_assert(mux_may_write(&m, &b, 0, LINK_OUT_SOFT));
        mux_wrote(&b);
    }
    ck_assert_ptr_null(mux_next(&m));
}
END_TEST

START_TEST(test_mux_refused_ones_come_in_order_and_once)
{
    struct mux m = {0};
    struct link_circ a = {0}, b = {0}, c = {0};
    for (int i = 0; i < 2; i++) {
        ck_assert(!mux_may_write(&m, &b, LINK_OUT_SOFT, LINK_OUT_SOFT));
        ck_assert(!mux_may_write(&m, &a, LINK_OUT_SOFT, LINK_OUT_SOFT));
        ck_assert(!mux_may_write(&m, &c, 0, LINK_OUT_SOFT)); /* there is room, but others wait */
    }
    ck_assert_ptr_eq(mux_next(&m), &b);
    ck_assert_ptr_eq(mux_next(&m), &a);
    ck_assert_ptr_eq(mux_next(&m), &c);
    ck_assert_ptr_null(mux_next(&m));
}
END_TEST

START_TEST(test_mux_turn_ends_after_its_cells_while_others_wait)
{
    struct mux m = {0};
    struct link_circ a = {0}, b = {0};
    ck_assert(!mux_may_write(&m, &a, LINK_OUT_SOFT, LINK_OUT_SOFT));
    ck_assert(!mux_may_write(&m, &b, LINK_OUT_SOFT, LINK_OUT_SOFT));
    ck_assert_ptr_eq(mux_next(&m), &a);
    unsigned n = 0;
    while (mux_may_write(&m, &a, 0, LINK_OUT_SOFT)) {
        mux_wrote(&a);
        n++;
    }
    ck_assert_uint_eq(n, LINK_TURN_CELLS);
    ck_assert_ptr_eq(mux_next(&m), &b);
    ck_assert_ptr_eq(mux_next(&m), &a);
}
END_TEST

START_TEST(test_mux_forgotten_anywhere_in_the_ring)
{
    for (int gone = 0; gone < 3; gone++) {
        struct mux m = {0};
        struct link_circ c[3] = {{0}};
        for (int i = 0; i < 3; i++)
            ck_assert(!mux_may_write(&m, &c[i], LINK_OUT_SOFT, LINK_OUT_SOFT));
        mux_forget(&m, &c[gone]);
        mux_forget(&m, &c[gone]);
        for (int i = 0; i < 3; i++) {
            if (i != gone)
                ck_assert_ptr_eq(mux_next(&m), &c[i]);
        }
        ck_assert_ptr_null(mux_next(&m));
    }
}
END_TEST

TESTS("link/mux", test_mux_everybody_writes_below_the_soft_cap,
      test_mux_refused_ones_come_in_order_and_once,
      test_mux_turn_ends_after_its_cells_while_others_wait, test_mux_forgotten_anywhere_in_the_ring)
