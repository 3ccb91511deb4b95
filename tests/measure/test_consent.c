/* Who has agreed to be measured, and every way around it. */
#include "measure/consent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dirdoc/relaydoc.h"
#include "support/test.h"

enum { HOUR = 3600 };

static struct scene {
    struct env *env;
    struct identity id, other;
    struct rsa_key *tap;
    struct sha256 pin;
    int64_t now_s;
    struct consent_relay relay;
    char why[CONSENT_WHY_MAX];
} s;

static struct ipport at(const char *text)
{
    struct ipport out;
    ck_ok(ipport_parse(text, &out));
    return out;
}

static void begin(void)
{
    s = (struct scene){.env = test_env(3)};
    ck_ok(identity_make(s.env, &s.id));
    ck_ok(identity_make(s.env, &s.other));
    ck_ok(rsa_key_generate_from(s.env, IDENTITY_RSA_BITS, &s.tap));
    for (unsigned i = 0; i < sizeof s.pin.b; i++)
        s.pin.b[i] = (uint8_t)(0xf0 + i * 7);
    s.now_s = env_wall_s(s.env);
    s.relay = (struct consent_relay){.at = at("192.0.2.7:9001"),
                                     .rsa = s.id.rsa_id,
                                     .ed = s.id.ed.pub,
                                     .has_rsa = true,
                                     .has_ed = true};
}

static void finish(void)
{
    identity_wipe(&s.id);
    identity_wipe(&s.other);
    rsa_key_free(s.tap);
    test_env_free(s.env);
}

/* A descriptor that ID signs; the caller frees it. */
static struct docw descriptor_by(const struct identity *id, const char *contact,
                                 int64_t published_s, const char *extra_line)
{
    struct docw w = {0};
    struct relaydoc_digests digests;
    const struct relaydoc doc = {.nickname = "tester",
                                 .or_port = at("192.0.2.7:9001"),
                                 .bandwidth_bytes = 1000000,
                                 .published_s = published_s,
                                 .platform = "Tor 0.4.9.11 on Linux",
                                 .protos = RELAYDOC_PROTOS,
                                 .contact = contact,
                                 .policy = "reject *:*",
                                 .id = id,
                                 .tap = s.tap};
    relaydoc_write_server(&w, &doc, NULL);
    if (extra_line)
        docw_fmt(&w, "%s\n", extra_line);
    relaydoc_sign(&w, 0, id, &digests);
    ck_ok(w.err);
    return w;
}

static const char *word(void)
{
    static char out[CONSENT_PIN_TEXT_MAX];
    return consent_pin_text(&s.pin, out);
}

static void judged(struct text descriptor, err_t want, const char *says)
{
    err_t e = consent_by_contact(&s.relay, descriptor, &s.pin, s.now_s, s.why);
    ck_assert_msg(e == want, "%s (%s), not %s", err_name(e), s.why, err_name(want));
    ck_assert_msg(e == OK || strstr(s.why, says) != NULL, "%s", s.why);
}

static void with_contact(const char *before, const char *pin, const char *behind, err_t want)
{
    char contact[300];
    snprintf(contact, sizeof contact, "%s%s%s", before, pin, behind);
    struct docw w = descriptor_by(&s.id, contact, s.now_s - HOUR, NULL);
    judged(docw_text(&w), want, "ContactInfo");
    docw_free(&w);
}

/* ---- what is enough ---- */

START_TEST(test_consent_pin_is_written_as_curl_writes_it)
{
    begin();
    ck_assert_uint_eq(strlen(word()), strlen("tunic-measure:sha256//") + 44);
    ck_assert(!strncmp(word(), "tunic-measure:sha256//8Pf+", 26));
    finish();
}
END_TEST

START_TEST(test_consent_stands_in_the_contact_line)
{
    begin();
    with_contact("", word(), "", OK);
    with_contact("me <me AT example.org> ", word(), "", OK);
    with_contact("me <me AT example.org>,", word(), ", and more", OK);
    with_contact("", word(), " tunic-measure:sha256//AAAA", OK);
    s.relay.has_ed = false;
    with_contact("", word(), "", OK);
    finish();
}
END_TEST

