/* Bodies of MEASUREMENT cells, by which a relay's capacity is measured (proposal 316, 3.1.2 and
 * 3.1.3, with extensions of ours: docs/cell.md).
 *
 * A MEASUREMENT cell has fixed size and the id of a circuit, and is not encrypted for a hop. Its
 * first byte says which message it is. Three kinds of peers speak here: the coordinator (C) and the
 * measurers (M), who open links and circuits, and the relay (R). */
#ifndef TUNIC_CELL_MEASUREMENT_H
#define TUNIC_CELL_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/rd.h"
#include "base/wr.h"

enum meas_cmd {
    MEAS_PARAMS = 0,    /* C to R: what is asked for */
    MEAS_PARAMS_OK = 1, /* R to C, or to M as the answer to MEAS_ECHO_ON */
    MEAS_BG = 2,        /* R to C: clients' traffic of one second */
    MEAS_ERR = 3,       /* both ways: the measurement is over, and why */
    MEAS_ECHO_ON = 4    /* M to R: from now on RELAY cells of this circuit are echoed raw */
};

enum {
    MEAS_VERSION = 1,
    MEAS_SECONDS_MOST = 600, /* of a measurement, by 316; relays allow less */
    MEAS_MEASURERS_MAX = 10, /* by 316 */
    MEAS_EXTS_MAX = 32,      /* extensions in one list, known and unknown */
    MEAS_SESSION_LEN = 16,
    MEAS_PERCENT_MOST = 99 /* of clients' traffic in the total */
};

enum meas_echo {
    MEAS_ECHO_FRAMED = 0, /* relay messages MEAS_ECHO, with head and digest */
    MEAS_ECHO_RAW = 1     /* whole bodies of RELAY cells */
};

/* Who asks for the list of measurers by identity: one of them. */
struct meas_measurer {
    struct ed_id ed; /* which its links to the relay prove */
    uint16_t sockets;
};

/* What may stand behind a message: none, or some of these. Extensions of types that we do not know
 * are skipped; one of ours that comes twice (but measurers) is ERR_MALFORMED. */
struct meas_ext {
    bool has_form;    /* type 1 */
    uint8_t version;  /* MEAS_VERSION, or one that we do not speak */
    uint8_t echo;     /* enum meas_echo, if the version is ours */
    bool has_session; /* type 2 */
    uint8_t session[MEAS_SESSION_LEN];
    size_t n_measurers; /* type 3, one each */
    struct meas_measurer measurers[MEAS_MEASURERS_MAX];
    bool has_rate;      /* type 4 */
    uint64_t rate_most; /* what all measurers together send at most, bytes/s */
    bool has_limits;    /* type 5: the relay's */
    uint8_t background_percent;
    uint16_t seconds_most;
    uint32_t background_floor; /* bytes/s that clients always have */
};

struct meas_params {
    uint16_t seconds; /* 0: only asks whether, and under which limits */
    size_t n_addrs;   /* measurers by address; specifiers of other types are skipped */
    struct ipport addrs[MEAS_MEASURERS_MAX];
    struct meas_ext ext;
};

struct meas_bg {
    uint16_t second; /* from 1 on */
    uint32_t sent, recv;
};

/* Why a measurement ends or does not begin. Any number may come. */
enum meas_error {
    MEAS_ERR_VERSION = 1,
    MEAS_ERR_NOT_ALLOWED = 2,
    MEAS_ERR_COORDINATOR = 3, /* nobody the relay knows */
    MEAS_ERR_MALFORMED = 4,
    MEAS_ERR_TOO_OFTEN = 5,
    MEAS_ERR_BUSY = 6,
    MEAS_ERR_TOO_LONG = 7,
    MEAS_ERR_MEASURER = 8, /* nobody that the coordinator named */
    MEAS_ERR_TIMEOUT = 9,
    MEAS_ERR_ABORTED = 10,
    MEAS_ERR_OTHER = 255
};

struct meas_err {
    uint8_t code;
    struct meas_ext ext;
};

struct meas_echo_on {
    uint8_t session[MEAS_SESSION_LEN];
    uint16_t socket;
};

struct meas_cell {
    uint8_t cmd; /* enum meas_cmd: which member counts */
    union {
        struct meas_params params;
        struct meas_ext ok;
        struct meas_bg bg;
        struct meas_err err;
        struct meas_echo_on echo_on;
    };
};

/* ERR_UNSUPPORTED: another command. ERR_LIMIT: more measurers or extensions than there may be.
 * ERR_MALFORMED: a length, second or percentage that cannot be. */
MUST_USE err_t meas_cell_decode(struct rd r, struct meas_cell *out);
MUST_USE err_t meas_cell_encode(struct wr *w, const struct meas_cell *m);

/* "it has been measured too often" and the like, what the relay says; static storage. */
const char *meas_error_text(uint8_t code);

#endif
