/* What the files of net share. */
#ifndef TUNIC_NET_NET_INT_H
#define TUNIC_NET_NET_INT_H

#include <event2/event.h>
#include <sys/types.h>

#include "crypto/filler.h"
#include "net/conn.h"
#include "net/net.h"

enum { NET_SIGNALS_MAX = 16 };

struct net_signal {
    struct net *net;
    struct event *event;
    void (*fn)(void *arg, int signum);
    void *arg;
};

struct net {
    struct env env;
    struct filler filler; /* the env's padding */
    struct event_base *base;
    bool own_base, touched, stopped;
    pid_t process; /* the process that N belongs to; 0: any */
    bool forked;   /* we are in another one: net_is_forked() */
    struct event *settle, *timer;
    bool has_owner; /* see net_set_owner() */
    uid_t owner_uid;
    gid_t owner_gid;
    int sock_bytes; /* see net_set_socket_buffers() */
    struct net_counts counts;
    int slots;         /* descriptors below this have theirs in the loop (slots.h) */
    struct timer trim; /* see net_return_memory() */
    size_t trimmed_at; /* what queues had given back then */
    bool returns_memory;
    struct conn *dirty; /* connections with output, a list through dirty_prev and dirty_next */
    struct net_signal signals[NET_SIGNALS_MAX];
    size_t n_signals;
};

#endif
