/* Makers of the certificates in a CERTS cell. Each appends one to W and to LIST, which then has a
 * view of it: W's storage is not to be moved while the list lives. */
#ifndef TUNIC_LINK_CERTS_MAKE_H
#define TUNIC_LINK_CERTS_MAKE_H

#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/wr.h"
#include "cell/chan_link.h"
#include "crypto/cert.h"
#include "crypto/rsa_key.h"

/* Type 2: the RSA identity, signed by itself. ERR_CRYPTO, ERR_NOMEM, ERR_FULL, as all here. */
MUST_USE err_t certs_make_rsa_id(struct chan_certs *list, struct wr *w, const struct rsa_key *key,
                                 int64_t from_s, int64_t until_s);
/* Types 4 to 6: as ed_cert_make(). */
MUST_USE err_t certs_make_ed(struct chan_certs *list, struct wr *w, const struct ed_cert *cert,
                             const struct ed_secret *signer);
/* Type 7: the RSA identity vouches for the Ed25519 identity. */
MUST_USE err_t certs_make_cross(struct chan_certs *list, struct wr *w, const struct rsa_key *key,
                                const struct ed_id *ed, uint32_t until_h);

#endif
