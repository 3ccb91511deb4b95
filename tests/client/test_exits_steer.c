/* Circuits of the pool that were asked for by name. */
#include "exitsworld.h"

enum { MIDDLE = 1, EXIT = FIRST_EXIT };

static const struct router *relay(unsigned i)
{
    return &net.nd[0].relay[i];
}

/* Over relays MIDDLE and EXIT; open. */
static struct exit_circ *build(struct fixture *f, enum circuit_purpose purpose)
{
    const struct router *path[] = {relay(MIDDLE), relay(EXIT)};
    struct exit_circ *c;
    ck_ok(exits_build(f->x, &net.nd[0], path, 2, purpose, &c));
    open_circ(newest());
    test_env_advance_ms(f->env, 0);
    return c;
}

static void use(struct exit_circ *c, const struct tunnel_request *req)
{
    const struct exit_need need = {.request = req};
    exits_use(c, &need);
    exit_circ_ride(c)->streams->open++;
}

START_TEST(test_exits_steer_builds_over_what_is_given)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup(&f); /* no network is known to pick from */
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_CIRCUIT));
    struct exit_circ *c = build(&f, CIRCUIT_GENERAL);
    ck_assert_uint_eq(newest()->plan.n_hops, 2);
    ck_assert_uint_eq(newest()->plan.hops[0].rsa.b[0], MIDDLE);
    ck_assert_uint_eq(newest()->plan.hops[1].rsa.b[0], EXIT);
    ck_assert_uint_eq(newest()->plan.flags, 0);
    ck_assert_uint_eq(newest()->plan.timeout_ms, 2500); /* two hops teach nothing */
    ck_assert_str_eq(f.told, "1 LAUNCHED, 1 BUILT");
    ck_assert_ptr_eq(exits_by_id(f.x, exit_circ_id(c)), c);
    ck_assert_ptr_eq(find(&f, &req), c); /* the pool may have it */
    ck_assert_uint_eq(net.picks + guardplay.ok, 0);
    teardown(&f);
    ck_assert_uint_eq(guardplay.dropped + net.cbt_built, 0);
}
END_TEST

