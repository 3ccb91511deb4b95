/* A scenario: plain data that says what is done to whom and when. gen.c makes one of a seed; a
 * named one is a function that fills one in (named.c). */
#ifndef TUNIC_TESTS_SIM_SCENARIO_H
#define TUNIC_TESTS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCENARIO_APPS = 40, SCENARIO_TROUBLES = 12, SCENARIO_NAME_MAX = 40 };

/* What an application and the server at its target do. */
enum app_kind {
    APP_TALK,    /* the application sends `up` bytes, the server `down`, which then closes */
    APP_ECHO,    /* the server gives back what it gets; the application closes */
    APP_RESOLVE, /* looks the name up */
    APP_REFUSED, /* nothing listens there */
};

struct app_plan {
    enum app_kind kind;
    uint64_t at_us;
    uint64_t up, down;
    uint16_t port;
    unsigned isolation;     /* 0: none; else a name of its own */
    bool by_port, by_addr;  /* isolated by destination */
    unsigned place;         /* of its SocksPort; 0: it comes by none */
    uint64_t early_us;      /* its connection is there so long before its request */
    uint64_t pause_us;      /* of the application, between its writes */
    size_t piece;           /* most it writes at once; 0: all */
    uint64_t read_us;       /* it reads a piece so often; 0: at once */
    size_t read_piece;      /* bytes it reads at once */
    uint64_t server_us;     /* as read_us, for the server */
    size_t server_piece;    /* both ways */
    uint64_t close_at;      /* it closes after so many bytes received (or sent); 0: never */
    uint64_t server_close;  /* the server closes after so many bytes sent; 0: never */
    bool server_reset;      /* ... and not in an orderly way */
    bool close_in_callback; /* it closes while it is being told */
    /* Its last byte comes exactly so many one-way delays after its client's start, so that no round
     * trip is added unseen. Where a delay is the only thing that takes time. 0: whenever. */
    unsigned ways;
};

enum trouble_kind {
    TROUBLE_CUT,     /* a link breaks after its N-th byte */
    TROUBLE_STOP,    /* node NODE stops, and comes back at UNTIL */
    TROUBLE_FLIP,    /* a bit of a cell is changed */
    TROUBLE_DROP,    /* a cell is lost */
    TROUBLE_TWICE,   /* a cell comes twice */
    TROUBLE_SWAP,    /* a cell comes after the next one */
    TROUBLE_DESTROY, /* DESTROY on all circuits of NODE */
    TROUBLE_FAULT,   /* NODE breaks a rule (faults.h) from AT to UNTIL */
    TROUBLE_CLOCK,   /* the client's wall clock jumps by N seconds, and back at UNTIL */
    TROUBLE_LEAP,    /* the client stands still for N microseconds */
    TROUBLE_MEMORY,  /* the N-th allocation fails, and M - 1 more */
    TROUBLE_RESTART, /* the client ends and starts with its files */
    TROUBLE_KILL,    /* the same, but it could not write its files */
    TROUBLE_NETWORK, /* no link works until UNTIL */
    TROUBLE_SILENCE, /* packets of clients are lost, both ways, until UNTIL; N: but for N guards */
    TROUBLE_NEWNYM,  /* a new identity is asked for */
    TROUBLE_DIRECTORY, /* all directory servers lie (faults.h) until UNTIL */
    TROUBLE_GUARDS,    /* all relays with the Guard flag stop, and come back at UNTIL */
    TROUBLE_OPTIONS,   /* the client's options become those of the lists, until UNTIL */
    TROUBLE_PORTS,     /* its SocksPorts become others, drawn from M */
    TROUBLE_DISABLED   /* DisableNetwork, until UNTIL */
};

enum lists {
    LISTS_NONE,
    LISTS_ENTRY,    /* EntryNodes */
    LISTS_EXCLUDE,  /* ExcludeNodes */
    LISTS_STRICT,   /* ... with StrictNodes */
    LISTS_FIREWALL, /* ReachableAddresses */
    LISTS_N
};

struct trouble {
    enum trouble_kind kind;
    uint64_t at_us, until_us;
    size_t node, client;
    int64_t n;
    uint64_t m;
    unsigned fault;    /* enum fault */
    bool client_links; /* links of clients only */
    bool to_client;    /* direction, for cells */
};

struct scenario {
    char name[SCENARIO_NAME_MAX];
    uint64_t seed;
    unsigned authorities, relays, exits, clients;
    const char *exit_policy;
    const char *protos; /* what relays say they speak; NULL: all that they do */
    const char *params; /* of the consensus; NULL: none besides the usual */
    uint64_t delay_us, jitter_us;
    uint64_t bytes_per_ms; /* of one wire; 0: no bound */
    uint64_t relay_rate;   /* bytes a second that each relay reads and writes; 0: no bound */
    uint64_t relay_burst;  /* bytes at once; 0: the throttle's own */
    size_t wire_cap;       /* bytes under way in one direction */
    unsigned fragments;    /* one record in so many arrives in two pieces; 0: none */
    bool same_subnet;      /* relays share /16s, two by two */
    bool families;         /* relays are families, two by two */
    bool distinct_subnets; /* EnforceDistinctSubnets */
    enum lists lists;      /* node lists that a client may be given (lists.c) */
    uint64_t lists_seed;   /* who is in them */
    bool lists_always;     /* it has them from the beginning */
    uint64_t ports_seed;   /* of the client's SocksPorts; 0: it has none */
    uint32_t dirtiness_s;  /* MaxCircuitDirtiness; 0: tor's default */
    bool fallback;         /* a relay that is no guard is a FallbackDir */
    uint64_t meet_bytes;   /* what each of two parties says at a rendezvous (meet.c); 0: none */
    struct app_plan app[SCENARIO_APPS];
    size_t n_apps;
    struct trouble trouble[SCENARIO_TROUBLES];
    size_t n_troubles;
    uint64_t lasts_us;   /* at least */
    uint32_t interval_s; /* a new consensus so often; 0: the plan's */
    bool conflux;        /* clients join circuits (ConfluxEnabled) */
    bool steered;        /* controllers do what they can (steer.c) */
    bool watched;        /* controllers look on */
    const char *says;    /* hostile peers: what the client's log must have, or NULL */
    uint64_t soon_us;    /* whoever waits after the last trouble is served so soon; 0: sometime */
    bool all_served;     /* also of tunnels that troubles could excuse */
    uint32_t fresh_s;    /* no client's consensus is over for so long; 0: it may be */
    bool must_act;       /* each fault among the troubles must have had an occasion */
};

void scenario_random(uint64_t seed, struct scenario *out);
/* False: there is none of this name. */
bool scenario_named(const char *name, struct scenario *out);
/* The same for scenarios of hostile peers (hostile.c). */
bool scenario_hostile(const char *name, struct scenario *out);
const char *scenario_hostile_name(size_t i);
/* The N-th allocation of a client that bootstraps and fetches something fails: "memory-N". */
void scenario_memory(uint64_t n, struct scenario *out);
/* The I-th name, or NULL. */
const char *scenario_name(size_t i);
const char *trouble_name(enum trouble_kind kind);
void scenario_print(const struct scenario *sc);

#endif
