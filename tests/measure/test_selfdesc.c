/* A relay's own descriptor, asked of a node of the test network in memory. */
#include "measure/selfdesc.h"

#include "faults/faults.h"
#include "testnet/node_int.h"
#include "testnet/wired.h"

static struct scene {
    struct wired w;
    struct selfdesc_config config;
    struct selfdesc *d;
    unsigned dialled, dones;
    err_t err;
    char why[SELFDESC_WHY_MAX];
    struct consent_relay relay;
    char text[CONSENT_DESCRIPTOR_MOST + 1];
} s;

static void dial(void *world, struct link *l)
{
    static const uint8_t home[4] = {127, 0, 0, 1};
    const struct ip from = ip_v4(home);
    (void)world;
    s.dialled++;
    wired_dial(&s.w, l, &from, &link_target(l)->reach.addr);
}

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    wired_hangup(&s.w, l);
}

static const struct meas_world sockets = {.dial = dial, .output = output, .hangup = hangup};

static void on_done(void *arg, const struct selfdesc_answer *a)
{
    (void)arg;
    s.dones++;
    s.err = a->err;
    s.relay = a->relay;
    memcpy(s.why, a->why, sizeof s.why);
    memcpy(s.text, a->descriptor.s ? a->descriptor.s : "", a->descriptor.len);
    selfdesc_free(s.d);
    s.d = NULL;
}

static void begin(void)
{
    s = (struct scene){.dialled = 0};
    wired_start(&s.w);
    const struct circ_hop_target t = wired_hop(&s.w, PLAN_MIDDLE, 0, false);
    s.config = (struct selfdesc_config){
        .tls = s.w.tls, .sockets = &sockets, .world = &s, .relay = {.addrs = {t.v4}, .n_addrs = 1}};
}

static void run(void)
{
    char why[CONSENT_WHY_MAX];
    ck_ok(selfdesc_new(s.w.env, &s.config, on_done, &s, &s.d, why));
    wired_pump(&s.w);
}

static void finish(void)
{
    selfdesc_free(s.d);
    wired_stop(&s.w);
}

START_TEST(test_selfdesc_is_fetched_from_the_relay_itself)
{
    const struct sha256 pin = {.b = {1}};
    char why[CONSENT_WHY_MAX];
    begin();
    const struct circ_hop_target t = wired_hop(&s.w, PLAN_MIDDLE, 0, false);
    run();
    ck_assert_uint_eq(s.dones, 1);
    ck_assert_msg(s.err == OK, "%s", s.why);
    ck_assert(rsa_id_equal(&s.relay.rsa, &t.rsa));
    ck_assert(ed_id_equal(&s.relay.ed, &t.ed));
    ck_assert(!strncmp(s.text, "router ", 7));
    /* It is good, and says nothing of us. */
    ck_err(consent_by_contact(&s.relay, text_of(s.text), &pin, env_wall_s(s.w.env), why),
           ERR_NOT_FOUND);
    ck_assert_uint_eq(node_counts(wired_node(&s.w, PLAN_MIDDLE, 0)).circuits, 0);
    finish();
}
END_TEST

START_TEST(test_selfdesc_says_that_nobody_is_there)
{
    begin();
    node_stop(wired_node(&s.w, PLAN_MIDDLE, 0));
    run();
    ck_assert_uint_eq(s.dones, 1);
    ck_err(s.err, ERR_LINK_CONNECT);
    ck_assert_ptr_nonnull(strstr(s.why, "no relay is there"));
    finish();
}
END_TEST

START_TEST(test_selfdesc_says_that_it_is_another_relay)
{
    begin();
    s.config.relay.has_fp = true;
    run();
    ck_err(s.err, ERR_LINK_IDENTITY);
    finish();
}
END_TEST

START_TEST(test_selfdesc_asks_at_the_next_address)
{
    begin();
    const struct ipport there = s.config.relay.addrs[0];
    ck_ok(ipport_parse("127.0.0.77:7", &s.config.relay.addrs[0]));
    ck_ok(ipport_parse("[::ffff:127.0.0.1]:9001", &s.config.relay.addrs[1])); /* passed over */
    s.config.relay.addrs[2] = there;
    s.config.relay.n_addrs = 3;
    run();
    ck_assert_uint_eq(s.dones, 1);
    ck_assert_msg(s.err == OK, "%s", s.why);
    ck_assert_uint_eq(s.dialled, 2);
    ck_assert(ipport_equal(&s.relay.at, &there));
    finish();
}
END_TEST

