/* The RSA -> Ed25519 cross-certificate: what ties a relay's two identities together. */
#include "crypto/cert.h"

#include "base/rd.h"
#include "crypto/hash.h"
#include "crypto/rsa_key.h"

/* cert-spec 2.3: the signature is on the SHA-256 of the prefix and all fields before its length. */
static void crosscert_digest(const void *fields, size_t len, uint8_t out[SHA256_LEN])
{
    static const char prefix[] = "Tor TLS RSA/Ed25519 cross-certificate";
    struct sha256_running s;
    sha256_init(&s);
    sha256_add(&s, prefix, sizeof prefix - 1);
    sha256_add(&s, fields, len);
    sha256_peek(&s, out);
}

err_t rsa_crosscert_parse(const void *bytes, size_t len, struct rsa_crosscert *out)
{
    struct rsa_crosscert cert = {0};
    struct rd r = rd_over(bytes, len);
    rd_copy(&r, cert.ed.b, sizeof cert.ed.b);
    cert.expires_h = rd_u32(&r);
    size_t signed_len = len - r.left;
    cert.sig_len = rd_u8(&r);
    cert.sig = rd_bytes(&r, cert.sig_len);
    TRY(rd_end(&r));
    crosscert_digest(bytes, signed_len, cert.digest);
    *out = cert;
    return OK;
}

err_t rsa_crosscert_verify(const struct rsa_crosscert *cert, const struct rsa_pub *rsa,
                           int64_t now_s)
{
    TRY(rsa_verify_digest(rsa, cert->digest, sizeof cert->digest, cert->sig, cert->sig_len));
    return cert_check_expiry(cert->expires_h, now_s);
}

err_t rsa_crosscert_make(const struct ed_id *ed, uint32_t expires_h, const struct rsa_key *rsa,
                         struct wr *out)
{
    uint8_t digest[SHA256_LEN], sig[RSA_SIG_MAX];
    size_t start = out->len, sig_len;
    wr_bytes(out, ed->b, sizeof ed->b);
    wr_u32(out, expires_h);
    TRY(wr_end(out));
    crosscert_digest(out->base + start, out->len - start, digest);
    TRY(rsa_sign_digest(rsa, digest, sizeof digest, sig, &sig_len));
    if (sig_len > UINT8_MAX)
        return ERR_BAD_KEY;
    wr_u8(out, (uint8_t)sig_len);
    wr_bytes(out, sig, sig_len);
    return wr_end(out);
}
