/* The simulator: one Tor network and its clients in one process, on made-up wires and a made-up
 * clock. Everything that happens follows from one seed.
 *
 * Time is virtual, in microseconds from 0. A step is one event (bytes arrive, a connection is
 * there, a fault begins, an application wakes) or one run of the timers of one env; after each step
 * the invariants are looked at (watch.c). The first breach ends the scenario. */
#ifndef TUNIC_TESTS_SIM_SIM_H
#define TUNIC_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/client.h"
#include "client/tunnel.h"
#include "sim/memory.h"
#include "sim/scenario.h"
#include "socks/ports.h"
#include "testnet/testnet.h"
#include "testnet/throttle.h"

enum {
    SIM_CLIENTS = 2,
    SIM_AUTHORITIES = 5,
    SIM_APPS = 96,     /* tunnels in one scenario, probes included */
    SIM_FILES = 8,     /* a client's stored files */
    SIM_GUARDS = 64,   /* first hops seen of one client */
    SIM_WHY_MAX = 400, /* text of a breach */
    SIM_LIST_MAX = 24 * 41 + 1,
    /* A window of what the exits of the simulator send under congestion control. */
    STREAM_BYTES_MOST = 2000 * 498,
    SIM_REBOUNDS = 20000 /* timer runs without time going on: a livelock */
};

#define SIM_SECOND      UINT64_C(1000000)
#define SIM_MS          UINT64_C(1000)
#define SIM_MONO_ORIGIN (UINT64_C(1000) * SIM_SECOND)
#define SIM_EPOCH       INT64_C(1767225600) /* 2026-01-01 00:00:00 */

/* ---- randomness: splitmix64, one for each that draws ---- */

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound);             /* [0, bound) */
uint64_t rng_between(struct rng *r, uint64_t lo, uint64_t hi); /* both included */
bool rng_one_in(struct rng *r, uint64_t n);
void rng_fill(void *rng, void *out, size_t len); /* struct env's random */

/* ---- events ---- */

struct sim;
typedef void sim_fn(struct sim *s, void *arg, uint64_t x);

struct event {
    uint64_t at_us, order;
    sim_fn *fn;
    void *arg;
    uint64_t x;
};

/* ---- wires ---- */

struct wire_end {
    struct wire *wire;
    unsigned side;                      /* 0 dialled */
    struct link *link;                  /* NULL: its owner has let it go */
    int client;                         /* -1: a node's */
    size_t node;                        /* which one; of a client's end the node it goes to */
    struct throttle_turn reads, writes; /* of a node's end */
};

/* One direction, from end 0 or end 1. */
struct lane {
    struct buf under_way; /* bytes that have left and not arrived */
    struct buf arrived;   /* what of a record or cell has arrived */
    struct buf cells;     /* content of records */
    struct buf put_by;    /* for a link that takes nothing for now */
    uint64_t last_due_us, bytes, n_cells;
    bool hello_passed, opaque, versions_passed, eof_sent, eof_passed;
    bool closing; /* a close record has come */
    size_t record_left;
    uint8_t held[600]; /* a cell held back, to be behind the next */
    size_t held_len;
};

struct wire {
    struct sim *sim;
    size_t id;
    struct wire_end end[2]; /* 0 dialled */
    struct lane flow[2];
    bool connected, cut;
    /* Bytes of each direction that were lost and are sent again, since when; 0: they arrive. */
    uint64_t held[2], held_us[2];
    uint64_t dialled_us; /* the same for the connection that is asked for */
    bool dirty[2];       /* that end's link may have something to send */
    struct wire *next;
};

/* ---- target servers ---- */

struct app;
struct server {
    struct sim *sim;
    struct app *app;
    size_t id, exit;       /* the node that connected */
    struct target *target; /* NULL: over */
    uint64_t got, sent;
    bool connected, eof_sent, pushing, pulling, reset;
    struct server *next;
};

/* ---- applications ---- */

enum app_state { APP_WAITING, APP_OPENING, APP_CONNECTED, APP_OVER };

struct app {
    struct sim *sim;
    size_t id;
    struct app_plan plan;
    enum app_state state;
    bool probe;
    size_t client;
    struct tunnel *tunnel;
    unsigned listener; /* that it came by; 0: by none */
    int32_t group, session;
    unsigned accepted; /* in which run of its client; 0: not yet */
    uint64_t opened_mono_us;
    uint64_t opened_us, connected_us, ended_us, moved_us; /* last progress */
    uint64_t sent, got, unconsumed;
    bool consume_armed, pausing;
    bool ended, closed_by_us, answered, right_answer;
    bool client_went; /* its client was stopped */
    struct tunnel_end end;
    bool server_done;     /* a server has closed in an orderly way... */
    uint64_t server_sent; /* ... after so many bytes */
    unsigned tries;       /* connections to the target */
    uint64_t circuit;     /* at the exit, of the last one */
    bool served;
};

