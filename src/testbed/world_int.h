/* What the files of a test network's world share. */
#ifndef TUNIC_TESTBED_WORLD_INT_H
#define TUNIC_TESTBED_WORLD_INT_H

#include "base/buf.h"
#include "base/hash.h"
#include "net/conn.h"
#include "net/listen.h"
#include "testbed/world.h"
#include "testnet/dirserv.h"
#include "testnet/throttle.h"

/* Where one node is. */
struct place {
    struct testbed_world *world;
    size_t index;
    struct ip ip;
    struct listener *or_listener, *dir_listener;
    struct throttle reads, writes;
    bool frozen; /* its sockets are open, and nothing is read or written */
};

struct testbed_world {
    struct net *net;
    struct testnet *testnet; /* NULL: not yet */
    struct shape_rules rules;
    struct place *places;
    size_t n_places;
    struct wire *wires;
    struct targetconn *targetconns;
    struct dirconn *dirconns;
};

/* place.c */
bool testbed_may_use(const struct ip *ip);
struct place *testbed_place(struct testbed_world *w, const struct ip *ip); /* or NULL */

/* wire.c: a link's socket */
void wire_accept(struct place *p, struct link *l, int fd, const struct ipport *peer);
void wire_dial(void *world, struct link *l, const struct ip *from, const struct ipport *to);
void wire_output(void *world, struct link *l);
void wire_hangup(void *world, struct link *l);
void wire_resume(void *world, struct link *l);
void wire_measures(void *world, struct link *l, bool measures);
void wire_free(struct wire *w);
/* P is frozen no more. */
void wire_thaw_all(struct place *p);

/* targetconn.c: an exit's connection to a target */
void targetconn_dial(void *world, struct target *t, const struct ip *from, const struct ipport *to);
void targetconn_output(void *world, struct target *t);
void targetconn_resume(void *world, struct target *t);
void targetconn_hangup(void *world, struct target *t);
void targetconn_free(struct targetconn *c);
void targetconn_thaw_all(struct place *p);

/* dirconn.c: a request to a DirPort */
void dirconn_accept(struct place *p, int fd, const struct ip *peer);
void dirconn_free(struct dirconn *c);
void dirconn_thaw_all(struct place *p);

#endif
