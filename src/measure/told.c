#include "measure/told.h"

err_t consent_of_told(const struct connect_to_relay *told, const struct sha256 *pin, int64_t now_s,
                      char why[CONSENT_WHY_MAX])
{
    for (size_t i = 0; i < told->relay.n_addrs; i++) {
        const struct consent_relay relay = {
            .at = told->relay.addrs[i],
            .rsa = told->relay.fp,
            .ed = told->relay.ed25519,
            .has_rsa = told->relay.has_fp,
            .has_ed = told->relay.has_ed25519,
        };
        TRY(consent_check_address(&relay.at, why));
        if (told->mode == MEAS_FLASHFLOW || consent_is_free(&relay.at))
            continue;
        TRY(consent_by_contact(&relay, told->proof, pin, now_s, why));
    }
    return OK;
}
