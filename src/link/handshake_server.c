/* The responder's half of the link handshake. */
#include "link/handshake.h"

static err_t put_certs(size_t id_len, const struct chan_certs *certs, struct wr *out)
{
    size_t mark = chan_cell_open(out, id_len, 0, CELL_CERTS);
    TRY(chan_certs_encode(out, certs));
    return chan_cell_close(out, id_len, mark);
}

/* What an initiator that wants to prove itself signs (tor-spec 4.3): "Responders MUST generate
 * every challenge independently using a strong RNG or PRNG." */
static err_t put_challenge(size_t id_len, struct env *env, struct wr *out)
{
    struct chan_auth_challenge c = {.n_methods = 1, .methods = {CHAN_AUTH_ED25519_SHA256_RFC5705}};
    env_random(env, c.challenge, sizeof c.challenge);
    size_t mark = chan_cell_open(out, id_len, 0, CELL_AUTH_CHALLENGE);
    TRY(chan_auth_challenge_encode(out, &c));
    return chan_cell_close(out, id_len, mark);
}

static err_t put_netinfo(size_t id_len, const struct env *env, const struct link_server *server,
                         const struct ip *peer, struct wr *out)
{
    struct chan_netinfo n = {
        .timestamp = (uint32_t)(env_wall_s(env) + server->cheat.netinfo_ahead_s), .other = *peer};
    if (server->mine.family != IP_NONE)
        n.mine[n.n_mine++] = server->mine;
    size_t mark = chan_cell_open(out, id_len, 0, CELL_NETINFO);
    TRY(chan_netinfo_encode(out, &n));
    return chan_cell_close(out, id_len, mark);
}

static err_t put_our_versions(const struct link_cheat *cheat, struct wr *out)
{
    static const struct chan_versions of_old = {.n = 2, .v = {1, 2}};
    if (cheat->no_versions)
        return OK;
    return handshake_put_versions(cheat->no_common_version ? &of_old : &handshake_versions, out);
}

/* All we have to say, at once. tor-spec 4.1: "the initiator sends a VERSIONS cell immediately after
 * the initial TLS handshake, and the responder replies immediately with a VERSIONS cell". */
static err_t answer(struct handshake *hs, struct env *env, const struct link_server *server,
                    const struct ip *peer, struct wr *out)
{
    const struct link_cheat *cheat = &server->cheat;
    size_t id_len = handshake_circ_id_len(hs);
    TRY(put_our_versions(cheat, out));
    if (!cheat->no_certs && !cheat->certs_late)
        TRY(put_certs(id_len, server->certs, out));
    if (cheat->certs_twice)
        TRY(put_certs(id_len, server->certs, out));
    TRY(put_challenge(id_len, env, out));
    handshake_auth_sent(&hs->auth, out->base, out->len);
    if (!cheat->no_netinfo)
        TRY(put_netinfo(id_len, env, server, peer, out));
    return cheat->certs_late ? put_certs(id_len, server->certs, out) : OK;
}

static err_t on_versions(struct handshake *hs, struct env *env, const struct link_server *server,
                         const struct ip *peer, const struct chan_frame *cell, struct wr *out)
{
    TRY(handshake_on_versions(hs, cell));
    err_t e = answer(hs, env, server, peer, out);
    if (e == OK && server->cheat.spoil)
        server->cheat.spoil(server->cheat.arg, handshake_circ_id_len(hs), out);
    if (e != OK)
        return handshake_fail(hs, ERR_BUG, "our answer could not be written", e);
    hs->stage = STAGE_CHALLENGED;
    return OK;
}

/* tor-spec 4: "If it does want to authenticate, it MUST send a CERTS cell, an AUTHENTICATE cell
 * (4.4), and a NETINFO." They have to be good, as tor wants them: who proves nothing leaves them
 * out. */
static err_t on_certs(struct handshake *hs, const struct env *env, const struct chan_frame *cell)
{
    struct chan_certs certs;
    err_t e = chan_certs_decode(rd_over(cell->body, cell->body_len), &certs);
    if (e != OK || hs->got_certs)
        return handshake_fail(hs, ERR_LINK_CERTS, "bad CERTS cell, or a second one", e);
    TRY(certs_verify_initiator(&certs, env_wall_s(env), &hs->auth.claim, hs->text,
                               sizeof hs->text));
    hs->got_certs = true;
    return OK;
}

static err_t on_authenticate(struct handshake *hs, const struct link_server *server,
                             const struct chan_frame *cell)
{
    struct chan_authenticate m;
    err_t e = chan_authenticate_decode(rd_over(cell->body, cell->body_len), &m);
    if (e != OK || !hs->got_certs || hs->got_authenticate)
        return handshake_fail(hs, ERR_LINK_PROTO, "bad AUTHENTICATE cell, or out of turn", e);
    e = handshake_auth_check(hs, server->certs, &m);
    if (e != OK)
        return handshake_fail(hs, ERR_LINK_CERTS, "AUTHENTICATE proves no identity", e);
    hs->proved = hs->auth.claim.who;
    hs->got_authenticate = true;
    return OK;
}

void handshake_server_start(struct handshake *hs, const struct env *env,
                            const struct sha256 *tls_cert, const struct handshake_binding *binding)
{
    *hs = (struct handshake){.started_us = env->mono_us, .tls_cert = *tls_cert};
    handshake_auth_start(&hs->auth, binding);
}

err_t handshake_server_cell(struct handshake *hs, struct env *env, const struct link_server *server,
                            const struct ip *peer, const struct chan_frame *cell, struct wr *out)
{
    if (cell->circ_id != 0)
        return handshake_fail(hs, ERR_LINK_PROTO, "handshake cell with a circuit id", OK);
    switch (cell->cmd) {
    case CELL_VERSIONS:
        return on_versions(hs, env, server, peer, cell, out);
    case CELL_CERTS:
        return on_certs(hs, env, cell);
    case CELL_AUTHENTICATE:
        return on_authenticate(hs, server, cell);
    case CELL_NETINFO:
        return handshake_on_netinfo(hs, env, cell);
    default:
        return handshake_fail(hs, ERR_BUG, "not a handshake cell", OK);
    }
}
