/* The identity that `tunic check --identity FILE` has towards relays that can be measured. */
#ifndef TUNIC_APP_CHECK_IDENTITY_H
#define TUNIC_APP_CHECK_IDENTITY_H

#include "link/identity.h"

/* ERR_IO (errno), ERR_MALFORMED, ERR_CRYPTO, ERR_NOMEM. OUT is wiped by link_identity_wipe(). */
MUST_USE err_t check_identity_read(struct env *env, const char *path, struct link_identity *out);

#endif
