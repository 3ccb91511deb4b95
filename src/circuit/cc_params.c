#include "circuit/cc_params.h"

#include <stddef.h>

/* The thresholds are in units of what a TLS record holds, and of what a relay's buffer does. */
enum { RECORD_CELLS = 31, BUFFER_CELLS = 2 * RECORD_CELLS };

static const struct cc_thresholds ways[CC_WAYS] = {
    [CC_WAY_SHORT] = {.alpha = 2 * BUFFER_CELLS - RECORD_CELLS,
                      .beta = 2 * BUFFER_CELLS + RECORD_CELLS,
                      .gamma = 2 * BUFFER_CELLS,
                      .delta = 4 * BUFFER_CELLS,
                      .ss_cap = 400},
    [CC_WAY_EXIT] = {.alpha = 3 * BUFFER_CELLS,
                     .beta = 4 * BUFFER_CELLS,
                     .gamma = 3 * BUFFER_CELLS,
                     .delta = 5 * BUFFER_CELLS,
                     .ss_cap = 600},
    [CC_WAY_ONION] = {.alpha = 3 * BUFFER_CELLS,
                      .beta = 6 * BUFFER_CELLS,
                      .gamma = 4 * BUFFER_CELLS,
                      .delta = 7 * BUFFER_CELLS,
                      .ss_cap = 475},
};

struct cc_params cc_params_defaults(void)
{
    struct cc_params p = {
        .alg = CC_ALG_VEGAS,
        .sendme_inc = RECORD_CELLS,
        .cwnd_init = 4 * RECORD_CELLS,
        .cwnd_min = 4 * RECORD_CELLS,
        .cwnd_max = INT32_MAX,
        .cwnd_inc = 1,
        .cwnd_inc_rate = RECORD_CELLS,
        .cwnd_inc_pct_ss = 100,
        .ss_max = 5000,
        .cwnd_full_gap = 4,
        .cwnd_full_minpct = 25,
        .cwnd_full_per_cwnd = 1,
        .ewma_cwnd_pct = 50,
        .ewma_max = 10,
        .ewma_ss = 2,
        .rtt_reset_pct = 100,
        .cellq_high = 256,
    };
    for (unsigned i = 0; i < CC_WAYS; i++)
        p.way[i] = ways[i];
    return p;
}

/* The least window of a consensus, in cells. */
enum { CWND_LEAST = 31 };

#define AT(member)       offsetof(struct cc_params, member)
#define WAY(which, what) offsetof(struct cc_params, way[which].what)

static const struct {
    const char *name;
    size_t at; /* an unsigned, in struct cc_params */
    int32_t least, most;
} rows[] = {
    {"cc_alg", AT(alg), CC_ALG_SENDME, CC_ALG_MOST},
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

struct cc_params cc_params_read(cc_param_fn *param, const void *arg)
{
    struct cc_params p = cc_params_defaults();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned *value = (unsigned *)(void *)((char *)&p + rows[i].at);
        *value = (unsigned)param(arg, rows[i].name, (int32_t)*value, rows[i].least, rows[i].most);
    }
    return p;
}
