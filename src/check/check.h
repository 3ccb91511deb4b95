/* Check: tries a relay rule by rule, over real connections to its ORPort, as a client that keeps or
 * breaks the protocol on purpose, and says of each rule whether the relay keeps it.
 *
 * No I/O here: connections are the caller's (struct check_wire), so that the same cases run over
 * sockets and against a node in memory. */
#ifndef TUNIC_CHECK_CHECK_H
#define TUNIC_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/reach.h"
#include "base/text.h"
#include "crypto/x25519.h"

enum check_level { CHECK_MUST, CHECK_SHOULD };
enum check_verdict { CHECK_PASS, CHECK_FAIL, CHECK_SKIP };

struct link_identity; /* link/identity.h */
struct trial;         /* check/trial.h */

/* What has to be known of the relay before a case is tried, beside who it is: or-ed together. */
enum check_needs {
    NEEDS_NOTHING = 0,
    NEEDS_KEY = 1,   /* its onion key */
    NEEDS_NEXT = 2,  /* another relay, to extend to */
    NEEDS_THIRD = 4, /* another relay besides */
};

/* One rule. Ids are "section/what"; they are an interface and stay. */
struct check_case {
    const char *id;
    enum check_level level;
    const char *spec; /* "tor-spec 4.1" */
    const char *rule; /* what the relay does, as a sentence without its subject */
    void (*run)(struct trial *t);
    unsigned needs; /* enum check_needs: what the run learns before, if it can */
};

struct check_section {
    const char *name; /* the part of its cases' ids before the slash */
    const char *title;
    const struct check_case *cases;
    size_t n;
};

/* All there are, in the order in which they are tried. */
extern const struct check_section *const check_sections[];
extern const size_t check_n_sections;

/* Connections to the relay under test. */
struct check_wire {
    /* Begins one, and waits until it is there; NULL: it cannot be made, WHY says why. */
    void *(*open)(void *world, const char **why);
    /* Sends all of it, or ERR_LINK_CLOSED. */
    err_t (*send)(void *world, void *conn, const void *bytes, size_t len);
    /* What has come, at least one byte; waits for it. ERR_MORE: nothing within TIMEOUT_MS;
     * ERR_LINK_CLOSED: the relay has closed. Sets the environment's clocks. */
    err_t (*recv)(void *world, void *conn, void *out, size_t cap, size_t *n, uint32_t timeout_ms);
    void (*close)(void *world, void *conn);
    /* Lets so much time pass (the cases' pace); NULL: no need to. */
    void (*sleep)(void *world, uint32_t ms);
};

/* A relay to extend to. */
struct check_next {
    bool known;
    struct ipport addr;
    struct rsa_id rsa;
    struct ed_id ed;
    bool has_ed;
    struct x25519_pub ntor;
};

struct check_config {
    struct env *env;
    const struct check_wire *wire;
    void *world;
    struct reach reach; /* of the relay: WIRE's open() goes there; its address is for NETINFO */
    /* The identities that it should have; without any, whoever answers will do. */
    bool has_rsa, has_ed;
    struct rsa_id rsa;
    struct ed_id ed;
    /* Its onion key; else the one of the descriptor that it serves. */
    bool has_ntor;
    struct x25519_pub ntor;
    struct check_next next; /* if not set: one that the relay's own consensus names */
    /* Who we are to a relay that lets us measure it; NULL: cases that measure are skipped.
     * Borrowed.
     */
    const struct link_identity *identity;
    /* A microdescriptor consensus that the relay had before the present one; may be empty. */
    struct text old_consensus;
    uint32_t answer_ms; /* how long an answer may take; 0: 5 s */
    uint32_t pace_ms;   /* the least time between two connections */
    const char *only;   /* "section", "section/case", several with commas; NULL: all */
};

/* What became of one case. Texts are valid during the call. */
struct check_result {
    const struct check_case *c;
    enum check_verdict verdict;
    const char *sent, *awaited, *seen; /* in the words of the protocol */
    const char *why;                   /* of a failure or a skip */
    uint32_t took_ms;
};

/* A run: what was learnt of the relay. CONFIG is borrowed. ERR_LINK_CONNECT: the
 * relay cannot be reached at all, or is none, or another one than asked for (WHY says how);
 * ERR_CRYPTO, ERR_NOMEM. */
struct check_run;
MUST_USE err_t check_open(const struct check_config *config, struct check_run **out, char *why,
                          size_t why_cap);
/* RESULT is called once. */
void check_try(struct check_run *run, const struct check_case *c,
               void (*result)(void *arg, const struct check_result *r), void *arg);
/* How many connections it has made so far. */
unsigned check_connections(const struct check_run *run);
void check_close(struct check_run *run); /* NULL is fine */

/* Whether ONLY (as in struct check_config) asks for C. */
bool check_wants(const char *only, const struct check_case *c);
/* A word of ONLY that names nothing, up to the next comma, or NULL. */
const char *check_unknown(const char *only);

#endif
