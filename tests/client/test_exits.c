/* The pool of circuits: built ahead and for tunnels, matched, retired. */
#include "exitsworld.h"

/* ---- ahead of need ---- */

START_TEST(test_exits_builds_nothing_without_a_network)
{
    struct fixture f;
    const char *why_not;
    struct tunnel_request req = request("example.com", 80);
    struct exit_need need = {.request = &req};
    setup(&f);
    test_env_advance_ms(f.env, 60000);
    ck_assert_ptr_null(exits_find(f.x, &need, &why_not));
    ck_assert_ptr_null(why_not); /* it waits */
    ck_assert_uint_eq(circs.n, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_builds_two_for_pages_ahead)
{
    struct fixture f;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 999); /* one a look, as C tor */
    ck_assert_uint_eq(circs.n, 1);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_uint_eq(net.last.n_predicted, 1);
    ck_assert(!net.last.stable);
    open_all(&f);
    ck_assert_uint_eq(circs.n, 2); /* both allow 80 and 443 */
    ck_assert_uint_eq(exits_open_count(f.x), 2);
    test_env_advance_ms(f.env, 60000);
    ck_assert_uint_eq(circs.n, 2);
    teardown(&f);
}
END_TEST

/* C tor begins one a second. */
START_TEST(test_exits_begins_ahead_one_a_look)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup_ready(&f);
    b.isolation.session = 1;
    ck_assert_ptr_nonnull(find_and_use(&f, &a));
    ck_assert_ptr_nonnull(find_and_use(&f, &b));
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 3);
    exits_set_netdir(f.x, &net.nd[1]); /* that is no look more */
    test_env_advance_ms(f.env, 999);
    ck_assert_uint_eq(circs.n, 3);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(circs.n, 4);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_replaces_a_circuit_that_is_taken)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup_ready(&f);
    ck_assert_ptr_nonnull(find_and_use(&f, &req));
    test_env_advance_ms(f.env, 999);
    ck_assert_uint_eq(circs.n, 2);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(circs.n, 3);
    teardown(&f);
}
END_TEST

static void use_once(struct fixture *f, uint16_t port)
{
    struct tunnel_request req = request("example.com", port);
    struct exit_circ *c = find_and_use(f, &req);
    ck_assert_ptr_nonnull(c);
    exit_circ_ride(c)->streams->open--;
}

START_TEST(test_exits_predicts_ports_that_were_used)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 25);
    setup(&f);
    net.only_port[4] = net.only_port[5] = net.only_port[6] = 443;
    net.only_port[7] = 25;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_ptr_null(find(&f, &req));
    open_all(&f);
    use_once(&f, 25);
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(circs.n, 2 + 3); /* its own, and two more for port 25 */
    teardown(&f);
}
END_TEST

/* circuit_predict_and_launch_new(): two for pages, then three internal ones of relays that last. */
START_TEST(test_exits_builds_internal_circuits_ahead_as_well)
{
    struct fixture f;
    setup(&f);
    net.internal = true;
    exits_set_netdir(f.x, &net.nd[0]);
    for (unsigned i = 0; i < 5; i++) {
        test_env_advance_ms(f.env, i ? 1000 : 0);
        open_all(&f);
        ck_assert_uint_eq(circs.n, i + 1);
        bool internal = i >= 2;
        ck_assert_int_eq(newest()->purpose, internal ? CIRCUIT_HS_VANGUARDS : CIRCUIT_GENERAL);
        ck_assert_uint_eq(newest()->plan.flags,
                          CIRCUIT_NEED_CAPACITY |
                              (internal ? CIRCUIT_IS_INTERNAL | CIRCUIT_NEED_UPTIME : 0u));
        ck_assert_int_eq(net.last.hops[1].kind, internal ? HOP_VANGUARD : HOP_MIDDLE);
        ck_assert_int_eq(net.last.hops[2].kind, internal ? HOP_INTERNAL : HOP_EXIT);
    }
    test_env_advance_ms(f.env, 10000);
    ck_assert_uint_eq(circs.n, 5);
    ocirc_close(circs.oc[3], OK, DESTROY_FINISHED);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 6);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_gives_no_tunnel_an_internal_circuit)
{
    struct fixture f;
    setup(&f);
    net.internal = true;
    exits_set_netdir(f.x, &net.nd[0]);
    for (unsigned i = 0; i < 5; i++) {
        test_env_advance_ms(f.env, i ? 1000 : 0);
        open_all(&f);
    }
    for (int i = 0; i < 3; i++) {
        struct tunnel_request req = request("example.com", 443);
        req.isolation.session = i;
        struct exit_circ *c = find_and_use(&f, &req);
        ck_assert(i < 2 ? c && exit_circ_id(c) <= 2 : !c);
    }
    /* By name it may have one, which then is nobody else's. */
    struct tunnel_request req = request("example.com", 443);
    struct exit_need need = {.request = &req};
    struct exit_circ *c = exits_by_id(f.x, 3);
    exits_use(c, &need);
    ck_assert(find(&f, &req) != c);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_keeps_no_more_than_so_many_clean)
{
    struct fixture f;
    setup(&f);
    net.internal = true;
    exits_set_netdir(f.x, &net.nd[0]);
    for (uint16_t port = 1; port < 20; port++) {
        struct tunnel_request req = request("example.com", port);
        exits_asked(f.x, &req);
    }
    net.only_port[4] = 1;
    net.only_port[5] = 2;
    net.only_port[6] = 3;
    net.only_port[7] = 4;
    for (int s = 0; s < 60; s++) {
        test_env_advance_ms(f.env, 1000);
        open_all(&f);
    }
    ck_assert_uint_le(circs.n, HABITS_CLEAN_MOST);
    teardown(&f);
}
END_TEST

