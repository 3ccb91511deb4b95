/* An initiator proves to be a certain relay, over real TLS; and everything that must not prove it.
 * What the initiator says is caught between its cells and its TLS, so that a test may put something
 * else there. */
#include <string.h>

#include "link/auth.h"
#include "link/identity.h"
#include "link/link_int.h"
#include "link/responder.h"

enum { PROOF_MOST = 8192 };

/* The three cells of a proof, whole. */
struct said {
    uint8_t bytes[PROOF_MOST];
    size_t len;
    size_t at[3], n[3]; /* CERTS, AUTHENTICATE, NETINFO */
};

enum { CERTS, AUTHENTICATE, NETINFO };

static struct {
    struct world w; /* env, the responder's keys; its link is the initiator */
    struct rsa_key *rsa;
    struct ed_secret ed;
    struct link_identity id;
    struct link_server face;
    struct link *server;
    unsigned opened, closed;
    struct link_end end;
    void (*spoil)(struct wr *answer);
} p;

static void server_on_open(void *arg)
{
    (void)arg;
    p.opened++;
}

static void server_on_end(void *arg, const struct link_end *end)
{
    (void)arg;
    p.closed++;
    p.end = *end;
}

static void server_on_output(void *arg)
{
    (void)arg;
}

static void spoil(void *arg, size_t circ_id_len, struct wr *answer)
{
    (void)arg;
    ck_assert_uint_eq(circ_id_len, 4);
    if (p.spoil)
        p.spoil(answer);
}

static const struct link_ops server_ops = {
    .on_open = server_on_open, .on_end = server_on_end, .on_output = server_on_output};

/* Keys of who measures, made once, since RSA keys take their time. */
static void prepare(void)
{
    static struct rsa_key *rsa;
    p.opened = p.closed = 0;
    p.spoil = NULL;
    p.end = (struct link_end){.why = OK};
    world_prepare(&p.w, 5);
    if (!rsa)
        ck_ok(rsa_key_generate(1024, &rsa));
    p.rsa = rsa;
    ed25519_from_seed((const uint8_t *)"the seed of one who measures it.", &p.ed);
    ck_ok(link_identity_make(p.w.env, p.rsa, &p.ed, &p.id));
    ck_ok(tls_ctx_new_client(&p.w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(p.w.env), &p.w.server_tls));
    tls_ctx_cert_sha256(p.w.server_tls, &p.w.tls_cert);
    relay_certs_make(&p.w.certs, &p.w.keys, &p.w.tls_cert, env_wall_s(p.w.env), 86400 * 30);
}

static void connect_links(void)
{
    static const uint8_t peer_ip[4] = {127, 0, 0, 1};
    const struct ipport peer = {ip_v4(peer_ip), 40000};
    struct link_config config = p.w.config;
    p.face = (struct link_server){
        .certs = &p.w.certs.list, .mine = p.w.target.reach.addr.ip, .cheat = {.spoil = spoil}};
    config.tls = p.w.server_tls;
    p.server = link_new_server(p.w.env, &config, &p.face, &peer, &server_ops, NULL);
    ck_assert_ptr_nonnull(p.server);
    p.w.config.tls = p.w.client_tls;
    p.w.config.identity = &p.id;
    world_link(&p.w);
    link_tcp_open(p.w.link);
}

static bool has_said_proof(void)
{
    return p.w.link->hs.stage >= STAGE_CHALLENGED && p.w.link->out.len;
}

static void pump(void)
{
    while (move_bytes(p.w.link, p.server) || move_bytes(p.server, p.w.link))
        continue;
    test_env_advance_ms(p.w.env, 0);
}

