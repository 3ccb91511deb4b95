/* Relays of a network, and what each says of itself: forged documents, signed as real ones are. */
#include "measure/listing.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "forge/network.h"
#include "measure/bwfile.h"
#include "measure/consent.h"
#include "measure/listing_read.h"
#include "support/test.h"

enum { RELAYS = 5, AUTHORITIES = 3, HOUR = 3600 };

static struct scene {
    struct env *env;
    int64_t now_s;
    struct sha256 pin;
    struct forge_keys keys[RELAYS];
    struct docw servers;
    struct forge_authority authority[AUTHORITIES];
    struct rsa_id auths[AUTHORITIES];
    struct forge_network net;
    struct listing *l;
    size_t taken, texts;
    struct listing_sum sum; /* of the last text */
    char why[LISTING_WHY_MAX];
} s;

/* A descriptor of relay I, with a contact line and one more line in it. */
static struct docw server(unsigned i, int64_t published_s, const char *contact, const char *line)
{
    struct forge_relay made;
    struct docw w = {0};
    struct edit edit;
    char name[16];
    snprintf(name, sizeof name, "relay%u", i < 4 ? i : 3); /* two have one name */
    struct forge_relay_wish wish = {.nickname = name,
                                    .or_port = {.ip = {IP_V4, {203, 0, 113, (uint8_t)(10 + i)}}},
                                    .bandwidth_bytes = 1000000 + i,
                                    .contact = contact,
                                    .published_s = published_s};
    wish.or_port.port = 9001;
    if (line) {
        ck_ok(edit_set(line, &edit));
        wish.server = (struct forge_edits){&edit, 1};
    }
    ck_ok(forge_relay_make(&wish, i + 1, &s.keys[i], &made));
    docw_add(&w, docw_text(&made.server));
    forge_relay_free(&made);
    ck_ok(w.err);
    return w;
}

/* A consensus about the first N of the relays, of that time, signed by so many. */
static void consensus(unsigned n, int64_t valid_after_s, size_t signatures)
{
    struct forge_desc desc[RELAYS];
    struct text rest;
    const char *bad;
    char what[FORGE_WHAT_MAX];
    forge_network_free(&s.net);
    docw_free(&s.servers);
    s.servers = (struct docw){0};
    for (unsigned i = 0; i < n; i++) {
        struct docw w = server(i, s.now_s - HOUR, NULL, NULL);
        docw_add(&s.servers, docw_text(&w));
        docw_free(&w);
    }
    rest = docw_text(&s.servers);
    for (unsigned i = 0; i < n; i++)
        ck_ok(forge_desc_next(&rest, &desc[i], &bad));
    const struct forge_network_wish wish = {.authority = s.authority,
                                            .n_authorities = AUTHORITIES,
                                            .desc = desc,
                                            .n_descs = n,
                                            .valid_after_s = valid_after_s,
                                            .fresh_until_s = valid_after_s + HOUR,
                                            .valid_until_s = valid_after_s + 3 * HOUR,
                                            .vote_s = 300,
                                            .dist_s = 300,
                                            .signatures = signatures};
    ck_ok(forge_network_make(&wish, &s.net, what));
    for (unsigned i = 0; i < n; i++)
        forge_desc_free(&desc[i]);
}

static err_t take(enum consdoc_flavor flavor)
{
    const struct listing_trust trust = {s.auths, AUTHORITIES};
    return listing_read_consensus(s.l, &trust, docw_text(&s.net.consensus[flavor]),
                                  docw_text(&s.net.certs), s.now_s, s.why);
}

static void begin(void)
{
    const struct forge_edits none = {NULL, 0};
    s = (struct scene){.env = test_env(3)};
    s.now_s = env_wall_s(s.env);
    memset(s.pin.b, 0x5a, sizeof s.pin.b);
    for (unsigned i = 0; i < RELAYS; i++)
        ck_ok(forge_keys_make(s.env, &s.keys[i]));
    for (unsigned i = 0; i < AUTHORITIES; i++) {
        ck_ok(forge_authority_make(s.env, i + 1, s.now_s - 86400, s.now_s + 86400, &none, false,
                                   &s.authority[i]));
        s.auths[i] = s.authority[i].doc.identity;
    }
    s.l = listing_new(&s.pin);
    ck_assert_ptr_nonnull(s.l);
}

