/* Who says onto which circuit a tunnel goes, and what is told of streams meanwhile. */
#include "client/attach.h"

#include <stdlib.h>

#include "client/fakecirc.h"
#include "client/fakeconflux.h"
#include "client/ocirc.h"
#include "tunnelworld.h"

/* ---- circuits that the register knows ---- */

/* Circuit ID is one of the pool's in the world; only what is judged of it is here. */
static struct circ three = {3}, one = {1};

static void add_circuit(struct fixture *f, struct ocirc *oc, struct circ *circ,
                        enum ocirc_state state)
{
    *oc = (struct ocirc){.env = f->env, .circ = circ};
    ck_assert(circuits_add(f->circuits, oc));
    oc->state = state;
    net.circs[oc->id - 1].id = (uint32_t)oc->id;
}

static void drop_circuit(struct ocirc *oc)
{
    circuits_remove(oc);
}

/* ---- a policy that leaves all to the test ---- */

struct holder {
    unsigned waits, forgets;
    bool no_memory;
};

static bool hold(void *arg, struct tunnel *t)
{
    struct holder *h = arg;
    (void)t;
    h->waits++;
    return !h->no_memory;
}

static void let_go(void *arg, struct tunnel *t)
{
    struct holder *h = arg;
    (void)t;
    h->forgets++;
}

static const struct attach_ops hold_ops = {.wait = hold, .forget = let_go};

static uint64_t open_held(struct fixture *f, const struct attach_policy *policy)
{
    tunnels_set_attach(f->ts, policy);
    open_to(f, "example.com");
    ck_assert_uint_eq(net.looks, 0); /* the pool is not asked */
    return tunnel_stream(f->app.t);
}

/* ---- what is told ---- */

static void settle(struct fixture *f)
{
    test_env_advance_ms(f->env, 0);
    test_env_advance_ms(f->env, 0);
}

