#include "link/auth.h"

#include "base/wr.h"
#include "crypto/secret.h"

enum { FACTS_LEN = AUTH_SIGNED_LEN - AUTH_RAND_LEN };

/* All but RAND and SIG, in the specification's order. */
static void put_facts(struct wr *w, const struct auth_facts *f)
{
    wr_bytes(w, "AUTH0003", 8);
    wr_bytes(w, f->cid.b, sizeof f->cid.b);
    wr_bytes(w, f->sid.b, sizeof f->sid.b);
    wr_bytes(w, f->cid_ed.b, sizeof f->cid_ed.b);
    wr_bytes(w, f->sid_ed.b, sizeof f->sid_ed.b);
    wr_bytes(w, f->slog.b, sizeof f->slog.b);
    wr_bytes(w, f->clog.b, sizeof f->clog.b);
    wr_bytes(w, f->scert.b, sizeof f->scert.b);
    wr_bytes(w, f->tlssecrets, sizeof f->tlssecrets);
}

void auth_make(const struct auth_facts *facts, struct env *env, const struct ed_secret *key,
               uint8_t out[AUTH_LEN])
{
    struct wr w = wr_over(out, AUTH_LEN);
    put_facts(&w, facts);
    env_random(env, out + FACTS_LEN, AUTH_RAND_LEN);
    ed25519_sign(key, out, AUTH_SIGNED_LEN, out + AUTH_SIGNED_LEN);
}

err_t auth_verify(const struct auth_facts *facts, const struct ed_id *key, const void *auth,
                  size_t len)
{
    uint8_t want[FACTS_LEN];
    const uint8_t *at = auth;
    struct wr w = wr_over(want, sizeof want);
    if (len < AUTH_LEN)
        return ERR_TRUNCATED;
    put_facts(&w, facts);
    /* tor-spec 4.4.2: "a responder checks that all fields from TYPE through TLSSECRETS contain
     * their unique correct values [...], and then verifies the signature. The server MUST ignore
     * any extra bytes in the signed data after the RAND field." */
    if (!secret_equal(at, want, sizeof want))
        return ERR_MALFORMED;
    return ed25519_verify(key, auth, len - ED25519_SIG_LEN, at + len - ED25519_SIG_LEN);
}
