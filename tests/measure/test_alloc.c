#include "measure/alloc.h"

#include <string.h>

#include "support/test.h"
#include "support/vec.h"

START_TEST(test_alloc_vectors)
{
    struct vec *v = vec_open("vectors/measure/alloc.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint64_t prior = (uint64_t)vec_int(v, "prior"), z = (uint64_t)vec_int(v, "z");
        ck_assert_int_eq((long)alloc_wanted(prior, ALLOC_MULTIPLIER), vec_int(v, "wanted"));
        ck_assert_int_eq(alloc_accepts(z, alloc_wanted(prior, ALLOC_MULTIPLIER), ALLOC_MULTIPLIER),
                         strcmp(vec_text(v, "accepted"), "yes") == 0);
        ck_assert_int_eq((long)alloc_next_prior(z, prior), vec_int(v, "next"));
    }
    ck_assert_int_eq(n, 4);
    vec_close(v);
}
END_TEST

START_TEST(test_alloc_no_overflow)
{
    ck_assert(alloc_wanted(UINT64_MAX, ALLOC_MULTIPLIER) == UINT64_MAX);
    ck_assert(alloc_next_prior(1, UINT64_MAX) == UINT64_MAX);
    ck_assert(!alloc_accepts(UINT64_MAX, UINT64_MAX, ALLOC_MULTIPLIER));
    struct alloc_part two[2] = {{.free_bw = UINT64_MAX, .sockets_free = 9},
                                {.free_bw = UINT64_MAX, .sockets_free = 9}};
    ck_assert(alloc_split(two, 2, UINT64_MAX, 10) == UINT64_MAX);
}
END_TEST

static void check_split(const struct alloc_part *p, size_t n, uint64_t allotted, unsigned sockets)
{
    uint64_t bw = 0;
    unsigned s = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_le(p[i].bw, p[i].free_bw);
        ck_assert_uint_le(p[i].sockets, p[i].sockets_free);
        ck_assert_int_eq(p[i].bw > 0, p[i].sockets > 0);
        bw += p[i].bw;
        s += p[i].sockets;
    }
    ck_assert_uint_eq(bw, allotted);
    ck_assert_uint_le(s, sockets);
}

START_TEST(test_alloc_split_goes_by_bw)
{
    struct alloc_part p[3] = {{.free_bw = 1000, .sockets_free = 200},
                              {.free_bw = 2000, .sockets_free = 200},
                              {.free_bw = 5000, .sockets_free = 200}};
    uint64_t got = alloc_split(p, 3, 4000, ALLOC_SOCKETS);
    check_split(p, 3, got, ALLOC_SOCKETS);
    ck_assert_uint_eq(got, 4000);
    ck_assert_uint_eq(p[0].bw, 500);
    ck_assert_uint_eq(p[1].bw, 1000);
    ck_assert_uint_eq(p[2].bw, 2500);
    ck_assert_uint_eq(p[0].sockets, 20);
    ck_assert_uint_eq(p[1].sockets, 40);
    ck_assert_uint_eq(p[2].sockets, 100);
}
END_TEST

START_TEST(test_alloc_split_is_bounded_by_what_there_is)
{
    struct alloc_part p[2] = {{.free_bw = 300, .sockets_free = 10},
                              {.free_bw = 700, .sockets_free = 0}};
    uint64_t got = alloc_split(p, 2, 5000, ALLOC_SOCKETS);
    ck_assert_uint_eq(got, 300);
    check_split(p, 2, got, 10);
    ck_assert_uint_eq(p[0].sockets, 10);
    ck_assert_uint_eq(alloc_split(p, 2, 5000, 0), 0);
    ck_assert_uint_eq(alloc_split(p, 0, 5000, 5), 0);
}
END_TEST

START_TEST(test_alloc_split_any_sizes)
{
    struct env *env = test_env(7);
    for (int i = 0; i < 2000; i++) {
        struct alloc_part p[5];
        size_t n = (size_t)env_random_below(env, 5) + 1;
        for (size_t k = 0; k < n; k++)
            p[k] = (struct alloc_part){.free_bw = env_random_below(env, 1 << (4 * k)),
                                       .sockets_free = (unsigned)env_random_below(env, 60)};
        unsigned sockets = (unsigned)env_random_below(env, 40);
        uint64_t wanted = env_random_below(env, 100000);
        uint64_t got = alloc_split(p, n, wanted, sockets);
        ck_assert_uint_le(got, wanted);
        check_split(p, n, got, sockets);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_alloc_raises_while_senders_are_free)
{
    struct alloc_raise r;
    alloc_raise_init(&r, 100, 350);
    ck_assert(!alloc_raise_second(&r, 1, 0));
    ck_assert(alloc_raise_second(&r, 2, 0));
    ck_assert_uint_eq(r.allotted, 200);
    ck_assert_uint_eq(r.last_s, 2);
    ck_assert(!alloc_raise_second(&r, 3, 79));
    ck_assert(alloc_raise_second(&r, 4, 80));
    ck_assert_uint_eq(r.allotted, 350); /* all that there is */
    ck_assert_uint_eq(r.last_s, 4);
    ck_assert(!alloc_raise_second(&r, 5, 0));
    ck_assert(!alloc_raise_second(&r, 6, 0));
    ck_assert_uint_eq(r.last_s, 4);
}
END_TEST

START_TEST(test_alloc_does_not_raise_while_they_are_held_back)
{
    struct alloc_raise r;
    alloc_raise_init(&r, 100, 1000);
    for (unsigned s = 1; s <= 30; s++)
        ck_assert(!alloc_raise_second(&r, s, 80));
    ck_assert_uint_eq(r.allotted, 100);
    ck_assert_uint_eq(r.last_s, 0);
    alloc_raise_init(&r, 100, 50);
    ck_assert_uint_eq(r.most, 100);
}
END_TEST

START_TEST(test_alloc_for_who_is_known)
{
    ck_assert_uint_eq(alloc_wanted_known(1000), 1400);
    ck_assert(alloc_wanted_known(UINT64_MAX) == UINT64_MAX);
    ck_assert_uint_eq(alloc_wanted(1000, 100), 1312);
    ck_assert_uint_eq(alloc_sockets(0, 160), ALLOC_SOCKETS_LEAST);
    ck_assert_uint_eq(alloc_sockets(0, 3), 3);
    ck_assert_uint_eq(alloc_sockets(ALLOC_SOCKET_BW * UINT64_C(50), 160), 51);
    ck_assert_uint_eq(alloc_sockets(UINT64_MAX, 160), 160);
}
END_TEST

TESTS("measure/alloc", test_alloc_for_who_is_known, test_alloc_vectors, test_alloc_no_overflow,
      test_alloc_split_goes_by_bw, test_alloc_split_is_bounded_by_what_there_is,
      test_alloc_split_any_sizes, test_alloc_raises_while_senders_are_free,
      test_alloc_does_not_raise_while_they_are_held_back)