/* tor's C_GENERAL alone count; an internal circuit that fails says nothing of streams'. */
START_TEST(test_exits_counts_no_internal_circuit_that_fails)
{
    struct fixture f;
    setup(&f);
    net.internal = true;
    exits_set_netdir(f.x, &net.nd[0]);
    for (unsigned i = 0; i < 100; i++) {
        test_env_advance_ms(f.env, i ? 1000 : 0);
        if (newest()->state < OCIRC_OPEN && newest()->purpose == CIRCUIT_GENERAL)
            open_circ(newest());
        else if (newest()->state < OCIRC_OPEN)
            fail_circ(&f, newest(), ERR_CIRC_HANDSHAKE);
        if (circs.n < 60)
            ck_assert_uint_eq(circs.n, i + 1); /* it is tried again each second */
    }
    teardown(&f);
}
END_TEST

START_TEST(test_exits_has_none_ready_once_nothing_was_asked_for_long)
{
    struct fixture f;
    setup_ready(&f);
    struct habits h = {.circuits_available_s = 600};
    exits_set_habits(f.x, &h);
    for (int minutes = 0; minutes < 65;
         minutes++) { /* what was drawn before ends, an hour at most */
        test_env_advance_ms(f.env, 60000);
        open_all(&f);
    }
    ck_assert_uint_eq(circs.alive, 0);
    unsigned before = circs.n;
    struct tunnel_request req = request("example.com", 443);
    ck_assert_ptr_null(find(&f, &req)); /* now it is built for who asks */
    open_all(&f);
    use_once(&f, 443);
    test_env_advance_ms(f.env, 3000);
    open_all(&f);
    ck_assert_uint_eq(circs.n, before + 3); /* and others ahead again, */
    test_env_advance_ms(f.env, 590000);
    ck_assert_uint_ge(exits_open_count(f.x), 2); /* for 600 to 1200 s */
    test_env_advance_ms(f.env, 700000);
    open_all(&f);
    test_env_advance_ms(f.env, 100000);
    ck_assert_uint_eq(exits_open_count(f.x), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_builds_none_ahead_if_asked_not_to)
{
    struct fixture f;
    setup(&f);
    struct exits_config config = config_of(&f);
    config.no_predicted = true;
    exits_set_config(f.x, &config);
    net.learning = true;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 60000);
    ck_assert_uint_eq(circs.n, 0);
    struct tunnel_request req = request("example.com", 443);
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_uint_eq(circs.n, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_bounds_what_is_pending)
{
    struct fixture f;
    setup(&f);
    struct exits_config config = config_of(&f);
    config.max_pending = 1;
    exits_set_config(f.x, &config);
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(circs.n, 2); /* what is built ahead has another bound, as in C tor */
    for (int i = 0; i < 3; i++) {
        struct tunnel_request req = request("example.com", 80);
        req.isolation.session = i;
        ck_assert_ptr_null(find(&f, &req)); /* two wait for those there */
    }
    ck_assert_uint_eq(circs.n, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_waits_for_the_guards_descriptors)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 80);
    setup(&f);
    net.no_guard_md = true;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 5000);
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_uint_eq(circs.n, 0);
    net.no_guard_md = false;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_wakes_who_waits_when_the_network_comes)
{
    struct fixture f;
    struct tunnel_request req = request("example.com", 25);
    setup(&f);
    for (size_t i = FIRST_EXIT; i < RELAYS; i++)
        net.only_port[i] = 25; /* nothing is built ahead */
    ck_assert_ptr_null(find(&f, &req));
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_ge(f.changed, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_wakes_who_waits_for_a_place)
{
    struct fixture f;
    setup_ready(&f);
    unsigned before = f.changed;
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_gt(f.changed, before);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_learns_build_times_at_intervals)
{
    struct fixture f;
    setup(&f);
    net.learning = net.internal = true;
    exits_set_netdir(f.x, &net.nd[0]);
    for (int s = 0; s < 60; s++) {
        test_env_advance_ms(f.env, 1000);
        open_all(&f);
    }
    ck_assert_uint_eq(circs.n, 2 + 3 + 5);
    for (int s = 0; s < 300; s++) { /* past the time for which they are kept */
        test_env_advance_ms(f.env, 1000);
        open_all(&f);
    }
    ck_assert_uint_le(exits_open_count(f.x), 10);
    ck_assert_uint_gt(circs.n, 12); /* the learning goes on */
    teardown(&f);
}
END_TEST

/* ---- matching ---- */

START_TEST(test_exits_claims_what_it_builds_for_a_tunnel)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    b.isolation.session = 1;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(circs.n, 1);
    ck_assert_ptr_null(find(&f, &a)); /* its own is on its way */
    ck_assert_uint_eq(circs.n, 1);
    ck_assert_ptr_null(find(&f, &b)); /* that one is not for it */
    ck_assert_uint_eq(circs.n, 2);
    open_circ(circs.oc[0]);
    struct tunnel_request other = request("example.org", 443);
    ck_assert_ptr_nonnull(find(&f, &other)); /* whom it was built for did not come */
    teardown(&f);
}
END_TEST