/* ---- clients ---- */

enum { SIM_PORTS = 5 };
struct sim_ports {
    struct sim_port {
        struct port_at at;
        int32_t group, session;
        unsigned listener; /* as it was made; no two ever have the same */
    } of[SIM_PORTS];
    size_t n;
    unsigned made;
};

struct sim_file {
    char name[40];
    uint8_t *bytes;
    size_t len;
};

struct sim_client {
    struct sim *sim;
    size_t id;
    struct env env;
    struct rng rng;
    struct log log;
    struct client *client; /* NULL: not running */
    uint64_t mono_off_us;
    int64_t wall_off_us;
    uint64_t jumped_us;    /* when its clocks last jumped so that it must notice; 0: never */
    int64_t seen_apart_us; /* how far the wall clock was off the other when it last looked */
    struct sim_file file[SIM_FILES];
    size_t n_files;
    struct rsa_id guard[SIM_GUARDS]; /* first hops of circuits of three */
    size_t n_guards;
    uint32_t vanguards;            /* nodes, since it started: second hops of internal circuits */
    uint64_t started_us, ready_us; /* 0: not ready yet */
    unsigned starts;
    uint32_t dialled; /* nodes, since it started */
    bool stopped;     /* DisableNetwork */
    struct sim_ports ports;
    bool unattached;       /* __LeaveStreamsUnattached */
    bool attached;         /* a controller has put a stream where it liked */
    bool lists_on;         /* it has the options of the lists */
    bool deaf;             /* what it stores now is lost */
    bool informed;         /* it has had a consensus */
    bool files_may_be_bad; /* it may have stored what it cannot read */
};

/* ---- what the user says of relays: sets of nodes, by their bit ---- */

struct sim_lists {
    uint32_t entry; /* 0: any */
    uint32_t exclude, unreachable;
    bool strict;
    size_t fallback; /* a node, or their number: none */
};

/* Where the texts of a client_config are kept. */
struct sim_lists_text {
    char entry[SIM_LIST_MAX], exclude[SIM_LIST_MAX], fallback[128];
    const char *fallbacks[2];
    struct addr_rule rules[33];
};

/* ---- all of it ---- */

struct sim {
    const struct scenario *sc;
    uint64_t now_us, order, steps, events, hash, rebounds;
    bool trace;

    struct event *heap;
    size_t n_heap, heap_size;

    struct rng rng; /* wires and servers */
    struct rng net_rng;
    struct env net_env;
    struct log net_log;
    struct plan plan;
    struct sim_lists lists;
    struct testnet *net;
    struct {
        struct throttle reads, writes;
    } rate[PLAN_NODES_MOST]; /* by node */
    struct node_host host[SIM_APPS];
    char host_name[SIM_APPS][16];

    struct sim_client client[SIM_CLIENTS];
    struct meeting *meeting;    /* meet.c; NULL: none */
    struct sim_client *running; /* the client that is being called, or NULL */
    struct app app[SIM_APPS];
    size_t n_apps;
    struct wire *wires;
    size_t n_wires;
    bool wires_dirty;
    struct server *servers;
    size_t n_servers;
    struct wire *at_wire; /* whose bytes a node is being given, and of which circuit */
    uint32_t at_circ;
    unsigned at_dir;
    bool net_down;
    uint32_t silent;  /* nodes from and to which packets of clients are lost */
    uint64_t calm_us; /* all faults are over from then on */
    struct trouble trouble[SCENARIO_TROUBLES];
    bool trouble_on[SCENARIO_TROUBLES];
    bool lies;               /* a node may say what is not so */
    bool said;               /* the client said what it must */
    bool may_stall;          /* something was lost that no machine can miss */
    bool works[SIM_CLIENTS]; /* a probe was served after the last trouble */
    unsigned circuits, exits_seen;

    bool failed;
    char invariant[40], why[SIM_WHY_MAX];
};

/* The scenario at work: for the functions that the linker wraps. */
extern struct sim *sim_now;

