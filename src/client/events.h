/* Events: what changes in a client, told once to all who listen (control-spec 4.1).
 *
 * Where something changes, events_tell() is given a record, which is copied: it says what was so at
 * that time, not what is so when it is told. Everything is told at the end of the wake-up, in the
 * order in which it happened, with nothing of the client on the stack. So a listener may do
 * whatever the client's owner may do, come, go and change what it wants included; it may not free
 * the client. What its doings change is told later, in a telling of its own.
 *
 * A kind that nobody wants costs one look at events_wanted(). Of what happens in one wake-up
 * records of EVENTS_MOST_BYTES are kept (as many as there may be tunnels), as far as there is
 * memory; who wanted one that was left out hears on_lost, and looks at what is there (circuits.h).
 *
 * Words in capitals in comments are the specification's; event_name() gives them. */
#ifndef TUNIC_CLIENT_EVENTS_H
#define TUNIC_CLIENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "cell/relay_conflux.h"
#include "circuit/circ.h"
#include "client/asker.h"
#include "client/isolation.h"
#include "dir/netdir.h"
#include "link/link.h"
#include "path/cbt.h"

enum { EVENTS_MOST_BYTES = 16 << 20 };

enum event_kind {
    EVENT_CIRCUIT,   /* CIRC, CIRC_MINOR */
    EVENT_STREAM,    /* STREAM */
    EVENT_ORCONN,    /* ORCONN */
    EVENT_GUARD,     /* GUARD */
    EVENT_DIRECTORY, /* NEWCONSENSUS; how the documents come along */
    EVENT_BOOTSTRAP, /* STATUS_CLIENT BOOTSTRAP */
    EVENT_STATUS,    /* STATUS_CLIENT, STATUS_GENERAL, NETWORK_LIVENESS, BUILDTIMEOUT_SET */
    /* Once a second, while somebody wants them (meter.h): */
    EVENT_BW,         /* BW */
    EVENT_CIRC_BW,    /* CIRC_BW */
    EVENT_STREAM_BW,  /* STREAM_BW; also when a stream ends */
    EVENT_CONN_BW,    /* CONN_BW */
    EVENT_CELL_STATS, /* CELL_STATS */
    EVENT_ADDRMAP,    /* ADDRMAP */
    EVENT_SIGNAL,     /* SIGNAL */
    EVENT_LINK_STEP,  /* a link that is being made has come further; no event of control-spec's */
    EVENT_KINDS
};

/* ---- circuits ---- */

enum circuit_status {
    CIRCUIT_LAUNCHED,
    CIRCUIT_BEGUN, /* its link is there, CREATE goes out; no event of the specification's */
    CIRCUIT_EXTENDED,
    CIRCUIT_GUARD_WAIT,
    CIRCUIT_BUILT,
    CIRCUIT_PURPOSE_CHANGED, /* CIRC_MINOR, as is this: */
    CIRCUIT_CANNIBALIZED,    /* it goes on to a relay that somebody wants it to end at */
    CIRCUIT_FAILED,          /* one of these two comes last, once; NOPATH alone, without a launch */
    CIRCUIT_CLOSED,
};

enum circuit_purpose {
    CIRCUIT_GENERAL,
    CIRCUIT_MEASURE_TIMEOUT,   /* past the build timeout: goes on for its time only */
    CIRCUIT_CONTROLLER,        /* only who names it may use it */
    CIRCUIT_PATH_BIAS_TESTING, /* has served, and its exit is asked whether it works */
    CIRCUIT_CONFLUX_UNLINKED,  /* to be a leg of a conflux set */
    CIRCUIT_CONFLUX_LINKED,    /* is one */
    CIRCUIT_HS_VANGUARDS,      /* internal, for onion services to go on from; its second hop is one
                                  of a few */
};

/* A set: BUILD_FLAGS. */
enum circuit_flag {
    CIRCUIT_ONEHOP_TUNNEL = 1,
    CIRCUIT_IS_INTERNAL = 2, /* it does not end at an exit */
    CIRCUIT_NEED_CAPACITY = 4,
    CIRCUIT_NEED_UPTIME = 8,
};

