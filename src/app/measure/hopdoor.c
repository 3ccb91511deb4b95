#include "app/measure/hopdoor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "link/tls.h"
#include "net/conn.h"
#include "net/linksock.h"
#include "net/listen.h"
#include "testnet/relay_certs.h"

enum { TLS_KEY_BITS = 2048, CERT_AGE_S = 24 * 3600, CERT_LIFE_S = 365 * 24 * 3600 };

struct hopdoor {
    struct net *net;
    struct ipport at;
    struct identity id;
    struct tls_ctx *tls;
    struct relay_certs certs;
    struct echohop *hop;
    struct listener *listener;
};

/* ---- connections ---- */

/* What cannot go back yet is not read: cells wait in the relay, as they would before any hop. */
static uint8_t *in_room(void *link, size_t *room)
{
    return echohop_is_full(link) ? NULL : link_in_room(link, room);
}

static void sent(void *link, size_t len)
{
    struct conn *c = link_io(link);
    bool was_full = echohop_is_full(link);
    link_sent(link, len);
    if (c && was_full && !echohop_is_full(link))
        conn_resume(c);
}

static const struct conn_machine machine = {.in_room = in_room,
                                            .in_done = linksock_in_done,
                                            .in_end = linksock_in_end,
                                            .out = linksock_out,
                                            .sent = sent};

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    struct hopdoor *d = arg;
    struct link *l = echohop_accept(d->hop, peer);
    if (!l) {
        close(fd);
        return;
    }
    struct conn *c = conn_new(d->net, fd, &machine, l);
    link_set_io(l, c);
    if (!c)
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
}

static const struct echohop_ops ops = {linksock_output, linksock_hangup};

/* ---- life ---- */

/* tor wants an RSA key in a relay's TLS certificate, else its log has a warning, and TLS libraries
 * of today want 2048 bits. */
static err_t make_tls(struct hopdoor *d)
{
    uint8_t cert[2048], key[2048];
    struct wr cert_w = wr_over(cert, sizeof cert), key_w = wr_over(key, sizeof key);
    int64_t now_s = env_wall_s(net_env(d->net));
    struct rsa_key *rsa;
    TRY(rsa_key_generate_from(net_env(d->net), TLS_KEY_BITS, &rsa));
    err_t e = rsa_id_cert_make(rsa, now_s - CERT_AGE_S, now_s + CERT_LIFE_S, &cert_w);
    if (e == OK)
        e = rsa_key_to_der(rsa, &key_w);
    if (e == OK)
        e = tls_ctx_new_server_with(cert, cert_w.len, key, key_w.len, &d->tls);
    secret_wipe(key, sizeof key);
    rsa_key_free(rsa);
    return e;
}

static err_t make_hop(struct hopdoor *d, unsigned every, uint64_t life_ms)
{
    struct env *env = net_env(d->net);
    struct sha256 cert;
    TRY(identity_make(env, &d->id));
    TRY(make_tls(d));
    tls_ctx_cert_sha256(d->tls, &cert);
    TRY(relay_certs_make(&d->id, &cert, env_wall_s(env), RELAY_CERTS_HONEST, &d->certs));
    const struct echohop_config config = {
        .tls = d->tls,
        .certs = &d->certs.list,
        .keys = {.rsa = d->id.rsa_id, .ed = d->id.ed.pub, .b = d->id.ntor, .B = d->id.ntor_pub},
        .mine = d->at.ip,
        .circuits_most = ECHOHOP_CIRCUITS_MOST,
        .return_every = every,
        .life_ms = life_ms};
    d->hop = echohop_new(env, &config, &ops, d);
    return d->hop ? OK : ERR_NOMEM;
}

static err_t listen_at(struct hopdoor *d)
{
    const struct port_at at = {.tcp = d->at};
    TRY(listener_try(d->net, "second hop", &at, on_accept, d, &d->listener));
    d->at.port = listener_port(d->listener);
    return OK;
}

err_t hopdoor_open(struct net *n, const struct ipport *at, unsigned every, uint64_t life_ms,
                   struct hopdoor **out, char why[HOPDOOR_WHY_MAX])
{
    struct hopdoor *d = calloc(1, sizeof *d);
    char text[IPPORT_TEXT_MAX];
    if (!d) {
        snprintf(why, HOPDOOR_WHY_MAX, "out of memory");
        return ERR_NOMEM;
    }
    *d = (struct hopdoor){.net = n, .at = *at};
    errno = 0;
    err_t e = make_hop(d, every, life_ms);
    if (e == OK)
        e = listen_at(d);
    if (e != OK) {
        snprintf(why, HOPDOOR_WHY_MAX, "the second hop cannot listen at %s: %s",
                 ipport_text(at, text), e == ERR_IO && errno ? strerror(errno) : err_text(e));
        hopdoor_free(d);
        return e;
    }
    *out = d;
    return OK;
}

const struct echohop *hopdoor_hop(const struct hopdoor *d)
{
    return d->hop;
}

struct circ_hop_target hopdoor_target(const struct hopdoor *d)
{
    struct circ_hop_target t = {
        .rsa = d->id.rsa_id, .ed = d->id.ed.pub, .has_ed = true, .ntor_key = d->id.ntor_pub};
    if (d->at.ip.family == IP_V6)
        t.v6 = d->at;
    else
        t.v4 = d->at;
    return t;
}

void hopdoor_free(struct hopdoor *d)
{
    if (!d)
        return;
    listener_close(d->listener);
    if (d->hop)
        echohop_close(d->hop);
    echohop_free(d->hop);
    tls_ctx_free(d->tls);
    identity_wipe(&d->id);
    free(d);
}