/* The first breach of INVARIANT; later ones are ignored. */
void sim_breach(struct sim *s, const char *invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void sim_at(struct sim *s, uint64_t at_us, sim_fn *fn, void *arg, uint64_t x);
void sim_after(struct sim *s, uint64_t delay_us, sim_fn *fn, void *arg, uint64_t x);

/* An observation: into the hash that a replay must repeat, and with --trace onto stdout. */
void sim_note(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_hash(struct sim *s, const void *bytes, size_t len);

/* Calls into a machine are made between these: they set the clocks of the env, and who pays for
 * memory. */
void sim_enter_net(struct sim *s);
void sim_enter_client(struct sim_client *c);
void sim_leave(struct sim *s);

struct event sim_next_event(struct sim *s);
/* One step; false: nothing is left to happen, or an invariant was breached. */
bool sim_step(struct sim *s);

/* Runs SC; true if nothing was breached. */
struct sim_result {
    bool good;
    char invariant[40], why[SIM_WHY_MAX];
    uint64_t hash, steps, virtual_us;
    uint64_t memory_failed;
    unsigned apps, served, circuits, exits_seen;
};
void sim_run(const struct scenario *sc, bool trace, struct sim_result *out);

/* ---- wire.c ---- */

void wire_dial(struct sim *s, int client, size_t node, struct link *l, const struct ipport *to);
void wire_output(struct link *l);
void wire_hangup(struct link *l);
void wire_resume(struct link *l);
void wire_measures(struct link *l, bool measures);
void wire_rates_begin(struct sim *s); /* once there is a plan and a clock */
void wire_rates_end(struct sim *s);
void wire_pump(struct sim *s); /* takes what links have to send */
/* Both ends hear of a broken connection. */
void wire_cut(struct wire *w, int errno_);
void wire_cut_node(struct sim *s, size_t node);
void wire_cut_all(struct sim *s);
void wire_free_all(struct sim *s);

/* ---- server.c ---- */

extern const struct node_world sim_node_world;
void server_free_all(struct sim *s);

/* ---- app.c ---- */

struct app *app_add(struct sim *s, size_t client, const struct app_plan *plan, uint64_t at_us);
void app_client_gone(struct sim *s, size_t client); /* it was freed: its tunnels are gone */
uint8_t app_byte(const struct app *a, unsigned dir, uint64_t at); /* dir 0: up, 1: down */
void app_fill(const struct app *a, unsigned dir, uint64_t at, uint8_t *out, size_t len);
bool app_same(const struct app *a, unsigned dir, uint64_t at, const uint8_t *bytes, size_t len);
void app_judge(struct sim *s, struct app *a); /* once it is over */

/* ---- host.c ---- */

void host_start(struct sim *s, size_t client);
/* KILL: what it would write at its end is lost. */
void host_stop(struct sim *s, size_t client, bool kill);
void host_disable(struct sim *s, size_t client, bool disabled); /* DisableNetwork */
void host_free_files(struct sim_client *c);
/* The client's options change while it runs: to those of the lists, or back. */
void host_set_lists(struct sim *s, size_t client, bool on);
/* The same for __LeaveStreamsUnattached. ERR_NOMEM. */
err_t host_set_unattached(struct sim *s, size_t client, bool on);

/* ---- lists.c ---- */

/* ---- ports.c ---- */

/* Lines drawn from SEED take the place of those there are. */
void ports_reload(struct sim_client *c, uint64_t seed);
void ports_started(struct sim_client *c);
/* A comes in by the listener at its place, or by the first there is. */
void ports_accept(struct sim_client *c, struct app *a);

void lists_make(struct sim *s);
void lists_apply(struct sim *s, bool on, struct client_config *config, struct sim_lists_text *t);

/* ---- meet.c ---- */

void meet_begin(struct sim *s);
bool meet_is_over(const struct sim *s);
void meet_free(struct sim *s);

/* ---- watch.c ---- */

void watch_reset(void);
void watch_step(struct sim *s);
void watch_end(struct sim *s); /* nothing is left */

/* ---- news.c ---- */

void news_stored(const struct sim_client *c, const char *name, struct text text);
void news_step(struct sim *s);

/* ---- oracle.c ---- */

struct circ_hop_target;
/* A client asks for a circuit through these; INTERNAL: for onion services. */
void oracle_path(struct sim *s, struct sim_client *c, const struct circ_hop_target *hops, size_t n,
                 bool internal);
/* A client opens a connection. */
void oracle_dial(struct sim *s, struct sim_client *c, const struct ipport *to);
/* It has ended in an orderly way, and stored its files. */
void oracle_stopped(struct sim *s, struct sim_client *c);
/* Node EXIT connects to APP's target, for the cell that it is being given. */
void oracle_exit(struct sim *s, size_t exit, struct app *app, const struct ipport *to);
/* Wire WIRE carries a new circuit under ID. */
void oracle_circuit_begins(struct sim *s, size_t wire, uint32_t id);
void oracle_reset(void);

/* ---- told.c ---- */

/* A client is there, and has not started. */
void told_begins(struct sim *s, size_t client);
/* Time is about to go on: all has been told. */
void told_look(struct sim *s);
/* A tunnel's owner hears of its end. */
void told_tunnel_over(struct sim *s, size_t client, uint64_t stream);

/* ---- steer.c ---- */

/* A client has started: its controllers may come, if the scenario has any. */
void steer_begins(struct sim *s, size_t client);
/* They all go. */
void steer_ends(struct sim *s, size_t client);

/* ---- keys.c ---- */

const struct identity *keys_identities(size_t n);
void keys_reset(void);

#endif
