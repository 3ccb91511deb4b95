/* Relays by name, through a coordinator that knows a network; and that nobody is measured for being
 * listed there, whatever its listing says of it. */
#include "measure/listing.h"

#include <jansson.h>

#include "crypto/encode.h"
#include "dirdoc/relaydoc.h"
#include "measure/coordinator_int.h"
#include "support/measureteam.h"

enum { RELAYS = 4, HOUR = 3600 };

static struct {
    struct listing *l;
    struct identity id[RELAYS]; /* the last has the name of the one before */
    struct rsa_key *tap;
    struct sha256 pin;
    int64_t now_s;
} s;

static struct ipport at(const char *text)
{
    struct ipport out;
    ck_ok(ipport_parse(text, &out));
    return out;
}

static const char *const where[RELAYS] = {"203.0.113.1:9001", "127.0.0.1:9001", "203.0.113.3:9001",
                                          "203.0.113.4:9001"};

/* What relay I says of itself; the caller frees it. */
static struct docw descriptor(unsigned i, int64_t published_s, const struct sha256 *pin)
{
    char contact[CONSENT_PIN_TEXT_MAX];
    struct docw w = {0};
    struct relaydoc_digests digests;
    const struct relaydoc doc = {.nickname = "tester",
                                 .or_port = at(where[i]),
                                 .bandwidth_bytes = 1000000,
                                 .published_s = published_s,
                                 .platform = "Tor 0.4.9.11 on Linux",
                                 .protos = RELAYDOC_PROTOS,
                                 .contact = pin ? consent_pin_text(pin, contact) : NULL,
                                 .policy = "reject *:*",
                                 .id = &s.id[i],
                                 .tap = s.tap};
    relaydoc_write_server(&w, &doc, NULL);
    relaydoc_sign(&w, 0, &s.id[i], &digests);
    ck_ok(w.err);
    return w;
}

static int by_rsa(const void *a, const void *b)
{
    const struct router *x = a, *y = b;
    return memcmp(x->rsa.b, y->rsa.b, sizeof x->rsa.b);
}

static void list_all(int64_t valid_after_s)
{
    static const char *const names[RELAYS] = {"far", "near", "twice", "twice"};
    struct router relays[RELAYS];
    const struct consensus c = {.relays = relays,
                                .n_relays = RELAYS,
                                .valid_after_s = valid_after_s,
                                .valid_until_s = valid_after_s + 3 * HOUR};
    for (unsigned i = 0; i < RELAYS; i++) {
        const struct ipport ap = at(where[i]);
        relays[i] = (struct router){.rsa = s.id[i].rsa_id,
                                    .bandwidth = 5000,
                                    .flags = i == 3 ? 0 : ROUTER_RUNNING,
                                    .orport = ap.port};
        memcpy(relays[i].v4, ap.ip.b, 4);
        snprintf(relays[i].nickname, sizeof relays[i].nickname, "%s", names[i]);
    }
    qsort(relays, RELAYS, sizeof *relays, by_rsa);
    ck_ok(listing_consensus(s.l, &c));
}

/* The listing has relay I's descriptor of an hour ago. */
static void describe(unsigned i, const struct sha256 *pin)
{
    struct docw w = descriptor(i, s.now_s - HOUR, pin);
    struct text rest = docw_text(&w);
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    ck_ok(descriptor_next(&rest, &d));
    ck_ok(listing_descriptor(s.l, &d, s.now_s, why));
    docw_free(&w);
}

static void begin(void)
{
    team_new(1, 10000000, 3000000);
    memset(&s.pin, 0, sizeof s.pin);
    s.pin = team.keys.pin;
    s.now_s = env_wall_s(team.env);
    for (unsigned i = 0; i < RELAYS; i++)
        ck_ok(identity_make(team.env, &s.id[i]));
    ck_ok(rsa_key_generate_from(team.env, IDENTITY_RSA_BITS, &s.tap));
    s.l = listing_new(&s.pin);
    list_all(s.now_s);
    describe(0, &s.pin);
    coordinator_use(team.c, s.l);
}

static void end(void)
{
    team_free();
    listing_free(s.l);
    for (unsigned i = 0; i < RELAYS; i++)
        identity_wipe(&s.id[i]);
    rsa_key_free(s.tap);
}

static err_t order(const char *relay, enum meas_mode mode, uint32_t *id, char why[COORDINATOR_WHY])
{
    const struct coordinator_wish wish = {.mode = mode};
    return coordinator_measure(team.c, relay, &wish, id, why);
}

static void refused(const char *relay, const char *says)
{
    uint32_t id;
    char why[COORDINATOR_WHY] = "";
    ck_err(order(relay, MEAS_FLASHFLOW, &id, why), ERR_ARG);
    ck_assert_msg(strstr(why, says) != NULL, "%s", why);
}

