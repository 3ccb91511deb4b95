#include "cell/relay_hs.h"

#include <string.h>

/* AUTH_KEY_TYPE, AUTH_KEY_LEN, AUTH_KEY */
static err_t auth_key_decode(struct rd *r, struct ed_id *out)
{
    uint8_t type = rd_u8(r);
    uint16_t len = rd_u16(r);
    struct rd key = rd_sub(r, len);
    TRY(rd_ok(r));
    if (type != HS_AUTH_KEY_ED25519)
        return ERR_UNSUPPORTED;
    rd_copy(&key, out->b, sizeof out->b);
    return rd_end(&key) == OK ? OK : ERR_MALFORMED;
}

static void auth_key_encode(struct wr *w, const struct ed_id *key)
{
    wr_u8(w, HS_AUTH_KEY_ED25519);
    wr_u16(w, sizeof key->b);
    wr_bytes(w, key->b, sizeof key->b);
}

err_t relay_establish_intro_decode(struct rd r, struct relay_establish_intro *out)
{
    const uint8_t *start = r.at;
    TRY(auth_key_decode(&r, &out->auth_key));
    TRY(exts_decode(&r, &out->exts));
    out->mac_at = (size_t)(r.at - start);
    rd_copy(&r, out->mac, sizeof out->mac);
    out->sig_at = (size_t)(r.at - start);
    out->sig_len = rd_u16(&r);
    out->sig = rd_bytes(&r, out->sig_len);
    return rd_end(&r);
}

err_t relay_establish_intro_encode_head(struct wr *w, const struct relay_establish_intro *m)
{
    auth_key_encode(w, &m->auth_key);
    return exts_encode(w, &m->exts);
}

err_t relay_establish_intro_encode(struct wr *w, const struct relay_establish_intro *m)
{
    TRY(relay_establish_intro_encode_head(w, m));
    wr_bytes(w, m->mac, sizeof m->mac);
    wr_u16(w, m->sig_len);
    wr_bytes(w, m->sig, m->sig_len);
    return wr_end(w);
}

err_t relay_introduce_decode(struct rd r, struct relay_introduce *out)
{
    static const uint8_t zero[20];
    const uint8_t *start = r.at;
    const uint8_t *legacy_key_id = rd_bytes(&r, sizeof zero);
    TRY(rd_ok(&r));
    /* rend-spec-v3 3.2.1: "In new style INTRODUCE1 cells, LEGACY_KEY_ID is 20 zero bytes." */
    if (memcmp(legacy_key_id, zero, sizeof zero) != 0)
        return ERR_UNSUPPORTED;
    TRY(auth_key_decode(&r, &out->auth_key));
    TRY(exts_decode(&r, &out->exts));
    out->encrypted_at = (size_t)(r.at - start);
    struct rd rest = rd_rest(&r);
    out->encrypted_len = rest.left;
    out->encrypted = rest.at;
    return rd_end(&r);
}

err_t relay_introduce_encode(struct wr *w, const struct relay_introduce *m)
{
    wr_zeros(w, 20);
    auth_key_encode(w, &m->auth_key);
    TRY(exts_encode(w, &m->exts));
    wr_bytes(w, m->encrypted, m->encrypted_len);
    return wr_end(w);
}

err_t relay_introduce_plain_decode(struct rd r, struct relay_introduce_plain *out)
{
    rd_copy(&r, out->cookie, sizeof out->cookie);
    TRY(exts_decode(&r, &out->exts));
    uint8_t type = rd_u8(&r);
    uint16_t len = rd_u16(&r);
    struct rd key = rd_sub(&r, len);
    TRY(rd_ok(&r));
    if (type != HS_ONION_KEY_NTOR)
        return ERR_UNSUPPORTED;
    rd_copy(&key, out->onion_key.b, sizeof out->onion_key.b);
    if (rd_end(&key) != OK)
        return ERR_MALFORMED;
    /* rend-spec-v3 3.3: "PAD (optional padding) [up to end of plaintext]" */
    return linkspecs_decode(&r, &out->specs);
}

err_t relay_introduce_plain_encode(struct wr *w, const struct relay_introduce_plain *m)
{
    wr_bytes(w, m->cookie, sizeof m->cookie);
    TRY(exts_encode(w, &m->exts));
    wr_u8(w, HS_ONION_KEY_NTOR);
    wr_u16(w, sizeof m->onion_key.b);
    wr_bytes(w, m->onion_key.b, sizeof m->onion_key.b);
    return linkspecs_encode(w, &m->specs);
}

err_t relay_intro_established_decode(struct rd r, struct relay_intro_established *out)
{
    out->exts.n = 0;
    /* rend-spec-v3 3.1.3: "Services must accept an empty INTRO_ESTABLISHED cell" */
    if (r.left == 0)
        return rd_end(&r);
    TRY(exts_decode(&r, &out->exts));
    return rd_end(&r);
}

err_t relay_intro_established_encode(struct wr *w, const struct relay_intro_established *m)
{
    return exts_encode(w, &m->exts);
}

err_t relay_introduce_ack_decode(struct rd r, struct relay_introduce_ack *out)
{
    out->status = rd_u16(&r);
    TRY(exts_decode(&r, &out->exts));
    return rd_end(&r);
}

err_t relay_introduce_ack_encode(struct wr *w, const struct relay_introduce_ack *m)
{
    wr_u16(w, m->status);
    return exts_encode(w, &m->exts);
}

err_t relay_establish_rendezvous_decode(struct rd r, struct relay_establish_rendezvous *out)
{
    rd_copy(&r, out->cookie, sizeof out->cookie);
    /* rend-spec-v3 4.1: "Rendezvous points MUST ignore any extra bytes" */
    return rd_ok(&r);
}

err_t relay_establish_rendezvous_encode(struct wr *w, const struct relay_establish_rendezvous *m)
{
    wr_bytes(w, m->cookie, sizeof m->cookie);
    return wr_end(w);
}

/* rend-spec-v3 4.3: services pad RENDEZVOUS1 to 168 bytes "with random bytes, to make them
 * difficult to distinguish", and the rendezvous point passes the padding on in RENDEZVOUS2. */
err_t relay_rendezvous1_decode(struct rd r, struct relay_rendezvous1 *out)
{
    rd_copy(&r, out->cookie, sizeof out->cookie);
    rd_copy(&r, out->handshake, sizeof out->handshake);
    return rd_ok(&r);
}

err_t relay_rendezvous1_encode(struct wr *w, const struct relay_rendezvous1 *m)
{
    wr_bytes(w, m->cookie, sizeof m->cookie);
    wr_bytes(w, m->handshake, sizeof m->handshake);
    return wr_end(w);
}

err_t relay_rendezvous2_decode(struct rd r, struct relay_rendezvous2 *out)
{
    rd_copy(&r, out->handshake, sizeof out->handshake);
    return rd_ok(&r);
}

err_t relay_rendezvous2_encode(struct wr *w, const struct relay_rendezvous2 *m)
{
    wr_bytes(w, m->handshake, sizeof m->handshake);
    return wr_end(w);
}
