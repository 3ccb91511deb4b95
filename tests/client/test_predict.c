/* What is expected to be asked for, and for how long. */
#include "client/predict.h"

#include "support/test.h"

/* Each is expected for 100 to 199 seconds. */
static const struct habits h = {.circuits_available_s = 100};

struct fixture {
    struct env *env;
    struct predict p;
    uint16_t ports[PREDICT_PORTS_MOST];
};

static void setup(struct fixture *f)
{
    f->env = test_env(1);
    predict_init(&f->p, f->env, &h);
}

static size_t ports(struct fixture *f)
{
    return predict_ports(&f->p, f->ports);
}

static void pass(struct fixture *f, uint64_t s)
{
    test_env_advance_ms(f->env, s * MS_PER_SEC);
}

START_TEST(test_predict_begins_with_pages)
{
    struct fixture f;
    setup(&f);
    ck_assert_uint_eq(ports(&f), 1);
    ck_assert_uint_eq(f.ports[0], 443);
    ck_assert_uint_ge(f.p.for_s, 100);
    ck_assert_uint_lt(f.p.for_s, 200);
    ck_assert_uint_eq(predict_left_s(&f.p), f.p.for_s);
    test_env_free(f.env);
}
END_TEST

START_TEST(test_predict_expects_a_port_from_when_it_was_asked_for_last)
{
    struct fixture f;
    setup(&f);
    predict_asked(&f.p, &h, 80);
    pass(&f, f.p.for_s - 10);
    predict_asked(&f.p, &h, 80);
    ck_assert_uint_eq(ports(&f), 2);
    pass(&f, 11);
    ck_assert_uint_eq(ports(&f), 1);
    ck_assert_uint_eq(f.ports[0], 80);
    ck_assert_uint_eq(predict_left_s(&f.p), f.p.for_s - 11);
    pass(&f, f.p.for_s);
    ck_assert(!predict_any(&f.p));
    ck_assert_uint_eq(ports(&f), 0);
    ck_assert_uint_eq(predict_left_s(&f.p), 0);
    test_env_free(f.env);
}
END_TEST

START_TEST(test_predict_draws_its_time_anew_when_nothing_was_expected)
{
    struct fixture f;
    setup(&f);
    bool is_other = false;
    for (int i = 0; i < 10; i++) {
        uint32_t for_s = f.p.for_s;
        pass(&f, 50);
        predict_asked(&f.p, &h, 80);
        ck_assert_uint_eq(f.p.for_s, for_s);
        pass(&f, 200);
        predict_asked(&f.p, &h, 80);
        is_other |= f.p.for_s != for_s;
    }
    ck_assert(is_other);
    test_env_free(f.env);
}
END_TEST

/* rep_hist_get_predicted_internal() */
START_TEST(test_predict_thinks_of_internal_circuits_once)
{
    struct fixture f;
    bool stable;
    setup(&f);
    pass(&f, 30);
    ck_assert(predict_internal(&f.p, &stable) && stable);
    pass(&f, f.p.for_s);
    ck_assert(predict_internal(&f.p, &stable) && stable);
    ck_assert_uint_eq(ports(&f), 0); /* 443 is 30 s older */
    ck_assert(predict_any(&f.p));
    pass(&f, 1);
    ck_assert(!predict_internal(&f.p, &stable) && !stable);
    ck_assert(!predict_any(&f.p));
    pass(&f, 1000);
    ck_assert(!predict_internal(&f.p, &stable));
    predict_asked_internal(&f.p, &h);
    ck_assert(predict_internal(&f.p, &stable) && !stable);
    ck_assert_uint_eq(predict_left_s(&f.p), f.p.for_s);
    test_env_free(f.env);
}
END_TEST

START_TEST(test_predict_forgets_what_nobody_serves)
{
    struct fixture f;
    setup(&f);
    predict_asked(&f.p, &h, 25);
    predict_asked(&f.p, &h, 80);
    predict_forget(&f.p, (const uint16_t[]){25, 443, 7}, 3);
    ck_assert_uint_eq(ports(&f), 1);
    ck_assert_uint_eq(f.ports[0], 80);
    test_env_free(f.env);
}
END_TEST

START_TEST(test_predict_expects_so_many_at_the_most)
{
    struct fixture f;
    setup(&f);
    for (uint16_t port = 1; port < 2 * PREDICT_PORTS_MOST; port++) {
        pass(&f, 1);
        predict_asked(&f.p, &h, port);
        predict_asked(&f.p, &h, 80);
    }
    ck_assert_uint_eq(ports(&f), PREDICT_PORTS_MOST);
    for (size_t i = 0; i < PREDICT_PORTS_MOST; i++)
        ck_assert(f.ports[i] == 80 || f.ports[i] >= PREDICT_PORTS_MOST);
    test_env_free(f.env);
}
END_TEST

TESTS("client/predict", test_predict_begins_with_pages,
      test_predict_expects_a_port_from_when_it_was_asked_for_last,
      test_predict_draws_its_time_anew_when_nothing_was_expected,
      test_predict_thinks_of_internal_circuits_once, test_predict_forgets_what_nobody_serves,
      test_predict_expects_so_many_at_the_most)