START_TEST(test_consent_refusal_says_what_to_write)
{
    begin();
    struct docw w = descriptor_by(&s.id, "me", s.now_s, NULL);
    judged(docw_text(&w), ERR_NOT_FOUND, word());
    docw_free(&w);
    finish();
}
END_TEST

/* ---- what is not ---- */

START_TEST(test_consent_is_for_one_pin_alone)
{
    char most[CONSENT_PIN_TEXT_MAX], other[CONSENT_PIN_TEXT_MAX], lower[CONSENT_PIN_TEXT_MAX];
    struct sha256 another = {.b = {1}};
    begin();
    snprintf(most, sizeof most, "%.*s", (int)strlen(word()) - 2, word());
    consent_pin_text(&another, other);
    memcpy(lower, word(), sizeof lower);
    for (char *c = lower; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    with_contact("", other, "", ERR_NOT_FOUND);
    with_contact("", most, "", ERR_NOT_FOUND);
    with_contact("", lower, "", ERR_NOT_FOUND);
    with_contact("", "tunic-measure:", "", ERR_NOT_FOUND);
    with_contact("", "tunic-measure:*", "", ERR_NOT_FOUND);
    with_contact("", word() + strlen("tunic-measure:"), "", ERR_NOT_FOUND);
    with_contact("not-", word(), "", ERR_NOT_FOUND); /* "not-tunic-measure:..." is another word */
    with_contact("", word(), "A", ERR_NOT_FOUND);
    struct docw w = descriptor_by(&s.id, NULL, s.now_s, NULL);
    judged(docw_text(&w), ERR_NOT_FOUND, "ContactInfo");
    docw_free(&w);
    finish();
}
END_TEST

/* The word elsewhere in the document, where others may have a say (families, annotations). */
START_TEST(test_consent_is_in_no_other_line)
{
    char line[200], noted[16384];
    begin();
    snprintf(line, sizeof line, "x-contact %s", word());
    struct docw w = descriptor_by(&s.id, "me", s.now_s, line);
    judged(docw_text(&w), ERR_NOT_FOUND, "ContactInfo");
    docw_free(&w);
    snprintf(line, sizeof line, "contact %s", word());
    w = descriptor_by(&s.id, "me", s.now_s, line);
    judged(docw_text(&w), ERR_MALFORMED, "contact line");
    docw_free(&w);
    w = descriptor_by(&s.id, "me", s.now_s, NULL);
    snprintf(noted, sizeof noted, "@contact %s\n%.*s", word(), TEXT_ARG(docw_text(&w)));
    judged(text_of(noted), ERR_NOT_FOUND, "ContactInfo");
    snprintf(noted, sizeof noted, "%.*scontact %s\n", TEXT_ARG(docw_text(&w)), word());
    judged(text_of(noted), ERR_TRAILING, "more than one");
    docw_free(&w);
    finish();
}
END_TEST

START_TEST(test_consent_cannot_be_forged)
{
    begin();
    struct docw w = descriptor_by(&s.id, word(), s.now_s, NULL), theirs;
    struct text good = docw_text(&w);
    /* Every byte of it counts, but for line ends and the RSA signature's own spaces. */
    for (size_t at_byte = 0; at_byte < good.len; at_byte += 13) {
        char *bad = text_dup(good);
        if (bad[at_byte] != '\n' && bad[at_byte] != '-') {
            bad[at_byte] = bad[at_byte] == 'x' ? 'y' : 'x';
            err_t e =
                consent_by_contact(&s.relay, (struct text){bad, good.len}, &s.pin, s.now_s, s.why);
            ck_assert_msg(e != OK, "byte %zu: %.40s", at_byte, bad + at_byte);
        }
        free(bad);
    }
    for (size_t len = 0; len < good.len; len += 17)
        ck_assert(
            consent_by_contact(&s.relay, (struct text){good.s, len}, &s.pin, s.now_s, s.why) != OK);
    judged(good, OK, "");
    theirs = descriptor_by(&s.other, word(), s.now_s, NULL);
    judged(docw_text(&theirs), ERR_BAD_KEY, "another relay's");
    docw_free(&theirs);
    docw_free(&w);
    finish();
}
END_TEST

/* Two descriptors, one of them good: no. */
START_TEST(test_consent_takes_one_descriptor)
{
    begin();
    struct docw w = descriptor_by(&s.id, word(), s.now_s, NULL);
    struct docw two = {0};
    docw_add(&two, docw_text(&w));
    docw_add(&two, docw_text(&w));
    judged(docw_text(&two), ERR_TRAILING, "more than one");
    judged((struct text){"", 0}, ERR_MALFORMED, "no descriptor");
    judged(text_of("router\n"), ERR_MALFORMED, "");
    docw_free(&two);
    docw_free(&w);
    struct docw vast = {0};
    for (unsigned i = 0; i < 2000; i++)
        docw_add(&vast, TEXT_LIT("@annotation\n"));
    judged(docw_text(&vast), ERR_LIMIT, "too long");
    docw_free(&vast);
    finish();
}
END_TEST

START_TEST(test_consent_grows_old)
{
    static const struct {
        int64_t age_s;
        err_t want;
        const char *says;
    } rows[] = {{0, OK, ""},
                {CONSENT_AGE_MOST_S, OK, ""},
                {CONSENT_AGE_MOST_S + 1, ERR_EXPIRED, "24 h 0 min old"},
                {-CONSENT_AHEAD_MOST_S, OK, ""},
                {-CONSENT_AHEAD_MOST_S - 1, ERR_NOT_YET_VALID, "60 min ahead"}};
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct docw w = descriptor_by(&s.id, word(), s.now_s - rows[i].age_s, NULL);
        judged(docw_text(&w), rows[i].want, rows[i].says);
        docw_free(&w);
    }
    finish();
}
END_TEST

