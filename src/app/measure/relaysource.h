/* Relaysource: where a coordinator's relays come from: the documents that a client of tor's or
 * Tunic's keeps in its DataDirectory, which is followed while it writes there, or a client of our
 * own, with guards and a folder like any other's, that fetches them each hour. Nobody else is
 * connected to: descriptors come through three hops. */
#ifndef TUNIC_APP_MEASURE_RELAYSOURCE_H
#define TUNIC_APP_MEASURE_RELAYSOURCE_H

#include "measure/listing.h"
#include "net/net.h"

struct relaysource;

/* Borrowed; NET, LOG and LISTING outlive it. */
struct relaysource_config {
    struct net *net;
    struct log *log;
    struct listing *listing;
    const char *directory; /* "none", "fetch", or a folder */
    const char *torrc;     /* a file that says whose network it is; "": the public one */
    const char *datadir;   /* the coordinator's: our client's folder is in it */
};

/* *OUT is NULL if there is to be none. What is wrong is logged: ERR_ARG, ERR_IO, ERR_STATE (another
 * process has the folder), ERR_NOMEM. */
MUST_USE err_t relaysource_open(const struct relaysource_config *config, struct relaysource **out);
/* Whether it can be known whose network it is, by CONFIG's log, directory and torrc: errors as of
 * relaysource_open(). */
MUST_USE err_t relaysource_check(const struct relaysource_config *config);
void relaysource_close(struct relaysource *r); /* NULL is fine */

/* What CONFIG, or a torrc that was edited since, makes of R, which may be NULL: none. */
enum relaysource_change {
    RELAYSOURCE_SAME,
    RELAYSOURCE_ELSEWHERE, /* the same network's relays, from another place */
    RELAYSOURCE_NETWORK,   /* other authorities: of these relays nothing is known */
    RELAYSOURCE_WRONG,     /* its torrc is wrong (logged) */
};
enum relaysource_change relaysource_compare(const struct relaysource *r,
                                            const struct relaysource_config *config);

#endif
