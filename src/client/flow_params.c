#include "client/flow_params.h"

struct xonxoff_params flow_params_xonxoff(const struct netdir *nd)
{
    uint32_t client =
        (uint32_t)netdir_param(nd, "cc_xoff_client", XOFF_CELLS, XOFF_CELLS_LEAST, XOFF_CELLS_MOST);
    uint32_t exit =
        (uint32_t)netdir_param(nd, "cc_xoff_exit", XOFF_CELLS, XOFF_CELLS_LEAST, XOFF_CELLS_MOST);
    uint32_t rate = (uint32_t)netdir_param(nd, "cc_xon_rate", XON_RATE_CELLS, XON_RATE_CELLS_LEAST,
                                           XON_RATE_CELLS_MOST);
    struct xonxoff_params p = xonxoff_params(false, client, exit, rate);
    p.xon_change_pct = (uint8_t)netdir_param(nd, "cc_xon_change_pct", XON_CHANGE_PCT,
                                             XON_CHANGE_PCT_LEAST, XON_CHANGE_PCT_MOST);
    p.xon_ewma_cnt = (uint8_t)netdir_param(nd, "cc_xon_ewma_cnt", XON_EWMA_CNT, XON_EWMA_CNT_LEAST,
                                           XON_EWMA_CNT_MOST);
    return p;
}
