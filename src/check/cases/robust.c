/* Robustness: what no client does, and what one client's end must not do to another. */
#include <stdlib.h>
#include <string.h>

#include "check/pcirc.h"
#include "check/sections.h"

/* ---- after it ---- */

/* Another connection, made before, is served as before; and so is a new one. */
static void serves_on(struct trial *t, struct pcirc *before)
{
    if (before)
        pcirc_await_alive(before);
    probe_await_alive(probe_link(t));
}

/* The relay closes, and says no more than a TLS alert before. */
static void refuses(struct probe *p)
{
    enum { TLS_ALERT = 0x15 };
    probe_await_close(p);
    if (p && trial_goes_on(p->t))
        TRIAL_EXPECT(p->t, !p->in.len || *buf_at(&p->in) == TLS_ALERT,
                     "it says something that is no TLS alert before it closes");
}

static void refuses_bytes(struct trial *t, const void *bytes, size_t len, const char *what)
{
    struct pcirc *before = pcirc_fast(t);
    struct probe *p = probe_tcp(t);
    probe_raw(p, bytes, len, what);
    refuses(p);
    serves_on(t, before);
}

/* ---- no TLS ---- */

static void not_tls(struct trial *t)
{
    static const char hello[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
    refuses_bytes(t, hello, sizeof hello - 1, "an SSH client's first line");
}

static void http(struct trial *t)
{
    static const char get[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n";
    refuses_bytes(t, get, sizeof get - 1, "an HTTP request without TLS");
}

static void records_empty(struct trial *t)
{
    enum { RECORDS = 64, HEAD = 5 };
    static const uint8_t head[HEAD] = {0x16, 3, 1, 0, 0};
    uint8_t bytes[RECORDS * HEAD];
    for (size_t i = 0; i < RECORDS; i++)
        memcpy(bytes + i * HEAD, head, HEAD);
    refuses_bytes(t, bytes, sizeof bytes, "64 empty TLS records");
}

static void record_huge(struct trial *t)
{
    static const uint8_t head[] = {0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xfb};
    refuses_bytes(t, head, sizeof head, "the head of a TLS record of 65535 bytes");
}

/* ---- no cells, odd cells ---- */

static void garbage_in_tls(struct trial *t)
{
    enum { LEN = 2000 };
    static const char line[] = "GET / HTTP/1.0\r\n";
    char bytes[LEN];
    struct probe *p = probe_tls(t);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = line[i % (sizeof line - 1)];
    probe_raw(p, bytes, sizeof bytes, "2000 bytes of text within TLS");
    probe_await_close(p);
    serves_on(t, NULL);
}

static void vpadding_most(struct trial *t)
{
    enum { MOST = 65535 };
    uint8_t *body = calloc(1, MOST);
    struct probe *p = probe_link(t);
    if (body)
        probe_cell(p, 0, CELL_VPADDING, body, MOST);
    probe_await_alive(p);
    free(body);
}

static void vpadding_empty(struct trial *t)
{
    struct probe *p = probe_link(t);
    probe_cell(p, 0, CELL_VPADDING, NULL, 0);
    probe_await_alive(p);
}

static void padding_many(struct trial *t)
{
    enum { CELLS = 400 };
    struct trial_mark mark;
    struct probe *p = probe_link(t);
    trial_set_mark(t, &mark);
    for (unsigned i = 0; i < CELLS; i++)
        probe_cell(p, 0, i % 2 ? CELL_PADDING : CELL_VPADDING, NULL, 0);
    trial_back_to(t, &mark);
    trial_sent(t, "%d PADDING and VPADDING", CELLS);
    probe_await_alive(p);
}

/* ---- slowly ---- */

/* A cell as it goes over the wire. */
static size_t write_cell(struct probe *p, uint32_t circ_id, uint8_t cmd, const void *body,
                         size_t len, uint8_t out[CHAN_HEAD_MAX + CELL_BODY_LEN])
{
    size_t whole = chan_cmd_is_variable(cmd) ? len : CELL_BODY_LEN;
    struct wr w = wr_over(out, CHAN_HEAD_MAX + CELL_BODY_LEN);
    if (!p || chan_head_encode(&w, p->circ_id_len, circ_id, cmd, whole) != OK)
        return 0;
    wr_bytes(&w, body, len);
    wr_zeros(&w, whole - len);
    return w.failed ? 0 : w.len;
}

/* Each byte in a TLS record of its own. */
static void send_bytewise(struct probe *p, uint8_t cmd, uint32_t circ_id, const void *body,
                          size_t len)
{
    uint8_t cell[CHAN_HEAD_MAX + CELL_BODY_LEN];
    struct trial_mark mark;
    size_t n = write_cell(p, circ_id, cmd, body, len, cell);
    if (!p || !trial_goes_on(p->t))
        return;
    trial_set_mark(p->t, &mark);
    for (size_t i = 0; i < n; i++)
        probe_raw(p, cell + i, 1, "");
    trial_back_to(p->t, &mark);
    trial_sent(p->t, "%s byte by byte", chan_cmd_name(cmd));
}

static void in_bytes(struct trial *t)
{
    static const uint8_t version_4[] = {0, 4}, x[20] = {1};
    struct chan_netinfo m = {.other = t->run->config->reach.addr.ip};
    struct probe_hello hello = {.versions.n = 0};
    uint8_t netinfo[CELL_BODY_LEN];
    struct wr w = wr_over(netinfo, sizeof netinfo);
    struct probe *p = probe_tls(t);
    send_bytewise(p, CELL_VERSIONS, 0, version_4, sizeof version_4);
    (void)probe_await(p, CELL_VERSIONS, NULL);
    if (!p || !trial_goes_on(t) || chan_netinfo_encode(&w, &m) != OK)
        return;
    p->circ_id_len = p->version = 4;
    (void)probe_take_hello(p, &hello);
    send_bytewise(p, CELL_NETINFO, 0, netinfo, w.len);
    send_bytewise(p, CELL_CREATE_FAST, probe_new_id(p), x, sizeof x);
    (void)probe_await(p, CELL_CREATED_FAST, NULL);
}

static void half_cell(struct trial *t)
{
    uint8_t cell[CHAN_HEAD_MAX + CELL_BODY_LEN];
    static const uint8_t x[20] = {1};
    struct pcirc *before = pcirc_fast(t);
    struct probe *p = probe_link(t);
    size_t n = write_cell(p, probe_new_id(p), CELL_CREATE_FAST, x, sizeof x, cell);
    probe_raw(p, cell, n / 2, "half of CREATE_FAST");
    serves_on(t, before);
    probe_raw(p, cell + n / 2, n - n / 2, "the other half");
    (void)probe_await(p, CELL_CREATED_FAST, NULL);
}

static void half_open(struct trial *t)
{
    struct pcirc *before = pcirc_fast(t);
    (void)probe_tcp(t);
    (void)probe_tls(t);
    (void)probe_versions(t);
    serves_on(t, before);
}

/* ---- cut off ---- */

static void close_now(struct probe *p)
{
    if (!p || !trial_goes_on(p->t))
        return;
    trial_sent(p->t, "the end of TCP");
    probe_close(p);
}

static void cut_tls(struct trial *t)
{
    static const uint8_t half[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4};
    struct pcirc *before = pcirc_fast(t);
    struct probe *p = probe_tcp(t);
    probe_raw(p, half, sizeof half, "the first bytes of ClientHello");
    close_now(p);
    serves_on(t, before);
}

static void cut_handshake(struct trial *t)
{
    struct pcirc *before = pcirc_fast(t);
    close_now(probe_tls(t));
    close_now(probe_versions(t));
    serves_on(t, before);
}

static void cut_cell(struct trial *t)
{
    static const uint8_t head[] = {0, 0, 0, 0, CELL_VPADDING, 0xff, 0xff, 1, 2, 3};
    struct pcirc *before = pcirc_fast(t);
    struct probe *p = probe_link(t);
    probe_raw(p, head, sizeof head, "the first 3 of 65535 bytes of VPADDING");
    probe_await_silence(p, 50);
    close_now(p);
    serves_on(t, before);
}

static void cut_circuit(struct trial *t)
{
    struct pcirc *before = pcirc_fast(t), *c = pcirc_fast(t);
    (void)pcirc_begin_dir(c);
    if (c)
        close_now(c->p);
    serves_on(t, before);
}

/* ---- many ---- */

static void circuits_many(struct trial *t)
{
    enum { CIRCUITS = 60 };
    static const uint8_t x[20] = {1}, reason[1] = {0};
    struct trial_mark mark;
    struct probe *p = probe_link(t);
    trial_set_mark(t, &mark);
    for (unsigned i = 0; i < CIRCUITS && p && trial_goes_on(t); i++) {
        uint32_t id = probe_new_id(p);
        probe_cell(p, id, CELL_CREATE_FAST, x, sizeof x);
        if (probe_await(p, CELL_CREATED_FAST, NULL))
            probe_cell(p, id, CELL_DESTROY, reason, sizeof reason);
    }
    trial_back_to(t, &mark);
    trial_sent(t, "%d times CREATE_FAST and, once it was answered, DESTROY", CIRCUITS);
    probe_await_alive(p);
}

static void creates_bad(struct trial *t)
{
    enum { CREATES = 20 };
    uint8_t body[CELL_BODY_LEN], skin[NTOR_SKIN_LEN];
    struct chan_create2 m = {.htype = HANDSHAKE_NTOR, .hlen = sizeof skin, .hdata = skin};
    struct trial_mark mark;
    struct probe *p = probe_link(t);
    trial_set_mark(t, &mark);
    for (unsigned i = 0; i < CREATES && p && trial_goes_on(t); i++) {
        struct wr w = wr_over(body, sizeof body);
        uint32_t id = probe_new_id(p);
        env_random(t->run->env, skin, sizeof skin);
        if (chan_create2_encode(&w, &m) == OK)
            probe_cell(p, id, CELL_CREATE2, body, w.len);
        (void)probe_await_destroy(p, id);
    }
    trial_back_to(t, &mark);
    trial_sent(t, "%d CREATE2 for other relays' keys", CREATES);
    probe_await_alive(p);
}

static const struct check_case cases[] = {
    {"robustness/not-tls", CHECK_MUST, "tor-spec 2", "closes what does not speak TLS", not_tls,
     NEEDS_NOTHING},
    {"robustness/http", CHECK_MUST, "tor-spec 2", "answers no HTTP without TLS", http,
     NEEDS_NOTHING},
    {"robustness/records-empty", CHECK_MUST, "tor-spec 2",
     "closes a connection that sends nothing but empty TLS records", records_empty, NEEDS_NOTHING},
    {"robustness/record-huge", CHECK_MUST, "tor-spec 2",
     "closes a connection whose TLS record is longer than one can be", record_huge, NEEDS_NOTHING},
    {"robustness/garbage-in-tls", CHECK_MUST, "tor-spec 4",
     "closes what speaks TLS and sends no cells", garbage_in_tls, NEEDS_NOTHING},
    {"robustness/vpadding-most", CHECK_MUST, "tor-spec 3",
     "takes a variable-length cell of 65535 bytes", vpadding_most, NEEDS_NOTHING},
    {"robustness/vpadding-empty", CHECK_MUST, "tor-spec 3",
     "takes a variable-length cell of no bytes", vpadding_empty, NEEDS_NOTHING},
    {"robustness/padding-many", CHECK_MUST, "tor-spec 7.2", "drops hundreds of padding cells",
     padding_many, NEEDS_NOTHING},
    {"robustness/in-bytes", CHECK_MUST, "tor-spec 3",
     "takes cells that come byte by byte, each in a TLS record of its own", in_bytes,
     NEEDS_NOTHING},
    {"robustness/half-cell", CHECK_MUST, "tor-spec 3",
     "serves others while one connection has sent half a cell, and then that one, too", half_cell,
     NEEDS_NOTHING},
    {"robustness/half-open", CHECK_MUST, "tor-spec 4",
     "serves others while connections hang in each stage of the handshake", half_open,
     NEEDS_NOTHING},
    {"robustness/cut-tls", CHECK_MUST, "tor-spec 2",
     "serves others after a connection ended in the TLS handshake", cut_tls, NEEDS_NOTHING},
    {"robustness/cut-handshake", CHECK_MUST, "tor-spec 4",
     "serves others after connections ended in the link handshake", cut_handshake, NEEDS_NOTHING},
    {"robustness/cut-cell", CHECK_MUST, "tor-spec 3",
     "serves others after a connection ended within a cell", cut_cell, NEEDS_NOTHING},
    {"robustness/cut-circuit", CHECK_MUST, "tor-spec 5.4",
     "serves others after a connection ended with a circuit and a stream on it", cut_circuit,
     NEEDS_NOTHING},
    {"robustness/circuits-many", CHECK_MUST, "tor-spec 5.4",
     "makes circuits and drops them, one after the other", circuits_many, NEEDS_NOTHING},
    {"robustness/creates-bad", CHECK_MUST, "tor-spec 5.1",
     "refuses handshake after handshake, and then makes a circuit", creates_bad, NEEDS_NOTHING},
};
const struct check_section check_robustness = {"robustness", "Robustness", cases,
                                               sizeof cases / sizeof *cases};
