/* Dial: a relay reached by way of somebody else: an outbound proxy, a pluggable transport. The
 * connection goes to them, and a dialler stands on its socket before the machine that is meant:
 * it says in their protocol where to go, hears that the way is open, and hands over, with the bytes
 * that came behind the answer. The machine learns through connected() or not_through(). */
#ifndef TUNIC_NET_DIAL_H
#define TUNIC_NET_DIAL_H

#include "base/buf.h"
#include "base/rd.h"
#include "base/reach.h"
#include "net/conn.h"

enum { DIAL_ANSWER_MAX = 64 * 1024 }; /* no answer is longer; C tor: 50,000 bytes of headers */

/* Why the way is not open, filled in by a protocol that gives up. */
struct dial_refusal {
    int errno_;     /* the system's error that comes nearest, 0: none */
    char text[128]; /* what was said, to stand behind "the SOCKS5 proxy at 127.0.0.1:1080 ": "says
                     * that the relay's network cannot be reached" */
};

struct dial_way;

/* The client's side of a protocol that asks for a connection. */
struct dial_protocol {
    const char *name; /* "SOCKS5 proxy", for people */
    /* Called first when TCP is there, with nothing in IN, then whenever bytes have come and as long
     * as some are taken. WAY has its own user and password, TO the relay's arguments. Takes one
     * whole message off IN, or none; puts answers into OUT. *STEP is the protocol's own, 0 at
     * first. OK: the way is open, what is left in IN is the peer's; ERR_MORE: not yet;
     * ERR_LINK_CONNECT: the peer cannot be reached, says the other side; any other: it failed
     * itself. With those R is filled in. */
    err_t (*speak)(const struct dial_way *way, unsigned *step, const struct reach *to,
                   struct rd *in, struct buf *out, struct dial_refusal *r);
};

/* A transport as it can be had now. */
enum { DIAL_LOGIN_SIZE = 512 }; /* HTTPSProxyAuthenticator has less than that in all */
struct dial_way {
    const char *transport; /* reach.transport; "": how all that names none is reached */
    struct ipport at;      /* an address where PROTOCOL is spoken */
    const struct dial_protocol *protocol;
    /* Who we are to them (Socks5ProxyUsername, Socks5ProxyPassword and their like); or "". */
    char user[DIAL_LOGIN_SIZE], password[DIAL_LOGIN_SIZE];
};

/* WAY's words for people: "SOCKS5 proxy at 127.0.0.1:1080". Returns OUT. */
enum { DIAL_WAY_TEXT_MAX = 96 };
const char *dial_way_text(const struct dial_way *way, char out[DIAL_WAY_TEXT_MAX]);

/* As conn_dial(), to TO by WAY (copied; its protocol is borrowed). No deadline of its own: whoever
 * waits for connected() closes when it has waited enough. */
struct conn *dial_by(struct net *n, const struct dial_way *way, const struct reach *to,
                     const struct ip *bind, const struct conn_machine *ops, void *machine);

#endif