static void with_all(void)
{
    begin();
    consensus(RELAYS, s.now_s, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
}

static void end(void)
{
    listing_free(s.l);
    forge_network_free(&s.net);
    docw_free(&s.servers);
    for (unsigned i = 0; i < AUTHORITIES; i++)
        forge_authority_wipe(&s.authority[i]);
    for (unsigned i = 0; i < RELAYS; i++)
        forge_keys_wipe(&s.keys[i]);
    test_env_free(s.env);
}

static const struct listed_relay *relay(unsigned i)
{
    return listing_find(s.l, &s.keys[i].id.rsa_id);
}

/* One document, as the listing judges it. */
static err_t offer(struct text text)
{
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    ck_ok(descriptor_next(&text, &d));
    return listing_descriptor(s.l, &d, s.now_s, why);
}

static err_t offer_of(unsigned i, int64_t published_s, const char *contact, const char *line)
{
    struct docw w = server(i, published_s, contact, line);
    err_t e = offer(docw_text(&w));
    docw_free(&w);
    return e;
}

/* ---- the consensus ---- */

START_TEST(test_listing_a_consensus_of_either_flavor)
{
    for (enum consdoc_flavor f = CONSDOC_NS; f < CONSDOC_FLAVORS; f++) {
        begin();
        consensus(RELAYS, s.now_s, AUTHORITIES);
        ck_ok(take(f));
        ck_assert_uint_eq(listing_n(s.l), RELAYS);
        ck_assert_ptr_nonnull(relay(2));
        ck_assert_str_eq(relay(2)->nickname, "relay2");
        ck_assert_uint_eq(relay(2)->n_addrs, 1);
        ck_assert_uint_eq(relay(2)->addrs[0].ip.b[3], 12);
        ck_assert(!relay(2)->is_described);
        ck_assert(listing_is_live(s.l, s.now_s));
        end();
    }
}
END_TEST

/* By a minority, by nobody that is trusted, over, of the future, older, torn: what is here stays.
 */
START_TEST(test_listing_a_consensus_that_does_not_count_changes_nothing)
{
    with_all();
    consensus(2, s.now_s + HOUR, 1);
    ck_err(take(CONSDOC_MICRODESC), ERR_UNDERSIGNED);
    ck_assert_ptr_nonnull(strstr(s.why, "signatures"));
    consensus(2, s.now_s + HOUR, AUTHORITIES);
    const struct rsa_id strangers[AUTHORITIES] = {{{1}}, {{2}}, {{3}}};
    const struct listing_trust trust = {strangers, AUTHORITIES};
    struct text good = docw_text(&s.net.consensus[CONSDOC_MICRODESC]);
    ck_err(listing_read_consensus(s.l, &trust, good, docw_text(&s.net.certs), s.now_s, s.why),
           ERR_UNDERSIGNED);
    const struct listing_trust right = {s.auths, AUTHORITIES};
    ck_err(listing_read_consensus(s.l, &right, good, (struct text){"", 0}, s.now_s, s.why),
           ERR_UNDERSIGNED);
    struct text torn = {good.s, good.len / 2};
    ck_assert(listing_read_consensus(s.l, &right, torn, docw_text(&s.net.certs), s.now_s, s.why));
    consensus(2, s.now_s - HOUR, AUTHORITIES);
    ck_err(take(CONSDOC_MICRODESC), ERR_STATE);
    consensus(2, s.now_s + 3 * 86400, AUTHORITIES);
    ck_err(take(CONSDOC_MICRODESC), ERR_NOT_YET_VALID);
    ck_assert_uint_eq(listing_n(s.l), RELAYS);
    end();
}
END_TEST

START_TEST(test_listing_an_old_consensus_says_nothing)
{
    begin();
    consensus(RELAYS, s.now_s - 3 * 86400, AUTHORITIES);
    ck_err(take(CONSDOC_MICRODESC), ERR_EXPIRED);
    ck_assert_uint_eq(listing_n(s.l), 0);
    consensus(RELAYS, s.now_s, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
    ck_assert(listing_is_live(s.l, s.now_s + 26 * HOUR));
    ck_assert(!listing_is_live(s.l, s.now_s + 28 * HOUR));
    end();
}
END_TEST

START_TEST(test_listing_what_is_known_goes_on_and_who_is_gone_is_forgotten)
{
    with_all();
    ck_ok(offer_of(1, s.now_s - HOUR, NULL, NULL));
    ck_ok(offer_of(4, s.now_s - HOUR, NULL, NULL));
    int64_t since = relay(1)->since_s;
    consensus(3, s.now_s + HOUR, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
    ck_assert_uint_eq(listing_n(s.l), 3);
    ck_assert(relay(1)->is_described);
    ck_assert_uint_eq(relay(1)->average, 1000001);
    ck_assert_int_eq(relay(1)->since_s, since);
    ck_assert_ptr_null(relay(4));
    end();
}
END_TEST

/* An older consensus counts then, since it is another network's. */
START_TEST(test_listing_may_be_another_networks)
{
    with_all();
    ck_ok(offer_of(1, s.now_s - HOUR, NULL, NULL));
    uint32_t changes = listing_changes(s.l);
    listing_forget(s.l);
    ck_assert_uint_eq(listing_n(s.l), 0);
    ck_assert_uint_ne(listing_changes(s.l), changes);
    ck_assert(!listing_is_live(s.l, s.now_s));
    consensus(3, s.now_s - HOUR, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
    ck_assert_uint_eq(listing_n(s.l), 3);
    ck_assert(!relay(1)->is_described);
    ck_ok(offer_of(1, s.now_s - HOUR, NULL, NULL));
    end();
}
END_TEST

/* ---- descriptors ---- */

START_TEST(test_listing_a_descriptor_says_rates_and_identity)
{
    with_all();
    ck_ok(offer_of(0, s.now_s - HOUR, "me", NULL));
    ck_assert(relay(0)->is_described && relay(0)->has_ed && !relay(0)->agrees);
    ck_assert(ed_id_equal(&relay(0)->ed, &s.keys[0].id.ed.pub));
    ck_assert_uint_eq(relay(0)->average, 1000000);
    ck_assert(listing_described(relay(0), s.now_s));
    ck_assert(!listing_described(relay(0), s.now_s + 2 * 86400));
    ck_assert_uint_eq(listing_n_described(s.l, s.now_s), 1);
    ck_assert(!listing_is_told(s.l, s.now_s));
    /* Of several the newest counts. */
    ck_err(offer_of(0, s.now_s - HOUR, NULL, NULL), ERR_STATE);
    ck_err(offer_of(0, s.now_s - 2 * HOUR, NULL, NULL), ERR_STATE);
    ck_ok(offer_of(0, s.now_s, NULL, "bandwidth 7 8 9"));
    ck_assert_uint_eq(relay(0)->average, 7);
    ck_assert_uint_eq(relay(0)->burst, 8);
    ck_assert_uint_eq(relay(0)->observed, 9);
    end();
}
END_TEST

/* Old, of the future, changed after it was signed, signed by another, of a relay that is not there:
 * none counts. */
START_TEST(test_listing_a_descriptor_that_proves_nothing_does_not_count)
{
    with_all();
    ck_err(offer_of(0, s.now_s - 49 * HOUR, NULL, NULL), ERR_EXPIRED);
    ck_err(offer_of(0, s.now_s + 2 * HOUR, NULL, NULL), ERR_NOT_YET_VALID);
    struct docw w = server(0, s.now_s, NULL, NULL);
    char *at = strstr(w.s, "bandwidth 1000000");
    ck_assert_ptr_nonnull(at);
    at[sizeof "bandwidth "] = '9';
    ck_err(offer(docw_text(&w)), ERR_BAD_SIGNATURE);
    docw_free(&w);
    struct identity mine = s.keys[0].id;
    s.keys[0].id.ed = s.keys[1].id.ed; /* the RSA key of one, the Ed25519 key of another */
    ck_ok(offer_of(0, s.now_s - HOUR, NULL, NULL));
    s.keys[0].id = mine;
    ck_err(offer_of(0, s.now_s, NULL, NULL), ERR_BAD_KEY); /* it has another one by now */
    consensus(2, s.now_s + HOUR, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
    ck_err(offer_of(3, s.now_s, NULL, NULL), ERR_NOT_FOUND);
    end();
}
END_TEST

/* What a client's microdescriptors say of identities is the consensus' own word. */
START_TEST(test_listing_identities_of_the_consensus_count_most)
{
    struct consensus *c;
    with_all();
    ck_ok(consensus_parse(docw_text(&s.net.consensus[CONSDOC_MICRODESC]), &c));
    ck_ok(offer_of(0, s.now_s - HOUR, NULL, NULL));
    ck_ok(offer_of(1, s.now_s - HOUR, NULL, NULL));
    struct router *r = consensus_relay(c, &s.keys[0].id.rsa_id);
    r->has_md = true;
    r->ed = s.keys[2].id.ed.pub;
    r = consensus_relay(c, &s.keys[1].id.rsa_id);
    r->has_md = true;
    r->ed = s.keys[1].id.ed.pub;
    listing_identities(s.l, c);
    ck_assert(!relay(0)->is_described);
    ck_assert(relay(1)->is_described);
    ck_err(offer_of(0, s.now_s, NULL, NULL), ERR_BAD_KEY);
    consensus_free(&c);
    end();
}
END_TEST

START_TEST(test_listing_addresses_are_tried_as_clients_do)
{
    struct meas_relay to;
    with_all();
    ck_ok(offer_of(0, s.now_s, NULL, "or-address [2001:db8::7]:443"));
    listing_relay_of(relay(0), &to);
    ck_assert_uint_eq(to.n_addrs, 2);
    ck_assert_int_eq(to.addrs[0].ip.family, IP_V4);
    ck_assert_int_eq(to.addrs[1].ip.family, IP_V6);
    ck_assert(to.has_fp && to.has_ed25519);
    /* What may not be dialled is not there at all. */
    ck_ok(offer_of(1, s.now_s, NULL, "or-address [::ffff:10.0.0.1]:443"));
    ck_assert_uint_eq(relay(1)->n_addrs, 1);
    end();
}
END_TEST

/* ---- names ---- */

START_TEST(test_listing_finds_by_name)
{
    const struct listed_relay *r;
    char fp[HEX_SIZE(20) + 1] = "$";
    with_all();
    ck_ok(listing_named(s.l, "RELAY2", &r));
    ck_assert_ptr_eq(r, relay(2));
    (void)hex_upper(s.keys[1].id.rsa_id.b, 20, fp + 1);
    ck_ok(listing_named(s.l, fp, &r));
    ck_assert_ptr_eq(r, relay(1));
    ck_ok(listing_named(s.l, fp + 1, &r));
    ck_err(listing_named(s.l, "relay3", &r), ERR_LIMIT);
    ck_err(listing_named(s.l, "nobody", &r), ERR_NOT_FOUND);
    ck_err(listing_named(s.l, "", &r), ERR_NOT_FOUND);
    end();
}
END_TEST

/* ---- what is to be asked for ---- */

START_TEST(test_listing_wants_what_is_missing_or_old)
{
    struct rsa_id ids[RELAYS];
    with_all();
    ck_ok(offer_of(0, s.now_s - HOUR, NULL, NULL));
    ck_ok(offer_of(1, s.now_s - 19 * HOUR, NULL, NULL));
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s, ids, 2), 2);
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s, ids, RELAYS), 2);
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s, ids, RELAYS), 0); /* all were asked for */
    listing_unasked(s.l, s.now_s, ids, 2);
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s + 21, ids, RELAYS), 2);
    /* Of those that nobody had yet others are asked sooner than of those that are only old. */
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s + 200, ids, RELAYS), 3);
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s + 201, ids, RELAYS), 0);
    ck_assert_uint_eq(listing_wanted(s.l, s.now_s + 2 * HOUR, ids, RELAYS), 4);
    end();
}
END_TEST