START_TEST(test_exits_tells_those_that_it_built_for)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    a.isolation.session = 1;
    b.isolation.session = 2;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_ptr_null(find(&f, &b));
    open_circ(circs.oc[0]);
    ck_assert_int_eq(f.who.session, 1);
    test_env_advance_ms(f.env, 0);
    f.changed = 0;
    fail_circ(&f, circs.oc[1], ERR_CIRC_PROTO); /* they try again at the next look, as C tor */
    ck_assert_uint_eq(f.changed, 0);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_ge(f.changed, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_begins_nothing_for_who_only_looks)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    struct exit_need need = {.request = &a};
    setup(&f);
    ck_assert(!exits_could_serve(f.x)); /* there is no network */
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert(exits_could_serve(f.x));
    ck_assert_ptr_null(exits_find_open(f.x, &need));
    ck_assert_uint_eq(circs.n, 0);
    ck_assert_ptr_null(find(&f, &a));
    open_all(&f);
    ck_assert_ptr_nonnull(exits_find_open(f.x, &need));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_has_nothing_while_the_most_are_pending)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    struct exits_config config = config_of(&f);
    config.max_pending = 2;
    exits_set_config(f.x, &config);
    exits_set_netdir(f.x, &net.nd[0]);
    for (int32_t session = 0; session < 4; session++) {
        ck_assert(exits_could_serve(f.x) == (session < 2));
        a.isolation.session = session;
        ck_assert_ptr_null(find(&f, &a));
    }
    ck_assert_uint_eq(building(), 2);
    fail_circ(&f, circs.oc[0], ERR_CIRC_PROTO);
    ck_assert(exits_could_serve(f.x)); /* each way a circuit ends frees its place */
    teardown(&f);
}
END_TEST

/* Each user wants a circuit of his own: how many are begun until nobody gets one any more. */
static unsigned begin_as_many(struct fixture *f, int32_t *session)
{
    struct tunnel_request req = request("example.com", 80);
    unsigned before = circs.n;
    while (exits_could_serve(f->x) && circs.n < before + 100) {
        req.isolation.session = ++*session;
        ck_assert_ptr_null(find(f, &req));
    }
    return circs.n - before;
}

/* A burst is free, then they follow each other; who waits is told when. */
START_TEST(test_exits_begins_circuits_at_a_pace)
{
    struct fixture f;
    int32_t session = 0;
    setup(&f);
    struct exits_config config = config_of(&f);
    config.max_pending = 1000;
    config.no_predicted = true;
    exits_set_config(f.x, &config);
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_uint_eq(begin_as_many(&f, &session), 32);
    for (int i = 0; i < 10; i++) {
        unsigned told = f.changed;
        test_env_advance_ms(f.env, 8);
        ck_assert_uint_gt(f.changed, told);
        ck_assert_uint_eq(begin_as_many(&f, &session), 1);
    }
    test_env_advance_ms(f.env, 900);
    ck_assert_uint_eq(begin_as_many(&f, &session), 32);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_claims_one_that_is_being_built_ahead)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a, c = a;
    setup(&f);
    b.isolation.session = 1;
    c.isolation.session = 2;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_ptr_null(find(&f, &b));
    ck_assert_ptr_null(find(&f, &c));
    ck_assert_uint_eq(circs.n, 3);
    teardown(&f);
}
END_TEST

static void no_change(struct tunnel_request *r)
{
    (void)r;
}

static void session(struct tunnel_request *r)
{
    r->isolation.session = 5;
}

static void protocol(struct tunnel_request *r)
{
    r->isolation.protocol = 4;
}

static void client_addr(struct tunnel_request *r)
{
    r->isolation.client = ip_v4((const uint8_t[]){127, 0, 0, 2});
}

static void auth(struct tunnel_request *r)
{
    isolation_set_auth(&r->isolation, text_of("user"), text_of("pass"));
}

static void host(struct tunnel_request *r)
{
    snprintf(r->host, sizeof r->host, "example.org");
}

static void port(struct tunnel_request *r)
{
    r->port = 443;
}

static void dest_addr(struct tunnel_request *r)
{
    r->isolation.by_dest_addr = true;
}

static void dest_port(struct tunnel_request *r)
{
    r->isolation.by_dest_port = true;
}

static void host_dest_addr(struct tunnel_request *r)
{
    host(r);
    dest_addr(r);
}

static void host_dest_port(struct tunnel_request *r)
{
    host(r);
    dest_port(r);
}

