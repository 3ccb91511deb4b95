/* What the files of tunnels share: tunnel.c is the life of one, tunnels.c the set of a client and
 * who says where they go, tunnel_request.c what is asked, tunnel_aim.c where it goes instead,
 * tunnel_early.c what is written before it is open, attach_pool.c the pool's policy. */
#ifndef TUNIC_CLIENT_TUNNEL_INT_H
#define TUNIC_CLIENT_TUNNEL_INT_H

#include "base/later.h"
#include "base/queue.h"
#include "base/ratelim.h"
#include "client/attach_pool.h"
#include "client/ostream.h"
#include "client/tunnels.h"
#include "client/waiting.h"

enum {
    MOST_TUNNELS = 20000, /* at once */
    MOST_FAILED = 8,      /* exits remembered as having let a tunnel down */
};

enum tunnel_state {
    WAITING,    /* for a circuit: its policy knows it */
    CONNECTING, /* the stream is on its way */
    OPEN,
    CLOSED, /* its owner knows, or is about to be told */
};

/* Whether a tunnel may leave by any exit, or by a certain one, since a map says so. */
enum exit_choice { EXIT_ANY, EXIT_NAMED, EXIT_TRACKED /* TrackHostExits: as long as it will do */ };

struct tunnel {
    struct tunnels *set;
    struct tunnel_request req; /* where it goes: as it was asked for, or where it was turned to */
    char *asked_host;          /* what it was asked for, if that is another; NULL: it is not */
    const struct tunnel_ops *ops;
    void *arg;
    enum tunnel_state state;
    struct ostream out;      /* as the outside knows it */
    char asked[IP_TEXT_MAX]; /* of a reverse look-up: the address, which the outside knows it by */
    struct stream *stream;
    struct ride *ride;                  /* while CONNECTING */
    const struct attach_policy *policy; /* while WAITING: the policy that has it */
    struct waiter waiter;               /* the pool's, while the pool has it */
    enum exit_choice exit_choice;
    struct rsa_id exit; /* unless that is EXIT_ANY */
    struct ip answer;   /* of a look-up that nobody was asked for; family IP_NONE: there is none */
    uint64_t circ_id;
    struct rsa_id failed[MOST_FAILED];
    size_t n_failed;
    unsigned attempts;
    bool refused_early; /* tunnel_write() took less than it was offered before it was open */
    bool begun;         /* optimistic: its owner may write */
    struct queue early; /* what it wrote since: kept until CONNECTED, for the next attempt */
    size_t early_sent;  /* of that, in this attempt */
    union {             /* there are thousands of tunnels, and both are large */
        struct stream_end last; /* how the last attempt ended */
        struct tunnel_end end;  /* CLOSED: how the tunnel did */
    };
    struct timer attempt; /* deadline of this attempt */
    uint64_t since_us;    /* when it was opened */
    struct timer give_up; /* deadline of the tunnel, until it is open */
    struct later tell;    /* its end, if the owner does not know; then it is freed */
    bool owner_knows;
    struct tunnel *prev, *next;
};

struct tunnels {
    struct env *env;
    struct circuits *circuits;
    struct ostreams *streams;
    struct exits *exits;
    struct addrmap *map;
    struct tunnels_config config;
    struct tunnel *list;
    size_t n;
    struct attach_pool *pool;
    const struct attach_policy *pools;  /* its policy */
    const struct attach_policy *policy; /* for those that begin to wait */
    char refused[160];                  /* why no tunnel can be had any more; or "" */
    struct ratelim refusals;            /* lines about refused requests */
};

/* ---- tunnel.c ---- */

/* REQ is copied. NULL out of memory. */
struct tunnel *tunnel_new(struct tunnels *ts, const struct tunnel_request *req,
                          const struct tunnel_ops *ops, void *arg);
/* Without a word to its owner. */
void tunnel_free(struct tunnel *t);
/* Ends its stream and itself; TEXT must not name the destination. No effect on one that is over. */
void tunnel_stop(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                 const char *text);
/* The same for what was asked for, or for options that rule it out. */
void tunnel_refuse(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                   const char *text);

/* T waits for a circuit, the first or another one, with whoever has the say now, or with POLICY;
 * false out of memory. */
bool tunnel_wait(struct tunnel *t);
bool tunnel_wait_with(struct tunnel *t, const struct attach_policy *policy);
/* T's attempt is given up; it waits again. */
void tunnel_detach(struct tunnel *t);
/* T, which waits, goes onto RIDE. ERR_FULL: not now, its link has no room to spare. Other errors:
 * it takes no more, and T waits on; or T is over. */
MUST_USE err_t tunnel_attach(struct tunnel *t, struct ride *ride);

struct exit_need tunnel_need(const struct tunnel *t);
/* It wants a certain exit, or one or a circuit not again. */
bool tunnel_is_particular(const struct tunnel *t);
/* T, a look-up, ends with IP, and nobody was asked. */
void tunnel_answer(struct tunnel *t, const struct ip *ip);
void tunnel_no_memory(struct tunnel *t); /* it ends for want of it */
/* No circuit can be had for T: WHY_NOT. */
void tunnel_cannot(struct tunnel *t, const char *why_not);

/* ---- tunnel_aim.c ---- */

/* T is about to be given a circuit, BY_NAME or by the pool: settles where it goes. False: it is
 * over, refused or answered. */
bool tunnel_aim(struct tunnel *t, bool by_name);
/* T goes over RIDE: by the exit of that its host is to be reached for some time (TrackHostExits).
 */
void tunnel_track_exit(struct tunnel *t, const struct ride *ride);
/* The exit that T's host was reached by does not do any more. */
void tunnel_forget_exit(struct tunnel *t);

/* T's next attempt goes to HOST and PORT (0: as before). */
void tunnel_redirect(struct tunnel *t, const char *host, uint16_t port);
/* What T was asked for, by which isolation goes (C tor, original_dest_address). */
const char *tunnel_asked_host(const struct tunnel *t);

/* ---- tunnel_early.c ---- */

void tunnel_early_init(struct tunnel *t);
/* T's stream has been opened, for the first time or anew. */
void tunnel_early_begin(struct tunnel *t);
/* Takes what T's owner writes before the tunnel is open, or before that has gone: how many bytes.
 */
size_t tunnel_early_write(struct tunnel *t, const uint8_t *bytes, size_t len);
/* Sends what waits. True: nothing does, and none of it will be needed again. */
bool tunnel_early_flush(struct tunnel *t);

/* ---- tunnel_request.c ---- */

/* What tor calls no host name (SOCKS_BAD_HOSTNAME), though it looks like one. */
bool tunnel_request_bad_name(const struct tunnel_request *req);
/* What no exit could do; NULL if REQ is fine. */
const char *tunnel_request_no_use(const struct tunnel_request *req);
/* What must not leave through an exit, CHOSEN by name or not, in which case its own network may be
 * meant; NULL if REQ is fine. */
const char *tunnel_request_refusal(const struct tunnel_request *req,
                                   const struct tunnels_config *config, bool chosen);
/* The name that a reverse look-up asks for is put in. An address in HOST is treated as one even if
 * the caller did not say so: what holds for internal addresses must not depend on him. */
void tunnel_request_know(struct tunnel_request *req);
/* "host:port" for BEGIN, "[v6]:port" for literals, the bare name for RESOLVE. */
void tunnel_request_target(const struct tunnel_request *req, char *out, size_t size);
uint32_t tunnel_request_flags(const struct tunnel_request *req); /* enum begin_flag */

#endif