/* Up to where the initiator's proof waits to be sealed; takes it out. */
static void catch_proof(struct said *s)
{
    *s = (struct said){.len = 0};
    while (!has_said_proof() && link_state(p.w.link) != LINK_CLOSED)
        if (!move_bytes(p.w.link, p.server) && !move_bytes(p.server, p.w.link))
            break;
    ck_assert_msg(has_said_proof(), "%s", p.w.link->end.text);
    s->len = p.w.link->out.len;
    ck_assert_uint_le(s->len, sizeof s->bytes);
    memcpy(s->bytes, buf_at(&p.w.link->out), s->len);
    buf_drain(&p.w.link->out, s->len);
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        static const uint8_t cmds[] = {CELL_CERTS, CELL_AUTHENTICATE, CELL_NETINFO};
        struct chan_frame f;
        ck_ok(chan_frame_decode(s->bytes + at, s->len - at, 4, PROOF_MOST, &f));
        ck_assert_uint_eq(f.cmd, cmds[i]);
        ck_assert_uint_eq(f.circ_id, 0);
        s->at[i] = at;
        s->n[i] = f.used;
        at += f.used;
    }
    ck_assert_uint_eq(at, s->len);
}

static void say(const struct said *s, int which)
{
    ck_ok(buf_add(&p.w.link->out, s->bytes + s->at[which], s->n[which]));
}

static void say_all(const struct said *s)
{
    for (int i = 0; i < 3; i++)
        say(s, i);
    pump();
}

static void hang_up(void)
{
    link_free(p.server);
    link_free(p.w.link);
    p.server = p.w.link = NULL;
    p.opened = p.closed = 0;
}

static void finish(void)
{
    link_free(p.server);
    world_free(&p.w);
}

static void expect_refused(err_t why, const char *text)
{
    ck_assert_uint_eq(p.opened, 0);
    ck_assert_uint_eq(p.closed, 1);
    ck_assert_str_eq(err_name(p.end.why), err_name(why));
    ck_assert_msg(strstr(p.end.text, text) != NULL, "\"%s\" says nothing of \"%s\"", p.end.text,
                  text);
    ck_assert(ed_id_is_zero(link_peer_ed(p.server)));
}

/* ---- what proves it ---- */

START_TEST(test_link_auth_proves_both_identities)
{
    for (int v = 0; v < 2; v++) {
        prepare();
        ck_ok(tls_ctx_force_version(p.w.server_tls, v ? TLS_1_3 : TLS_1_2));
        connect_links();
        pump();
        ck_assert_uint_eq(p.w.opened, 1);
        ck_assert_uint_eq(p.opened, 1);
        ck_assert(ed_id_equal(link_peer_ed(p.server), &p.ed.pub));
        struct rsa_id rsa;
        rsa_pub_id(rsa_key_public(p.rsa), &rsa);
        ck_assert(rsa_id_equal(link_peer_rsa(p.server), &rsa));
        ck_assert(ed_id_equal(link_peer_ed(p.w.link), &p.w.keys.id.pub));
        finish();
    }
}
END_TEST

/* What is caught and said again unchanged is as good. */
START_TEST(test_link_auth_caught_proof_is_good)
{
    struct said s;
    prepare();
    connect_links();
    catch_proof(&s);
    say_all(&s);
    ck_assert_uint_eq(p.opened, 1);
    ck_assert(ed_id_equal(link_peer_ed(p.server), &p.ed.pub));
    finish();
}
END_TEST

START_TEST(test_link_auth_padding_is_part_of_the_transcript)
{
    struct said s;
    prepare();
    connect_links();
    /* The peers' first cells are under way; VPADDING of the initiator's before its proof. */
    catch_proof(&s);
    static const uint8_t padding[] = {0, 0, 0, 0, CELL_VPADDING, 0, 2, 7, 7};
    ck_ok(buf_add(&p.w.link->out, padding, sizeof padding));
    say_all(&s);
    expect_refused(ERR_LINK_CERTS, "AUTHENTICATE proves no identity"); /* it was not signed */
    finish();
}
END_TEST

START_TEST(test_link_auth_a_client_proves_nothing)
{
    prepare();
    connect_links();
    link_free(p.w.link);
    p.w.config.identity = NULL;
    link_free(p.server);
    connect_links();
    p.w.link->config.identity = NULL;
    pump();
    ck_assert_uint_eq(p.opened, 1);
    ck_assert(ed_id_is_zero(link_peer_ed(p.server)));
    finish();
}
END_TEST