/* ---- families ---- */

static void family(unsigned i, unsigned a, unsigned b)
{
    char line[160], x[HEX_SIZE(20)], y[HEX_SIZE(20)];
    snprintf(line, sizeof line, "family $%s=nick $%s", hex_upper(s.keys[a].id.rsa_id.b, 20, x),
             hex_upper(s.keys[b].id.rsa_id.b, 20, y));
    ck_ok(offer_of(i, s.now_s, NULL, line));
}

START_TEST(test_listing_families_are_of_those_who_name_each_other)
{
    with_all();
    family(0, 1, 2);
    family(1, 0, 4);
    family(2, 1, 3); /* 0 names it, and it does not name 0 */
    family(4, 1, 1);
    ck_ok(listing_families(s.l));
    ck_assert_uint_ne(relay(0)->family, 0);
    ck_assert_uint_eq(relay(0)->family, relay(1)->family);
    ck_assert_uint_eq(relay(4)->family, relay(1)->family); /* by way of 1 */
    ck_assert_uint_eq(relay(2)->family, 0);
    ck_assert_uint_eq(relay(3)->family, 0);
    /* It leaves: nobody is of one with who names nobody. */
    ck_ok(offer_of(1, s.now_s + 60, NULL, NULL));
    ck_ok(listing_families(s.l));
    ck_assert_uint_eq(relay(0)->family, 0);
    end();
}
END_TEST