static void port_dest_addr(struct tunnel_request *r)
{
    port(r);
    dest_addr(r);
}

static void port_dest_port(struct tunnel_request *r)
{
    port(r);
    dest_port(r);
}

/* The first tunnel goes to example.com:80 with FIRST's wishes, the next with SECOND's. */
START_TEST(test_exits_isolates_by_every_field)
{
    static const struct {
        void (*first)(struct tunnel_request *r);
        void (*second)(struct tunnel_request *r);
        bool together;
    } rows[] = {
        {no_change, no_change, true},
        {no_change, host, true},
        {no_change, port, true},
        {no_change, session, false},
        {session, session, true},
        {session, no_change, false},
        {no_change, protocol, false},
        {protocol, protocol, true},
        {no_change, client_addr, false},
        {client_addr, client_addr, true},
        {no_change, auth, false},
        {auth, auth, true},
        {auth, no_change, false},
        {dest_addr, dest_addr, true},
        {dest_addr, host, false},
        {no_change, host_dest_addr, false},
        {dest_addr, host_dest_addr, false},
        {no_change, dest_addr, true},
        {dest_addr, port_dest_addr, true},
        {dest_port, dest_port, true},
        {dest_port, port, false},
        {no_change, port_dest_port, false},
        {dest_port, port_dest_port, false},
        {dest_port, host_dest_port, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct tunnel_request a = request("example.com", 80), b = a;
        setup_ready(&f);
        rows[i].first(&a);
        rows[i].second(&b);
        struct exit_circ *c = find_and_use(&f, &a);
        ck_assert_ptr_nonnull(c);
        struct exit_circ *d = find(&f, &b);
        ck_assert_msg((c == d) == rows[i].together, "row %zu", i);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_exits_isolates_two_user_names)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup_ready(&f);
    isolation_set_auth(&a.isolation, text_of("a"), text_of("x"));
    isolation_set_auth(&b.isolation, text_of("a"), text_of("y"));
    ck_assert_ptr_ne(find_and_use(&f, &a), find_and_use(&f, &b));
    teardown(&f);
}
END_TEST

/* A third tunnel that asks to be alone with example.com, after one to there and one elsewhere. */
START_TEST(test_exits_isolates_from_what_was_mixed_before)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a, c = a, d = a;
    setup_ready(&f);
    host(&b);
    dest_addr(&c);
    dest_port(&d);
    struct exit_circ *first = find_and_use(&f, &a);
    ck_assert_ptr_eq(find_and_use(&f, &b), first);
    ck_assert_ptr_ne(find(&f, &c), first);
    ck_assert_ptr_eq(find_and_use(&f, &d), first); /* one port so far, and one from now on */
    port(&b);
    ck_assert_ptr_ne(find(&f, &b), first);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_prefers_what_is_in_use)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup_ready(&f);
    struct exit_circ *first = find_and_use(&f, &a);
    test_env_advance_ms(f.env, 1000);
    open_all(&f);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(find_and_use(&f, &a), first);
    teardown(&f);
}
END_TEST

/* Two in use would do, by isolation of different kinds: the oldest, as with tor. */
START_TEST(test_exits_prefers_the_oldest_in_use)
{
    for (int turn = 0; turn < 2; turn++) {
        struct fixture f;
        struct tunnel_request a = request("example.com", 80), alone = a;
        const char *why_not;
        setup_ready(&f);
        dest_addr(&alone);
        struct exit_circ *first = find_and_use(&f, turn ? &alone : &a);
        test_env_advance_ms(f.env, 1000);
        struct exit_need need = {.request = turn ? &a : &alone,
                                 .avoid_circuit = exit_circ_ride(first)->circuit};
        struct exit_circ *second = exits_find(f.x, &need, &why_not);
        ck_assert_ptr_nonnull(second);
        exits_use(second, &need);
        ck_assert_ptr_eq(find(&f, &a), first);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_exits_keeps_from_exits_and_circuits_that_failed)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    const char *why_not;
    setup_ready(&f);
    struct exit_circ *first = find(&f, &a);
    struct exit_need need = {.request = &a, .avoid_circuit = exit_circ_ride(first)->circuit};
    struct exit_circ *second = exits_find(f.x, &need, &why_not);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_ne(second, first);

    struct rsa_id failed = *exit_circ_ride(first)->exit;
    need = (struct exit_need){.request = &a, .failed = &failed, .n_failed = 1};
    ck_assert_ptr_null(exits_find(f.x, &need, &why_not));
    ck_assert_uint_eq(building(), 1);
    ck_assert_uint_ne(newest()->plan.hops[2].rsa.b[0], failed.b[0]);
    teardown(&f);
}
END_TEST

