#include "crypto/cert.h"

#include <string.h>

#include "base/rd.h"

enum {
    ED_CERT_VERSION = 1,
    EXT_SIGNED_WITH_KEY = 4,
    EXT_FLAG_AFFECTS_VALIDATION = 1,
    SECONDS_AN_HOUR = 3600,
};

static err_t parse_extension(struct rd *r, struct ed_cert *cert)
{
    size_t len = rd_u16(r);
    uint8_t type = rd_u8(r), flags = rd_u8(r);
    struct rd body = rd_sub(r, len);
    TRY(rd_ok(&body));
    if (type != EXT_SIGNED_WITH_KEY)
        /* cert-spec 2.1: "clients must not accept the certificate as valid unless they understand
         * the extension" */
        return flags & EXT_FLAG_AFFECTS_VALIDATION ? ERR_UNSUPPORTED : OK;
    if (cert->has_signer)
        return ERR_MALFORMED;
    cert->has_signer = true;
    rd_copy(&body, cert->signer.b, sizeof cert->signer.b);
    return rd_end(&body) == OK ? OK : ERR_MALFORMED;
}

err_t ed_cert_parse(const void *bytes, size_t len, struct ed_cert *out)
{
    struct ed_cert cert = {.signed_bytes = bytes};
    struct rd r = rd_over(bytes, len);
    if (len > ED_CERT_MAX)
        return ERR_MALFORMED;
    uint8_t version = rd_u8(&r);
    TRY(rd_ok(&r));
    if (version != ED_CERT_VERSION)
        return ERR_UNSUPPORTED;
    cert.type = rd_u8(&r);
    cert.expires_h = rd_u32(&r);
    cert.key_type = rd_u8(&r);
    rd_copy(&r, cert.key, sizeof cert.key);
    unsigned extensions = rd_u8(&r);
    for (unsigned i = 0; i < extensions && !r.failed; i++)
        TRY(parse_extension(&r, &cert));
    cert.signed_len = len - r.left;
    rd_copy(&r, cert.sig, sizeof cert.sig);
    TRY(rd_end(&r));
    *out = cert;
    return OK;
}

err_t ed_cert_check_signature(const struct ed_cert *cert, const struct ed_id *signer)
{
    if (!signer && !cert->has_signer)
        return ERR_MALFORMED;
    if (signer && cert->has_signer && !ed_id_equal(signer, &cert->signer))
        return ERR_BAD_SIGNATURE;
    return ed25519_verify(signer ? signer : &cert->signer, cert->signed_bytes, cert->signed_len,
                          cert->sig);
}

err_t cert_check_expiry(uint32_t expires_h, int64_t now_s)
{
    return now_s > (int64_t)expires_h * SECONDS_AN_HOUR ? ERR_EXPIRED : OK;
}

err_t ed_cert_verify(const struct ed_cert *cert, const struct ed_id *signer, int64_t now_s)
{
    TRY(ed_cert_check_signature(cert, signer));
    return cert_check_expiry(cert->expires_h, now_s);
}

err_t ed_cert_make(const struct ed_cert *cert, const struct ed_secret *signer, struct wr *out)
{
    size_t start = out->len;
    wr_u8(out, ED_CERT_VERSION);
    wr_u8(out, cert->type);
    wr_u32(out, cert->expires_h);
    wr_u8(out, cert->key_type);
    wr_bytes(out, cert->key, sizeof cert->key);
    wr_u8(out, cert->has_signer ? 1 : 0);
    if (cert->has_signer) {
        wr_u16(out, sizeof signer->pub.b);
        wr_u8(out, EXT_SIGNED_WITH_KEY);
        wr_u8(out, 0);
        wr_bytes(out, signer->pub.b, sizeof signer->pub.b);
    }
    size_t signed_len = out->len - start;
    uint8_t *sig = wr_room(out, ED25519_SIG_LEN);
    if (sig)
        ed25519_sign(signer, out->base + start, signed_len, sig);
    return wr_end(out);
}