/* A line by which the family of KEY has relay I. */
static struct docw certified(unsigned i, const struct ed_secret *key)
{
    struct docw line = {0};
    uint8_t bytes[ED_CERT_MAX];
    struct wr out = wr_over(bytes, sizeof bytes);
    struct ed_cert cert = {.type = CERT_FAMILY_V_IDENTITY,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(s.now_s / HOUR) + 1000,
                           .has_signer = true};
    memcpy(cert.key, s.keys[i].id.ed.pub.b, sizeof cert.key);
    ck_ok(ed_cert_make(&cert, key, &out));
    docw_fmt(&line, "family-cert\n");
    docw_object(&line, "FAMILY CERT", bytes, out.len);
    ck_ok(line.err);
    return line;
}

static void of_family(unsigned i, const struct ed_secret *key)
{
    struct docw line = certified(i, key);
    line.s[line.len - 1] = 0; /* not its last newline */
    ck_ok(offer_of(i, s.now_s, NULL, line.s));
    docw_free(&line);
}

/* Who has the certificate of a family's key need not name anybody. */
START_TEST(test_listing_families_are_of_those_with_one_key)
{
    struct ed_secret one, two, three;
    with_all();
    ed25519_keypair(s.env, &one);
    ed25519_keypair(s.env, &two);
    ed25519_keypair(s.env, &three);
    of_family(0, &one);
    of_family(1, &two);
    of_family(2, &three); /* nobody else has that one */
    of_family(3, &one);
    of_family(4, &two);
    ck_ok(listing_families(s.l));
    ck_assert_uint_ne(relay(0)->family, 0);
    ck_assert_uint_ne(relay(1)->family, 0);
    ck_assert_uint_ne(relay(0)->family, relay(1)->family);
    ck_assert_uint_eq(relay(3)->family, relay(0)->family);
    ck_assert_uint_eq(relay(4)->family, relay(1)->family);
    ck_assert_uint_eq(relay(2)->family, 0);
    /* It leaves. */
    ck_ok(offer_of(3, s.now_s + 60, NULL, NULL));
    ck_ok(listing_families(s.l));
    ck_assert_uint_eq(relay(0)->family, 0);
    ck_assert_uint_eq(relay(3)->family, 0);
    ck_assert_uint_eq(relay(4)->family, relay(1)->family);
    end();
}
END_TEST

