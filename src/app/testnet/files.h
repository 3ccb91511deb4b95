/* The folder of a test network: what others need to use it. Only keys/ and measure/ are secret. */
#ifndef TUNIC_APP_TESTNET_FILES_H
#define TUNIC_APP_TESTNET_FILES_H

#include <stdio.h>

#include "testnet/testnet.h"

enum { TESTNET_DIR_MAX = 1024, TESTNET_FILES_WHY = 320 };

struct testnet_dir {
    char path[TESTNET_DIR_MAX]; /* absolute */
    bool temporary;             /* to be removed at the end */
    int lock_fd;                /* -1: none */
};

/* WISH NULL: a new folder of our own in TMPDIR. Makes it (0700) if it is not there, and locks it.
 * ERR_IO, ERR_STATE (another process uses it), and WHY. */
MUST_USE err_t testnet_dir_open(const char *wish, struct testnet_dir *out,
                                char why[TESTNET_FILES_WHY]);
void testnet_dir_close(struct testnet_dir *d); /* the zero one with lock_fd -1 is fine */

/* The seed of the network that was in D before. ERR_NOT_FOUND. */
MUST_USE err_t testnet_dir_seed(const struct testnet_dir *d, uint64_t *seed);

struct testnet_facts {
    const struct plan *plan;
    const struct identity *ids;
    const struct testnet *testnet;
    uint64_t seed;
    uint16_t socks_port, page_port; /* 0: none */
    const struct node_host *hosts;
    size_t n_hosts;
    const struct identity *coordinator; /* of measurements; NULL: there is none */
};

/* Writes client.torrc, fingerprints, nodes.json, keys/ and measure/. ERR_IO and WHY. */
MUST_USE err_t testnet_dir_write(const struct testnet_dir *d, const struct testnet_facts *f,
                                 char why[TESTNET_FILES_WHY]);
/* The same as one object, with BETWEEN (a newline, or nothing) after each node; ends in a newline.
 */
void testnet_counts_json(FILE *out, const struct testnet *t, const char *between);
/* Writes counts.json: what each node has seen so far. ERR_IO and WHY. */
MUST_USE err_t testnet_dir_counts(const struct testnet_dir *d, const struct testnet *t,
                                  char why[TESTNET_FILES_WHY]);

#endif