struct circuit_hop {
    struct rsa_id rsa;
    char nickname[NICKNAME_MAX + 1]; /* or "" */
};

struct event_circuit {
    uint64_t id;
    enum circuit_status status;
    enum circuit_purpose purpose, old_purpose; /* they differ in PURPOSE_CHANGED */
    int64_t old_begun_us; /* wall clock: when one that is CANNIBALIZED was begun */
    unsigned flags;
    size_t n_hops; /* of the path that are built */
    struct circuit_hop hop[CIRC_MAX_HOPS];
    int64_t created_us;         /* wall clock: TIME_CREATED */
    err_t why;                  /* FAILED, CLOSED */
    bool remote;                /* REASON=DESTROYED, and `reason` is REMOTE_REASON */
    uint8_t reason;             /* enum destroy_reason */
    bool isolated;              /* somebody's tunnels only: */
    struct isolation isolation; /* without what is said of destinations */
    struct login *login;        /* SOCKS_USERNAME, SOCKS_PASSWORD; or NULL */
    bool conflux;               /* a leg of the set that this is half the secret of: */
    uint8_t conflux_id[CONFLUX_NONCE_LEN / 2];
    uint64_t conflux_rtt_us; /* 0: unknown, or it is not linked */
};

/* ---- streams: tunnels, and requests to directories ---- */

enum stream_status {
    STREAM_NEW,
    STREAM_NEWRESOLVE,
    STREAM_CONTROLLER_WAIT, /* attach.h: its policy leaves it until it is attached by id */
    STREAM_SENTCONNECT,
    STREAM_SENTRESOLVE,
    STREAM_REMAP, /* `source` says what `addr`, or `host`, is by from now on */
    STREAM_SUCCEEDED,
    STREAM_DETACHED, /* this attempt failed; another may follow */
    /* Under congestion control: we asked the exit to stop or to go on, or it asked us. */
    STREAM_XOFF_SENT,
    STREAM_XOFF_RECV,
    STREAM_XON_SENT,
    STREAM_XON_RECV,
    /* One of these two comes last, once. tor says CLOSED behind each FAILED, too. */
    STREAM_FAILED, /* it had not succeeded */
    STREAM_CLOSED,
};

/* REMAP: by whom; NONE: a controller (REDIRECTSTREAM). */
enum stream_source { SOURCE_NONE, SOURCE_EXIT, SOURCE_CACHE };

enum stream_purpose { STREAM_USER, STREAM_DNS_REQUEST, STREAM_DIR_FETCH };

struct event_stream {
    uint64_t id;
    uint64_t circuit; /* 0: on none */
    enum stream_status status;
    enum stream_purpose purpose;
    char host[TUNNEL_HOST_MAX + 1]; /* as it was asked for */
    uint16_t port;
    struct ip addr; /* what the exit says that HOST is; family IP_NONE: nothing yet */
    bool has_relay; /* it goes to the directory of this very relay ("$fp.exit") */
    struct rsa_id relay;
    enum stream_source source;
    struct asker asker;
    int32_t session;    /* SESSION_GROUP */
    uint32_t nym_epoch; /* how many SIGNAL NEWNYM there were before it */
    err_t why;          /* DETACHED, FAILED, CLOSED */
    bool remote;        /* REASON=END, and `reason` is REMOTE_REASON */
    uint8_t reason;     /* enum end_reason */
};

/* ---- OR connections ---- */

enum orconn_status { ORCONN_LAUNCHED, ORCONN_CONNECTED, ORCONN_FAILED, ORCONN_CLOSED };

struct event_orconn {
    uint64_t id;
    enum orconn_status status;
    struct link_target peer;
    size_t circuits;     /* NCIRCS */
    struct link_end end; /* FAILED, CLOSED */
};

/* TCP stands (LINK_TLS), or TLS does (LINK_HANDSHAKING). */
struct event_link_step {
    enum link_state state;
};

/* ---- guards ---- */

enum guard_status {
    GUARD_NEW,
    GUARD_UP,
    GUARD_DOWN,
    GUARD_DROPPED,
    GUARD_GOOD_L2, /* a vanguard of the second layer was chosen, */
    GUARD_BAD_L2,  /* or went */
};