/* Certificates without AUTHENTICATE are a claim and no proof; anybody could show them. */
START_TEST(test_link_auth_certs_alone_prove_nothing)
{
    struct said s;
    prepare();
    connect_links();
    catch_proof(&s);
    say(&s, CERTS);
    say(&s, NETINFO);
    pump();
    ck_assert_uint_eq(p.opened, 1);
    ck_assert(ed_id_is_zero(link_peer_ed(p.server)));
    finish();
}
END_TEST

/* Relays pad no relay's link, and tell none to. */
START_TEST(test_link_auth_negotiates_no_padding)
{
    prepare();
    connect_links();
    p.w.link->config.padding = LINK_PADDING_OFF;
    pump();
    ck_assert_uint_eq(p.opened, 1);
    ck_assert(p.server->padding.on);
    finish();
}
END_TEST

/* ---- what does not ---- */

/* Every byte of the cell but RAND, which nobody can foresee and the signature covers. */
START_TEST(test_link_auth_every_field_counts)
{
    static const struct {
        size_t at;
        const char *text;
    } fields[] = {
        {0, "malformed"},   {8, "malformed"},   {40, "malformed"},  {72, "malformed"},
        {104, "malformed"}, {136, "malformed"}, {168, "malformed"}, {200, "malformed"},
        {232, "malformed"}, {263, "malformed"}, {264, "signature"}, {287, "signature"},
        {288, "signature"}, {351, "signature"},
    };
    prepare();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct said s;
        connect_links();
        catch_proof(&s);
        s.bytes[s.at[AUTHENTICATE] + 7 + 4 + fields[i].at] ^= 1;
        say_all(&s);
        expect_refused(ERR_LINK_CERTS, "AUTHENTICATE proves no identity");
        ck_assert_msg(strstr(p.end.text, fields[i].text), "%zu: %s", fields[i].at, p.end.text);
        hang_up();
    }
    finish();
}
END_TEST

START_TEST(test_link_auth_another_method_is_refused)
{
    struct said s;
    prepare();
    connect_links();
    catch_proof(&s);
    s.bytes[s.at[AUTHENTICATE] + 7 + 1] = 1; /* RSA-SHA256-TLSSecret */
    say_all(&s);
    expect_refused(ERR_LINK_CERTS, "not supported");
    finish();
}
END_TEST

/* All that was said on one link, or its AUTHENTICATE alone, is worth nothing on the next. */
START_TEST(test_link_auth_replayed_proof_is_refused)
{
    prepare();
    for (int all = 0; all < 2; all++) {
        struct said old, s;
        connect_links();
        catch_proof(&old);
        say_all(&old);
        ck_assert_uint_eq(p.opened, 1);
        hang_up();
        connect_links();
        catch_proof(&s);
        say(all ? &old : &s, CERTS);
        say(&old, AUTHENTICATE);
        say(&s, NETINFO);
        pump();
        expect_refused(ERR_LINK_CERTS, "AUTHENTICATE proves no identity");
        hang_up();
    }
    finish();
}
END_TEST

/* The same, even if nothing else than the TLS session were new. */
START_TEST(test_link_auth_binds_to_the_tls_session)
{
    struct auth_facts f = {.cid = p.id.rsa_sha256}, g;
    uint8_t auth[AUTH_LEN];
    prepare();
    for (int i = 0; i < 2; i++) {
        connect_links();
        pump();
        ck_assert_uint_eq(p.opened, 1);
        g = f;
        ck_ok(tls_export(p.w.link->tls, AUTH_EXPORT_LABEL, f.cid.b, sizeof f.cid.b, f.tlssecrets));
        ck_ok(tls_export(p.server->tls, AUTH_EXPORT_LABEL, f.cid.b, sizeof f.cid.b, g.tlssecrets));
        ck_assert_mem_eq(f.tlssecrets, g.tlssecrets, sizeof f.tlssecrets);
        if (i == 0)
            auth_make(&f, p.w.env, &p.id.auth, auth);
        err_t e = auth_verify(&g, &p.id.auth.pub, auth, sizeof auth);
        ck_err(e, i == 0 ? OK : ERR_MALFORMED);
        hang_up();
    }
    finish();
}
END_TEST

