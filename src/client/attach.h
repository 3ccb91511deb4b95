/* Attachment: onto which circuit a tunnel goes, and when, is a policy's affair. Whenever a tunnel
 * has no circuit (it is new, or an attempt failed) its policy is given it, and the tunnel waits
 * until somebody attaches it or its time is over.
 *
 * At first there is one policy, the pool's (attach_pool.h): it looks for an open circuit that fits
 * and has others built. Under __LeaveStreamsUnattached it is one that does nothing: a tunnel waits
 * until client_attach() names a circuit (ATTACHSTREAM). A program may put its own in place
 * (client_set_attach()). Tunnels to a directory are always the pool's. */
#ifndef TUNIC_CLIENT_ATTACH_H
#define TUNIC_CLIENT_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct tunnel;

struct attach_ops {
    /* T waits for a circuit. Must not attach it inside of this call. False out of memory: then T
     * is over. */
    bool (*wait)(void *arg, struct tunnel *t);
    /* T waits no more: it is attached, somebody else's, or over. */
    void (*forget)(void *arg, struct tunnel *t);
};

struct attach_policy {
    const struct attach_ops *ops;
    void *arg;
};

enum attach_result {
    ATTACH_DONE,
    ATTACH_NO_STREAM,  /* there is none of this id */
    ATTACH_NO_CIRCUIT, /* the same */
    ATTACH_NOT_YOURS,  /* the stream waits for the pool, is connected, or fetches a document */
    ATTACH_NOT_OPEN,   /* the circuit is not open, or closes, or carries no tunnels */
    ATTACH_ONE_HOP,    /* to leave at the first hop would tell it who goes where */
    ATTACH_NO_HOP,     /* the circuit has fewer */
    ATTACH_FAILED,     /* no stream could be begun; it waits again */
};

/* POLICY (borrowed) is given the tunnels that have no circuit from now on, and those that the one
 * before it had left alone. NULL: the option's, the pool's as a rule. */
void client_set_attach(struct client *c, const struct attach_policy *policy);

/* Puts a stream that a policy has left alone, or one that is not connected yet, onto CIRCUIT, at
 * hop HOP (0: the last), as control_cmd.c, handle_control_attachstream(): the exit policy and
 * isolation are not looked at; a circuit with others on it, whom isolation keeps apart, takes no
 * more streams from the pool. Circuit 0: gives it to the pool. */
enum attach_result client_attach(struct client *c, uint64_t stream, uint64_t circuit, unsigned hop);

#endif