struct event_guard {
    enum guard_status status;
    struct circuit_hop relay;
};

/* ---- the directory ---- */

enum directory_status {
    DIRECTORY_FETCHING,     /* documents are asked for */
    DIRECTORY_PROGRESS,     /* step, as in dirmgr_ops.progress */
    DIRECTORY_NEWCONSENSUS, /* ND, and OLD, which was told before it or is NULL: both are held
                               until the telling is over */
};

/* A step of the bootstrap: STATUS_CLIENT BOOTSTRAP's PROGRESS, TAG, SUMMARY. */
struct bootstrap_step {
    int percent; /* -1: not started */
    char tag[40], summary[100];
};

struct event_directory {
    enum directory_status status;
    bool from_file; /* NEWCONSENSUS: of the last run; else CONSENSUS_ARRIVED, too */
    struct bootstrap_step step;
    struct netdir *nd, *old;
};

/* ---- bootstrap ---- */

struct event_bootstrap {
    struct bootstrap_step step;
    bool problem; /* no progress: a link could not be had: WARNING, REASON, COUNT, HOSTID, HOSTADDR
                   */
    bool clock;   /* a clock differs: REASON=CLOCK_SKEW, and `end` has the WARNING only */
    bool warn;    /* RECOMMENDATION: warn, else ignore */
    unsigned count;
    struct link_target peer; /* `clock`: its identity, its address may be missing */
    struct link_end end;
};

/* ---- status ---- */

enum status_what {
    STATUS_ENOUGH_DIR_INFO,
    STATUS_NOT_ENOUGH_DIR_INFO,
    STATUS_CIRCUIT_ESTABLISHED,
    STATUS_CIRCUIT_NOT_ESTABLISHED, /* clock: REASON=CLOCK_JUMPED; else NOT_ENOUGH_DIR_INFO */
    STATUS_CLOCK_JUMPED,            /* seconds: TIME; idle: IDLE */
    STATUS_CLOCK_SKEW,              /* seconds: SKEW, ours minus theirs; source */
    STATUS_NETWORK_UP,              /* NETWORK_LIVENESS */
    STATUS_NETWORK_DOWN,            /* the same */
    STATUS_BUILDTIMEOUT_SET,        /* cbt, reset: COMPUTED or RESET */
    STATUS_DANGEROUS_SOCKS,         /* number: of the SOCKS version; text: ADDRESS, with the port */
    STATUS_DANGEROUS_PORT,          /* number: PORT; refused: RESULT */
    STATUS_SOCKS_UNKNOWN_PROTOCOL,  /* text: the first bytes, of which there are `number` */
    /* No controller is left that could attach streams, and they are left to controllers: `number`
     * wait. The name is our own: tor says nothing. */
    STATUS_STREAMS_LEFT_UNATTACHED,
    STATUS_SOCKS_BAD_HOSTNAME, /* text: HOSTNAME */
    /* The network requires protocols of clients that this version lacks (`missing`): the client is
     * of no use any more, and its tunnels end after this. */
    STATUS_OBSOLETE,
};

struct event_status {
    enum status_what what;
    int64_t seconds;
    unsigned number;
    bool idle, clock, refused, reset;
    struct cbt_info cbt;
    char text[TUNNEL_HOST_MAX + 1]; /* CLOCK_SKEW: SOURCE; OBSOLETE: what is missing; see above */
};

/* ---- what went in the last second, or since who listens began to ---- */

struct event_bw {
    uint64_t read, written; /* bytes, over all OR connections */
};

/* Of no second in which nothing went. Cells count with CELL_BODY_LEN bytes; what they held, and
 * what they could have held besides, is delivered and overhead. */
struct event_circ_bw {
    uint64_t id;
    uint64_t read, written;
    uint64_t delivered_read, overhead_read, delivered_written, overhead_written;
    /* With congestion control at its last hop: */
    bool has_cc, in_slow_start;
    uint64_t cwnd, rtt_ms, min_rtt_ms;
};

struct event_stream_bw {
    uint64_t id;
    uint64_t written, read; /* by the application */
};