START_TEST(test_attach_tells_the_life_of_a_stream)
{
    const struct ip addr = ip_v4((const uint8_t[]){192, 0, 2, 7});
    struct fixture f;
    struct tunnel_request req = request_to("example.com");
    setup(&f);
    req.asker.source = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, 1}), 4711};
    req.isolation.session = 5;
    open_request(&f, &req);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1");
    ck_assert_str_eq(f.last.host, "example.com");
    ck_assert_uint_eq(f.last.port, 80);
    ck_assert_int_eq(f.last.purpose, STREAM_USER);
    ck_assert_uint_eq(f.last.asker.source.port, 4711);
    ck_assert_int_eq(f.last.session, 5);
    last_stream()->ops->on_connected(last_stream()->arg, &addr, 60);
    settle(&f);
    ck_assert(ip_equal(&f.last.addr, &addr));
    end_last(END_DONE);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, REMAP 1, SUCCEEDED 1, CLOSED 1");
    ck_assert(f.last.remote);
    ck_assert_int_eq(f.last.reason, END_DONE);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_tells_of_each_attempt)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "192.0.2.1");
    end_last(END_EXITPOLICY);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, DETACHED 1, SENTCONNECT 2");
    end_last(END_RESOURCELIMIT);
    settle(&f);
    end_last(END_TIMEOUT);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, DETACHED 1, SENTCONNECT 2, DETACHED 2, "
                              "SENTCONNECT 3, FAILED 3");
    ck_assert(f.last.remote);
    ck_assert_int_eq(f.last.reason, END_TIMEOUT);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_tells_of_one_end_however_it_comes)
{
    static const struct {
        enum { REFUSED, CLOSED_EARLY, CLOSED_OPEN, STOPPED, FREED, CIRCUIT_DIED } how;
        const char *story;
    } rows[] = {
        {REFUSED, "NEW, FAILED"},
        {CLOSED_EARLY, "NEW, SENTCONNECT 1, CLOSED 1"},
        {CLOSED_OPEN, "NEW, SENTCONNECT 1, SUCCEEDED 1, CLOSED 1"},
        {STOPPED, "NEW, SENTCONNECT 1, FAILED 1"},
        {FREED, "NEW, SENTCONNECT 1, CLOSED 1"},
        {CIRCUIT_DIED, "NEW, SENTCONNECT 1, SUCCEEDED 1, CLOSED 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, rows[i].how == REFUSED ? "x.exit" : "192.0.2.1");
        if (rows[i].how == CLOSED_OPEN || rows[i].how == CIRCUIT_DIED)
            connect_last();
        if (rows[i].how == CLOSED_EARLY || rows[i].how == CLOSED_OPEN)
            tunnel_close(f.app.t, END_DONE);
        else if (rows[i].how == STOPPED)
            tunnels_end_all(f.ts, "no network");
        else if (rows[i].how == CIRCUIT_DIED)
            circuit_ends_under_last();
        if (rows[i].how == FREED) {
            tunnels_free(f.ts);
            f.ts = NULL;
        }
        settle(&f);
        ck_assert_str_eq(f.story, rows[i].story);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_attach_tells_of_look_ups)
{
    const struct stream_answer answers[] = {
        {.kind = ANSWER_NAME, .name = "x"},
        {.kind = ANSWER_IP, .ip = ip_v4((const uint8_t[]){192, 0, 2, 9})}};
    struct fixture f;
    struct tunnel_request req = request_to("example.com");
    setup(&f);
    req.kind = TUNNEL_RESOLVE;
    open_request(&f, &req);
    last_stream()->ops->on_resolved(last_stream()->arg, answers, 2);
    end_last(END_DONE);
    settle(&f);
    ck_assert_str_eq(f.story, "NEWRESOLVE, SENTRESOLVE 1, REMAP 1, CLOSED 1");
    ck_assert_int_eq(f.last.purpose, STREAM_DNS_REQUEST);
    ck_assert(ip_equal(&f.last.addr, &answers[1].ip));
    teardown(&f);
}
END_TEST

START_TEST(test_attach_gives_no_stream_the_id_of_another)
{
    struct fixture f;
    uint64_t last = 0;
    setup(&f);
    for (int i = 0; i < 60; i++) {
        net.next_circ = (uint32_t)i;
        open_to(&f, i % 3 ? "example.com" : "refused.exit");
        if (f.app.t) {
            ck_assert_uint_gt(tunnel_stream(f.app.t), last);
            ck_assert_ptr_nonnull(ostreams_find(f.streams, tunnel_stream(f.app.t)));
            last = tunnel_stream(f.app.t);
            tunnel_close(f.app.t, END_DONE);
            ck_assert_ptr_null(ostreams_find(f.streams, last));
        } else {
            last++; /* it was refused, and its id is spent */
        }
        settle(&f);
    }
    ck_assert_uint_eq(last, 60);
    teardown(&f);
}
END_TEST

/* ---- another policy ---- */

START_TEST(test_attach_policy_holds_a_stream_until_a_circuit_is_named)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    struct ocirc oc[2];
    setup(&f);
    add_circuit(&f, &oc[0], &three, OCIRC_OPEN);
    add_circuit(&f, &oc[1], &three, OCIRC_OPEN);
    uint64_t id = open_held(&f, &policy);
    test_env_advance_ms(f.env, 60000);
    ck_assert_str_eq(f.story, "NEW, CONTROLLER_WAIT");
    ck_assert_uint_eq(tunnels_waiting(f.ts), 1);
    ck_assert_int_eq(tunnels_attach(f.ts, id, 2, 0), ATTACH_DONE);
    ck_assert_uint_eq(h.waits, 1);
    ck_assert_uint_eq(h.forgets, 1);
    ck_assert_uint_eq(net.uses, 1);
    ck_assert_ptr_eq(last_stream()->circ, &net.circs[1]);
    connect_last();
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, CONTROLLER_WAIT, SENTCONNECT 2, SUCCEEDED 2");
    ck_assert_uint_eq(f.app.connected, 1);
    ck_assert_int_eq(tunnels_attach(f.ts, id, 1, 0), ATTACH_NOT_YOURS); /* it is open */
    drop_circuit(&oc[0]);
    drop_circuit(&oc[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_refuses_as_tor_does)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    struct ocirc building, dir, ended;
    setup(&f);
    add_circuit(&f, &building, &three, OCIRC_BUILDING);
    add_circuit(&f, &dir, &one, OCIRC_OPEN);
    add_circuit(&f, &ended, &three, OCIRC_OPEN);
    drop_circuit(&ended);
    uint64_t id = open_held(&f, &policy);
    ck_assert_int_eq(tunnels_attach(f.ts, id + 1, building.id, 0), ATTACH_NO_STREAM);
    ck_assert_int_eq(tunnels_attach(f.ts, id, ended.id, 0), ATTACH_NO_CIRCUIT);
    ck_assert_int_eq(tunnels_attach(f.ts, id, 77, 0), ATTACH_NO_CIRCUIT);
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 0), ATTACH_NOT_OPEN);
    ck_assert_int_eq(tunnels_attach(f.ts, id, dir.id, 0), ATTACH_ONE_HOP);
    building.state = OCIRC_OPEN;
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 1), ATTACH_ONE_HOP);
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 4), ATTACH_NO_HOP);
    net.no_streams = true; /* it came too late: BUILT is told, and it closes */
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 0), ATTACH_NOT_OPEN);
    net.no_streams = false;
    net.open_err = ERR_FULL;
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 0), ATTACH_FAILED);
    ck_assert_uint_eq(net.n_streams, 0);
    ck_assert_uint_eq(h.forgets, 0); /* after all that it still waits */
    ck_assert_int_eq(tunnels_attach(f.ts, id, building.id, 0), ATTACH_DONE);
    tunnels_set_attach(f.ts, NULL);
    net.no_circuit = true;
    open_to(&f, "example.com");
    ck_assert_int_eq(tunnels_attach(f.ts, id + 1, building.id, 0),
                     ATTACH_NOT_YOURS); /* the pool's */
    drop_circuit(&building);
    drop_circuit(&dir);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_leaves_at_the_hop_that_is_named)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    struct ocirc oc;
    setup(&f);
    add_circuit(&f, &oc, &three, OCIRC_OPEN);
    ck_assert_int_eq(tunnels_attach(f.ts, open_held(&f, &policy), oc.id, 2), ATTACH_DONE);
    ck_assert_uint_eq(net.hop, 2);
    drop_circuit(&oc);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_goes_where_a_stream_was_turned_to)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    struct ocirc oc;
    setup(&f);
    add_circuit(&f, &oc, &three, OCIRC_OPEN);
    uint64_t id = open_held(&f, &policy);
    tunnels_redirect(f.ts, id, "192.0.2.9", 8080);
    ck_assert_int_eq(tunnels_attach(f.ts, id, oc.id, 0), ATTACH_DONE);
    ck_assert_str_eq(last_stream()->target, "192.0.2.9:8080");
    settle(&f);
    ck_assert_str_eq(f.last.host, "192.0.2.9"); /* as is told, too */
    ck_assert_uint_eq(f.last.port, 8080);
    tunnels_redirect(f.ts, id, "example.org", 0); /* too late for this attempt */
    ck_assert_uint_eq(net.n_streams, 1);
    end_last(END_RESOLVEFAILED);
    settle(&f);
    ck_assert_int_eq(tunnels_attach(f.ts, id, oc.id, 0), ATTACH_DONE);
    ck_assert_str_eq(last_stream()->target, "example.org:8080");
    drop_circuit(&oc);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_turned_while_the_pool_has_it_looks_anew)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    net.no_circuit = false;
    tunnels_redirect(f.ts, 77, "example.org", 1);
    tunnels_redirect(f.ts, tunnel_stream(f.app.t), "example.org", 443);
    settle(&f);
    ck_assert_str_eq(last_stream()->target, "example.org:443");
    ck_assert_str_eq(net.need.asked_host, "example.com"); /* isolation goes by that */
    teardown(&f);
}
END_TEST

