/* TLS (tor-spec 2), and cells in its records. */
#include <string.h>

#include "check/probe.h"
#include "check/sections.h"

enum { RSA_BITS_LEAST = 2048, EC_BITS_LEAST = 224 };

/* ---- versions ---- */

static void speaks(struct trial *t, enum tls_odd_version version)
{
    const struct tls_odd odd = {.least = version, .most = version};
    (void)probe_tls_with(t, probe_odd(t, &odd));
}

static void speaks_1_3(struct trial *t)
{
    speaks(t, TLS_ODD_1_3);
}

static void speaks_1_2(struct trial *t)
{
    speaks(t, TLS_ODD_1_2);
}

static void refuses_1_1(struct trial *t)
{
    const struct tls_odd odd = {
        .least = TLS_ODD_1_1, .most = TLS_ODD_1_1, .ciphers = "ALL:@SECLEVEL=0"};
    probe_tls_refused(t, probe_odd(t, &odd));
}

/* ---- suites ---- */

static void refuses_ciphers(struct trial *t, const char *ciphers)
{
    const struct tls_odd odd = {.least = TLS_ODD_1_2, .most = TLS_ODD_1_2, .ciphers = ciphers};
    trial_sent(t, "a TLS handshake with these suites only: %s", ciphers);
    probe_tls_refused(t, probe_odd(t, &odd));
}

static void refuses_static_keys(struct trial *t)
{
    refuses_ciphers(t, "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA");
}

static void refuses_no_encryption(struct trial *t)
{
    refuses_ciphers(t, "ECDHE-RSA-NULL-SHA:ECDHE-ECDSA-NULL-SHA:NULL-SHA256:NULL-SHA");
}

/* ---- certificates ---- */

static void asks_for_none(struct trial *t)
{
    const struct tls_odd odd = {.resumes = false};
    struct probe *p = probe_tls_with(t, probe_odd(t, &odd));
    TRIAL_EXPECT(t, !tls_odd_cert_asked(p->tls), "the relay asks for a certificate");
}

static struct tls_odd_facts facts(struct trial *t)
{
    struct tls_odd_facts out = {.bits = 0};
    struct probe *p = probe_tls(t);
    trial_awaits(t, "a certificate that is in order");
    TRIAL_EXPECT(t, tls_odd_facts(p->tls, env_wall_s(t->run->env), &out), "there is none");
    return out;
}

static void shows_one(struct trial *t)
{
    struct tls_odd_facts f = facts(t);
    TRIAL_EXPECT(t, f.n_certs == 1, "there are %zu", f.n_certs);
}

static void looks_v3(struct trial *t)
{
    struct tls_odd_facts f = facts(t);
    TRIAL_EXPECT(t, f.v3,
                 "it is not self-signed, has no names but such in .net, and a key of %u bits: "
                 "clients would renegotiate",
                 f.bits);
}

static void is_in_date(struct trial *t)
{
    TRIAL_EXPECT(t, facts(t).in_date, "it is out of date, or our clock is wrong");
}

static void is_large(struct trial *t)
{
    struct tls_odd_facts f = facts(t);
    TRIAL_EXPECT(t, f.bits >= (f.rsa ? RSA_BITS_LEAST : EC_BITS_LEAST), "the key has %u bits",
                 f.bits);
}

/* ---- sessions ---- */

/* What TLS 1.3 would resume with comes after the handshake, before the relay's VERSIONS. */
static void resumes_nothing(struct trial *t, enum tls_odd_version version)
{
    static const uint16_t versions[] = {4, 5};
    const struct tls_odd odd = {.least = version, .most = version, .resumes = true};
    struct tls_ctx *ctx = probe_odd(t, &odd);
    struct probe *first = probe_tls_with(t, ctx);
    if (version == TLS_ODD_1_3 && t->verdict == CHECK_FAIL) { /* a SHOULD of its own */
        t->verdict = CHECK_PASS;
        trial_skip(t, "the relay does not speak TLS 1.3");
    }
    probe_send_versions(first, versions, 2);
    if (!probe_await(first, CELL_VERSIONS, NULL))
        return;
    struct probe *second = probe_tls_after(t, ctx, first);
    trial_awaits(t, "a session of its own");
    TRIAL_EXPECT(t, !tls_odd_resumed(second->tls), "the relay has resumed the session");
}

static void resumes_nothing_1_3(struct trial *t)
{
    resumes_nothing(t, TLS_ODD_1_3);
}

static void resumes_nothing_1_2(struct trial *t)
{
    resumes_nothing(t, TLS_ODD_1_2);
}

static void does_not_renegotiate(struct trial *t)
{
    const struct tls_odd odd = {.most = TLS_ODD_1_2, .renegotiates = true};
    struct probe *p = probe_tls_with(t, probe_odd(t, &odd));
    err_t e = probe_renegotiate(p);
    trial_awaits(t, "no second handshake");
    TRIAL_EXPECT(t, e != OK, "the relay renegotiated");
}

/* ---- records ---- */

static void takes_single_bytes(struct trial *t)
{
    static const uint16_t versions[] = {4, 5};
    struct probe *p = probe_tls_slowly(t);
    probe_send_versions(p, versions, 2);
    (void)probe_await(p, CELL_VERSIONS, NULL);
}

