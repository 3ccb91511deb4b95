/* Client: the conductor. Owns links, circuits, directory and tunnels; decides which circuit is built
 * when, and which tunnel goes where. No I/O: what it wants of the world it asks through
 * struct client_world, and the world tells it what happened.
 *
 * One client is one Tor user: its guards, its circuits, its directory. Several may live in one
 * process; they share nothing. All calls for a client come from one thread. */
#ifndef TUNIC_CLIENT_CLIENT_H
#define TUNIC_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "client/config.h"

struct client;
struct link;

/* What the client asks of whoever drives it. Nothing here may call back into the client. */
struct client_world {
    /* Open a TCP connection to TO for L, then feed and drain it (link.h, "net's side"). */
    void (*dial)(void *world, struct link *l, const struct ipport *to);
    /* L has bytes to send; told once until they are taken. */
    void (*output)(void *world, struct link *l);
    /* L is over and will be freed after this call: flush what can be flushed, close the socket. */
    void (*hangup)(void *world, struct link *l);
    /* Keep BYTES under NAME in the DataDirectory: replace the file as a whole (written aside, synced,
     * renamed), or append. A failure is the world's to log; the client goes on without the file. */
    void (*store)(void *world, const char *name, const uint8_t *bytes, size_t len, bool append);
    /* A file that was given to client_load() is damaged: move it aside. */
    void (*set_aside)(void *world, const char *name);
};

/* CONFIG is copied. Loads nothing and starts nothing yet. NULL out of memory. */
struct client *client_new(struct env *env, const struct client_config *config,
                          const struct client_world *ops, void *world);

/* Ends everything without another callback to tunnels, writes the state, and frees. Links are hung
 * up through the world. */
void client_free(struct client *c);

/* Gives the client a file of the last run, before client_start(): names as in client_files(). */
void client_load(struct client *c, const char *name, const uint8_t *bytes, size_t len);
/* The names of the files worth loading, in order, NULL at the end. */
const char *const *client_files(void);

/* Begins to bootstrap. */
void client_start(struct client *c);

/* New options while running (SIGHUP): what differs takes effect for new circuits. */
void client_reconfigure(struct client *c, const struct client_config *config);

/* No new circuit or tunnel; on_idle is not told: the front ends close their tunnels and then free. */
void client_stop(struct client *c);

/* Drops the directory's and circuits' plans that depend on the old network: "NEWNYM": no new tunnel
 * uses a circuit that has carried a stream before. */
void client_new_identity(struct client *c);

bool client_is_ready(const struct client *c); /* bootstrapped to 100 % */
unsigned client_bootstrap_percent(const struct client *c);

/* Writes links, circuits and counts to the log at notice (SIGUSR1). */
void client_dump(struct client *c);

#endif
