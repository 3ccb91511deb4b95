/* Faults: every way in which a node of a test network can be told to break the protocol. A relay
 * without faults keeps every rule; a fault breaks the one rule that its line names.
 *
 * Each is a switch with a number: 0 off; otherwise it acts from the N-th occasion on (1: the
 * first), if its kind is FAULT_FROM, or on the N-th occasion only, if FAULT_AT. What an occasion
 * is, the line says. */
#ifndef TUNIC_FAULTS_FAULTS_H
#define TUNIC_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "faults/list_conflux.h"
#include "faults/list_create.h"
#include "faults/list_dir.h"
#include "faults/list_extend.h"
#include "faults/list_link.h"
#include "faults/list_measure.h"
#include "faults/list_relay.h"
#include "faults/list_robust.h"

/* The lists are of rows X(NAME, "name-on-the-command-line", FAULT_FROM or FAULT_AT, "what the node
 * does wrong"). A line for each, so that additions do not collide. */
/* clang-format off */
#define FAULT_LIST(X) \
    FAULTS_LINK(X) \
    FAULTS_CREATE(X) \
    FAULTS_CIRC(X) \
    FAULTS_RELAY(X) \
    FAULTS_STREAM(X) \
    FAULTS_CONFLUX(X) \
    FAULTS_DIR(X) \
    FAULTS_DIR_DOCS(X) \
    FAULTS_DIR_HTTP(X) \
    FAULTS_ROBUST(X) \
    FAULTS_EXTEND(X) \
    FAULTS_MEASURE(X)
/* clang-format on */

enum fault {
#define X(name, text, kind, what) FAULT_##name,
    FAULT_LIST(X)
#undef X
        FAULTS
};

enum fault_kind { FAULT_FROM, FAULT_AT };

struct faults {
    uint32_t n[FAULTS];    /* the switch; 0: off */
    uint32_t seen[FAULTS]; /* occasions so far */
};

struct node;
struct testnet;

/* The switches of N, to be set at any time: the first call makes N a node that can be at fault.
 * NULL out of memory. */
struct faults *faults_of(struct node *n);
/* Gives each node of T its switches. Links that came in before stay honest as links. ERR_NOMEM. */
MUST_USE err_t faults_attach(struct testnet *t);

/* An occasion for FAULT: whether to break the rule now. */
bool fault_now(struct faults *f, enum fault fault);

/* "name" or "name=N". ERR_NOT_FOUND, ERR_MALFORMED (N). */
MUST_USE err_t fault_set(struct faults *f, const char *text);
const char *fault_name(enum fault fault);
const char *fault_text(enum fault fault);

#endif