/* Directory requests: the last hop is no exit, but has a directory. */
START_TEST(test_exits_ends_at_directories_for_those)
{
    struct fixture f;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    struct tunnel_request req = {.kind = TUNNEL_DIR, .isolation = {.session = 5}};
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_ptr_eq(net.last.hops, path_to_directory);
    req.kind = TUNNEL_DIR_AUTHORITY;
    req.isolation.session = 6;
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_ptr_eq(net.last.hops, path_to_authority);
    req = request("example.com", 80);
    req.isolation.session = 7;
    ck_assert_ptr_null(find(&f, &req));
    ck_assert_ptr_eq(net.last.hops, path_to_exit);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_says_why_nothing_will_do)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 25);
    const char *why_not;
    struct exit_need need = {.request = &a};
    setup(&f);
    for (size_t i = FIRST_EXIT; i < RELAYS; i++)
        net.only_port[i] = 80;
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_ptr_null(exits_find(f.x, &need, &why_not));
    ck_assert_ptr_nonnull(why_not);
    ck_assert_str_eq(why_not, "no exit relay allows port 25");
    teardown(&f);
}
END_TEST

START_TEST(test_exits_without_a_guard_for_now_waits)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    const char *why_not;
    struct exit_need need = {.request = &a};
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    net.no_path = net.no_guard = true;
    ck_assert_ptr_null(exits_find(f.x, &need, &why_not));
    ck_assert_ptr_null(why_not);
    ck_assert_uint_eq(net.picks, 1);
    ck_assert_ptr_null(exits_find(f.x, &need, &why_not)); /* backs off */
    ck_assert_uint_eq(net.picks, 1);
    unsigned before = f.changed;
    test_env_advance_ms(f.env, 100);
    ck_assert_uint_gt(f.changed, before);
    net.no_path = false;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(building(), 1);
    teardown(&f);
}
END_TEST

/* As when NodeFamily leaves no guard for this exit alone. */
START_TEST(test_exits_without_a_path_for_one_builds_for_others)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = request("example.org", 80);
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    b.isolation.session = 1;
    net.no_path = true;
    ck_assert_ptr_null(find(&f, &a));
    net.no_path = false;
    ck_assert_ptr_null(find(&f, &b));
    ck_assert_uint_eq(building(), 1);
    teardown(&f);
}
END_TEST

/* Put there by name, a stranger leaves the circuit to nobody else. */
START_TEST(test_exits_keeps_others_from_a_circuit_that_a_stranger_was_put_on)
{
    struct fixture f;
    setup_ready(&f);
    struct tunnel_request mine = request("a.example", 443), theirs = mine;
    theirs.isolation.session = 7;
    const struct exit_need need = {.request = &theirs};
    struct exit_circ *c = find_and_use(&f, &mine);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_eq(find(&f, &mine), c);
    exits_use(c, &need);
    ck_assert_ptr_ne(find(&f, &mine), c);
    ck_assert_ptr_ne(find(&f, &theirs), c);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_uses_a_relaxed_circuit_for_what_it_was_picked_for)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 22);
    setup(&f);
    net.none_is_stable = true;
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_ptr_null(find(&f, &a));
    open_all(&f);
    ck_assert_ptr_nonnull(find_and_use(&f, &a));
    for (int s = 0; s < 30; s++) {
        test_env_advance_ms(f.env, 1000);
        open_all(&f);
    }
    ck_assert_uint_le(circs.n, 4); /* and does not build for ever */
    teardown(&f);
}
END_TEST

/* ---- failures ---- */

/* One circuit a look is launched and fails, for SECONDS; how many. */
static unsigned fail_for(struct fixture *f, unsigned seconds)
{
    unsigned before = circs.n;
    for (unsigned s = 0; s < seconds; s++) {
        test_env_advance_ms(f->env, 1000);
        while (building())
            for (unsigned i = 0; i < circs.n; i++)
                if (circs.oc[i] && circs.oc[i]->state < OCIRC_OPEN)
                    fail_circ(f, circs.oc[i], ERR_LINK_CONNECT);
    }
    return circs.n - before;
}