/* A relay of the asker's own cannot agree for another machine. */
START_TEST(test_consent_is_for_the_address_in_it)
{
    static const char *const rows[] = {"192.0.2.8:9001", "192.0.2.7:443", "[2001:db8::7]:9001"};
    begin();
    struct docw w = descriptor_by(&s.id, word(), s.now_s, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s.relay.at = at(rows[i]);
        judged(docw_text(&w), ERR_BAD_KEY, "does not say that the relay is at");
    }
    s.relay.at = at("[::ffff:192.0.2.7]:9001");
    judged(docw_text(&w), ERR_ARG, "IPv4");
    docw_free(&w);
    finish();
}
END_TEST

START_TEST(test_consent_wants_to_know_whose_it_is)
{
    begin();
    struct docw w = descriptor_by(&s.id, word(), s.now_s, NULL);
    s.relay.has_rsa = s.relay.has_ed = false;
    judged(docw_text(&w), ERR_BAD_KEY, "which relay");
    s.relay.has_rsa = s.relay.has_ed = true;
    s.relay.ed.b[0] ^= 1; /* one of two is another's */
    judged(docw_text(&w), ERR_BAD_KEY, "another relay's");
    docw_free(&w);
    finish();
}
END_TEST

/* ---- addresses ---- */

START_TEST(test_consent_loopback_is_free)
{
    static const char *const free_ones[] = {"127.0.0.1:1", "127.255.0.3:9001", "[::1]:443"};
    static const char *const others[] = {"128.0.0.1:1",  "10.0.0.1:9001", "192.168.0.1:1",
                                         "[::2]:1",      "[fe80::1]:1",   "[::ffff:127.0.0.1]:9001",
                                         "0.0.0.0:9001", "[::]:9001"};
    for (size_t i = 0; i < sizeof free_ones / sizeof *free_ones; i++) {
        const struct ipport it = at(free_ones[i]);
        ck_assert(consent_is_free(&it));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct ipport it = at(others[i]);
        ck_assert_msg(!consent_is_free(&it), "%s", others[i]);
    }
}
END_TEST

