#include "link/certs_make.h"

/* What was appended to W since FROM is a certificate of TYPE. */
static err_t add(struct chan_certs *list, uint8_t type, const struct wr *w, size_t from)
{
    if (list->n >= CHAN_CERTS_MAX)
        return ERR_LIMIT;
    list->c[list->n++] =
        (struct chan_cert){.type = type, .len = (uint16_t)(w->len - from), .body = w->base + from};
    return OK;
}

err_t certs_make_rsa_id(struct chan_certs *list, struct wr *w, const struct rsa_key *key,
                        int64_t from_s, int64_t until_s)
{
    size_t from = w->len;
    TRY(rsa_id_cert_make(key, from_s, until_s, w));
    return add(list, CERT_RSA_ID_X509, w, from);
}

err_t certs_make_ed(struct chan_certs *list, struct wr *w, const struct ed_cert *cert,
                    const struct ed_secret *signer)
{
    size_t from = w->len;
    TRY(ed_cert_make(cert, signer, w));
    return add(list, cert->type, w, from);
}

err_t certs_make_cross(struct chan_certs *list, struct wr *w, const struct rsa_key *key,
                       const struct ed_id *ed, uint32_t until_h)
{
    size_t from = w->len;
    TRY(rsa_crosscert_make(ed, until_h, key, w));
    return add(list, CERT_RSA_ID_V_IDENTITY, w, from);
}
