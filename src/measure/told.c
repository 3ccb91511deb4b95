#include "measure/told.h"

#include <stdio.h>

#include "measure/stock.h"

static err_t check_server(const struct ipport *asked, const struct ipport *server,
                          char why[CONSENT_WHY_MAX])
{
    char text[IPPORT_TEXT_MAX];
    TRY(consent_check_address(asked, why));
    if (consent_is_free(asked) || (server->port && ipport_equal(asked, server)))
        return OK;
    snprintf(why, CONSENT_WHY_MAX,
             "nothing is downloaded from %s: this measurer's http_server says what from",
             ipport_text(asked, text));
    return ERR_ARG;
}

static err_t check_exit(const struct meas_exit *exit, const struct sha256 *pin, int64_t now_s,
                        char why[CONSENT_WHY_MAX])
{
    struct circ_hop_target hop;
    TRY(consent_check_address(&exit->at, why));
    TRY(stock_exit(exit, &hop, why));
    const struct consent_relay relay = {
        .at = exit->at, .rsa = hop.rsa, .ed = hop.ed, .has_rsa = true, .has_ed = hop.has_ed};
    return consent_is_free(&exit->at) ? OK
                                      : consent_by_contact(&relay, exit->proof, pin, now_s, why);
}

err_t consent_of_told(const struct connect_to_relay *told, const struct sha256 *pin,
                      const struct ipport *server, int64_t now_s, char why[CONSENT_WHY_MAX])
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
    if (told->mode != MEAS_HTTP)
        return OK;
    TRY(check_server(&told->exit.server, server, why));
    return check_exit(&told->exit, pin, now_s, why);
}
