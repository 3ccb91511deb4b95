/* Relays of unmodified tor that are not of this computer, through the whole team: who has agreed,
 * who has not, and that nobody is told anything of the latter. */
#include "measure/coordinator_int.h"

#include "crypto/encode.h"
#include "dirdoc/relaydoc.h"
#include "support/measureteam.h"

#define AT "203.0.113.7:9001"

static struct {
    struct identity id, other;
    struct rsa_key *tap;
    struct consent_relay relay;
} s;

static void set_up(void)
{
    team_new(2, 10000000, 3000000);
    ck_ok(identity_make(team.env, &s.id));
    ck_ok(identity_make(team.env, &s.other));
    ck_ok(rsa_key_generate_from(team.env, IDENTITY_RSA_BITS, &s.tap));
    s.relay = (struct consent_relay){
        .rsa = s.id.rsa_id, .ed = s.id.ed.pub, .has_rsa = true, .has_ed = true};
    ck_ok(ipport_parse(AT, &s.relay.at));
}

static void tear_down(void)
{
    identity_wipe(&s.id);
    identity_wipe(&s.other);
    rsa_key_free(s.tap);
    team_free();
}

struct doc {
    const struct identity *id;
    const struct sha256 *pin; /* NULL: no word */
    int64_t age_s;
    const char *at;
    bool spoiled;
};

static char *descriptor(const struct doc *d)
{
    struct docw w = {0};
    struct relaydoc_digests digests;
    char word[CONSENT_PIN_TEXT_MAX] = "me";
    if (d->pin)
        (void)consent_pin_text(d->pin, word);
    struct relaydoc doc = {.nickname = "tester",
                           .bandwidth_bytes = 1000000,
                           .published_s = env_wall_s(team.env) - d->age_s,
                           .platform = "Tor 0.4.9.11 on Linux",
                           .protos = RELAYDOC_PROTOS,
                           .contact = word,
                           .policy = "reject *:*",
                           .id = d->id,
                           .tap = s.tap};
    ck_ok(ipport_parse(d->at, &doc.or_port));
    relaydoc_write_server(&w, &doc, NULL);
    relaydoc_sign(&w, 0, d->id, &digests);
    ck_ok(w.err);
    char *text = text_dup(docw_text(&w));
    docw_free(&w);
    if (d->spoiled)
        *strstr(text, "1000000") = '9';
    return text;
}

static uint32_t order_at(const char *relay)
{
    char why[COORDINATOR_WHY];
    uint32_t id = 0;
    const struct coordinator_wish wish = {.mode = MEAS_ECHO2, .dur = 6};
    ck_assert_msg(coordinator_measure(team.c, relay, &wish, &id, why) == OK, "%s", why);
    return id;
}

static uint32_t order(void)
{
    return order_at(AT);
}

static void proves(const struct doc *d)
{
    char *text = descriptor(d);
    team_proves(&s.relay, text);
    free(text);
}

static unsigned begun(void)
{
    return team.measurers[0].begun + team.measurers[1].begun;
}

/* The word holds, and each measurer has looked at it itself. */
START_TEST(test_coordinator_proof_is_enough)
{
    set_up();
    uint32_t id = order();
    team_pass(1);
    ck_assert_uint_eq(begun(), 0);
    proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    ck_assert_uint_eq(team.proving, 0);
    team_pass(20);
    struct result r = team_result(id);
    ck_assert_msg(*r.why == 0 || !strcmp(r.why, "inconclusive"), "%s: %s", r.why, r.detail);
    ck_assert_uint_eq(begun(), 2);
    char fp[HEX_SIZE(20)];
    ck_assert_str_eq(r.fp, hex_upper(s.id.rsa_id.b, 20, fp));
    tear_down();
}
END_TEST

