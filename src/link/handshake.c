#include "link/handshake.h"

#include <stdio.h>

#include "link/limits.h"

enum { SKEW_TRUSTED_MS = 180 * 1000 }; /* as tor: a slow handshake says nothing about clocks */

const struct chan_versions handshake_versions = {.n = 3, .v = {3, 4, 5}};

err_t handshake_fail(struct handshake *hs, err_t why, const char *what, err_t detail)
{
    if (detail == ERR_NOMEM) { /* no fault of the peer's */
        snprintf(hs->text, sizeof hs->text, "no memory for the handshake");
        return detail;
    }
    snprintf(hs->text, sizeof hs->text, "%s%s%s", what, detail == OK ? "" : ": ",
             detail == OK ? "" : err_text(detail));
    return why;
}

size_t handshake_circ_id_len(const struct handshake *hs)
{
    return hs->version >= 4 ? 4 : 2;
}

err_t handshake_put_versions(const struct chan_versions *versions, struct wr *out)
{
    size_t mark = chan_cell_open(out, 2, 0, CELL_VERSIONS);
    TRY(chan_versions_encode(out, versions));
    return chan_cell_close(out, 2, mark);
}

err_t handshake_start(struct handshake *hs, const struct env *env, const struct sha256 *tls_cert,
                      const struct handshake_binding *binding, struct wr *out)
{
    *hs = (struct handshake){.started_us = env->mono_us, .tls_cert = *tls_cert};
    handshake_auth_start(&hs->auth, binding);
    TRY(handshake_put_versions(&handshake_versions, out));
    handshake_auth_sent(&hs->auth, out->base, out->len);
    return OK;
}

/* tor-spec 4.4.2: SLOG and CLOG are of "all bytes sent [...] as part of the negotiation", and end
 * before AUTHENTICATE. */
void handshake_heard(struct handshake *hs, uint8_t cmd, const void *bytes, size_t len)
{
    if (cmd != CELL_AUTHENTICATE)
        handshake_auth_got(&hs->auth, bytes, len);
}

err_t handshake_on_versions(struct handshake *hs, const struct chan_frame *cell)
{
    struct chan_versions theirs;
    /* tor-spec 4.1: "Either party MUST close the connection if the versions cell is not
     * well-formed" */
    err_t e = chan_versions_decode(rd_over(cell->body, cell->body_len), &theirs);
    if (e != OK)
        return handshake_fail(hs, ERR_LINK_PROTO, "bad VERSIONS cell", e);
    /* "If they have no such version in common, they cannot communicate and MUST close the
     * connection." */
    unsigned version = chan_versions_common(&handshake_versions, &theirs);
    if (!version)
        return handshake_fail(hs, ERR_LINK_VERSION, "the peer speaks none of link protocols 3 to 5",
                              OK);
    hs->version = version;
    hs->stage = STAGE_UNVERIFIED;
    return OK;
}

/* A client's: no time, the peer's address, none of our own (tor-spec 4.5). A peer that a proxy
 * found for us has no address that we know: 0.0.0.0, as Arti says it. */
static err_t write_netinfo(const struct handshake *hs, const struct link_target *target,
                           struct wr *out)
{
    size_t id_len = handshake_circ_id_len(hs);
    struct chan_netinfo ours = {.other = target->reach.addr.ip};
    if (ours.other.family == IP_NONE)
        ours.other.family = IP_V4;
    size_t mark = chan_cell_open(out, id_len, 0, CELL_NETINFO);
    TRY(chan_netinfo_encode(out, &ours));
    return chan_cell_close(out, id_len, mark);
}

static err_t on_certs(struct handshake *hs, const struct env *env, const struct link_target *target,
                      const struct chan_frame *cell, struct wr *out)
{
    struct chan_certs certs;
    struct certs_proved proved;
    err_t e = chan_certs_decode(rd_over(cell->body, cell->body_len), &certs);
    if (e != OK)
        return handshake_fail(hs, ERR_LINK_CERTS, "bad CERTS cell", e);
    TRY(certs_verify(&certs, &hs->tls_cert, target, env_wall_s(env), &proved, hs->text,
                     sizeof hs->text));
    /* tor-spec 4: "If it does not want to authenticate, it MUST send a NETINFO cell." tor does so
     * right after CERTS. */
    if (!hs->auth.on)
        e = write_netinfo(hs, target, out);
    if (e != OK)
        return handshake_fail(hs, ERR_BUG, "NETINFO could not be written", e);
    hs->proved = proved;
    hs->stage = STAGE_VERIFIED;
    return OK;
}