START_TEST(test_exits_steer_refuses_a_path_that_cannot_begin)
{
    struct fixture f;
    const struct router *path[PATH_HOPS_MOST + 1];
    struct exit_circ *c;
    setup(&f);
    for (size_t i = 0; i <= PATH_HOPS_MOST; i++)
        path[i] = relay(MIDDLE);
    ck_err(exits_build(f.x, &net.nd[0], path, PATH_HOPS_MOST + 1, CIRCUIT_GENERAL, &c), ERR_LIMIT);
    net.unreachable = true;
    ck_err(exits_build(f.x, &net.nd[0], path, 1, CIRCUIT_GENERAL, &c), ERR_NOT_FOUND);
    net.unreachable = false;
    circs.oom = true;
    ck_err(exits_build(f.x, &net.nd[0], path, 1, CIRCUIT_GENERAL, &c), ERR_NOMEM);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_gives_one_hop_to_nobody)
{
    struct fixture f;
    const struct router *path[] = {relay(EXIT)};
    struct exit_circ *c;
    struct tunnel_request req = request("example.com", 80);
    setup(&f);
    ck_ok(exits_build(f.x, &net.nd[0], path, 1, CIRCUIT_GENERAL, &c));
    open_circ(newest());
    ck_assert_ptr_null(find(&f, &req));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_keeps_a_controllers_circuit_apart)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup(&f);
    struct exit_circ *c = build(&f, CIRCUIT_CONTROLLER);
    ck_assert_int_eq(newest()->purpose, CIRCUIT_CONTROLLER);
    ck_assert_ptr_null(find(&f, &req));
    test_env_advance_ms(f.env, 5000000); /* and it stays */
    ck_assert_ptr_eq(exits_by_id(f.x, 1), c);
    use(c, &req);
    ck_assert_ptr_null(find(&f, &req)); /* also for the like of who is on it */
    exit_circ_ride(c)->streams->open--;
    test_env_advance_ms(f.env, 590000);
    ck_assert_ptr_nonnull(exits_by_id(f.x, 1));
    test_env_advance_ms(f.env, 50000); /* MaxCircuitDirtiness */
    ck_assert_ptr_null(exits_by_id(f.x, 1));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_purpose_takes_it_out_of_the_pool_and_back)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80), other = request("example.com", 80);
    setup(&f);
    other.isolation.session = 7;
    struct exit_circ *c = build(&f, CIRCUIT_GENERAL);
    exit_circ_set_purpose(c, CIRCUIT_CONTROLLER);
    ck_assert_ptr_null(find(&f, &req));
    exit_circ_set_purpose(c, CIRCUIT_GENERAL);
    use(c, &req);
    ck_assert_ptr_eq(find(&f, &req), c);
    exit_circ_set_purpose(c, CIRCUIT_CONTROLLER);
    ck_assert_ptr_null(find(&f, &req));
    exit_circ_set_purpose(c, CIRCUIT_GENERAL);
    ck_assert_ptr_eq(find(&f, &req), c); /* whose it was */
    ck_assert_ptr_null(find(&f, &other));
    exit_circ_set_purpose(c, CIRCUIT_CONTROLLER);
    use(c, &other); /* a controller may mix them; then it is nobody's */
    exit_circ_set_purpose(c, CIRCUIT_GENERAL);
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_ptr_null(find(&f, &other));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_extends_and_moves_the_end)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    const struct router *more[] = {relay(EXIT + 1)};
    setup(&f);
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_CIRCUIT));
    struct exit_circ *c = build(&f, CIRCUIT_GENERAL);
    use(c, &req);
    struct ride *before = exit_circ_ride(c);
    ck_ok(exit_circ_extend(c, &net.nd[1], more, 1)); /* a consensus has come meanwhile */
    ck_assert_uint_eq(newest()->plan.n_hops, 3);
    ck_assert_ptr_null(find(&f, &req)); /* not before it stands again */
    newest()->open_us = 1;
    newest()->state = OCIRC_OPEN;
    newest()->ops->on_open(newest()->arg, newest());
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.told, "1 LAUNCHED, 1 BUILT, 1 BUILT");
    ck_assert_ptr_eq(find(&f, &req), c);
    ck_assert_ptr_ne(exit_circ_ride(c), before);
    ck_assert_uint_eq(exit_circ_ride(c)->exit->b[0], EXIT + 1);
    ck_assert_uint_eq(before->streams->open, 1); /* who was on it stays where he is */
    ck_assert_ptr_eq(exit_circ_ride_at(c, 2), before);
    ck_assert_uint_eq(exit_circ_ride_at(c, 1)->exit->b[0], MIDDLE);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_an_extension_that_fails_blames_nobody)
{
    struct fixture f;
    const struct router *more[] = {relay(EXIT + 1)};
    setup_ready(&f);
    unsigned ok = guardplay.ok;
    struct tunnel_request req = request("example.com", 80);
    struct exit_circ *c = find_and_use(&f, &req);
    struct ocirc *oc = circuits_find(f.circuits, exit_circ_id(c));
    oc->open_us = 1;
    exit_circ_ride(c)->streams->open = 0;
    ck_ok(exit_circ_extend(c, &net.nd[0], more, 1));
    fail_circ(&f, oc, ERR_CIRC_TIMEOUT);
    ck_assert_uint_eq(guardplay.ok, ok);
    ck_assert_uint_eq(guardplay.failed + guardplay.dropped + net.cbt_closed, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_is_no_cleaner_for_another_purpose)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup(&f);
    struct exit_circ *c = build(&f, CIRCUIT_GENERAL);
    use(c, &req);
    exit_circ_ride(c)->streams->open--;
    test_env_advance_ms(f.env, 590000);
    exit_circ_set_purpose(c, CIRCUIT_CONTROLLER);
    test_env_advance_ms(f.env, 50000);
    ck_assert_ptr_null(exits_by_id(f.x, 1));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_failures_of_given_paths_hold_up_nobody)
{
    struct fixture f;
    struct exit_circ *c;
    const struct router *path[] = {relay(MIDDLE)};
    setup_ready(&f);
    for (int i = 0; i < 20; i++) {
        ck_ok(exits_build(f.x, &net.nd[0], path, 1, CIRCUIT_GENERAL, &c));
        fail_circ(&f, newest(), ERR_LINK_CONNECT);
        if (i == 10)
            exits_expire(f.x); /* another period */
    }
    ck_assert_uint_eq(guardplay.failed, 0);
    ck_ok(exits_build_any(f.x, &c));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_builds_any_when_asked)
{
    struct fixture f;
    struct exit_circ *c;
    setup(&f);
    ck_err(exits_build_any(f.x, &c), ERR_STATE);
    teardown(&f);
    setup_ready(&f);
    unsigned n = circs.n;
    ck_ok(exits_build_any(f.x, &c));
    ck_assert_uint_eq(circs.n, n + 1);
    net.no_path = true;
    ck_err(exits_build_any(f.x, &c), ERR_NOT_FOUND);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_new_identity_leaves_a_controllers_used_circuit)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup(&f);
    struct exit_circ *c = build(&f, CIRCUIT_CONTROLLER), *clean = build(&f, CIRCUIT_CONTROLLER);
    uint64_t id = exit_circ_id(c), clean_id = exit_circ_id(clean);
    use(c, &req);
    exit_circ_ride(c)->streams->open--;
    exits_retire_dirty(f.x);
    test_env_advance_ms(f.env, 50000);
    ck_assert_ptr_null(exits_by_id(f.x, id));
    ck_assert_ptr_nonnull(exits_by_id(f.x, clean_id));
    exits_retire_all(f.x);
    test_env_advance_ms(f.env, 0);
    ck_assert_ptr_null(exits_by_id(f.x, clean_id));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_closes_on_request)
{
    struct fixture f;
    setup(&f);
    exit_circ_close(build(&f, CIRCUIT_GENERAL), DESTROY_REQUESTED);
    ck_assert_uint_eq(newest()->end.circ.reason, DESTROY_REQUESTED);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.alive, 0);
    teardown(&f);
}
END_TEST