/* ---- the roster ---- */

START_TEST(test_listing_enrols_who_agrees_and_who_does_not)
{
    char contact[CONSENT_PIN_TEXT_MAX], other[CONSENT_PIN_TEXT_MAX], text[200], fp[HEX_SIZE(20)];
    const struct sha256 another = {{1, 2, 3}};
    struct roster roster;
    with_all();
    ck_ok(offer_of(0, s.now_s, consent_pin_text(&s.pin, contact), NULL));
    ck_ok(offer_of(1, s.now_s, consent_pin_text(&another, other), NULL));
    roster_init(&roster);
    snprintf(text, sizeof text,
             "%s@198.51.100.7:443 sink2\n0102030405060708090A0102030405060708090A",
             hex_upper(s.keys[2].id.rsa_id.b, 20, fp));
    ck_ok(roster_read(&roster, text_of(text), s.why));
    ck_ok(listing_enrol(s.l, s.now_s, &roster));
    ck_assert_uint_eq(roster.n, RELAYS + 1);
    const struct roster_relay *r = roster_find(&roster, &s.keys[0].id.rsa_id);
    ck_assert_int_eq(r->consent, ROSTER_CONTACT);
    ck_assert_int_eq(r->mode, MEAS_ECHO2);
    ck_assert(r->in_consensus && r->running && r->has_descriptor);
    ck_assert_uint_eq(r->rate, 1000000);
    ck_assert_str_eq(r->nickname, "relay0");
    r = roster_find(&roster, &s.keys[1].id.rsa_id);
    ck_assert_int_eq(r->consent, ROSTER_NO_CONSENT);
    r = roster_find(&roster, &s.keys[2].id.rsa_id);
    ck_assert_int_eq(r->consent, ROSTER_LISTED);
    ck_assert_int_eq(r->mode, MEAS_SINK2);
    ck_assert_uint_eq(r->who.addrs[0].ip.b[3], 12); /* where the consensus has it */
    ck_assert(r->in_consensus && !r->has_descriptor);
    /* When the consensus is over nobody runs by it. */
    ck_ok(listing_enrol(s.l, s.now_s + 3 * 86400, &roster));
    ck_assert(!roster_find(&roster, &s.keys[0].id.rsa_id)->running);
    roster_free(&roster);
    end();
}
END_TEST