/* circuit_launch_by_extend_info, circuit_reset_failure_count */
START_TEST(test_exits_after_a_period_of_failures_tries_six_times_in_the_next)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_uint_ge(fail_for(&f, 30), 29); /* once a look */
    ck_assert_uint_eq(fail_for(&f, 31), 6);
    ck_assert_uint_eq(fail_for(&f, 31), 6);
    ck_assert_uint_eq(guardplay.failed, circs.n);
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(building(), 0);
    test_env_advance_ms(f.env, 31000);
    ck_assert_uint_ge(building(), 1);

    open_all(&f); /* a success ends it */
    unsigned before = circs.n;
    for (int32_t session = 1; session <= 10; session++) {
        a.isolation.session = session;
        (void)find_and_use(&f, &a);
    }
    ck_assert_uint_ge(circs.n, before + 8);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_a_failure_holds_up_nobody_else)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(circs.n, 2);
    struct ocirc *good = circs.oc[1];
    fail_circ(&f, circs.oc[0], ERR_LINK_CONNECT);
    open_circ(good);
    ck_assert_ptr_nonnull(find_and_use(&f, &a));
    a.isolation.session = 1;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(building(), 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_blames_the_guard_for_the_first_hop_only)
{
    struct fixture f;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    struct ocirc *second = circs.oc[1];
    fail_circ(&f, circs.oc[0], ERR_LINK_CONNECT);
    ck_assert_uint_eq(guardplay.failed, 1);
    fail_circ(&f, second, ERR_CIRC_PROTO);
    ck_assert_uint_eq(guardplay.failed, 1);
    ck_assert_uint_eq(guardplay.dropped, 1);
    test_env_advance_ms(f.env, 2000);
    open_circ(newest());
    ck_assert_uint_eq(guardplay.ok, 1);
    fail_circ(&f, newest(), ERR_LINK_CLOSED); /* it stood */
    ck_assert_uint_eq(guardplay.failed + guardplay.dropped, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_bears_circuits_that_die_at_birth)
{
    struct fixture f;
    setup(&f);
    circs.stillborn = true;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(circs.n, 1);
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_lt(circs.n, 32);
    circs.stillborn = false;
    test_env_advance_ms(f.env, 20000);
    ck_assert_uint_ge(building(), 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_bears_a_lack_of_memory)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    circs.oom = true;
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_ptr_null(find(&f, &a));
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(circs.n, 0);
    ck_assert_uint_gt(net.picks, 1);
    ck_assert_uint_eq(guardplay.dropped, net.picks); /* guards that were picked have heard */
    circs.oom = false;
    test_env_advance_ms(f.env, 20000);
    ck_assert_uint_eq(circs.n, 2);
    teardown(&f);
}
END_TEST

/* A circuit that stands but cannot carry streams is nobody's, and its guard did well. */
START_TEST(test_exits_gives_up_a_circuit_without_memory_for_streams)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_ptr_null(find(&f, &a));
    net.no_streams = true;
    open_circ(circs.oc[0]);
    net.no_streams = false;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(circs.n, 2);
    ck_assert_int_eq(circs.oc[0]->state, OCIRC_CLOSED);
    ck_assert_int_eq(circs.oc[0]->end.circ.why, ERR_NOMEM);
    test_env_advance_ms(f.env, 0);
    ck_assert(guardplay.ok == 1 && !guardplay.failed);
    open_circ(circs.oc[1]);
    ck_assert_ptr_nonnull(find(&f, &a));
    teardown(&f);
}
END_TEST

START_TEST(test_exits_streams_may_see_internal_addresses_if_options_say_so)
{
    for (int allow = 0; allow < 2; allow++) {
        struct fixture f;
        setup(&f);
        struct exits_config config = config_of(&f);
        config.allow_internal = allow;
        exits_set_config(f.x, &config);
        exits_set_netdir(f.x, &net.nd[0]);
        test_env_advance_ms(f.env, 0);
        open_circ(circs.oc[0]);
        ck_assert_int_eq(net.streams[0].allow_internal, allow);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_exits_tells_the_build_times)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    ck_assert_ptr_null(find(&f, &a));
    begin_circ(circs.oc[0]);
    const struct router *path[] = {&net.nd[0].relay[1], &net.nd[0].relay[FIRST_EXIT]};
    struct exit_circ *other; /* stands, so nobody waits longer than usual */
    ck_ok(exits_build(f.x, &net.nd[0], path, 2, CIRCUIT_CONTROLLER, &other));
    open_circ(newest());
    test_env_advance_ms(f.env, 0);
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_CIRCUIT));
    unsigned before = f.changed;
    test_env_advance_ms(f.env, 1000);
    f.told[0] = 0; /* of what is begun ahead at that look, in vain here */
    test_env_advance_ms(f.env, 500);
    ck_assert_uint_eq(net.cbt_timed_out, 1);
    ck_assert_uint_gt(f.changed, before); /* who waits for it needs another */
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(building(), 3);
    open_circ(circs.oc[0]); /* late: it counted, and is of no more use */
    ck_assert_uint_eq(net.cbt_built, 1);
    ck_assert_ptr_null(find(&f, &a));
    test_env_advance_ms(f.env, 0);
    ck_assert_ptr_null(circs.oc[0]);
    ck_assert_str_eq(f.told, "1 PURPOSE_CHANGED, 1 BUILT, 1 CLOSED");
    events_unlisten(&f.listener);

    struct ocirc *oc = newest();
    begin_circ(oc);
    oc->end.timed_out = true;
    fail_circ(&f, oc, ERR_CIRC_TIMEOUT);
    ck_assert_uint_eq(net.cbt_closed, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_keeps_a_circuit_that_waits_for_a_better_guard)
{
    struct fixture f;
    setup(&f);
    net.guard_use = GUARD_USABLE_IF_NO_BETTER;
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    events_listen(f.events, &f.listener, EVENT_BIT(EVENT_CIRCUIT));
    struct tunnel_request a = request("web.test", 80);
    open_circ(circs.oc[0]);
    ck_assert_ptr_null(find(&f, &a)); /* it waits for that one, and no other is begun for it */
    unsigned n = circs.n;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(circs.n, n);
    ck_assert_ptr_null(net.streams[0].oc);
    guardplay.may_be_used = true;
    test_env_advance_ms(f.env, 1000);
    ck_assert_ptr_nonnull(find(&f, &a));
    ck_assert_ptr_nonnull(strstr(f.told, "1 GUARD_WAIT"));
    ck_assert_ptr_nonnull(strstr(f.told, "1 BUILT"));
    teardown(&f);
}
END_TEST

