/* Conn: a non-blocking socket around a byte machine. The machine says where received bytes go,
 * takes them, and says what is to be sent; how a socket is polled, read and written is here alone.
 */
#ifndef TUNIC_NET_CONN_H
#define TUNIC_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/net.h"

struct conn;

struct conn_machine {
    /* Bytes that are read in one wake-up, unless they have come without a pause for some time; 0:
     * no matter. */
    size_t turn;
    /* Room for received bytes, or NULL: do not read until conn_resume(). */
    uint8_t *(*in_room)(void *machine, size_t *room);
    void (*in_done)(void *machine, size_t len);
    /* Bytes of output that it has and will give out in a few milliseconds, and that what is
     * received until then may add to. NULL: never. */
    size_t (*held)(void *machine);
    /* The peer closed (ERRNO_ 0) or the connection broke. Nothing more will be received or sent. */
    void (*in_end)(void *machine, int errno_);
    /* The peer sends no more but may still read; in_end() may follow. SURE: it does read, and
     * in_end() follows soon after it has closed. NULL: as if it had closed. */
    void (*in_eof)(void *machine, bool sure);
    const uint8_t *(*out)(void *machine, size_t *len); /* NULL: nothing to send */
    void (*sent)(void *machine, size_t len);
    void (*connected)(void *machine); /* conn_dial() only: once the peer can be spoken to */
    /* What stands before the peer (net/dial.h) did not let it through: as link_not_through().
     * NULL: never dialled by a way. */
    void (*not_through)(void *machine, err_t why, int errno_, const char *text);
    /* The peer has acknowledged nothing for some seconds, or it does so again (net/stall.h). NULL:
     * nobody looks. Not while connecting. */
    void (*stalled)(void *machine, bool stalled);
    /* The machine is the connection's own and goes with it, also if there was no memory for a
     * connection. NULL: it is not. */
    void (*free)(void *machine);
};

/* Takes over the connected socket FD. NULL out of memory (then FD is closed). */
struct conn *conn_new(struct net *n, int fd, const struct conn_machine *ops, void *machine);

/* Connects to TO, from BIND if its family is set. NULL out of memory; any other failure comes
 * through in_end() at the end of the wake-up. */
struct conn *conn_dial(struct net *n, const struct ipport *to, const struct ip *bind,
                       const struct conn_machine *ops, void *machine);

/* OPS and MACHINE take the place of the machine, which may free itself then. LEFT is what has been
 * received and was for them: they get it before anything else, as room they give. ERR_NOMEM. May be
 * called from the machine's own in_done, sent and connected. */
MUST_USE err_t conn_hand_over(struct conn *c, const struct conn_machine *ops, void *machine,
                              const uint8_t *left, size_t len);

/* Whether this computer still has the address that C is made from. */
bool conn_has_address(const struct conn *c);

/* The machine has output. */
void conn_output(struct conn *c);
/* The machine has room again. */
void conn_resume(struct conn *c);
struct limit;
/* What C reads and writes counts against L from now on (net/limit.h). IS_PRIVATE: its peer has an
 * address of a private network. */
void conn_limit(struct conn *c, struct limit *l, bool is_private);

/* Writes what can be written without waiting, then closes. The machine is not called again. */
void conn_close(struct conn *c);
/* The same, and what has come by now is read and dropped before: a socket that has something unread
 * in it when it is closed resets its connection, and what is on its way to the peer goes with it.
 */
void conn_hang_up(struct conn *c);

/* Whether all output was written: FN is called once that is so, or when it no longer can be
 * (broken, or nothing was taken for LINGER_MS); FN then closes. Nothing is read meanwhile. */
void conn_drain(struct conn *c, uint64_t linger_ms, void (*fn)(void *machine));

#endif
