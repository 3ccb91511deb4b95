/* Probe: one connection to the relay under test, in the hands of a case: bytes, TLS, cells, each as
 * the case wants them, right or wrong.
 *
 * Calls wait. All are nothing but for the first failure of the trial (see trial.h), and a
 * connection that ends before it should is one. Probes are closed when the trial is over. */
#ifndef TUNIC_CHECK_PROBE_H
#define TUNIC_CHECK_PROBE_H

#include "base/buf.h"
#include "base/wr.h"
#include "cell/chan.h"
#include "cell/chan_link.h"
#include "check/trial.h"
#include "link/tls_odd.h"

enum {
    PROBE_CELL_MOST = 65535,
    PROBE_IN_CAP = 1 << 20,
};

/* A cell as it came. BODY is valid until the next one is awaited. */
struct probe_cell {
    uint32_t circ_id;
    uint8_t cmd;
    const uint8_t *body;
    size_t len;
};

struct probe {
    struct trial *t;
    void *conn;         /* NULL: closed by us */
    struct tls *tls;    /* NULL: bytes go as they are */
    struct buf in;      /* plain bytes, not yet taken as cells */
    size_t taken;       /* of them, those of the last cell */
    size_t circ_id_len; /* 2 before VERSIONS */
    unsigned version;   /* of the link, 0 before it is agreed on */
    bool ended;         /* the relay has closed */
    const char *ended_how;
    bool trickles;      /* bytes go one by one */
    bool shows_padding; /* PADDING is told, like any other cell */
    uint32_t last_id;   /* of circuits */
};

/* ---- opening, each a stage more than the one before ---- */

/* TCP only. Never NULL, unless the trial has failed. */
struct probe *probe_tcp(struct trial *t);
/* TLS, as tor's clients speak it, or in CTX. */
struct probe *probe_tls(struct trial *t);
struct probe *probe_tls_with(struct trial *t, struct tls_ctx *ctx);
/* The same, byte by byte, then and later. */
struct probe *probe_tls_slowly(struct trial *t);
/* The same in CTX, offering to go on with the session of EARLIER. */
struct probe *probe_tls_after(struct trial *t, struct tls_ctx *ctx, const struct probe *earlier);
/* The relay will not have that. */
void probe_tls_refused(struct trial *t, struct tls_ctx *ctx);
/* TLS of ours that is not as tor's; the trial owns it. NULL: the trial is skipped. */
struct tls_ctx *probe_odd(struct trial *t, const struct tls_odd *odd);
/* Shakes hands anew in the session that there is. Nothing fails: OK, ERR_LINK_TLS.. */
err_t probe_renegotiate(struct probe *p);
/* Closes our side of TLS, and leaves TCP open. */
void probe_tls_end(struct probe *p);
/* VERSIONS 3, 4 and 5 both ways; what follows has not been read. */
struct probe *probe_versions(struct trial *t);
/* The same with other versions. */
struct probe *probe_offer(struct trial *t, const uint16_t *versions, size_t n);
/* The whole link handshake, without authenticating ourselves. */
struct probe *probe_link(struct trial *t);
struct probe *probe_link_by(struct trial *t, const uint16_t *versions, size_t n);

/* ---- what the relay says in the handshake ---- */

/* What stands in these cells, how often they come and in which order is judged by the cases about
 * it alone: all others must not fail by it. */
struct probe_hello {
    struct chan_versions versions;
    bool has_certs;
    err_t certs_err;         /* of decoding the first CERTS: there are none then */
    struct chan_certs certs; /* views into STORAGE */
    err_t netinfo_err;
    struct chan_netinfo netinfo;
    uint8_t storage[16 * 1024];
};

/* TLS, VERSIONS both ways, and whatever comes up to NETINFO; we have not sent ours. */
struct probe *probe_hello(struct trial *t, struct probe_hello *out);
/* The same, once VERSIONS have gone both ways; OUT is all zeros. */
bool probe_take_hello(struct probe *p, struct probe_hello *out);

/* ---- sending ---- */

void probe_raw(struct probe *p, const void *bytes, size_t len, const char *what);
/* A cell, its body filled up with zeros if it is one of fixed size. */
void probe_cell(struct probe *p, uint32_t circ_id, uint8_t cmd, const void *body, size_t len);
void probe_send_versions(struct probe *p, const uint16_t *versions, size_t n);
void probe_send_netinfo(struct probe *p);
/* We close our side: TLS and TCP. */
void probe_close(struct probe *p);
/* A circuit id that has not been used on this connection, with the bit that initiators set. */
uint32_t probe_new_id(struct probe *p);

/* ---- awaiting ---- */

/* The next cell that is no padding (unless P shows it), within the time an answer may take: false
 * if there is none, and then the trial has failed. */
bool probe_next(struct probe *p, struct probe_cell *out);
/* The same, within TIMEOUT_MS, and nothing fails: ERR_MORE, ERR_LINK_CLOSED, ERR_LINK_PROTO (no
 * cell). */
err_t probe_poll(struct probe *p, uint32_t timeout_ms, struct probe_cell *out);
/* The next cell, which has to be of that command. */
bool probe_await(struct probe *p, uint8_t cmd, struct probe_cell *out);
/* The relay closes the connection; cells before that count for nothing. */
void probe_await_close(struct probe *p);
/* The relay is still there and has said nothing else: a circuit is made by CREATE_FAST, and its
 * answer is the next cell. */
void probe_await_alive(struct probe *p);
/* The next cell is DESTROY of that circuit; its reason, or 0. */
uint8_t probe_await_destroy(struct probe *p, uint32_t circ_id);

/* Reads what comes until nothing has for TIMEOUT_MS, and fails if it is any cell (not padding). */
void probe_await_silence(struct probe *p, uint32_t timeout_ms);

/* The connection ended, or not: how, in words. */
const char *probe_ended_how(const struct probe *p);

/* ---- for the run ---- */

void probe_free(struct probe *p);

#endif