START_TEST(test_link_auth_order_and_number)
{
    static const int orders[][4] = {
        {AUTHENTICATE, CERTS, NETINFO, NETINFO},
        {CERTS, CERTS, AUTHENTICATE, NETINFO},
        {CERTS, AUTHENTICATE, AUTHENTICATE, NETINFO},
        {CERTS, AUTHENTICATE, CERTS, NETINFO},
    };
    prepare();
    for (size_t i = 0; i < 4; i++) {
        struct said s;
        connect_links();
        catch_proof(&s);
        for (int k = 0; k < 4; k++)
            say(&s, orders[i][k]);
        pump();
        ck_assert_uint_eq(p.opened, 0);
        ck_assert_uint_eq(p.closed, 1);
        ck_assert_msg(strstr(p.end.text, i % 2 ? "a second one" : "out of turn"), "%s", p.end.text);
        hang_up();
    }
    finish();
}
END_TEST

/* ---- certificates ---- */

static void expect_certs_refused(const char *text)
{
    connect_links();
    pump();
    expect_refused(ERR_LINK_CERTS, text);
    hang_up();
}

START_TEST(test_link_auth_spoilt_certificates_are_refused)
{
    static const char *const names[] = {"(type 2)", "(type 4)", "(type 6)", "(type 7)"};
    prepare();
    for (size_t i = 0; i < 4; i++) {
        struct chan_cert *c = &p.id.certs.c[i];
        uint8_t *last = p.id.storage + (c->body - p.id.storage) + c->len - 1;
        *last ^= 1;
        expect_certs_refused(names[i]);
        *last ^= 1;
    }
    for (size_t i = 0; i < 4; i++) {
        struct chan_certs whole = p.id.certs;
        p.id.certs.c[i] = p.id.certs.c[--p.id.certs.n];
        expect_certs_refused(names[i]);
        p.id.certs = whole;
        p.id.certs.c[p.id.certs.n++] = whole.c[i];
        expect_certs_refused("two certificates of one type");
        p.id.certs = whole;
    }
    connect_links();
    pump();
    ck_assert_uint_eq(p.opened, 1);
    finish();
}
END_TEST

START_TEST(test_link_auth_expired_certificates_are_refused)
{
    prepare();
    test_env_advance_ms(p.w.env, (LINK_IDENTITY_LIFE_S + 2 * 3600) * 1000ull);
    relay_certs_make(&p.w.certs, &p.w.keys, &p.w.tls_cert, env_wall_s(p.w.env), 86400 * 30);
    connect_links();
    pump();
    expect_refused(ERR_LINK_DATES, "expired");
    hang_up();
    ck_ok(link_identity_renew(p.w.env, &p.id)); /* in place */
    connect_links();
    pump();
    ck_assert_uint_eq(p.opened, 1);
    finish();
}
END_TEST

/* Who has a measurer's certificates, which it shows to every relay, and even one that the
 * measurer's key of AUTHENTICATE has signed, is still not it. */
START_TEST(test_link_auth_key_signed_by_a_valid_measurers_key_is_refused)
{
    struct ed_secret mine;
    uint8_t storage[256];
    prepare();
    ed25519_keypair(p.w.env, &mine);
    struct link_identity valid = p.id;
    const struct ed_secret *const signers[] = {&mine, &valid.auth, &p.ed};
    struct ed_cert cert = {.type = CERT_SIGNING_V_LINK_AUTH,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = (uint32_t)(env_wall_s(p.w.env) / 3600 + 24)};
    memcpy(cert.key, mine.pub.b, sizeof cert.key);
    p.id.auth = mine;
    for (size_t i = 0; i < 3; i++) {
        struct wr w = wr_over(storage, sizeof storage);
        ck_ok(ed_cert_make(&cert, signers[i], &w));
        p.id.certs.c[2].body = storage;
        p.id.certs.c[2].len = (uint16_t)w.len;
        expect_certs_refused("(type 6)");
    }
    p.id.certs.c[2] = valid.certs.c[2]; /* the measurer's own, whose key he lacks */
    connect_links();
    pump();
    expect_refused(ERR_LINK_CERTS, "signature does not verify");
    finish();
}
END_TEST

