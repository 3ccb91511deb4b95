#include "circuit/cc_params.h"

#include <stdint.h>

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
