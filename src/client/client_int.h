/* What the files of client share: client.c composes and starts it, client_options.c gives its parts
 * what concerns them, client_dir.c stands between the directory and the rest, client_tell.c hands
 * on what other layers say, client_files.c keeps what outlives a run, client_clock.c says what is
 * wrong with the time. */
#ifndef TUNIC_CLIENT_CLIENT_INT_H
#define TUNIC_CLIENT_CLIENT_INT_H

#include "base/ratelim.h"
#include "client/bootstrap.h"
#include "client/circuits.h"
#include "client/client.h"
#include "client/directory.h"
#include "client/dirfetch.h"
#include "client/doubt.h"
#include "client/exits.h"
#include "client/linkpool.h"
#include "client/meter.h"
#include "client/offline.h"
#include "client/settings.h"
#include "client/steer.h"
#include "client/tunnels.h"
#include "path/chooser.h"
#include "path/pathbias.h"
#include "path/state.h"
#include "path/vanguards.h"

struct client {
    struct env *env;
    const struct client_world *world_ops;
    void *world;
    struct settings *settings;
    struct bootstrap bootstrap;
    struct offline offline;
    struct doubt doubt;
    struct ratelim clock_words;
    struct tls_ctx *tls;
    struct linkpool *links;
    struct events *events;
    struct circuits *circuits;
    struct ostreams *streams;
    struct meter meter;
    struct directory *directory;
    struct netdir *told;              /* the newest one, as last told; NULL: none was */
    const struct netdir *dialled_for; /* TOLD, when first hops were dialled; only compared */
    int64_t loaded_s;                 /* the same of the one that the last run left; 0: none */
    char missing[160];                /* what the network requires and this version lacks; or "" */
    bool directory_is_mine; /* made by and for this client: its options are the directory's */
    struct directory_member member;
    struct dirfetch *dirfetch;
    struct state *state;
    struct guards *guards;
    struct vanguards *vanguards;
    struct chooser *chooser;
    struct cbt *cbt;
    struct exits *exits;
    struct addrmap *map;
    struct tunnels *tunnels;
    struct netdir *nd; /* what paths are built from; NULL: not enough is known */
    int32_t last_session;
    struct blob files[DIR_FILE_N]; /* loaded, until client_start() */
    struct timer save, fetch, expire;
    uint32_t look_point_us; /* of each second, when what is in whole seconds is looked at */
    struct clock_watch watch;
    bool started; /* once; only then is a state worth keeping */
    bool running; /* it was started, and not stopped since */
    struct {
        bool dormant; /* nothing is fetched, or built ahead, until somebody asks for something */
        uint64_t active_us; /* when somebody did so last */
        struct timer look;
    } dormancy;
};

/* ---- client_options.c ---- */

/* As client_new(): WHY says which value is wrong. */
MUST_USE err_t client_settings_new(const struct client_config *config, struct settings **out,
                                   char why[CLIENT_WHY_MAX]);
void client_settings_drop(struct settings *s); /* NULL is fine */
/* The options, or the newest consensus, have changed. */
void client_apply_settings(struct client *c);
void client_configure_chooser(struct client *c);
void client_set_look_point(struct client *c);
struct linkpool_config client_link_config(const struct client *c);

/* ---- client_map.c ---- */

/* CONFIG's maps, and what is no more of those that followed from OLD (NULL: there were none). */
void client_apply_maps(struct client *c, const struct client_config *config,
                       const struct settings *old);

/* ---- client_dormant.c ---- */

void client_init_dormancy(struct client *c);
/* At the first start, once the state is there. */
void client_begin_dormancy(struct client *c);
void client_arm_dormancy(struct client *c); /* options have changed */
/* The machine was asleep. */
void client_dormancy_slept(struct client *c, int64_t seconds);
/* Somebody has a use for the network. */
void client_wake(struct client *c);
/* Whether the state has it otherwise. */
bool client_dormancy_changed(const struct client *c);
MUST_USE err_t client_save_dormancy(struct client *c);

/* ---- client_tell.c ---- */

/* Whether paths can be picked; if not, circuits of before are nothing to go by, either. */
void client_tell_dir_info(struct client *c, bool enough);
/* What guards and build times say is told; so is what addresses stand for. */
void client_listen_below(struct client *c);
addrmap_told_fn client_tell_map;

/* ---- client_dir.c ---- */

extern const struct dirmgr_ops client_dirmgr_ops;
extern const struct dirmgr_carrier client_carrier;
extern const struct dirfetch_ops client_dirfetch_ops;
void client_fetch_due(void *c); /* the timer's */

/* ---- client_files.c ---- */

void client_save_state(struct client *c);
void client_arm_save(struct client *c);
void client_save_due(void *c); /* the timer's */
void client_drop_files(struct client *c);

/* ---- client_way.c ---- */

extern const struct linkpool_ops client_linkpool_ops;
void client_watch_way(struct client *c);

/* ---- client_clock.c ---- */

/* PEER's certificates are good, at another time than ours. */
void client_warn_dates(struct client *c, const struct link_target *peer);

/* Somebody's clock differs from ours. The words are C tor's, in clock_skew_warning(). */
struct clock_word {
    int64_t skew_s;           /* ours minus theirs */
    bool trusted;             /* controllers hear of it, too */
    const char *source;       /* "OR", "DIRSERV", "CONSENSUS" */
    const char *received;     /* in what: "NETINFO cell" */
    const struct reach *peer; /* or NULL */
    const struct rsa_id *id;  /* of the link's other end; or NULL */
    const char *whose;        /* for people, behind "ahead of" */
};
void client_hear_of_clock(struct client *c, const struct clock_word *w);
void client_watch_clocks(struct client *c);

#endif
