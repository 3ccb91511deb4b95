/* Client: the conductor. Owns links, circuits, directory and tunnels; decides which circuit is
 * built when, and which tunnel goes where. No I/O: what it wants of the world it asks through
 * struct client_world, and the world tells it what happened.
 *
 * One client is one Tor user: its guards, its circuits. Several may live in one process; they share
 * nothing, or a directory (directory.h). All calls for a client come from one thread. */
#ifndef TUNIC_CLIENT_CLIENT_H
#define TUNIC_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/blob.h"
#include "base/env.h"
#include "base/err.h"
#include "base/reach.h"
#include "client/config.h"
#include "dir/store.h"

struct client;
struct link;
struct event_listener;
struct event_record;
struct bootstrap_step;

/* What the client asks of whoever drives it. Nothing here may call back into the client. */
struct client_world {
    /* Reach TO for L, then feed and drain it (link.h, "net's side"). */
    void (*dial)(void *world, struct link *l, const struct reach *to);
    /* L has bytes to send; told once until they are taken. */
    void (*output)(void *world, struct link *l);
    /* L is over and will be freed after this call: flush what can be flushed, close the socket. */
    void (*hangup)(void *world, struct link *l);
    /* Keep the N PARTS, one after the other, under NAME in the DataDirectory: replace the file as a
     * whole (written aside, synced, renamed), or append. An error (logged): the file is as it was,
     * and the client goes on. OK also where nothing is kept. */
    MUST_USE err_t (*store)(void *world, const char *name, const struct text *parts, size_t n,
                            bool append);
    /* A file as it is stored now, and stays in *OUT whatever is stored after. ERR_NOT_FOUND: there
     * is none, or nothing is kept; other errors (logged): it can't be read. */
    MUST_USE err_t (*read_back)(void *world, const char *name, struct blob *out);
    /* Whether this computer still has the address that L's connection is made from. */
    bool (*has_address)(void *world, struct link *l);
    /* A file that was given to client_load() is damaged: move it aside. An error if it is still
     * where it was. */
    MUST_USE err_t (*set_aside)(void *world, const char *name);
};

enum { CLIENT_WHY_MAX = 192 };

/* CONFIG is copied. Loads nothing and starts nothing yet. On error WHY says in words which value is
 * wrong: ERR_MALFORMED; ERR_NOMEM; ERR_CRYPTO. */
MUST_USE err_t client_new(struct env *env, const struct client_config *config,
                          const struct client_world *ops, void *world, struct client **out,
                          char why[CLIENT_WHY_MAX]);

/* The same for a client that uses the directory of OTHER, which lives in the same ENV. Either may
 * be freed first. What CONFIG says of the network (DirAuthority, FallbackDir) is not looked at, and
 * of the files it is given to load it uses its own state only, once the directory has started. */
MUST_USE err_t client_new_sharing(const struct client *other, struct env *env,
                                  const struct client_config *config,
                                  const struct client_world *ops, void *world, struct client **out,
                                  char why[CLIENT_WHY_MAX]);

/* L (events.h) hears of KINDS from now on, until it stops or the client is freed. */
void client_listen(struct client *c, struct event_listener *l, unsigned kinds);

/* E (events.h) happened around the client, in what stands between it and applications. */
void client_tell(struct client *c, const struct event_record *e);
/* The network requires what this version lacks (STATUS_OBSOLETE was told): MISSING, or NULL. */
const char *client_obsolete(const struct client *c);

/* Ends everything without another callback to tunnels, writes the state, and frees. Links are hung
 * up through the world. */
void client_free(struct client *c);

/* A file of the last run. */
struct client_file {
    const char *name;
    bool vital; /* it cannot be had anew: whoever fails to read it must not start the client */
};

/* The files that the client wants, a NULL name at the end; the one called NAME, or NULL. */
const struct client_file *client_files(void);
const struct client_file *client_file(const char *name);
/* Gives it one of them, before client_start(); GIFT_BYTES are the client's. On an error (only of a
 * vital file) the client must not be started. ERR_LIMIT: too much to be such a file; ERR_NOMEM; or
 * of set_aside(). */
MUST_USE err_t client_load(struct client *c, const char *name, struct blob gift_bytes);

/* Begins to bootstrap, or goes on after client_stop(). Before that nothing is stored. */
void client_start(struct client *c);
/* Ends links, circuits and tunnels (each tunnel's owner is told), and fetches nothing until
 * client_start() (DisableNetwork). What is known of the network and of guards stays. Not from a
 * callback of a tunnel. */
void client_stop(struct client *c);
bool client_is_running(const struct client *c);

/* This computer's addresses or routes are others now. */
void client_network_changed(struct client *c);

/* New options while running (SIGHUP): what differs takes effect for new circuits, and circuits
 * that are not allowed any more take no new tunnel. On error (as client_new()) the old ones stay.
 * Of a client that shares another's directory, the network (DirAuthority, FallbackDir) stays. */
MUST_USE err_t client_reconfigure(struct client *c, const struct client_config *config,
                                  char why[CLIENT_WHY_MAX]);

/* A session number for struct isolation that nobody had before: -4, -5... */
int32_t client_new_session(struct client *c);

/* No new tunnel uses a circuit that has carried a stream before (SIGNAL NEWNYM). */
void client_new_identity(struct client *c);

/* Whether streams are expected soon, by those of the last hour or so: circuits are built ahead for
 * them. */
bool client_expects_streams(const struct client *c);

/* Fetches nothing, and builds nothing that no stream waits for, until an application asks for
 * something or it is told to be active (SIGNAL DORMANT, ACTIVE). */
void client_be_dormant(struct client *c);
void client_be_active(struct client *c);

/* What was learnt of hosts is forgotten, such as by which exit they were reached (CLEARDNSCACHE).
 */
void client_forget_answers(struct client *c);

/* SIGHUP, beside new options: circuits that have carried a stream carry no other, and what could
 * not be fetched is tried again at once. */
void client_refresh(struct client *c);

bool client_is_ready(const struct client *c); /* bootstrapped to 100 % */
unsigned client_bootstrap_percent(const struct client *c);
const struct bootstrap_step *client_bootstrap_step(const struct client *c);

/* What is known of the network, and what is asked for next. */
const struct dirmgr *client_dirmgr(const struct client *c);
/* The cache file FILE as it is now; *OUT is from malloc() and the caller's. ERR_NOT_FOUND: there is
 * none, or nothing is kept; other errors (logged): it can't be read. */
MUST_USE err_t client_read_back(const struct client *c, enum dir_file file, struct blob *out);

size_t client_circuits(const struct client *c); /* all of them, whatever they are for */

/* Writes links, circuits and counts to the log at notice (SIGUSR1). */
void client_dump(struct client *c);

#endif