/* ---- the end of their days ---- */

START_TEST(test_exits_takes_no_stream_past_its_dirtiness)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup_ready(&f);
    struct exit_circ *c = find_and_use(&f, &a);
    struct streams *streams = exit_circ_ride(c)->streams;
    open_all(&f);
    test_env_advance_ms(f.env, 599000);
    ck_assert_ptr_eq(find(&f, &a), c);
    test_env_advance_ms(f.env, 1000);
    ck_assert_ptr_ne(find(&f, &a), c);
    unsigned alive = circs.alive;
    test_env_advance_ms(f.env, 60000); /* its stream goes on */
    ck_assert_uint_eq(circs.alive, alive);
    streams->open = 0;
    test_env_advance_ms(f.env, 31000);
    ck_assert_uint_eq(circs.alive, alive - 1);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_keeps_authenticated_circuits_alive_until_they_idle)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup_ready(&f);
    auth(&a);
    a.isolation.keep_alive = true;
    struct exit_circ *c = find_and_use(&f, &a);
    struct streams *streams = exit_circ_ride(c)->streams;
    test_env_advance_ms(f.env, 1200000);
    ck_assert_ptr_eq(find(&f, &a), c);
    streams->open = 0;
    test_env_advance_ms(f.env, 590000);
    ck_assert_ptr_eq(find(&f, &a), c);
    test_env_advance_ms(f.env, 12000);
    ck_assert_ptr_ne(find(&f, &a), c);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_lets_clean_circuits_go_when_nothing_is_predicted)
{
    struct fixture f;
    setup_ready(&f);
    test_env_advance_ms(f.env, 1790000);
    ck_assert_ptr_nonnull(circs.oc[0]);
    ck_assert_ptr_nonnull(circs.oc[1]);
    test_env_advance_ms(f.env, 1820000 + 180000 + 31000);
    ck_assert_ptr_null(circs.oc[0]);
    ck_assert_ptr_null(circs.oc[1]);
    ck_assert_uint_eq(circs.n, 2); /* and did not end sooner than what they were for */
    teardown(&f);
}
END_TEST