START_TEST(test_coordinator_listed_relays_are_found_by_name)
{
    uint32_t id;
    char why[COORDINATOR_WHY], fp[HEX_SIZE(20)];
    begin();
    ck_ok(order("NEAR", MEAS_FLASHFLOW, &id, why));
    team_pass(15);
    struct result r = team_result(id);
    ck_assert_msg(r.ok, "%s %s", r.why, r.detail);
    ck_assert_str_eq(r.fp, hex_upper(s.id[1].rsa_id.b, 20, fp));
    ck_ok(order(fp, MEAS_FLASHFLOW, &id, why));
    refused("nobody", "no relay of that name");
    refused("twice", "several relays are called so");
    team_pass(20);
    /* What is over says nothing any more. */
    test_env_advance_ms(team.env, 30 * (uint64_t)HOUR * 1000);
    refused("near", "too old");
    end();
}
END_TEST

START_TEST(test_coordinator_listed_relays_say_why_they_are_not_measured)
{
    begin();
    char *json = team_page(coordinator_view_relays(team.c));
    ck_assert_ptr_nonnull(json);
    ck_assert_ptr_nonnull(strstr(json, "\"nickname\":\"far\""));
    ck_assert_ptr_nonnull(strstr(json, "\"consent\":\"contact\",\"why_not\":\"\""));
    ck_assert_ptr_nonnull(strstr(json, "\"consent\":\"free\",\"why_not\":\"\""));
    ck_assert_ptr_nonnull(strstr(json, "there is no descriptor yet"));
    ck_assert_ptr_nonnull(strstr(json, "it does not run"));
    ck_assert_ptr_nonnull(strstr(json, "\"desc_bw_avg\":1000000"));
    free(json);
    end();
}
END_TEST

/* The relays of a page, in the order of their fingerprints; returns how many there are in all. */
static size_t read_page(struct coordinator_view *v, bool *over, struct rsa_id *last)
{
    char *text = coordinator_view_next(v, over);
    json_t *o = json_loads(text, 0, NULL), *relays = json_object_get(o, "relays"), *one;
    size_t i, n = json_array_size(relays);
    ck_assert_uint_le(n, COORDINATOR_PAGE);
    json_array_foreach(relays, i, one)
    {
        struct rsa_id fp;
        ck_ok(hex_decode_exact(text_of(json_string_value(json_object_get(one, "fp"))), fp.b, 20));
        ck_assert_int_gt(memcmp(fp.b, last->b, 20), 0);
        *last = fp;
    }
    json_decref(o);
    free(text);
    return n;
}

static void list_many(size_t n, int64_t valid_after_s)
{
    struct router *relays = calloc(n, sizeof *relays);
    const struct consensus c = {.relays = relays, .n_relays = n, .valid_after_s = valid_after_s};
    for (size_t i = 0; i < n; i++) {
        relays[i].rsa.b[0] = (uint8_t)(1 + i / 256);
        relays[i].rsa.b[1] = (uint8_t)i;
    }
    ck_ok(listing_consensus(s.l, &c));
    free(relays);
}

/* Each once, however many pages that takes; of one that is gone by then nothing is said. */
START_TEST(test_coordinator_listed_relays_come_in_pages)
{
    enum { MANY = 2 * COORDINATOR_PAGE + 10 };
    struct rsa_id last = {{0}};
    bool over;
    begin();
    list_many(MANY, s.now_s + 1);
    struct coordinator_view *v = coordinator_view_relays(team.c);
    ck_assert_uint_eq(read_page(v, &over, &last), COORDINATOR_PAGE);
    ck_assert(!over);
    ck_assert_uint_eq(read_page(v, &over, &last), COORDINATOR_PAGE);
    list_many(MANY - 4, s.now_s + 2);
    ck_assert_uint_eq(read_page(v, &over, &last), 6);
    ck_assert(over);
    coordinator_view_free(v);
    list_many(COORDINATOR_PAGE, s.now_s + 3);
    v = coordinator_view_relays(team.c);
    last = (struct rsa_id){{0}};
    ck_assert_uint_eq(read_page(v, &over, &last), COORDINATOR_PAGE);
    ck_assert(over);
    coordinator_view_free(v);
    end();
}
END_TEST

