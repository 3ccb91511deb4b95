/* Circuits that were used in vain are probed before they are closed. */
#include "exitsworld.h"

#include "client/exits_int.h"

/* One circuit has carried a stream that left it, and its time is over. */
static struct exit_circ *used_in_vain(struct fixture *f)
{
    struct tunnel_request a = request("example.com", 80);
    setup_ready(f);
    struct exit_circ *c = find_and_use(f, &a);
    struct ride *r = exit_circ_ride(c);
    r->told(r, RIDE_ANSWERED);
    r->told(r, RIDE_LEFT);
    r->streams->open--;
    test_env_advance_ms(f->env, 600000);
    ck_assert_uint_eq(net.probe.n, 0);
    exits_expire(f->x);
    return c;
}

static void answer_probe(const struct ip *ip)
{
    const struct stream_end end = {.reason = END_EXITPOLICY, .remote = true, .exit_saw = *ip};
    net.probe.on->open--;
    net.probe.ops->on_end(net.probe.arg, &end);
}

START_TEST(test_exits_probe_is_sent_over_a_circuit_that_was_used_in_vain)
{
    struct fixture f;
    unsigned n[3];
    struct exit_circ *c = used_in_vain(&f);
    ck_assert_uint_eq(net.probe.n, 1);
    ck_assert_int_eq(sscanf(net.probe.target, "0.%u.%u.%u:25", n, n + 1, n + 2), 3);
    ck_assert(!leg_is_closed(c->leg));
    ck_assert_int_eq(c->leg->oc->purpose, CIRCUIT_PATH_BIAS_TESTING);
    exits_expire(f.x); /* it has its time */
    exits_retire_all(f.x);
    exits_expire(f.x);
    ck_assert(net.probe.n == 1 && !leg_is_closed(c->leg));
    struct tunnel_request a = request("example.com", 80);
    ck_assert_ptr_ne(find(&f, &a), c);
    struct ip ip = ip_v4((const uint8_t[]){0, (uint8_t)n[0], (uint8_t)n[1], (uint8_t)n[2]});
    answer_probe(&ip);
    ck_assert_int_eq(c->leg->guard.bias, PATHBIAS_ANSWERED);
    ck_assert(leg_is_closed(c->leg));
    teardown(&f);
}
END_TEST

/* Another number, or a connection: neither shows anything, and the circuit counts as failed. */
START_TEST(test_exits_probe_that_is_not_answered_ends_the_circuit)
{
    for (int wrong = 0; wrong < 3; wrong++) {
        struct fixture f;
        struct exit_circ *c = used_in_vain(&f);
        const struct ip ip = ip_v4((const uint8_t[]){1, 2, 3, 4});
        if (wrong == 1)
            answer_probe(&ip);
        else if (wrong == 2)
            net.probe.ops->on_connected(net.probe.arg, &ip, 0);
        ck_assert(!leg_is_closed(c->leg));
        uint32_t close_ms = cbt_close_ms(f.x->cbt, CBT_HOPS);
        test_env_advance_ms(f.env, close_ms - 1);
        ck_assert(!leg_is_closed(c->leg));
        ck_assert_int_eq(c->leg->guard.bias, PATHBIAS_USED);
        net.bias_failed = 0;
        test_env_advance_ms(f.env, 1);
        ck_assert_uint_eq(net.bias_failed, 1);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_exits_probe_is_needless_if_the_exit_could_make_nothing_of_it)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup_ready(&f);
    struct exit_circ *c = find_and_use(&f, &a);
    struct ride *r = exit_circ_ride(c);
    r->streams->open--;
    r->told(r, RIDE_GARBLED);
    ck_assert_int_eq(c->leg->guard.bias, PATHBIAS_FAILED);
    ck_assert(leg_is_closed(c->leg));
    ck_assert_uint_eq(net.probe.n, 0);
    teardown(&f);
}
END_TEST

TESTS("client/exits_probe", test_exits_probe_is_sent_over_a_circuit_that_was_used_in_vain,
      test_exits_probe_that_is_not_answered_ends_the_circuit,
      test_exits_probe_is_needless_if_the_exit_could_make_nothing_of_it)