/* ---- an exit by name, as of a ".exit" or of TrackHostExits ---- */

static struct exit_circ *find_to(struct fixture *f, unsigned exit, int session)
{
    static struct tunnel_request req;
    const char *why_not;
    req = request("example.com", 443);
    req.isolation.session = session;
    struct exit_need need = {.request = &req, .exit = &relay(exit)->rsa};
    struct exit_circ *c = exits_find(f->x, &need, &why_not);
    ck_assert_ptr_null(why_not);
    if (c)
        exits_use(c, &need);
    return c;
}

/* C tor, circuit_launch_by_extend_info(): a clean circuit goes on by a hop. */
START_TEST(test_exits_steer_a_clean_circuit_goes_on_to_the_exit_that_is_named)
{
    struct fixture f;
    setup_ready(&f); /* two, to the first exit */
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_CIRCUIT));
    test_env_advance_ms(f.env, 100);
    unsigned before = circs.n;
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 0));
    ck_assert_uint_eq(circs.n, before);
    ck_assert_uint_eq(circs.oc[0]->plan.n_hops, 4);
    ck_assert_uint_eq(circs.oc[0]->plan.hops[3].rsa.b[0], EXIT + 1);
    ck_assert_uint_eq(circs.oc[0]->begun_us, f.env->mono_us);
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 0)); /* it is waited for */
    ck_assert_uint_eq(circs.n, before);
    test_env_advance_ms(f.env, 0);
    ck_assert_str_eq(f.told, "1 CANNIBALIZED");
    open_circ(circs.oc[0]);
    struct exit_circ *c = find_to(&f, EXIT + 1, 0);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(exit_circ_id(c), 1);
    ck_assert_ptr_eq(exit_circ_ride(c)->exit, &relay(EXIT + 1)->rsa);
    events_unlisten(&f.listener);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_without_a_clean_circuit_the_path_is_a_hop_longer)
{
    struct fixture f;
    setup_ready(&f);
    ck_assert_ptr_nonnull(find_to(&f, EXIT, 0));  /* one ends there by itself */
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 1)); /* the other goes on */
    unsigned before = circs.n;
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 2));
    ck_assert_uint_eq(circs.n, before + 1);
    ck_assert_uint_eq(newest()->plan.n_hops, 4);
    ck_assert_uint_eq(newest()->plan.hops[3].rsa.b[0], EXIT + 1);
    ck_assert_uint_eq(newest()->plan.flags & CIRCUIT_IS_INTERNAL, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_no_circuit_goes_on_to_one_of_its_own_relays)
{
    struct fixture f;
    setup_ready(&f);
    unsigned before = circs.n;
    ck_assert_ptr_null(find_to(&f, MIDDLE, 0)); /* it is the second hop of both */
    ck_assert_uint_eq(circs.n, before + 1);
    ck_assert_uint_eq(circs.oc[0]->plan.n_hops + circs.oc[1]->plan.n_hops, 6);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_steer_a_circuit_that_does_not_get_on_is_tried_anew)
{
    struct fixture f;
    setup_ready(&f);
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 0));
    fail_circ(&f, circs.oc[0], ERR_CIRC_HANDSHAKE);
    ck_assert_uint_eq(guardplay.failed, 0);
    ck_assert_ptr_null(find_to(&f, EXIT + 1, 0));
    ck_assert_uint_eq(circs.oc[1]->plan.n_hops, 4);
    teardown(&f);
}
END_TEST

TESTS("client/exits_steer", test_exits_steer_builds_over_what_is_given,
      test_exits_steer_refuses_a_path_that_cannot_begin, test_exits_steer_gives_one_hop_to_nobody,
      test_exits_steer_keeps_a_controllers_circuit_apart,
      test_exits_steer_purpose_takes_it_out_of_the_pool_and_back,
      test_exits_steer_extends_and_moves_the_end,
      test_exits_steer_an_extension_that_fails_blames_nobody,
      test_exits_steer_is_no_cleaner_for_another_purpose,
      test_exits_steer_failures_of_given_paths_hold_up_nobody,
      test_exits_steer_builds_any_when_asked,
      test_exits_steer_new_identity_leaves_a_controllers_used_circuit,
      test_exits_steer_closes_on_request,
      test_exits_steer_a_clean_circuit_goes_on_to_the_exit_that_is_named,
      test_exits_steer_without_a_clean_circuit_the_path_is_a_hop_longer,
      test_exits_steer_no_circuit_goes_on_to_one_of_its_own_relays,
      test_exits_steer_a_circuit_that_does_not_get_on_is_tried_anew)