START_TEST(test_coordinator_proof_that_is_none)
{
    static const struct sha256 another = {.b = {7}};
    set_up();
    const struct doc rows[] = {
        {.id = &s.id, .at = AT},
        {.id = &s.id, .at = AT, .pin = &another},
        {.id = &s.other, .at = AT, .pin = &team.keys.pin},
        {.id = &s.id, .at = "203.0.113.8:9001", .pin = &team.keys.pin},
        {.id = &s.id, .at = "203.0.113.7:9002", .pin = &team.keys.pin},
        {.id = &s.id, .at = AT, .pin = &team.keys.pin, .age_s = CONSENT_AGE_MOST_S + 60},
        {.id = &s.id, .at = AT, .pin = &team.keys.pin, .age_s = -CONSENT_AHEAD_MOST_S - 60},
        {.id = &s.id, .at = AT, .pin = &team.keys.pin, .spoiled = true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t id = order();
        team_pass(3);
        proves(&rows[i]);
        team_pass(3);
        struct result r = team_result(id);
        ck_assert_msg(!strcmp(r.why, "no_consent") && *r.detail, "%zu: %s", i, r.why);
        ck_assert_uint_eq(begun(), 0);
        ck_assert_uint_eq(team.proving, 0);
    }
    tear_down();
}
END_TEST

/* A job that had to wait for long: its relay is asked anew, and may have changed its mind. */
/* Nobody said how: one that does not know measuring is asked for its word, and measured as tor's.
 */
START_TEST(test_coordinator_proof_of_one_that_does_not_know_measuring)
{
    char why[COORDINATOR_WHY];
    uint32_t id = 0;
    const struct coordinator_wish any = {.any_mode = true, .dur = 6};
    set_up();
    team.relay_is_silent = true;
    ck_assert_msg(coordinator_measure(team.c, AT, &any, &id, why) == OK, "%s", why);
    team_pass(8);
    ck_assert_uint_eq(team.proving, 0);
    team_pass(6);
    ck_assert_uint_eq(team.proving, id);
    ck_assert_uint_eq(begun(), 0);
    proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    team_pass(25);
    struct result r = team_result(id);
    ck_assert_msg(*r.why == 0 || !strcmp(r.why, "inconclusive"), "%s: %s", r.why, r.detail);
    ck_assert_str_eq(r.mode, "echo2");
    tear_down();
}
END_TEST

/* It agreed at one address; what else it is said to have may be another's. */
START_TEST(test_coordinator_proof_is_of_one_address)
{
    set_up();
    (void)order_at("203.0.113.99:1");
    struct meas_relay *r = &team.c->jobs->config.relay;
    r->addrs[1] = s.relay.at;
    r->n_addrs = 2;
    team_pass(1);
    proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    team_pass(1);
    ck_assert_uint_eq(begun(), 2);
    ck_assert_uint_eq(team.jobs[0].told.relay.n_addrs, 1);
    ck_assert(ipport_equal(&team.jobs[0].told.relay.addrs[0], &s.relay.at));
    tear_down();
}
END_TEST

START_TEST(test_coordinator_proof_may_be_taken_back)
{
    for (int agrees = 0; agrees < 2; agrees++) {
        const struct coordinator_wish whole = {.dur = COORDINATOR_PROOF_S + 60, .prior = 100000000};
        char why[COORDINATOR_WHY];
        uint32_t first;
        set_up();
        team.relay_seconds = 600;
        ck_ok(coordinator_measure(team.c, "127.0.0.1:9001", &whole, &first, why));
        uint32_t id = order();
        team_pass(5);
        ck_assert_uint_eq(team.proving, id);
        proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
        team_pass(COORDINATOR_PROOF_S - 10);
        ck_assert_uint_eq(team.proving, 0);
        ck_assert_uint_eq(begun(), 2);
        team_pass(90);
        ck_assert_str_eq(team_result(first).why, "");
        ck_assert_uint_eq(team.proving, id);
        ck_assert_uint_eq(begun(), 2);
        proves(&(struct doc){.id = &s.id, .pin = agrees ? &team.keys.pin : NULL, .at = AT});
        team_pass(20);
        ck_assert_str_eq(team_result(id).why, agrees ? "" : "no_consent");
        ck_assert_uint_eq(begun(), agrees ? 4 : 2);
        tear_down();
    }
}
END_TEST

/* Settings that are read anew while a relay is asked: nothing is forgotten. */
START_TEST(test_coordinator_proof_while_settings_change)
{
    set_up();
    uint32_t id = order();
    team_pass(1);
    team.conf.n_measurers = 1;
    coordinator_reconfigure(team.c, &team.conf);
    team_pass(1);
    proves(&(struct doc){.id = &s.id, .at = AT});
    team_pass(2);
    ck_assert_str_eq(team_result(id).why, "no_consent");
    ck_assert_uint_eq(begun(), 0);
    tear_down();
}
END_TEST

/* What is told when nobody waits for it any more is nothing. */
START_TEST(test_coordinator_proof_that_comes_late)
{
    set_up();
    uint32_t id = order();
    team_pass(1);
    ck_ok(coordinator_cancel(team.c, id));
    char *text = descriptor(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    coordinator_proved(team.c, id, OK, &s.relay, text_of(text), "");
    free(text);
    team_pass(5);
    ck_assert_str_eq(team_result(id).why, "cancelled");
    ck_assert_uint_eq(begun(), 0);
    tear_down();
}
END_TEST

/* ---- how often ---- */

#define ELSEWHERE "203.0.113.8:443"

/* An order by address, whose relay proves to be ours there. */
static struct result proved_at(const char *at)
{
    uint32_t id = order_at(at);
    ck_ok(ipport_parse(at, &s.relay.at));
    team_pass(3);
    if (team.proving)
        proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = at});
    team_pass(25);
    return team_result(id);
}