START_TEST(test_exits_new_identity_leaves_every_used_circuit)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup_ready(&f);
    b.isolation.session = 1;
    struct exit_circ *first = find_and_use(&f, &a), *second = find_and_use(&f, &b);
    test_env_advance_ms(f.env, 1000);
    open_all(&f);
    exits_retire_dirty(f.x);
    struct exit_circ *after = find(&f, &a);
    ck_assert_ptr_nonnull(after);
    ck_assert_ptr_ne(after, first);
    ck_assert_ptr_ne(after, second);
    ck_assert_ptr_ne(find(&f, &b), second);
    exit_circ_ride(first)->streams->open = exit_circ_ride(second)->streams->open = 0;
    test_env_advance_ms(f.env, 31000);
    ck_assert_ptr_null(circs.oc[0]);
    ck_assert_ptr_null(circs.oc[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_retires_all_and_blames_nobody)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80), b = a;
    setup_ready(&f);
    struct exit_circ *used = find_and_use(&f, &a); /* [0]; [1] is clean, [2] is being built */
    test_env_advance_ms(f.env, 1000);
    ck_assert_ptr_nonnull(used);
    ck_assert_uint_eq(circs.n, 3);
    begin_circ(circs.oc[2]);
    exits_retire_all(f.x);
    f.env->mono_us += 1800 * UINT64_C(1000000); /* and deadlines of before come to nothing */
    test_env_advance_ms(f.env, 0);
    ck_assert_ptr_nonnull(circs.oc[0]); /* its stream goes on */
    ck_assert_ptr_null(circs.oc[1]);
    ck_assert_ptr_null(circs.oc[2]);
    ck_assert_uint_eq(guardplay.failed + net.cbt_timed_out + net.cbt_closed, 0);
    ck_assert_uint_gt(circs.n, 3); /* others are built at once, not after a failure's wait */
    open_all(&f);
    b.isolation.session = 1;
    ck_assert_ptr_nonnull(find(&f, &b));
    ck_assert_ptr_ne(find(&f, &a), used);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_retired_in_building_goes_when_it_opens)
{
    struct fixture f;
    setup(&f);
    exits_set_netdir(f.x, &net.nd[0]);
    test_env_advance_ms(f.env, 1000);
    net.forbidden = true;
    struct exits_config config = config_of(&f);
    exits_set_config(f.x, &config);
    net.forbidden = false;
    open_circ(circs.oc[0]);
    open_circ(circs.oc[1]);
    struct tunnel_request a = request("example.com", 80);
    ck_assert_ptr_null(find(&f, &a));
    test_env_advance_ms(f.env, 31000);
    ck_assert_ptr_null(circs.oc[0]);
    ck_assert_ptr_null(circs.oc[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_exits_goes_on_with_its_circuits_when_the_network_expires)
{
    struct fixture f;
    struct tunnel_request a = request("example.com", 80);
    setup_ready(&f);
    exits_set_netdir(f.x, NULL);
    test_env_advance_ms(f.env, 5000);
    ck_assert_ptr_nonnull(find_and_use(&f, &a));
    a.isolation.session = 1;
    ck_assert_ptr_nonnull(find_and_use(&f, &a));
    a.isolation.session = 2;
    ck_assert_ptr_null(find(&f, &a));
    ck_assert_uint_eq(circs.n, 2); /* and builds none */
    exits_set_netdir(f.x, &net.nd[1]);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_gt(circs.n, 2);
    ck_assert_int_gt(net.nd[0].refs, 0); /* the old circuits hold the old one */
    teardown(&f);
}
END_TEST

static void count_line(void *arg, const char *line)
{
    unsigned *n = arg;
    ck_assert_ptr_nonnull(strstr(line, "Circuit "));
    ++*n;
}

/* The plan of a circuit whose hops are named, or not, by their Ed25519 identity. */
START_TEST(test_exits_names_ed25519_identities_if_consensus_or_user_say_so)
{
    static const struct {
        enum config_choice choice;
        bool consensus, said;
    } rows[] = {{CONFIG_AUTO, false, false},
                {CONFIG_AUTO, true, true},
                {CONFIG_NO, true, false},
                {CONFIG_YES, false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        struct exits_config config = config_of(&f);
        config.extend_by_ed = rows[i].choice;
        net.extend_by_ed = rows[i].consensus;
        exits_set_config(f.x, &config);
        exits_set_netdir(f.x, &net.nd[0]);
        test_env_advance_ms(f.env, 0);
        ck_assert_uint_gt(circs.n, 0);
        for (size_t hop = 0; hop < PATH_USUAL_HOPS; hop++) {
            ck_assert(circs.oc[0]->plan.hops[hop].has_ed);
            ck_assert(circs.oc[0]->plan.hops[hop].ed_unsaid == !rows[i].said);
        }
        teardown(&f);
    }
}
END_TEST

START_TEST(test_exits_describes_each_circuit)
{
    struct fixture f;
    unsigned n = 0;
    setup_ready(&f);
    exits_describe(f.x, count_line, &n);
    ck_assert_uint_eq(n, 2);
    teardown(&f);
}
END_TEST

TESTS("client/exits", test_exits_builds_nothing_without_a_network,
      test_exits_builds_two_for_pages_ahead, test_exits_begins_ahead_one_a_look,
      test_exits_replaces_a_circuit_that_is_taken, test_exits_predicts_ports_that_were_used,
      test_exits_builds_internal_circuits_ahead_as_well,
      test_exits_gives_no_tunnel_an_internal_circuit, test_exits_keeps_no_more_than_so_many_clean,
      test_exits_counts_no_internal_circuit_that_fails,
      test_exits_has_none_ready_once_nothing_was_asked_for_long,
      test_exits_builds_none_ahead_if_asked_not_to, test_exits_bounds_what_is_pending,
      test_exits_waits_for_the_guards_descriptors,
      test_exits_wakes_who_waits_when_the_network_comes, test_exits_wakes_who_waits_for_a_place,
      test_exits_learns_build_times_at_intervals, test_exits_claims_what_it_builds_for_a_tunnel,
      test_exits_tells_those_that_it_built_for, test_exits_begins_nothing_for_who_only_looks,
      test_exits_has_nothing_while_the_most_are_pending, test_exits_begins_circuits_at_a_pace,
      test_exits_claims_one_that_is_being_built_ahead, test_exits_isolates_by_every_field,
      test_exits_isolates_two_user_names, test_exits_isolates_from_what_was_mixed_before,
      test_exits_prefers_what_is_in_use, test_exits_prefers_the_oldest_in_use,
      test_exits_keeps_from_exits_and_circuits_that_failed,
      test_exits_ends_at_directories_for_those, test_exits_says_why_nothing_will_do,
      test_exits_without_a_guard_for_now_waits, test_exits_without_a_path_for_one_builds_for_others,
      test_exits_keeps_others_from_a_circuit_that_a_stranger_was_put_on,
      test_exits_uses_a_relaxed_circuit_for_what_it_was_picked_for,
      test_exits_after_a_period_of_failures_tries_six_times_in_the_next,
      test_exits_a_failure_holds_up_nobody_else, test_exits_blames_the_guard_for_the_first_hop_only,
      test_exits_bears_circuits_that_die_at_birth, test_exits_bears_a_lack_of_memory,
      test_exits_gives_up_a_circuit_without_memory_for_streams,
      test_exits_streams_may_see_internal_addresses_if_options_say_so,
      test_exits_tells_the_build_times, test_exits_keeps_a_circuit_that_waits_for_a_better_guard,
      test_exits_takes_no_stream_past_its_dirtiness,
      test_exits_keeps_authenticated_circuits_alive_until_they_idle,
      test_exits_lets_clean_circuits_go_when_nothing_is_predicted,
      test_exits_new_identity_leaves_every_used_circuit, test_exits_retires_all_and_blames_nobody,
      test_exits_retired_in_building_goes_when_it_opens,
      test_exits_goes_on_with_its_circuits_when_the_network_expires,
      test_exits_names_ed25519_identities_if_consensus_or_user_say_so,
      test_exits_describes_each_circuit)
