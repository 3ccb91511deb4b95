/* The command line of "tunic measure run" and "tunic measure probe". */
#ifndef TUNIC_APP_MEASURE_OPTIONS_H
#define TUNIC_APP_MEASURE_OPTIONS_H

#include "app/args.h"
#include "measure/run.h"

enum { MEASURE_RELAYS_MOST = 64 };

struct measure_options {
    const char *relays[MEASURE_RELAYS_MOST];
    size_t n_relays;
    bool local, help, quiet;
    const char *folder;   /* a DataDirectory, or a test network's; NULL: none */
    const char *identity; /* file; NULL: the test network's, or none */
    unsigned dur, sockets, percent, threads;
    uint64_t bw, prior; /* bytes a second */
    double check;
    enum meas_echo echo;
    bool adaptive, paper;
    /* Relays of unmodified tor. */
    enum meas_mode mode;
    bool mode_said; /* else a relay that does not know measuring is measured by echo2 */
    bool sockets_said;
    struct ipport hop;          /* where the second hop listens; port 0: any free one */
    struct ipport control;      /* of the relay's own tor; port 0: none */
    struct ipport exit, server; /* http */
    const char *key;            /* what --key named; NULL: none */
};

/* PROBE: it starts nothing, so what a run needs is not asked for. ERR_ARG and WHY. */
MUST_USE err_t measure_options_parse(int argc, char *const *argv, bool probe,
                                     struct measure_options *out, char why[ARG_WHY]);

/* They are of MODE from now on: with the links that it takes, if nobody has said how many. */
void measure_options_set_mode(struct measure_options *o, enum meas_mode mode);

extern const char measure_run_help[], measure_probe_help[];

#endif