/* ---- bounds ---- */

/* A family that lists half of the network costs what LISTING_KIN_MOST names do, and no more. */
START_TEST(test_listing_of_ten_thousand_is_small)
{
    enum { MANY = 10000, A_RELAY = 400 };
    struct docw line = {.len = 0};
    with_all();
    struct router *routers = calloc(MANY, sizeof *routers);
    ck_assert_ptr_nonnull(routers);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (size_t i = 0; i < MANY; i++) {
        routers[i].orport = 9001;
        routers[i].rsa.b[0] = (uint8_t)(i >> 8);
        routers[i].rsa.b[1] = (uint8_t)i;
    }
    const struct consensus c = {.relays = routers,
                                .n_relays = MANY,
                                .valid_after_s = s.now_s + HOUR,
                                .valid_until_s = s.now_s + 2 * HOUR};
    ck_ok(listing_consensus(s.l, &c));
    ck_ok(listing_families(s.l));
    ck_assert_uint_le(mallinfo2().uordblks + mallinfo2().hblkhd - before, MANY * A_RELAY);
    ck_assert_uint_eq(listing_n(s.l), MANY);
    free(routers);
    end();
    with_all();
    docw_fmt(&line, "family");
    for (unsigned i = 0; i < 2 * LISTING_KIN_MOST; i++)
        docw_fmt(&line, " $%040X", i);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    ck_ok(offer_of(0, s.now_s, NULL, line.s));
    ck_assert_uint_le(mallinfo2().uordblks + mallinfo2().hblkhd - before,
                      (LISTING_KIN_MOST + 8) * sizeof(uint64_t));
    docw_free(&line);
    end();
}
END_TEST

/* ---- many at a time ---- */

static void on_taken(void *arg, struct text text)
{
    (void)arg;
    ck_assert(text.len > 0);
    s.taken++;
}

static void on_over(void *arg, const struct listing_sum *sum)
{
    (void)arg;
    s.sum = *sum;
    s.texts++;
}

START_TEST(test_listing_a_reader_takes_what_is_good_and_counts_the_rest)
{
    static const struct listing_reader_ops ops = {on_taken, on_over};
    struct docw all = {0};
    with_all();
    for (unsigned i = 0; i < 3; i++) {
        struct docw w = server(i, s.now_s - HOUR, NULL, NULL);
        if (i == 1)
            strstr(w.s, "bandwidth 1")[sizeof "bandwidth"] = '2';
        docw_add(&all, docw_text(&w));
        docw_free(&w);
    }
    struct docw torn = server(3, s.now_s, NULL, NULL);
    docw_add(&all, (struct text){torn.s, torn.len / 2}); /* as if it were being written */
    docw_free(&torn);
    struct listing_reader *r = listing_reader_new(s.env, s.l, &ops, NULL);
    ck_ok(listing_reader_add(r, blob_copy(docw_text(&all))));
    ck_ok(listing_reader_add(r, blob_copy(docw_text(&all))));
    ck_assert(!listing_reader_is_idle(r));
    test_env_advance_ms(s.env, 100);
    ck_assert(listing_reader_is_idle(r));
    ck_assert_uint_eq(s.texts, 2);
    ck_assert_uint_eq(s.taken, 2);
    ck_assert_uint_eq(s.sum.known, 2); /* the second time */
    ck_assert_uint_eq(s.sum.bad, 1);
    ck_assert(s.sum.first_bad[0]);
    for (size_t i = 0; i < LISTING_TEXTS_MOST; i++)
        ck_ok(listing_reader_add(r, blob_copy(TEXT_LIT("router"))));
    ck_err(listing_reader_add(r, blob_copy(TEXT_LIT("router"))), ERR_LIMIT);
    listing_reader_free(r);
    docw_free(&all);
    end();
}
END_TEST