/* Who has let itself be measured before is asked again, without a word in its contact line. */
START_TEST(test_coordinator_listed_relays_that_have_agreed_before_are_known)
{
    uint32_t id;
    char why[COORDINATOR_WHY];
    struct roster roster;
    begin();
    ck_ok(order("near", MEAS_FLASHFLOW, &id, why));
    team_pass(15);
    ck_assert(team_result(id).ok);
    for (unsigned i = 0; i < 2; i++) {
        roster_init(&roster);
        ck_ok(listing_enrol(s.l, env_wall_s(team.env), &roster));
        clisted_enrol(team.c, &roster);
        ck_assert_int_eq(roster_find(&roster, &s.id[0].rsa_id)->consent, ROSTER_CONTACT);
        ck_assert_int_eq(roster_find(&roster, &s.id[1].rsa_id)->consent,
                         i ? ROSTER_NO_CONSENT : ROSTER_GRANTED);
        ck_assert_int_eq(roster_find(&roster, &s.id[2].rsa_id)->consent, ROSTER_NO_CONSENT);
        roster_free(&roster);
        /* Until it says no. */
        team.relay_refuses = true;
        ck_ok(order("near", MEAS_FLASHFLOW, &id, why));
        team_pass(20);
        ck_assert_str_eq(team_result(id).why, "refused");
    }
    end();
}
END_TEST

/* An end of relay 2's, which has agreed to nothing, is in the results: with what REST says. */
static void recall(const char *rest)
{
    char line[512], fp[HEX_SIZE(20)];
    int n = snprintf(line, sizeof line,
                     "{\"t\":\"end\",\"id\":9,\"ts\":%lld,\"fp\":\"%s\",\"addr\":\"%s\",%s}",
                     (long long)s.now_s, hex_upper(s.id[2].rsa_id.b, 20, fp), where[2], rest);
    ck_ok(coordinator_recall(team.c, (struct text){line, (size_t)n}));
}

static int consent_now(void)
{
    struct roster roster;
    roster_init(&roster);
    ck_ok(listing_enrol(s.l, env_wall_s(team.env), &roster));
    clisted_enrol(team.c, &roster);
    int consent = (int)roster_find(&roster, &s.id[2].rsa_id)->consent;
    roster_free(&roster);
    return consent;
}

/* One of unmodified tor, or a try that came to nothing, is no word; and our own no is none of the
 * relay's: it would never be asked again. */
START_TEST(test_coordinator_listed_only_a_relay_says_whether_it_agrees)
{
    begin();
    recall("\"mode\":\"echo2\",\"ok\":true,\"bw\":5,\"began\":1");
    ck_assert_int_eq(consent_now(), ROSTER_NO_CONSENT);
    recall("\"mode\":\"flashflow\",\"ok\":false,\"why\":\"offline\"");
    ck_assert_int_eq(consent_now(), ROSTER_NO_CONSENT);
    recall("\"mode\":\"flashflow\",\"ok\":false,\"why\":\"unreachable\",\"began\":1");
    ck_assert_int_eq(consent_now(), ROSTER_NO_CONSENT);
    recall("\"mode\":\"flashflow\",\"ok\":true,\"bw\":5,\"began\":1");
    ck_assert_int_eq(consent_now(), ROSTER_GRANTED);
    recall("\"mode\":\"flashflow\",\"ok\":false,\"why\":\"resting\"");
    ck_assert_int_eq(consent_now(), ROSTER_GRANTED);
    recall("\"mode\":\"echo2\",\"ok\":true,\"bw\":5,\"began\":1");
    ck_assert_int_eq(consent_now(), ROSTER_GRANTED);
    recall("\"mode\":\"flashflow\",\"ok\":false,\"why\":\"refused\"");
    ck_assert_int_eq(consent_now(), ROSTER_NO_CONSENT);
    end();
}
END_TEST

/* Relay I is shown once, and so. */
static void shown(unsigned i, const char *consent, const char *why_not)
{
    char *json = team_page(coordinator_view_relays(team.c)), fp[HEX_SIZE(20)], want[160];
    ck_assert_ptr_nonnull(json);
    const char *it = strstr(json, hex_upper(s.id[i].rsa_id.b, 20, fp));
    ck_assert_ptr_nonnull(it);
    ck_assert_ptr_null(strstr(it + 1, fp));
    snprintf(want, sizeof want, "\"consent\":\"%s\",\"why_not\":\"%s\"", consent, why_not);
    const char *at_it = strstr(it, "\"consent\"");
    ck_assert_msg(at_it && strncmp(at_it, want, strlen(want)) == 0, "%.120s, not %s", at_it, want);
    free(json);
}