START_TEST(test_attach_option_leaves_streams_to_whoever_names_a_circuit)
{
    struct fixture f;
    struct ocirc oc;
    struct tunnels_config config = defaults;
    setup(&f);
    add_circuit(&f, &oc, &three, OCIRC_OPEN);
    config.leave_unattached = true;
    tunnels_set_config(f.ts, &config);
    open_to(&f, "example.com");
    ck_assert_uint_eq(net.looks, 0);
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), oc.id, 0), ATTACH_DONE);
    end_last(END_EXITPOLICY); /* and again after a failure */
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, CONTROLLER_WAIT, SENTCONNECT 1, DETACHED 1, CONTROLLER_WAIT");
    tunnels_set_config(f.ts, &defaults); /* those that wait are the pool's now */
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 2);
    drop_circuit(&oc);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_closes_a_stream_for_any_reason)
{
    static const struct {
        bool connected;
        const char *story;
    } rows[] = {{false, "NEW, SENTCONNECT 1, FAILED 1"},
                {true, "NEW, SENTCONNECT 1, SUCCEEDED 1, CLOSED 1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, "example.com");
        if (rows[i].connected)
            connect_last();
        ck_assert(tunnels_close_stream(f.ts, tunnel_stream(f.app.t), END_HIBERNATING));
        settle(&f);
        ck_assert_uint_eq(f.app.ended, 1);
        ck_assert_int_eq(f.app.end.reason, END_HIBERNATING);
        ck_assert_str_eq(f.story, rows[i].story);
        ck_assert(f.last.reason == END_HIBERNATING && !f.last.remote);
        ck_assert(!tunnels_close_stream(f.ts, f.last.id, END_MISC));
        teardown(&f);
    }
}
END_TEST

START_TEST(test_attach_moves_a_stream_that_is_not_connected)
{
    struct fixture f;
    struct ocirc oc[2];
    setup(&f);
    add_circuit(&f, &oc[0], &three, OCIRC_OPEN);
    add_circuit(&f, &oc[1], &three, OCIRC_OPEN);
    open_to(&f, "example.com");
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), 2, 0), ATTACH_DONE);
    ck_assert(net.streams[0].closed);
    ck_assert_int_eq(net.streams[0].reason, END_TIMEOUT);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, DETACHED 1, SENTCONNECT 2");
    connect_last();
    ck_assert_uint_eq(f.app.connected, 1);
    drop_circuit(&oc[0]);
    drop_circuit(&oc[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_that_finds_no_memory_ends_the_stream)
{
    struct holder h = {.no_memory = true};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    struct ocirc oc[2];
    setup(&f);
    add_circuit(&f, &oc[0], &three, OCIRC_OPEN);
    add_circuit(&f, &oc[1], &three, OCIRC_OPEN);
    open_to(&f, "example.com");
    tunnels_set_attach(f.ts, &policy);
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), 2, 0), ATTACH_FAILED);
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 1); /* no other was begun for it */
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, DETACHED 1, FAILED");
    drop_circuit(&oc[0]);
    drop_circuit(&oc[1]);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_gives_a_stream_back_to_the_pool)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    setup(&f);
    uint64_t id = open_held(&f, &policy);
    ck_assert_int_eq(tunnels_attach(f.ts, id, 0, 0), ATTACH_DONE);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, CONTROLLER_WAIT, SENTCONNECT 1");
    end_last(END_EXITPOLICY); /* what comes then is the policy's affair again */
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(h.waits, 2);
    tunnels_set_attach(f.ts, NULL); /* who held it has gone */
    ck_assert_uint_eq(h.forgets, 2);
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 2);
    teardown(&f);
}
END_TEST