static bool offers_our_method(const struct chan_auth_challenge *c)
{
    for (size_t i = 0; i < c->n_methods; i++)
        if (c->methods[i] == CHAN_AUTH_ED25519_SHA256_RFC5705)
            return true;
    return false;
}

/* tor-spec 4: "If it does want to authenticate, it MUST send a CERTS cell, an AUTHENTICATE cell
 * (4.4), and a NETINFO", and 4.4: not "before they have verified the certificates presented in the
 * responder's CERTS cell". */
static err_t prove(struct handshake *hs, struct env *env, const struct link_target *target,
                   const struct chan_auth_challenge *challenge, struct wr *out)
{
    if (!offers_our_method(challenge))
        return handshake_fail(hs, ERR_LINK_PROTO,
                              "the relay takes no proof of identity that we can give", OK);
    err_t e = handshake_auth_prove(hs, env, handshake_circ_id_len(hs), out);
    if (e == OK)
        e = write_netinfo(hs, target, out);
    return e == OK ? OK : handshake_fail(hs, ERR_BUG, "our identity could not be proved", e);
}

static err_t on_auth_challenge(struct handshake *hs, struct env *env,
                               const struct link_target *target, const struct chan_frame *cell,
                               struct wr *out)
{
    struct chan_auth_challenge challenge;
    err_t e = chan_auth_challenge_decode(rd_over(cell->body, cell->body_len), &challenge);
    if (e != OK)
        return handshake_fail(hs, ERR_LINK_PROTO, "bad AUTH_CHALLENGE cell", e);
    if (hs->auth.on)
        TRY(prove(hs, env, target, &challenge, out));
    hs->stage = STAGE_CHALLENGED;
    return OK;
}

err_t handshake_on_netinfo(struct handshake *hs, const struct env *env,
                           const struct chan_frame *cell)
{
    struct chan_netinfo theirs;
    err_t e = chan_netinfo_decode(rd_over(cell->body, cell->body_len), &theirs);
    if (e != OK)
        return handshake_fail(hs, ERR_LINK_PROTO, "bad NETINFO cell", e);
    bool prompt = env->mono_us - hs->started_us < (uint64_t)SKEW_TRUSTED_MS * US_PER_MS;
    hs->skew_s = prompt && theirs.timestamp ? env_wall_s(env) - (int64_t)theirs.timestamp : 0;
    hs->stage = STAGE_OPEN;
    return OK;
}

/* Who wants to prove itself has to be asked. */
static err_t on_netinfo(struct handshake *hs, const struct env *env, const struct chan_frame *cell)
{
    if (hs->auth.on && hs->stage == STAGE_VERIFIED)
        return handshake_fail(hs, ERR_LINK_PROTO, "the relay asks for no proof of identity", OK);
    return handshake_on_netinfo(hs, env, cell);
}

err_t handshake_cell(struct handshake *hs, struct env *env, const struct link_target *target,
                     const struct chan_frame *cell, struct wr *out)
{
    /* tor-spec 4: cells that are about the link have circuit id 0 */
    if (cell->circ_id != 0)
        return handshake_fail(hs, ERR_LINK_PROTO, "handshake cell with a circuit id", OK);
    switch (cell->cmd) {
    case CELL_VERSIONS:
        return handshake_on_versions(hs, cell);
    case CELL_CERTS:
        return on_certs(hs, env, target, cell, out);
    case CELL_AUTH_CHALLENGE:
        return on_auth_challenge(hs, env, target, cell, out);
    case CELL_NETINFO:
        return on_netinfo(hs, env, cell);
    default:
        return handshake_fail(hs, ERR_BUG, "not a handshake cell", OK);
    }
}
