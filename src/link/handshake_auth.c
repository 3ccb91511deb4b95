/* How an initiator proves a relay's identity, and how a responder checks it: the part of the link
 * handshake that clients do without (tor-spec 4.4). */
#include <string.h>

#include "link/auth.h"
#include "link/handshake.h"
#include "link/identity.h"

void handshake_auth_start(struct handshake_auth *a, const struct handshake_binding *binding)
{
    *a = (struct handshake_auth){.on = binding != NULL};
    if (!binding)
        return;
    a->binding = *binding;
    sha256_init(&a->sent);
    sha256_init(&a->got);
}

void handshake_auth_sent(struct handshake_auth *a, const void *bytes, size_t len)
{
    if (a->on)
        sha256_add(&a->sent, bytes, len);
}

void handshake_auth_got(struct handshake_auth *a, const void *bytes, size_t len)
{
    if (a->on)
        sha256_add(&a->got, bytes, len);
}

/* The secrets of this TLS session, for the initiator whose RSA key's digest is CID. */
static err_t export_secrets(const struct handshake_auth *a, struct auth_facts *f)
{
    return a->binding.export(a->binding.arg, AUTH_EXPORT_LABEL, &f->cid, f->tlssecrets);
}

static err_t put_certs(const struct chan_certs *certs, size_t id_len, struct wr *out)
{
    size_t mark = chan_cell_open(out, id_len, 0, CELL_CERTS);
    TRY(chan_certs_encode(out, certs));
    return chan_cell_close(out, id_len, mark);
}

static err_t put_authenticate(const uint8_t auth[AUTH_LEN], size_t id_len, struct wr *out)
{
    struct chan_authenticate m = {
        .type = CHAN_AUTH_ED25519_SHA256_RFC5705, .len = AUTH_LEN, .auth = auth};
    size_t mark = chan_cell_open(out, id_len, 0, CELL_AUTHENTICATE);
    TRY(chan_authenticate_encode(out, &m));
    return chan_cell_close(out, id_len, mark);
}

err_t handshake_auth_prove(struct handshake *hs, struct env *env, size_t id_len, struct wr *out)
{
    struct handshake_auth *a = &hs->auth;
    const struct link_identity *id = a->binding.identity;
    struct auth_facts f = {.cid = id->rsa_sha256,
                           .sid = hs->proved.rsa_sha256,
                           .cid_ed = id->ed,
                           .sid_ed = hs->proved.ed,
                           .scert = hs->tls_cert};
    uint8_t auth[AUTH_LEN];
    size_t from = out->len;
    TRY(export_secrets(a, &f));
    TRY(put_certs(&id->certs, id_len, out));
    handshake_auth_sent(a, out->base + from, out->len - from);
    sha256_peek(&a->got, f.slog.b);
    sha256_peek(&a->sent, f.clog.b);
    auth_make(&f, env, &id->auth, auth);
    return put_authenticate(auth, id_len, out);
}

err_t handshake_auth_check(const struct handshake *hs, const struct chan_certs *ours,
                           const struct chan_authenticate *m)
{
    const struct handshake_auth *a = &hs->auth;
    struct certs_proved us;
    if (!a->on)
        return ERR_STATE;
    /* tor-spec 4.4.1: "Responders MUST NOT accept this AuthType [1] if the initiator has claimed to
     * have an Ed25519 identity." */
    if (m->type != CHAN_AUTH_ED25519_SHA256_RFC5705)
        return ERR_UNSUPPORTED;
    TRY(certs_shown(ours, &us));
    struct auth_facts f = {.cid = a->claim.who.rsa_sha256,
                           .sid = us.rsa_sha256,
                           .cid_ed = a->claim.who.ed,
                           .sid_ed = us.ed,
                           .scert = hs->tls_cert};
    sha256_peek(&a->sent, f.slog.b);
    sha256_peek(&a->got, f.clog.b);
    TRY(export_secrets(a, &f));
    return auth_verify(&f, &a->claim.auth_key, m->auth, m->len);
}
