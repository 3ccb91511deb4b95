/* What "tunic ctl top" knows: what replies and events told, as plain values of a bounded size. No
 * I/O: the requests it makes are lines for whoever has the connection. */
#ifndef TUNIC_APP_CTL_TOPSTATE_H
#define TUNIC_APP_CTL_TOPSTATE_H

#include "app/ctl/model.h"
#include "app/ctl/reader.h"
#include "app/ctl/relays.h"

enum {
    TOP_CIRCUITS_MAX = 1024,
    TOP_STREAMS_MAX = 2048,
    TOP_GUARDS_MAX = 64,
    TOP_SECONDS = 3600, /* of bandwidth that are kept */
    TOP_LOG_MAX = 128,
    TOP_LOG_TEXT = 240,
    TOP_IN_FLIGHT_MAX = 16, /* requests: what fits into any socket's buffer */
    TOP_LINE_MAX = 1024,
};

/* What an answer that is awaited is about. */
enum top_ask {
    ASK_NAMES, /* of events, so that only those are asked for which there are */
    ASK_EVENTS,
    ASK_VERSION,
    ASK_BOOTSTRAP,
    ASK_UPTIME,
    ASK_READ,
    ASK_WRITTEN,
    ASK_CIRCUITS,
    ASK_STREAMS,
    ASK_GUARDS,
    ASK_ONCE, /* the kinds above are asked for by a mark, each once at a time */
    ASK_RELAY = ASK_ONCE,
    ASK_COUNTRY,
    ASK_ORDER, /* of the user: what came of it is shown */
};

struct top_request {
    enum top_ask ask;
    size_t relay;   /* of ASK_RELAY, ASK_COUNTRY */
    char order[64]; /* of ASK_ORDER */
};

struct top_second {
    uint32_t read, written; /* bytes */
};

struct top_log {
    char level; /* 'n', 'w', 'e' */
    int64_t at_s;
    char text[TOP_LOG_TEXT];
};

struct top {
    char version[64], types[512];
    struct ctl_bootstrap bootstrap;
    int64_t up_since_s; /* of a clock that only goes forward; 0: not known */
    uint64_t read, written;
    size_t n_circuits, n_streams, n_guards;
    bool more_circuits, more_streams; /* than there is room for */
    struct ctl_circuit circuits[TOP_CIRCUITS_MAX];
    struct ctl_stream streams[TOP_STREAMS_MAX];
    struct ctl_guard guards[TOP_GUARDS_MAX];
    struct ctl_relays relays;
    size_t relays_asked, countries_asked;   /* of RELAYS, so many */
    struct top_second seconds[TOP_SECONDS]; /* of second S at S % TOP_SECONDS */
    uint64_t n_seconds;
    struct top_log log[TOP_LOG_MAX]; /* of line I at I % TOP_LOG_MAX */
    uint64_t n_log;
    char said[CTL_WHY];    /* about the user's last order */
    unsigned wanted;       /* bits of 1 << ASK_... */
    unsigned since_resync; /* seconds */
    /* Answers come in the order of requests. */
    struct top_request in_flight[TOP_IN_FLIGHT_MAX];
    size_t first_in_flight, n_in_flight;
};

/* NULL out of memory. */
struct top *top_new(void);
void top_free(struct top *t);

/* A connection begins: all is asked for anew. What was known stays until then. */
void top_begin(struct top *t);
/* A second has gone by. */
void top_second(struct top *t);
/* An event, or the answer to the oldest request. NOW_S: of a clock that only goes forward; WALL_S:
 * Unix time. */
void top_message(struct top *t, const struct ctl_message *m, int64_t now_s, int64_t wall_s);

/* The next line that is to be sent, into LINE; false: nothing is wanted, or enough is under way. */
bool top_next(struct top *t, char line[TOP_LINE_MAX]);
/* Whether there is room for an order of the user's; once it is sent, top_ordered() is told. */
bool top_may_order(const struct top *t);
void top_ordered(struct top *t, const char *line);

/* How many streams the circuit carries. */
unsigned top_streams_of(const struct top *t, const char *circuit);
/* "de", or "??". */
const char *top_country(const struct top *t, const char *fingerprint);

/* The mean of COLUMN's seconds, of WIDTH columns of STEP seconds each that end now; columns begin
 * at multiples of STEP, so that they stand still. READ: of what was read, else written. */
uint32_t top_rate(const struct top *t, size_t column, size_t width, unsigned step, bool read);
/* The most in one of the last SECONDS. */
uint32_t top_peak(const struct top *t, unsigned seconds, bool read);

#endif
