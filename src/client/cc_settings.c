#include "client/cc_settings.h"

#include <stddef.h>
#include <stdint.h>

/* cc_alg. Two more were tried and given up; C tor takes them for the default. */
enum { CC_ALG_SENDME, CC_ALG_VEGAS = 2, CC_ALG_MOST = 3 };

/* The least window of a consensus, in cells. */
enum { CWND_LEAST = 31 };

#define AT(member)       offsetof(struct cc_params, member)
#define WAY(which, what) offsetof(struct cc_params, way[which].what)

static const struct {
    const char *name;
    size_t at; /* an unsigned, in struct cc_params */
    int32_t least, most;
} rows[] = {
    {"cc_sendme_inc", AT(sendme_inc), 1, 254},
    {"cc_cwnd_init", AT(cwnd_init), CWND_LEAST, 10000},
    {"cc_cwnd_min", AT(cwnd_min), CWND_LEAST, 1000},
    {"cc_cwnd_max", AT(cwnd_max), 500, INT32_MAX},
    {"cc_cwnd_inc", AT(cwnd_inc), 1, 1000},
    {"cc_cwnd_inc_rate", AT(cwnd_inc_rate), 1, 250},
    {"cc_cwnd_inc_pct_ss", AT(cwnd_inc_pct_ss), 1, 500},
    {"cc_ss_max", AT(ss_max), 500, INT32_MAX},
    {"cc_cwnd_full_gap", AT(cwnd_full_gap), 0, INT16_MAX},
    {"cc_cwnd_full_minpct", AT(cwnd_full_minpct), 0, 100},
    {"cc_cwnd_full_per_cwnd", AT(cwnd_full_per_cwnd), 0, 1},
    {"cc_ewma_cwnd_pct", AT(ewma_cwnd_pct), 1, 255},
    {"cc_ewma_max", AT(ewma_max), 2, INT32_MAX},
    {"cc_ewma_ss", AT(ewma_ss), 2, INT32_MAX},
    {"cc_rtt_reset_pct", AT(rtt_reset_pct), 0, 100},
    {"cellq_high", AT(cellq_high), 1, 1000},
    {"cc_vegas_alpha_sbws", WAY(CC_WAY_SHORT, alpha), 0, 1000},
    {"cc_vegas_beta_sbws", WAY(CC_WAY_SHORT, beta), 0, 1000},
    {"cc_vegas_gamma_sbws", WAY(CC_WAY_SHORT, gamma), 0, 1000},
    {"cc_vegas_delta_sbws", WAY(CC_WAY_SHORT, delta), 0, INT32_MAX},
    {"cc_sscap_sbws", WAY(CC_WAY_SHORT, ss_cap), 100, INT32_MAX},
    {"cc_vegas_alpha_exit", WAY(CC_WAY_EXIT, alpha), 0, 1000},
    {"cc_vegas_beta_exit", WAY(CC_WAY_EXIT, beta), 0, 1000},
    {"cc_vegas_gamma_exit", WAY(CC_WAY_EXIT, gamma), 0, 1000},
    {"cc_vegas_delta_exit", WAY(CC_WAY_EXIT, delta), 0, INT32_MAX},
    {"cc_sscap_exit", WAY(CC_WAY_EXIT, ss_cap), 100, INT32_MAX},
    {"cc_vegas_alpha_onion", WAY(CC_WAY_ONION, alpha), 0, 1000},
    {"cc_vegas_beta_onion", WAY(CC_WAY_ONION, beta), 0, 1000},
    {"cc_vegas_gamma_onion", WAY(CC_WAY_ONION, gamma), 0, 1000},
    {"cc_vegas_delta_onion", WAY(CC_WAY_ONION, delta), 0, INT32_MAX},
    {"cc_sscap_onion", WAY(CC_WAY_ONION, ss_cap), 100, INT32_MAX},
};

struct cc_params cc_settings(const struct netdir *nd)
{
    struct cc_params p = cc_params_defaults();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned *value = (unsigned *)(void *)((char *)&p + rows[i].at);
        *value =
            (unsigned)netdir_param(nd, rows[i].name, (int32_t)*value, rows[i].least, rows[i].most);
    }
    return p;
}

bool cc_settings_are_on(const struct netdir *nd)
{
    return netdir_param(nd, "cc_alg", CC_ALG_VEGAS, CC_ALG_SENDME, CC_ALG_MOST) != CC_ALG_SENDME;
}
