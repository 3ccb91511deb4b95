/* Cc_params: what the consensus says of congestion control (proposal 324, 6.5), for all circuits.
 */
#ifndef TUNIC_CIRCUIT_CC_PARAMS_H
#define TUNIC_CIRCUIT_CC_PARAMS_H

#include <stdint.h>

/* How far away the other end is: what waits on the way is judged by that. */
enum cc_way {
    CC_WAY_SHORT, /* two hops or fewer; "sbws" in the names of the parameters */
    CC_WAY_EXIT,  /* three hops; to a service that stands at its own rendezvous point, too */
    CC_WAY_ONION, /* both halves of a rendezvous */
    CC_WAYS
};

/* Cells that wait on the way, by Vegas' reckoning. */
struct cc_thresholds {
    unsigned alpha;  /* under so many the window grows */
    unsigned beta;   /* above so many it shrinks */
    unsigned gamma;  /* with so many slow start ends */
    unsigned delta;  /* above so many it shrinks at once */
    unsigned ss_cap; /* a window of so many cells grows more slowly in slow start */
};

/* Two more were tried and given up; C tor takes them for the default. */
enum cc_alg { CC_ALG_SENDME /* fixed windows */, CC_ALG_VEGAS = 2, CC_ALG_MOST = 3 };

struct cc_params {
    unsigned alg;        /* enum cc_alg */
    unsigned sendme_inc; /* DATA that a SENDME stands for */
    unsigned cwnd_init;  /* cells, as are all windows */
    unsigned cwnd_min;
    unsigned cwnd_max;
    unsigned cwnd_inc;           /* a step of the window after slow start... */
    unsigned cwnd_inc_rate;      /* ...of which there may be so many a window */
    unsigned cwnd_inc_pct_ss;    /* a step in slow start, in percent of a SENDME's DATA */
    unsigned ss_max;             /* at which slow start ends */
    unsigned cwnd_full_gap;      /* SENDMEs' worth that may be missing in a window that is full */
    unsigned cwnd_full_minpct;   /* of a window that is less full is none */
    unsigned cwnd_full_per_cwnd; /* a window's worth of SENDMEs long it counts as full */
    unsigned ewma_cwnd_pct;      /* SENDMEs, in percent of those between two steps, and... */
    unsigned ewma_max;           /* ...at most, over which times are averaged after slow start... */
    unsigned ewma_ss;            /* ...and in it */
    unsigned rtt_reset_pct;      /* of the time now in the least time, where the window is least */
    unsigned cellq_high;         /* cells that wait for the link and mean congestion */
    struct cc_thresholds way[CC_WAYS];
};

/* What holds where the consensus says nothing. */
struct cc_params cc_params_defaults(void);

/* What a consensus says, which ARG stands for: the parameter of NAME, within LEAST and MOST, or
 * FALLBACK. */
typedef int32_t cc_param_fn(const void *arg, const char *name, int32_t fallback, int32_t least,
                            int32_t most);
struct cc_params cc_params_read(cc_param_fn *param, const void *arg);

#endif