START_TEST(test_listing_a_reader_tells_strangers_and_old_ones_from_bad_ones)
{
    static const struct listing_reader_ops ops = {on_taken, on_over};
    struct docw all = {0};
    begin();
    consensus(3, s.now_s, AUTHORITIES);
    ck_ok(take(CONSDOC_MICRODESC));
    for (unsigned i = 0; i < 4; i++) {
        bool old = i < 2;
        struct docw w =
            server(i, s.now_s - (old ? LISTING_DESCRIPTOR_MOST_S + 1 : HOUR), NULL, NULL);
        docw_add(&all, docw_text(&w));
        docw_free(&w);
    }
    struct listing_reader *r = listing_reader_new(s.env, s.l, &ops, NULL);
    ck_ok(listing_reader_add(r, blob_copy(docw_text(&all))));
    test_env_advance_ms(s.env, 100);
    ck_assert_uint_eq(s.taken, 1);
    ck_assert_uint_eq(s.sum.taken, 1);
    ck_assert_uint_eq(s.sum.old, 2);
    ck_assert_uint_eq(s.sum.strangers, 1);
    ck_assert_uint_eq(s.sum.bad, 0);
    ck_assert(!relay(0)->is_described && relay(2)->is_described);
    listing_reader_free(r);
    docw_free(&all);
    end();
}
END_TEST

/* What the bandwidth file says of relays is what the listing knows. */
START_TEST(test_listing_is_what_a_bandwidth_file_knows)
{
    char fp[41], line[512], *text;
    struct bwfile_sum sum;
    const struct bwfile_config config = {.version = "0.1.0", .started_s = 0};
    struct result r;
    with_all();
    ck_ok(offer_of(2, s.now_s - LISTING_DESCRIPTOR_MOST_S + HOUR, NULL, NULL));
    struct bwfile *b = bwfile_new(s.now_s, BWFILE_AGE_S);
    ck_ok(bwfile_listing(b, s.l));
    snprintf(line, sizeof line,
             "{\"t\":\"end\",\"id\":1,\"ts\":%lld,\"began\":1,\"ok\":true,\"bw\":9000000,"
             "\"fp\":\"%s\"}",
             (long long)s.now_s, hex_upper(relay(2)->rsa.b, sizeof relay(2)->rsa.b, fp));
    ck_ok(results_parse(text_of(line), &r));
    ck_ok(bwfile_result(b, &r));
    ck_ok(bwfile_write(b, &config, &text, &sum));
    ck_assert_uint_eq(sum.listed, RELAYS);
    ck_assert_uint_eq(sum.measured, 1);
    ck_assert_uint_eq(sum.capped, 1);
    ck_assert(strstr(text, " bw=1000 vote=0 under_min_report=1 nick=relay2 "));
    ck_assert(strstr(text, " desc_bw_avg=1000002 "));
    ck_assert(strstr(text, "number_consensus_relays=5\n"));
    free(text);
    bwfile_free(b);
    /* Two days on its descriptor says nothing any more. */
    b = bwfile_new(s.now_s + 2 * HOUR, BWFILE_AGE_S);
    ck_ok(bwfile_listing(b, s.l));
    ck_ok(bwfile_result(b, &r));
    ck_ok(bwfile_write(b, &config, &text, &sum));
    ck_assert_uint_eq(sum.capped, 0);
    ck_assert(strstr(text, " bw=9000 vote=0 under_min_report=1 nick=relay2 "));
    free(text);
    bwfile_free(b);
    end();
}
END_TEST

TESTS("measure/listing", test_listing_is_what_a_bandwidth_file_knows,
      test_listing_of_ten_thousand_is_small, test_listing_a_consensus_of_either_flavor,
      test_listing_a_consensus_that_does_not_count_changes_nothing,
      test_listing_an_old_consensus_says_nothing,
      test_listing_what_is_known_goes_on_and_who_is_gone_is_forgotten,
      test_listing_may_be_another_networks, test_listing_a_descriptor_says_rates_and_identity,
      test_listing_a_descriptor_that_proves_nothing_does_not_count,
      test_listing_identities_of_the_consensus_count_most,
      test_listing_addresses_are_tried_as_clients_do, test_listing_finds_by_name,
      test_listing_wants_what_is_missing_or_old,
      test_listing_families_are_of_those_who_name_each_other,
      test_listing_families_are_of_those_with_one_key,
      test_listing_a_reader_tells_strangers_and_old_ones_from_bad_ones,
      test_listing_enrols_who_agrees_and_who_does_not,
      test_listing_a_reader_takes_what_is_good_and_counts_the_rest)