/* Those next to what is nobody's are somebody's. */
START_TEST(test_consent_takes_any_hosts_address)
{
    static const char *const good[] = {"1.0.0.0:1",     "223.255.255.255:1", "10.0.0.1:65535",
                                       "[::2]:1",       "[fe80::1]:9001",    "[fd00::1]:9001",
                                       "[2001:db8::]:1"};
    struct ipport out;
    char why[CONSENT_WHY_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(consent_address(good[i], &out, why) == OK, "%s: %s", good[i], why);
}
END_TEST

START_TEST(test_consent_address_is_in_numbers)
{
    static const char *const bad[] = {"localhost:9001",
                                      "relay.example.org:9001",
                                      "127.0.0.1",
                                      "127.0.0.1:0",
                                      "127.1:9001",
                                      "0x7f000001:9001",
                                      "0177.0.0.1:9001",
                                      "2130706433:9001",
                                      "127.0.0.1:9001@example.org",
                                      "[::ffff:127.0.0.1]:9001",
                                      "[::ffff:192.0.2.1]:9001",
                                      "0.0.0.0:9001",
                                      "0.0.0.1:9001",
                                      "[::]:9001",
                                      "224.0.0.1:9001",
                                      "255.255.255.255:9001",
                                      "[ff02::1]:9001",
                                      "",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536"};
    struct ipport out;
    char why[CONSENT_WHY_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *why = 0;
        ck_assert_msg(consent_address(bad[i], &out, why) == ERR_ARG, "%s", bad[i]);
        ck_assert_str_ne(why, "");
    }
    ck_err(consent_address("127.0.0.1:99999", &out, why), ERR_ARG);
    ck_assert_msg(strstr(why, "port") && !strstr(why, "names"), "%s", why);
    ck_err(consent_address("relay.example:99999", &out, why), ERR_ARG);
    ck_assert_msg(strstr(why, "names"), "%s", why);
    ck_ok(consent_address("127.0.0.1:9001", &out, why));
    ck_ok(consent_address("[2001:db8::1]:9001", &out, why));
    out = (struct ipport){.port = 9001};
    ck_err(consent_check_address(&out, why), ERR_ARG);
}
END_TEST

START_TEST(test_consent_hop_is_not_the_relays_own_machine)
{
    const struct ipport local = at("127.0.0.1:9001"), far = at("192.0.2.1:9001");
    const struct ipport hop_local = at("127.0.0.2:443"), hop_far = at("198.51.100.1:443");
    const struct ipport any = at("0.0.0.0:443"), mapped = at("[::ffff:127.0.0.1]:443");
    char why[CONSENT_WHY_MAX];
    ck_ok(consent_hop(&local, &hop_local, why));
    ck_ok(consent_hop(&local, &hop_far, why));
    ck_ok(consent_hop(&far, &hop_far, why));
    ck_err(consent_hop(&far, &hop_local, why), ERR_ARG);
    ck_assert(strstr(why, "relay's own machine"));
    ck_err(consent_hop(&far, &any, why), ERR_ARG);
    ck_err(consent_hop(&far, &mapped, why), ERR_ARG);
}
END_TEST

TESTS("measure/consent", test_consent_pin_is_written_as_curl_writes_it,
      test_consent_stands_in_the_contact_line, test_consent_refusal_says_what_to_write,
      test_consent_is_for_one_pin_alone, test_consent_is_in_no_other_line,
      test_consent_cannot_be_forged, test_consent_takes_one_descriptor, test_consent_grows_old,
      test_consent_is_for_the_address_in_it, test_consent_wants_to_know_whose_it_is,
      test_consent_loopback_is_free, test_consent_takes_any_hosts_address,
      test_consent_address_is_in_numbers, test_consent_hop_is_not_the_relays_own_machine)
