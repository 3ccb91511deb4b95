/* Configuration of the services of `tunic measure`: an INI file with FlashFlow's sections and keys
 * (coord, measurer, meas_params, v3bw) and some of ours; each key is an option of the command line,
 * too. Text in, settings out: who opens files is not here.
 *
 * Paths may refer to other keys, as in FlashFlow's file: "${datadir}/keys", "${coord:datadir}". */
#ifndef TUNIC_MEASURE_CONF_H
#define TUNIC_MEASURE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "measure/measurement.h"
#include "measure/msg.h"

enum {
    MCONF_FILE_MOST = 1 << 20,
    MCONF_MEASURERS_MOST = 64,
    MCONF_TEXT_MAX = 1024, /* of a value, with its NUL */
    MCONF_WHY = 400,
};

/* A measurer that may come: the list is the authorisation. */
struct mconf_measurer {
    char name[MSG_NAME_MAX + 1];
    struct sha256 pin;
    uint64_t bw; /* bytes/s: what it says of itself is never believed beyond this */
};

/* The bandwidth file that the coordinator makes. */
struct mconf_v3bw {
    char path[MCONF_TEXT_MAX]; /* of the link; the files lie beside it */
    unsigned max_age_s;        /* of results that count */
    unsigned every_s;          /* 0: only when it is asked for */
    unsigned keep_days;        /* older files go */
    unsigned digits;           /* significant ones; 0: it is not rounded */
    char country[3];           /* "": it is not said */
};

struct mconf_coord {
    char datadir[MCONF_TEXT_MAX], resultsdir[MCONF_TEXT_MAX], key[MCONF_TEXT_MAX];
    char identity[MCONF_TEXT_MAX], ctrl_addr[MCONF_TEXT_MAX];
    char directory[MCONF_TEXT_MAX]; /* where relays are from: "none", "fetch", or a folder */
    char torrc[MCONF_TEXT_MAX];     /* whose network it is; "": the public one */
    struct ipport listen_addr;
    struct mconf_measurer measurers[MCONF_MEASURERS_MOST];
    size_t n_measurers;
    unsigned keep_days, compress_days;   /* of results; not compressed if 0 */
    struct ipport metrics;               /* where figures are served; port 0: nowhere */
    char metrics_policy[MCONF_TEXT_MAX]; /* to whom, as MetricsPortPolicy; "": this computer */
    struct mconf_v3bw v3bw;
    unsigned dur, percent, sockets; /* meas_params */
    double check;
    uint64_t prior;
    enum meas_echo echo;
    bool adaptive, paper;
    /* The schedule. Of what is 0 the usual holds. */
    char secret[MCONF_TEXT_MAX], relays[MCONF_TEXT_MAX]; /* files; "": none */
    unsigned share, shares; /* which of how many coordinators with this secret, from 0 on */
    unsigned slot_s, max_tries;
    unsigned multiplier; /* m, in hundredths */
    bool compact;
};

struct mconf_measurer_side {
    char name[MSG_NAME_MAX + 1];
    char datadir[MCONF_TEXT_MAX], key[MCONF_TEXT_MAX], identity[MCONF_TEXT_MAX];
    struct ipport coord_addr;
    struct sha256 coord_pin;
    struct ipport hop_addr; /* where its second hop listens; port 0: any free one */
    struct ipport
        http_server; /* what may be downloaded from, besides the exit's own; port 0: none */
    uint64_t bw;
    unsigned sockets_max;
    unsigned threads; /* that measure; 1: the loop that has the connection does, too */
};

struct mconf;

struct mconf *mconf_new(void); /* all defaults; NULL out of memory */
void mconf_free(struct mconf *c);

/* Reads the TEXT of a file that is called NAME in messages. What there is no use for here, but was
 * in FlashFlow's, is told in mconf_notice(). ERR_MALFORMED and WHY, with the line; ERR_NOMEM. */
MUST_USE err_t mconf_read(struct mconf *c, struct text text, const char *name, char why[MCONF_WHY]);
/* "--listen-addr" and its value, of a service whose keys are in SECTION ("coord", "measurer"): it
 * stands for what files say. ERR_NOT_FOUND: there is no such key. */
MUST_USE err_t mconf_option(struct mconf *c, const char *section, const char *option,
                            const char *value, char why[MCONF_WHY]);
/* The K-th thing that the user should know; NULL: there is no more. */
const char *mconf_notice(const struct mconf *c, size_t k);

/* ERR_MALFORMED and WHY: what is wrong or missing, and where it stands. */
MUST_USE err_t mconf_coord(const struct mconf *c, struct mconf_coord *out, char why[MCONF_WHY]);
MUST_USE err_t mconf_measurer(const struct mconf *c, struct mconf_measurer_side *out,
                              char why[MCONF_WHY]);

/* What the service of SECTION ("coord", "measurer") would not begin with: ERR_MALFORMED and WHY. */
MUST_USE err_t mconf_check(const struct mconf *c, const char *section, char why[MCONF_WHY]);
/* Bytes a second of "4mbit", "5MB", "300": KB and MB by 1024, as in torrc. False: it is none. */
MUST_USE bool mconf_bw(struct text t, uint64_t *out);

/* All keys of SECTION and of those that go with it, as a file that says the same, each with where
 * it comes from; the caller frees it. NULL out of memory. */
char *mconf_dump(const struct mconf *c, const char *section);

#endif