/* All of them, not only the first. */
START_TEST(test_attach_gives_every_stream_back_to_the_pool)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    const struct tunnel_request req = request_to("example.net");
    struct app second = {0};
    struct fixture f;
    setup(&f);
    open_held(&f, &policy);
    second.t = tunnels_open(f.ts, &req, &app_ops, &second);
    ck_assert_ptr_nonnull(second.t);
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 0);
    tunnels_set_attach(f.ts, NULL);
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 2);
    app_close(&second);
    teardown(&f);
}
END_TEST

START_TEST(test_attach_policy_has_no_say_of_directories)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    const struct tunnel_request req = {.kind = TUNNEL_DIR};
    struct fixture f;
    setup(&f);
    tunnels_set_attach(f.ts, &policy);
    open_request(&f, &req);
    ck_assert_uint_eq(h.waits, 0);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_str_eq(stream_purpose_name(f.last.purpose), "DIR_FETCH");
    teardown(&f);
}
END_TEST

START_TEST(test_attach_held_stream_ends_by_itself)
{
    struct holder h = {0};
    const struct attach_policy policy = {&hold_ops, &h};
    struct fixture f;
    setup(&f);
    open_held(&f, &policy);
    test_env_advance_ms(f.env, 120000); /* SocksTimeout */
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_TIMEOUT);
    ck_assert_uint_eq(h.forgets, 1);
    settle(&f);
    ck_assert_str_eq(f.story, "NEW, CONTROLLER_WAIT, FAILED");
    h.no_memory = true;
    struct tunnel_request req = request_to("example.com");
    ck_assert_ptr_null(tunnels_open(f.ts, &req, &app_ops, &f.app));
    ck_assert_uint_eq(h.forgets, 1); /* it was not taken */
    teardown(&f);
}
END_TEST

TESTS("client/attach", test_attach_option_leaves_streams_to_whoever_names_a_circuit,
      test_attach_closes_a_stream_for_any_reason, test_attach_tells_the_life_of_a_stream,
      test_attach_tells_of_each_attempt, test_attach_tells_of_one_end_however_it_comes,
      test_attach_tells_of_look_ups, test_attach_gives_no_stream_the_id_of_another,
      test_attach_leaves_at_the_hop_that_is_named, test_attach_goes_where_a_stream_was_turned_to,
      test_attach_turned_while_the_pool_has_it_looks_anew,
      test_attach_policy_holds_a_stream_until_a_circuit_is_named, test_attach_refuses_as_tor_does,
      test_attach_moves_a_stream_that_is_not_connected,
      test_attach_that_finds_no_memory_ends_the_stream, test_attach_gives_a_stream_back_to_the_pool,
      test_attach_gives_every_stream_back_to_the_pool, test_attach_policy_has_no_say_of_directories,
      test_attach_held_stream_ends_by_itself)