/* Another RSA key may not take an Ed25519 identity along, nor the other way round. */
START_TEST(test_link_auth_identities_of_two_are_refused)
{
    struct link_identity other;
    prepare();
    ck_ok(link_identity_make(p.w.env, p.w.keys.rsa, &p.w.keys.id, &other));
    struct chan_certs whole = p.id.certs;
    for (size_t i = 0; i < 4; i++) {
        p.id.certs.c[i] = other.certs.c[i];
        connect_links();
        pump();
        ck_assert_uint_eq(p.opened, 0);
        ck_err(p.end.why, ERR_LINK_CERTS);
        hang_up();
        p.id.certs = whole;
    }
    finish();
}
END_TEST

/* ---- the relay does not ask ---- */

/* The answer's AUTH_CHALLENGE is its third cell. */
static uint8_t *challenge_of(const struct wr *answer, size_t *used)
{
    uint8_t *at = answer->base;
    size_t left = answer->len;
    struct chan_frame f;
    ck_ok(chan_frame_decode(at, left, 2, PROOF_MOST, &f));
    do {
        at += f.used;
        left -= f.used;
        ck_ok(chan_frame_decode(at, left, 4, PROOF_MOST, &f));
    } while (f.cmd != CELL_AUTH_CHALLENGE);
    *used = f.used;
    return at;
}

static void ask_for_method_1(struct wr *answer)
{
    size_t used;
    challenge_of(answer, &used)[7 + 32 + 2 + 1] = 1;
}

static void ask_for_nothing(struct wr *answer)
{
    size_t used;
    uint8_t *at = challenge_of(answer, &used), *end = answer->base + answer->len;
    memmove(at, at + used, (size_t)(end - at) - used);
    answer->len -= used;
}

START_TEST(test_link_auth_relay_that_does_not_ask_is_left)
{
    static const struct {
        void (*spoil)(struct wr *answer);
        const char *text;
    } rows[] = {{ask_for_method_1, "takes no proof of identity that we can give"},
                {ask_for_nothing, "asks for no proof of identity"}};
    prepare();
    for (size_t i = 0; i < 2; i++) {
        unsigned opened = p.w.opened;
        p.spoil = rows[i].spoil;
        connect_links();
        pump();
        ck_assert_uint_eq(p.w.opened, opened);
        ck_err(p.w.end.why, ERR_LINK_PROTO);
        ck_assert_ptr_nonnull(strstr(p.w.end.text, rows[i].text));
        hang_up();
    }
    finish();
}
END_TEST

/* A challenge that was changed on its way is not what the relay hashes. */
static void change_challenge(struct wr *answer)
{
    size_t used;
    challenge_of(answer, &used)[7] ^= 1;
}

START_TEST(test_link_auth_signs_the_challenge)
{
    prepare();
    p.spoil = change_challenge;
    connect_links();
    pump();
    expect_refused(ERR_LINK_CERTS, "AUTHENTICATE proves no identity");
    finish();
}
END_TEST

TESTS("link/link_auth", test_link_auth_proves_both_identities, test_link_auth_caught_proof_is_good,
      test_link_auth_padding_is_part_of_the_transcript, test_link_auth_a_client_proves_nothing,
      test_link_auth_certs_alone_prove_nothing, test_link_auth_negotiates_no_padding,
      test_link_auth_every_field_counts, test_link_auth_another_method_is_refused,
      test_link_auth_replayed_proof_is_refused, test_link_auth_binds_to_the_tls_session,
      test_link_auth_order_and_number, test_link_auth_spoilt_certificates_are_refused,
      test_link_auth_expired_certificates_are_refused,
      test_link_auth_key_signed_by_a_valid_measurers_key_is_refused,
      test_link_auth_identities_of_two_are_refused, test_link_auth_relay_that_does_not_ask_is_left,
      test_link_auth_signs_the_challenge)
