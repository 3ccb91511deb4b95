/* A client's inside. */
#ifndef TUNIC_LIB_CLIENT_H
#define TUNIC_LIB_CLIENT_H

#include "client/client.h"
#include "client/events.h"
#include "host/host.h"
#include "lib/lib.h"
#include "tunic/client.h"

struct tunic_client {
    struct handle h;
    struct client *client; /* the host's */
    struct host *host;     /* NULL once it has ended */
    char *home;            /* for options that a controller sets */
    struct event_listener listener;
    bool obsolete; /* the network requires what this version lacks; see error */
    struct tunic_progress progress;
    struct tunic_error error;  /* the last problem before it was ready */
    struct tunic_stream *open; /* those of the program that have not ended */
    void (*callback)(void *arg, struct tunic_client *client, enum tunic_event event);
    void *callback_arg;
};

/* ---- client_options.c ---- */

/* Where "~" is in options: the environment's, so for this call only. */
const char *lib_home(void);

/* What the program said, checked; BASE: what it begins with, or NULL. NULL with ERROR. */
struct options *lib_client_options(struct tunic *t, const struct tunic_client_options *o,
                                   const struct options *base, struct tunic_error *error);
/* OLD with one option set, or back at its default (VALUE NULL). */
struct options *lib_client_options_set(struct tunic *t, const struct options *old, const char *name,
                                       const char *value, struct tunic_error *error);

#endif
