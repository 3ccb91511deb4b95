/* Inside of conf: the keys, and what was said of each. */
#ifndef TUNIC_MEASURE_CONF_INT_H
#define TUNIC_MEASURE_CONF_INT_H

#include "measure/conf.h"

/* X(enumerator, section, key, default): in the order in which they are shown. NULL: none, it has to
 * be said. */
#define MCONF_KEYS(X)                                                \
    X(COORD_DATADIR, "coord", "datadir", "data-coord")               \
    X(COORD_KEYDIR, "coord", "keydir", "${datadir}/keys")            \
    X(COORD_KEY, "coord", "key", "${keydir}/coord.pem")              \
    X(COORD_IDENTITY, "coord", "identity", "${keydir}/coord.id")     \
    X(COORD_RESULTSDIR, "coord", "resultsdir", "${datadir}/results") \
    X(COORD_LISTEN_ADDR, "coord", "listen_addr", "localhost:12934")  \
    X(COORD_CTRL_ADDR, "coord", "ctrl_addr", "${datadir}/ctl")       \
    X(COORD_MEASURER, "coord", "measurer", "")                       \
    X(COORD_DIRECTORY, "coord", "directory", "none")                 \
    X(COORD_TORRC, "coord", "torrc", "")                             \
    X(COORD_KEEP, "coord", "keep", "60")                             \
    X(COORD_COMPRESS, "coord", "compress", "1")                      \
    X(COORD_METRICS, "coord", "metrics", "")                         \
    X(COORD_METRICS_POLICY, "coord", "metrics_policy", "")           \
    X(COORD_RELAYS, "coord", "relays", "")                           \
    X(COORD_SECRET, "coord", "secret", "")                           \
    X(COORD_SHARE, "coord", "share", "1/1")                          \
    X(COORD_COMPACT, "coord", "compact", "no")                       \
    X(M_NAME, "measurer", "name", "measurer")                        \
    X(M_DATADIR, "measurer", "datadir", "data-measurer")             \
    X(M_KEYDIR, "measurer", "keydir", "${datadir}/keys")             \
    X(M_KEY, "measurer", "key", "${keydir}/${name}.pem")             \
    X(M_IDENTITY, "measurer", "identity", "${keydir}/${name}.id")    \
    X(M_COORD_ADDR, "measurer", "coord_addr", "localhost:12934")     \
    X(M_COORD_PIN, "measurer", "coord_pin", NULL)                    \
    X(M_BW, "measurer", "bw", NULL)                                  \
    X(M_SOCKETS_MAX, "measurer", "sockets_max", "480")               \
    X(M_THREADS, "measurer", "threads", "1")                         \
    X(M_HTTP_SERVER, "measurer", "http_server", "localhost:0")       \
    X(M_HOP_ADDR, "measurer", "hop_addr", "localhost:0")             \
    X(P_DURATION, "meas_params", "meas_duration", "30")              \
    X(P_BG_PERCENT, "meas_params", "bg_percent", "0.25")             \
    X(P_SOCKETS, "meas_params", "sockets", "160")                    \
    X(P_CHECK, "meas_params", "check", "1")                          \
    X(P_ECHO, "meas_params", "echo", "raw")                          \
    X(P_PRIOR, "meas_params", "prior", "104mbit")                    \
    X(P_ADAPTIVE, "meas_params", "adaptive", "no")                   \
    X(P_PAPER, "meas_params", "paper", "no")                         \
    X(P_MULTIPLIER, "meas_params", "multiplier", "2.25")             \
    X(P_MAX_TRIES, "meas_params", "max_tries", "2")                  \
    X(P_SLOT, "meas_params", "slot", "0")                            \
    X(V_V3BW, "v3bw", "v3bw", "${coord:datadir}/v3bw/v3bw")          \
    X(V_MAX_AGE, "v3bw", "max_results_age", "604800")                \
    X(V_EVERY, "v3bw", "every", "3600")                              \
    X(V_KEEP, "v3bw", "keep", "7")                                   \
    X(V_ROUND, "v3bw", "round", "0")                                 \
    X(V_COUNTRY, "v3bw", "country", "")

enum mconf_id {
#define X(id, section, key, value) id,
    MCONF_KEYS(X)
#undef X
        MCONF_IDS
};

struct mconf_value {
    char *text; /* NULL: the default */
    char *where;
};

struct mconf {
    struct mconf_value values[MCONF_IDS];
    struct mconf_value measurers[MCONF_MEASURERS_MOST];
    size_t n_measurers;
    bool measurers_by_option; /* those of the file count no more */
    char **notices;
    size_t n_notices;
};

struct mconf_key {
    const char *section, *key, *value;
};
extern const struct mconf_key mconf_keys[MCONF_IDS];

/* What a key is set to, or its default, and where that stands. */
const char *mconf_raw(const struct mconf *c, enum mconf_id id);
const char *mconf_where(const struct mconf *c, enum mconf_id id);

/* ---- one look at the settings ---- */

struct mconf_look {
    const struct mconf *conf;
    char *why; /* for the first that is wrong */
};

/* Returns ERR_MALFORMED, and WHY names the key and where it stands. */
err_t mconf_wrong(const struct mconf_look *l, enum mconf_id id, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Values of some kind. ERR_MALFORMED and WHY. A text is never empty, and has what it refers to in
 * place; shares are in thousandths, since no locale has a word in those. */
MUST_USE err_t mconf_text(const struct mconf_look *l, enum mconf_id id, char out[MCONF_TEXT_MAX]);
MUST_USE err_t mconf_number(const struct mconf_look *l, enum mconf_id id, unsigned least,
                            unsigned most, unsigned *out);
MUST_USE err_t mconf_rate(const struct mconf_look *l, enum mconf_id id, uint64_t *out);
/* TEXT is a number of at most MOST. */
MUST_USE bool mconf_decimal(const char *text, unsigned most, unsigned *thousandths);
MUST_USE err_t mconf_share(const struct mconf_look *l, enum mconf_id id, unsigned *thousandths);
MUST_USE err_t mconf_yes(const struct mconf_look *l, enum mconf_id id, bool *out);
MUST_USE err_t mconf_address(const struct mconf_look *l, enum mconf_id id, struct ipport *out);

#endif