/* What is said of a relay is what the schedule would do. */
START_TEST(test_coordinator_listed_relays_are_shown_as_they_are_asked)
{
    begin();
    shown(0, "contact", "");
    shown(2, "none", "it is not known whether it agrees: there is no descriptor yet");
    describe(2, NULL);
    shown(2, "none", "it has not agreed");
    recall("\"mode\":\"flashflow\",\"ok\":true,\"bw\":5,\"began\":1");
    shown(2, "granted", "");
    recall("\"mode\":\"flashflow\",\"ok\":false,\"why\":\"refused\",\"began\":1");
    shown(2, "none", "it has not agreed");
    /* Of a descriptor that is too old nothing counts, nor of a consensus. */
    test_env_advance_ms(team.env, 48 * (uint64_t)HOUR * 1000);
    shown(0, "none", "the consensus is too old");
    list_all(env_wall_s(team.env));
    shown(0, "none", "its descriptor is too old");
    shown(1, "free", "");
    shown(2, "none", "its descriptor is too old");
    shown(3, "none", "it does not run");
    end();
}
END_TEST

/* The listing says that relay 0 agrees. What it says itself, when it is to be measured, is: older
 * than a day; of one who took the word out; for another coordinator; of another relay; changed on
 * the way; torn; about another address; nothing. No measurer hears of it, and no byte is sent. */
START_TEST(test_coordinator_listed_relays_agree_anew_or_get_no_byte)
{
    const struct sha256 other = {{7, 7, 7}};
    enum { OLD, WORD_GONE, OTHER_PIN, OTHER_RELAY, FORGED, TORN, ELSEWHERE, NOTHING, WAYS };
    begin();
    for (unsigned way = 0; way < WAYS; way++) {
        uint32_t id;
        char why[COORDINATOR_WHY];
        struct docw w = descriptor(way == OTHER_RELAY ? 2 : 0,
                                   way == OLD ? s.now_s - 25 * HOUR : s.now_s - HOUR,
                                   way == WORD_GONE   ? NULL
                                   : way == OTHER_PIN ? &other
                                                      : &s.pin);
        struct consent_relay who = {.at = at(way == ELSEWHERE ? "203.0.113.9:9001" : where[0]),
                                    .rsa = s.id[0].rsa_id,
                                    .ed = s.id[0].ed.pub,
                                    .has_rsa = true,
                                    .has_ed = true};
        struct text said = docw_text(&w);
        if (way == FORGED)
            strstr(w.s, "bandwidth 1")[sizeof "bandwidth"] = '2';
        said.len = way == NOTHING ? 0 : way == TORN ? said.len / 2 : said.len;
        ck_ok(order("far", MEAS_ECHO2, &id, why));
        team_pass(3);
        ck_assert_uint_eq(team.proving, id);
        coordinator_proved(team.c, id, OK, &who, said, "");
        team_pass(3);
        ck_assert_msg(strcmp(team_result(id).why, "no_consent") == 0, "%u: %s", way,
                      team_result(id).why);
        ck_assert_uint_eq(team.measurers[0].begun, 0);
        docw_free(&w);
    }
    /* And what it says as it should is enough: the tests above could fail. */
    uint32_t id;
    char why[COORDINATOR_WHY];
    struct docw w = descriptor(0, s.now_s - HOUR, &s.pin);
    const struct consent_relay who = {at(where[0]), s.id[0].rsa_id, s.id[0].ed.pub, true, true};
    ck_ok(order("far", MEAS_ECHO2, &id, why));
    team_pass(3);
    coordinator_proved(team.c, id, OK, &who, docw_text(&w), "");
    team_pass(3);
    ck_assert_uint_eq(team.measurers[0].begun, 1);
    docw_free(&w);
    end();
}
END_TEST

/* One that knows measuring is asked, whatever its contact line says; it says no, or nothing. */
START_TEST(test_coordinator_listed_relays_that_do_not_answer_get_no_byte)
{
    for (unsigned is_silent = 0; is_silent < 2; is_silent++) {
        uint32_t id;
        char why[COORDINATOR_WHY];
        begin();
        team.relay_refuses = !is_silent;
        team.relay_is_silent = is_silent;
        ck_ok(order("far", MEAS_FLASHFLOW, &id, why));
        team_pass(15);
        ck_assert_str_eq(team_result(id).why, is_silent ? "unsupported" : "refused");
        ck_assert_uint_eq(team.measurers[0].begun, 0);
        end();
    }
}
END_TEST

TESTS("measure/coordinator_listed", test_coordinator_listed_relays_are_found_by_name,
      test_coordinator_listed_relays_say_why_they_are_not_measured,
      test_coordinator_listed_relays_come_in_pages,
      test_coordinator_listed_relays_that_have_agreed_before_are_known,
      test_coordinator_listed_only_a_relay_says_whether_it_agrees,
      test_coordinator_listed_relays_are_shown_as_they_are_asked,
      test_coordinator_listed_relays_agree_anew_or_get_no_byte,
      test_coordinator_listed_relays_that_do_not_answer_get_no_byte)
