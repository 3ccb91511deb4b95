/* How requests of "tunic fetch" reach a server: one hop to an ORPort with the library's relays,
 * circuits and directory requests; HTTP to a DirPort; or a client's circuits of three hops. All of
 * it on one event loop. */
#ifndef TUNIC_APP_FETCH_TRANSPORT_H
#define TUNIC_APP_FETCH_TRANSPORT_H

#include "app/fetch/sources.h"
#include "app/fetch/suspect.h"
#include "net/net.h"
#include "tunic/directory.h"

struct host;

/* What all share. */
struct hub {
    struct log log;
    struct net *net;     /* ours: timers, sockets of DirPorts, the client */
    struct tunic *tunic; /* on the same loop */
    struct host *host;   /* of the client of --anonymous */
    int32_t sessions;    /* of the client's circuits, so far */
    const char *accept;  /* NULL: all encodings */
    bool raw;
    uint64_t stall_ms; /* an attempt is given up when nothing happens for so long */
};

/* LOG is copied. ERROR says why not. */
MUST_USE err_t hub_init(struct hub *h, const struct log *log, struct tunic_error *error);
/* The client of --anonymous; DATA_DIRECTORY may be NULL. WHY says why not. */
MUST_USE err_t hub_start_client(struct hub *h, const struct sources *s, const char *data_directory,
                                char why[SOURCES_WHY]);
void hub_free(struct hub *h);
/* T fires in MS milliseconds; also from inside callbacks of the library. */
void hub_arm(struct hub *h, struct timer *t, uint64_t ms);

enum source_state { SOURCE_NEW, SOURCE_OPENING, SOURCE_OPEN, SOURCE_FAILED };

struct get;

struct source {
    struct hub *hub;
    const struct source_spec *spec;
    enum source_state state;
    unsigned failures;        /* since it last answered */
    struct tunic_error error; /* FAILED */
    /* What the server has proved to be, when it was last open. */
    bool has_rsa, has_ed;
    struct rsa_id rsa;
    struct ed_id ed;
    struct tunic_relay *relay;
    struct tunic_circuit *circuit;
    struct get *gets;
    size_t n_gets;             /* of them, not settled */
    struct timer stall;        /* while OPENING */
    struct timer silent;       /* in the TLS handshake */
    struct suspect *suspected; /* of being a directory port */
};

void source_init(struct source *s, struct hub *h, const struct source_spec *spec);
/* Hangs up; its requests have been freed before. It can be used again. */
void source_close(struct source *s);

struct get_ask {
    const char *path;
    size_t most;         /* bytes */
    bool authority_only; /* with --anonymous: who is asked must be one */
    /* Once, from the loop. The request may be freed there. */
    void (*settled)(void *arg, struct get *g);
    void *arg;
};

/* NULL out of memory. */
MUST_USE struct get *get_start(struct source *s, const struct get_ask *ask);
void get_free(struct get *g); /* NULL is fine */

struct source *get_source(const struct get *g);
const struct tunic_error *get_error(const struct get *g); /* NULL: there is a document */
/* How far one that is not settled has got, as an error of class TIMEOUT whose text ends in WHY. */
void get_where(const struct get *g, const char *why, struct tunic_error *error);
/* Valid as long as G. */
struct text get_document(const struct get *g);
const char *get_encoding(const struct get *g);
/* Bytes as they come: so far, and in all (0: not known). */
size_t get_received(const struct get *g);
size_t get_expected(const struct get *g);

#endif