static void restart(void)
{
    team_kill_coordinator();
    team_pass(1);
    team_coordinator();
    for (size_t i = 0; i < team.n_lines; i++)
        ck_ok(coordinator_recall(team.c, (struct text){team.lines[i], strlen(team.lines[i]) - 1}));
    ck_ok(coordinator_recalled(team.c));
    team_pass(5);
}

/* One relay that answers at two addresses is one, also over restarts, and to whom it is new. */
START_TEST(test_coordinator_proof_counts_for_the_relay)
{
    for (int restarts = 0; restarts < 2; restarts++) {
        set_up();
        (void)proved_at(AT);
        (void)proved_at(ELSEWHERE);
        ck_assert_uint_eq(begun(), 4);
        if (restarts)
            restart();
        struct result r = proved_at(ELSEWHERE);
        ck_assert_str_eq(r.why, "resting");
        ck_assert_msg(strstr(r.detail, "measured twice") != NULL, "%s", r.detail);
        ck_assert_str_eq(proved_at(AT).why, "resting");
        ck_assert_str_eq(proved_at("203.0.113.9:443").why, "resting");
        ck_assert_uint_eq(begun(), 4);
        tear_down();
    }
}
END_TEST

/* Measurers of ID's that know who it is that they have to meet. */
static unsigned told_whom(uint32_t id)
{
    unsigned n = 0;
    for (size_t i = 0; i < TEAM_JOBS; i++) {
        const struct connect_to_relay *told = &team.jobs[i].told;
        n += team.jobs[i].of && told->meas_id == id && told->relay.has_fp &&
             rsa_id_equal(&told->relay.fp, &s.id.rsa_id);
    }
    return n;
}

/* Those that know measuring say who they are when they are asked: before anybody is told. */
START_TEST(test_coordinator_proof_of_who_is_asked_counts)
{
    static const char *const at[] = {AT, "[2001:db8::7]:9001", "203.0.113.9:9001"};
    set_up();
    for (size_t i = 0; i < 3; i++) {
        struct ipport there;
        uint32_t id = team_measure(at[i]);
        ck_ok(ipport_parse(at[i], &there));
        team.relay_is_silent = true;
        team_pass(1);
        coordinator_relay_met(team.c, id, &s.id.rsa_id, &there);
        team.relay_is_silent = false;
        team_pass(3);
        ck_assert_uint_eq(told_whom(id), i < 2 ? 2 : 0);
        team_pass(17);
        ck_assert_str_eq(team_result(id).why, i < 2 ? "" : "resting");
        ck_assert_uint_eq(begun(), i < 2 ? 2 * i + 2 : 4);
    }
    tear_down();
}
END_TEST

/* ---- an exit behind it ---- */

#define EXIT_AT "198.51.100.9:443"

static struct consent_relay exit_of(const char *at)
{
    struct consent_relay exit = {
        .rsa = s.other.rsa_id, .ed = s.other.ed.pub, .has_rsa = true, .has_ed = true};
    ck_ok(ipport_parse(at, &exit.at));
    return exit;
}

static uint32_t order_http(const char *relay, const char *exit, const char *server)
{
    char why[COORDINATOR_WHY];
    uint32_t id = 0;
    struct coordinator_wish wish = {.mode = MEAS_HTTP, .dur = 6};
    ck_ok(ipport_parse(exit, &wish.exit));
    ck_ok(ipport_parse(server, &wish.server));
    ck_assert_msg(coordinator_measure(team.c, relay, &wish, &id, why) == OK, "%s", why);
    return id;
}

