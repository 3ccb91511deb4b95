/* What the files of a test network's world share. */
#ifndef TUNIC_NET_TESTWORLD_INT_H
#define TUNIC_NET_TESTWORLD_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/testworld.h"
#include "testnet/dirserv.h"

/* Where one node is. */
struct place {
    struct testworld *world;
    size_t index;
    struct ip ip;
    struct listener *or_listener, *dir_listener;
    struct shape_bucket bucket;
};

/* One end of a link: a socket, and what shapes it. */
struct wire {
    struct testworld *world;
    struct place *place;
    struct link *link; /* NULL: it is over; what the line holds is still sent */
    struct conn *conn;
    bool shaped;         /* bytes out go through the line and the bucket */
    bool slow_in;        /* bytes in too: the other end is no node of ours, which would do it */
    bool is_cut, in_end; /* in_end: with in_errno, once what came before is through */
    int in_errno;
    struct shape_turn turn;
    struct shape_line out, in;
    struct timer cut, reap;
    struct wire *prev, *next;
};

/* Any other connection: of an exit to a target, or to a DirPort. */
struct flow {
    struct testworld *world;
    struct conn *conn;
    struct target *target;
    struct dirserv *server;
    uint8_t *room;   /* a request's */
    struct buf tail; /* of a target that is over: still to be sent */
    bool over;
    struct timer later; /* frees, or tells a target that it could not be dialled */
    struct flow *prev, *next;
};

struct testworld {
    struct net *net;
    struct testnet *testnet; /* NULL: not yet */
    struct shape_rules rules;
    struct place *places;
    size_t n_places;
    struct wire *wires;
    struct flow *flows;
    struct testworld_counts counts;
};

struct place *testworld_place(struct testworld *w, const struct ip *ip); /* or NULL */

/* testwire.c */
void wire_accept(struct place *p, struct link *l, int fd, const struct ipport *peer);
void wire_dial(void *world, struct link *l, const struct ip *from, const struct ipport *to);
void wire_output(void *world, struct link *l);
void wire_hangup(void *world, struct link *l);
void wire_free(struct wire *w);

/* testflow.c */
void request_accept(struct place *p, int fd, const struct ip *peer);
void target_flow_dial(void *world, struct target *t, const struct ip *from,
                      const struct ipport *to);
void target_flow_output(void *world, struct target *t);
void target_flow_resume(void *world, struct target *t);
void target_flow_hangup(void *world, struct target *t);
void flow_free(struct flow *f);

#endif