struct event_conn_bw {
    uint64_t id; /* of an OR connection */
    uint64_t read, written;
};

/* Cells of a circuit that went out. */
struct event_cell_stats {
    uint64_t id, conn;
    uint32_t queue; /* the circuit's id on its OR connection */
    uint64_t relay, relay_early;
    unsigned create2, create_fast;
};

/* ---- addresses ---- */

/* What stands for what from now on, or what a look-up that a controller asked for came to. */
struct event_addrmap {
    char from[TUNNEL_HOST_MAX + 3], to[TUNNEL_HOST_MAX + 3]; /* TO: "<error>", if it failed */
    int64_t expires_s;                                       /* wall clock; 0: never */
    const char *error; /* static: "error=yes", "internal"; NULL: none */
    bool cached;       /* it holds for whoever asks next */
    uint64_t stream;   /* STREAMID; 0: none */
};

/* ---- signals ---- */

/* What controllers and the kernel ask of a process (C tor, signal_table). It is told when it has
 * been done; of SHUTDOWN and HALT nobody is, for they end it. */
enum signal_what {
    SIGNAL_RELOAD,
    SIGNAL_SHUTDOWN,
    SIGNAL_DUMP,
    SIGNAL_DEBUG,
    SIGNAL_HALT,
    SIGNAL_NEWNYM,
    SIGNAL_CLEARDNSCACHE,
    SIGNAL_HEARTBEAT,
    SIGNAL_ACTIVE,
    SIGNAL_DORMANT,
};

struct event_signal {
    enum signal_what what;
};

/* ---- the record ---- */

/* What a listener is given is only as long as its kind: who keeps one copies that member. */
struct event_record {
    enum event_kind kind;
    int64_t wall_us; /* when it happened; events_tell() sets it */
    union {
        struct event_circuit circuit;
        struct event_stream stream;
        struct event_orconn orconn;
        struct event_guard guard;
        struct event_directory directory;
        struct event_bootstrap bootstrap;
        struct event_status status;
        struct event_bw bw;
        struct event_circ_bw circ_bw;
        struct event_stream_bw stream_bw;
        struct event_conn_bw conn_bw;
        struct event_cell_stats cell_stats;
        struct event_addrmap addrmap;
        struct event_signal signal;
        struct event_link_step link_step;
    };
};

/* The word for what E says: "LAUNCHED", "SENTCONNECT", "NEWCONSENSUS"; static storage. */
const char *event_name(const struct event_record *e);
const char *circuit_purpose_name(enum circuit_purpose purpose); /* "GENERAL" */
const char *stream_purpose_name(enum stream_purpose purpose);   /* "USER" */

/* ---- listeners ---- */

struct events;

/* Part of whoever listens. */
struct event_listener {
    /* E and what it points to are good during the call. */
    void (*on_event)(void *arg, const struct event_record *e);
    /* Of those that are about to be told N were left out, some of kinds that it wants; may be NULL.
     */
    void (*on_lost)(void *arg, size_t n);
    void *arg;
    struct events *on; /* the rest is events.c's; NULL: does not listen */
    unsigned kinds;
    uint64_t since[EVENT_KINDS];
    struct event_listener *prev, *next;
};

/* NULL out of memory. */
struct events *events_new(struct env *env);
/* What is not told yet is not told. Not from a listener's call. NULL is fine. */
void events_free(struct events *ev);

#define EVENT_BIT(kind) (1u << (kind))
#define EVENTS_ALL      ((1u << EVENT_KINDS) - 1)

/* L (its functions and arg are set) hears what happens from now on of KINDS, a set of EVENT_BIT().
 * If it listens already, of these kinds from now on. */
void events_listen(struct events *ev, struct event_listener *l, unsigned kinds);
/* Harmless on one that does not listen. */
void events_unlisten(struct event_listener *l);

/* FN hears whenever what is wanted has changed; it may not change that. */
void events_watch(struct events *ev, void (*fn)(void *arg), void *arg);
/* Whether anybody wants KIND: else a record need not be made. */
bool events_wanted(const struct events *ev, enum event_kind kind);
/* E happened. Nobody may want it. */
void events_tell(struct events *ev, const struct event_record *e);

#endif