START_TEST(test_selfdesc_asks_at_no_other_address)
{
    char why[CONSENT_WHY_MAX] = "";
    begin();
    ck_ok(ipport_parse("[::ffff:127.0.0.1]:9001", &s.config.relay.addrs[0]));
    ck_err(selfdesc_new(s.w.env, &s.config, on_done, &s, &s.d, why), ERR_ARG);
    ck_assert_uint_eq(s.dialled, 0);
    finish();
}
END_TEST

/* One that sends us elsewhere is one that says nothing: nobody else is asked. */
START_TEST(test_selfdesc_goes_nowhere_else)
{
    begin();
    faults_of(wired_node(&s.w, PLAN_MIDDLE, 0))->n[FAULT_DIR_REDIRECT] = 1;
    run();
    ck_assert_uint_eq(s.dones, 1);
    ck_err(s.err, ERR_NOT_FOUND);
    ck_assert_msg(strstr(s.why, "302"), "%s", s.why);
    ck_assert_uint_eq(s.dialled, 1);
    finish();
}
END_TEST

START_TEST(test_selfdesc_is_given_up)
{
    char why[CONSENT_WHY_MAX];
    begin();
    ck_ok(selfdesc_new(s.w.env, &s.config, on_done, &s, &s.d, why));
    test_env_advance_ms(s.w.env, SELFDESC_MS + 1);
    wired_pump(&s.w);
    ck_assert_uint_eq(s.dones, 1);
    ck_err(s.err, ERR_LINK_CONNECT);
    ck_assert_str_eq(s.why, "no relay is there: no TCP connection in time");
    finish();
}
END_TEST

/* Whatever it sends in the place of its descriptor: it is said once that there is none, nobody else
 * is asked, and nothing stays behind. */
START_TEST(test_selfdesc_odd_answers_are_none)
{
    static const enum fault faults[] = {FAULT_DIR_404, FAULT_DIR_503, FAULT_DIR_GARBAGE,
                                        FAULT_DIR_TRUNCATED, FAULT_DIR_BOMB};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        begin();
        faults_of(wired_node(&s.w, PLAN_MIDDLE, 0))->n[faults[i]] = 1;
        run();
        ck_assert_msg(s.dones == 1, "%zu: %u", i, s.dones);
        ck_assert_msg(s.err != OK && s.why[0], "%zu", i);
        ck_assert_str_eq(s.text, "");
        ck_assert_uint_eq(s.dialled, 1);
        ck_assert_uint_eq(node_counts(wired_node(&s.w, PLAN_MIDDLE, 0)).circuits, 0);
        finish();
    }
}
END_TEST

START_TEST(test_selfdesc_a_relay_that_never_answers_is_given_up)
{
    begin();
    faults_of(wired_node(&s.w, PLAN_MIDDLE, 0))->n[FAULT_DIR_SILENT] = 1;
    run();
    ck_assert_uint_eq(s.dones, 0);
    test_env_advance_ms(s.w.env, SELFDESC_MS - 1);
    wired_pump(&s.w);
    ck_assert_uint_eq(s.dones, 0);
    test_env_advance_ms(s.w.env, 1);
    wired_pump(&s.w);
    ck_assert_uint_eq(s.dones, 1);
    ck_err(s.err, ERR_LINK_TIMEOUT);
    ck_assert_uint_eq(node_counts(wired_node(&s.w, PLAN_MIDDLE, 0)).circuits, 0);
    finish();
}
END_TEST

TESTS("measure/selfdesc", test_selfdesc_is_fetched_from_the_relay_itself,
      test_selfdesc_says_that_nobody_is_there, test_selfdesc_says_that_it_is_another_relay,
      test_selfdesc_asks_at_the_next_address, test_selfdesc_asks_at_no_other_address,
      test_selfdesc_goes_nowhere_else, test_selfdesc_is_given_up,
      test_selfdesc_odd_answers_are_none, test_selfdesc_a_relay_that_never_answers_is_given_up)
