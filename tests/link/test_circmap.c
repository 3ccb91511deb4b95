#include "link/circmap.h"

#include <stdlib.h>
#include <string.h>

#include "link/limits.h"
#include "support/test.h"

static struct env *env;
static struct circmap map;

static void start(uint64_t seed)
{
    env = test_env(seed);
    circmap_init(&map, env);
}

static void end(void)
{
    circmap_free(&map);
    test_env_free(env);
}

START_TEST(test_circmap_ids_have_the_top_bit_and_their_width)
{
    static struct link_circ wide[200], narrow[200];
    uint32_t all = 0;
    start(1);
    for (int i = 0; i < 200; i++) {
        ck_ok(circmap_add(&map, &wide[i], 4));
        ck_assert_uint_ge(wide[i].id, 0x80000000u);
        all |= wide[i].id;
        ck_ok(circmap_add(&map, &narrow[i], 2));
        ck_assert_uint_ge(narrow[i].id, 0x8000u);
        ck_assert_uint_le(narrow[i].id, 0xffffu);
    }
    ck_assert_uint_eq(all, 0xffffffffu); /* every bit is drawn */
    for (int i = 0; i < 200; i++) {
        circmap_remove(&map, &wide[i]);
        circmap_remove(&map, &narrow[i]);
    }
    ck_assert_uint_eq(map.n, 0);
    end();
}
END_TEST

START_TEST(test_circmap_finds_each_by_its_id)
{
    static struct link_circ circs[1000];
    start(2);
    for (int i = 0; i < 1000; i++)
        ck_ok(circmap_add(&map, &circs[i], 4));
    for (int i = 999; i >= 0; i--)
        ck_assert_ptr_eq(circmap_find(&map, circs[i].id), &circs[i]);
    uint32_t gone = circs[5].id;
    ck_assert_ptr_nonnull(circmap_find(&map, gone));
    circmap_remove(&map, &circs[5]);
    ck_assert_ptr_null(circmap_find(&map, gone));
    for (int i = 0; i < 1000; i++) {
        if (i != 5)
            circmap_remove(&map, &circs[i]);
    }
    ck_assert_ptr_null(circmap_any(&map));
    end();
}
END_TEST

/* A random source that always gives the same id, then another. */
static uint8_t fixed[2];
static unsigned drawn;

static void fixed_random(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, drawn < LINK_ID_TRIES ? fixed[0] : fixed[1], len);
    drawn++;
}

START_TEST(test_circmap_taken_id_is_not_given_again)
{
    struct link_circ a = {0}, b = {0};
    start(3);
    env->random = fixed_random;
    fixed[0] = fixed[1] = 1;
    drawn = 0;
    ck_ok(circmap_add(&map, &a, 4));
    drawn = 0;
    ck_err(circmap_add(&map, &b, 4), ERR_LIMIT);
    ck_assert_uint_eq(drawn, LINK_ID_TRIES); /* as many tries as tor makes */
    ck_assert_uint_eq(b.id, 0);
    drawn = LINK_ID_TRIES - 1;
    fixed[1] = 2;
    ck_ok(circmap_add(&map, &b, 4));
    ck_assert_uint_ne(b.id, a.id);
    circmap_remove(&map, &a);
    circmap_remove(&map, &b);
    end();
}
END_TEST

START_TEST(test_circmap_given_up_id_rests)
{
    struct link_circ a = {0};
    start(3);
    env->random = fixed_random;
    fixed[0] = fixed[1] = 1;
    ck_ok(circmap_add(&map, &a, 4));
    circmap_remove(&map, &a);
    ck_err(circmap_add(&map, &a, 4), ERR_LIMIT);
    test_env_advance_ms(env, LINK_ID_REST_MS - 1);
    ck_err(circmap_add(&map, &a, 4), ERR_LIMIT);
    test_env_advance_ms(env, 1);
    ck_ok(circmap_add(&map, &a, 4));
    circmap_remove(&map, &a);
    end();
}
END_TEST

/* Of ours and of the peer's together; one that goes makes room for one. */
START_TEST(test_circmap_takes_so_many_circuits_and_no_more)
{
    struct link_circ *circs = calloc(LINK_CIRCS_MOST, sizeof *circs), more = {0};
    start(6);
    for (uint32_t i = 0; i < LINK_CIRCS_MOST; i++)
        ck_ok(i % 2 ? circmap_add(&map, &circs[i], 4) : circmap_add_under(&map, &circs[i], i + 1));
    ck_err(circmap_add(&map, &more, 4), ERR_LIMIT);
    ck_err(circmap_add_under(&map, &more, LINK_CIRCS_MOST + 2), ERR_LIMIT);
    circmap_remove(&map, &circs[0]);
    ck_ok(circmap_add_under(&map, &more, LINK_CIRCS_MOST + 2));
    circmap_remove(&map, &more);
    for (uint32_t i = 1; i < LINK_CIRCS_MOST; i++)
        circmap_remove(&map, &circs[i]);
    ck_assert_uint_eq(map.n, 0);
    end();
    free(circs);
}
END_TEST

START_TEST(test_circmap_narrow_ids_run_out)
{
    enum { MOST = 32768 };
    struct link_circ *circs = calloc(MOST, sizeof *circs);
    size_t n = 0;
    start(4);
    while (n < MOST && circmap_add(&map, &circs[n], 2) == OK)
        n++;
    ck_assert_uint_eq(n, LINK_CIRCS_MOST);
    for (size_t i = 0; i < n; i++)
        circmap_remove(&map, &circs[i]);
    ck_assert_uint_eq(map.n_resting, LINK_IDS_RESTING_MOST);
    end();
    free(circs);
}
END_TEST

START_TEST(test_circmap_strays_count_unless_their_id_rests)
{
    struct link_circ a = {0};
    start(5);
    ck_ok(circmap_add(&map, &a, 4));
    uint32_t id = a.id;
    circmap_remove(&map, &a);
    for (int i = 0; i <= LINK_STRAYS_MOST; i++)
        ck_ok(circmap_stray(&map, id));
    for (int i = 0; i < LINK_STRAYS_MOST; i++)
        ck_ok(circmap_stray(&map, id ^ 1));
    ck_err(circmap_stray(&map, id ^ 1), ERR_LINK_PROTO);
    test_env_advance_ms(env, LINK_ID_REST_MS);
    ck_ok(circmap_stray(&map, id ^ 1));
    end();
}
END_TEST

TESTS("link/circmap", test_circmap_ids_have_the_top_bit_and_their_width,
      test_circmap_finds_each_by_its_id, test_circmap_taken_id_is_not_given_again,
      test_circmap_given_up_id_rests, test_circmap_takes_so_many_circuits_and_no_more,
      test_circmap_narrow_ids_run_out, test_circmap_strays_count_unless_their_id_rests)