/* CREATE_FAST as bytes; its circuit's id. */
static uint32_t create_fast(struct probe *p, struct wr *w)
{
    uint32_t id = probe_new_id(p);
    size_t mark = chan_cell_open(w, 4, id, CELL_CREATE_FAST);
    wr_bytes(w, "twenty bytes of ours", 20);
    if (p && chan_cell_close(w, 4, mark) != OK)
        trial_fail(p->t, "out of room");
    return id;
}

static void await_created(struct probe *p, uint32_t id)
{
    struct probe_cell cell;
    if (probe_await(p, CELL_CREATED_FAST, &cell))
        TRIAL_EXPECT(p->t, cell.circ_id == id, "CREATED_FAST came for another circuit");
}

static void takes_split_cells(struct trial *t)
{
    enum { FIRST = 3 };
    uint8_t bytes[CHAN_CELL_MAX];
    struct wr w = wr_over(bytes, sizeof bytes);
    struct probe *p = probe_link(t);
    uint32_t id = create_fast(p, &w);
    probe_raw(p, bytes, FIRST, "3 bytes of CREATE_FAST");
    probe_raw(p, bytes + FIRST, CELL_BODY_LEN / 2, "half of it");
    probe_raw(p, bytes + FIRST + CELL_BODY_LEN / 2, w.len - FIRST - CELL_BODY_LEN / 2,
              "the rest of it");
    await_created(p, id);
}

static void takes_merged_cells(struct trial *t)
{
    uint8_t bytes[2 * CHAN_CELL_MAX];
    struct wr w = wr_over(bytes, sizeof bytes);
    struct probe *p = probe_link(t);
    uint32_t first = create_fast(p, &w), second = create_fast(p, &w);
    probe_raw(p, bytes, w.len, "two CREATE_FAST in one record");
    await_created(p, first);
    await_created(p, second);
}

static void closes_after_us(struct trial *t)
{
    struct probe *p = probe_link(t);
    probe_await_alive(p);
    probe_tls_end(p);
    probe_await_close(p);
}

static const struct check_case cases[] = {
    {"tls/1.3", CHECK_SHOULD, "tor-spec 2", "speaks TLS 1.3", speaks_1_3, NEEDS_NOTHING},
    {"tls/1.2", CHECK_MUST, "tor-spec 2", "speaks TLS 1.2, which older clients need", speaks_1_2,
     NEEDS_NOTHING},
    {"tls/1.1", CHECK_SHOULD, "tor-spec 2", "refuses TLS 1.1", refuses_1_1, NEEDS_NOTHING},
    {"tls/ephemeral", CHECK_MUST, "tor-spec 2.1", "refuses TLS without ephemeral keys",
     refuses_static_keys, NEEDS_NOTHING},
    {"tls/encrypted", CHECK_MUST, "tor-spec 2.1", "refuses TLS without encryption",
     refuses_no_encryption, NEEDS_NOTHING},
    {"tls/no-client-cert", CHECK_MUST, "tor-spec 2", "does not ask for a certificate of the client",
     asks_for_none, NEEDS_NOTHING},
    {"tls/one-cert", CHECK_MUST, "tor-spec 2", "shows a single certificate", shows_one,
     NEEDS_NOTHING},
    {"tls/v3-cert", CHECK_MUST, "tor-spec 2",
     "shows a certificate from which clients see that no renegotiation is needed", looks_v3,
     NEEDS_NOTHING},
    {"tls/date", CHECK_SHOULD, "tor-spec 2", "shows a certificate that is in date", is_in_date,
     NEEDS_NOTHING},
    {"tls/key-size", CHECK_SHOULD, "tor-spec 2",
     "has a TLS key of at least 2048 bits (RSA) or 224 bits (EC)", is_large, NEEDS_NOTHING},
    {"tls/resumption-1.3", CHECK_MUST, "tor-spec 2.2", "resumes no session of TLS 1.3",
     resumes_nothing_1_3, NEEDS_NOTHING},
    {"tls/resumption-1.2", CHECK_MUST, "tor-spec 2.2", "resumes no session of TLS 1.2",
     resumes_nothing_1_2, NEEDS_NOTHING},
    {"tls/renegotiation", CHECK_SHOULD, "tor-spec 2", "does not renegotiate", does_not_renegotiate,
     NEEDS_NOTHING},
    {"tls/single-bytes", CHECK_MUST, "tor-spec 2", "takes a TLS handshake byte by byte",
     takes_single_bytes, NEEDS_NOTHING},
    {"tls/split", CHECK_MUST, "tor-spec 2", "takes a cell that is divided across records",
     takes_split_cells, NEEDS_NOTHING},
    {"tls/merged", CHECK_MUST, "tor-spec 2", "takes several cells in one record",
     takes_merged_cells, NEEDS_NOTHING},
    {"tls/end", CHECK_SHOULD, "tor-spec 2", "closes the connection when we close TLS",
     closes_after_us, NEEDS_NOTHING},
};
const struct check_section check_tls = {"tls", "TLS", cases, sizeof cases / sizeof *cases};