static void exit_proves(const char *at, const struct sha256 *pin)
{
    const struct consent_relay exit = exit_of(at);
    char *text = descriptor(&(struct doc){.id = &s.other, .pin = pin, .at = at});
    team_proves(&exit, text);
    free(text);
}

static void asked_at(const char *at)
{
    char text[IPPORT_TEXT_MAX];
    ck_assert_uint_eq(team.asked.n_addrs, 1);
    ck_assert_str_eq(ipport_text(&team.asked.addrs[0], text), at);
}

/* It has agreed as well, and each measurer sees that itself. */
START_TEST(test_coordinator_proof_of_an_exit)
{
    set_up();
    uint32_t id = order_http(AT, EXIT_AT, "127.0.0.1:80");
    team_pass(1);
    asked_at(AT);
    proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    team_pass(1);
    ck_assert_uint_eq(team.proving, id); /* now the exit is asked */
    asked_at(EXIT_AT);
    ck_assert_uint_eq(begun(), 0);
    exit_proves(EXIT_AT, &team.keys.pin);
    team_pass(20);
    struct result r = team_result(id);
    ck_assert_msg(*r.why == 0 || !strcmp(r.why, "inconclusive"), "%s: %s", r.why, r.detail);
    ck_assert_uint_eq(begun(), 2);
    tear_down();
}
END_TEST

static void nothing_was_begun(uint32_t id)
{
    struct result r = team_result(id);
    ck_assert_str_eq(r.why, "no_consent");
    ck_assert_int_eq(r.began, 0); /* measurers would have refused it as well */
    ck_assert_uint_eq(begun(), 0);
}

START_TEST(test_coordinator_proof_of_an_exit_that_has_not_agreed)
{
    set_up();
    uint32_t id = order_http("127.0.0.1:9001", EXIT_AT, "127.0.0.1:80");
    team_pass(1);
    exit_proves(EXIT_AT, NULL);
    team_pass(3);
    nothing_was_begun(id);
    id = order_http(AT, EXIT_AT, "127.0.0.1:80"); /* nor does it help that the relay has */
    team_pass(1);
    proves(&(struct doc){.id = &s.id, .pin = &team.keys.pin, .at = AT});
    team_pass(1);
    exit_proves("198.51.100.9:444", &team.keys.pin); /* it is not at that address */
    team_pass(3);
    nothing_was_begun(id);
    ck_assert_uint_eq(team.proving, 0);
    tear_down();
}
END_TEST

/* One of this computer need not agree, but says which keys it has. */
START_TEST(test_coordinator_proof_of_an_exit_here)
{
    set_up();
    uint32_t id = order_http("127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:80");
    team_pass(1);
    ck_assert_uint_eq(team.proving, id);
    exit_proves("127.0.0.1:9002", NULL);
    team_pass(20);
    struct result r = team_result(id);
    ck_assert_msg(*r.why == 0 || !strcmp(r.why, "inconclusive"), "%s: %s", r.why, r.detail);
    tear_down();
}
END_TEST

/* A web server agrees to nothing: which one may be downloaded from is the measurers' to say. */
START_TEST(test_coordinator_proof_does_not_open_web_servers)
{
    set_up();
    uint32_t id = order_http("127.0.0.1:9001", "127.0.0.1:9002", "203.0.113.80:80");
    team_pass(1);
    exit_proves("127.0.0.1:9002", NULL);
    team_pass(5);
    struct result r = team_result(id);
    ck_assert_str_eq(r.why, "no_consent");
    ck_assert_msg(strstr(r.detail, "http_server"), "%s", r.detail);
    ck_assert_uint_eq(begun(), 0);
    tear_down();
}
END_TEST

TESTS("measure/coordinator_proof", test_coordinator_proof_is_enough,
      test_coordinator_proof_is_of_one_address,
      test_coordinator_proof_of_one_that_does_not_know_measuring,
      test_coordinator_proof_that_is_none, test_coordinator_proof_may_be_taken_back,
      test_coordinator_proof_while_settings_change, test_coordinator_proof_that_comes_late,
      test_coordinator_proof_counts_for_the_relay, test_coordinator_proof_of_who_is_asked_counts,
      test_coordinator_proof_of_an_exit, test_coordinator_proof_of_an_exit_that_has_not_agreed,
      test_coordinator_proof_of_an_exit_here, test_coordinator_proof_does_not_open_web_servers)
