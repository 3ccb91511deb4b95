/* The files of a test network's folder: what others need to use it. Only keys/ and measure/ are
 * secret. */
#ifndef TUNIC_APP_TESTNET_FILES_H
#define TUNIC_APP_TESTNET_FILES_H

#include "app/testnet/folder.h"
#include "testnet/testnet.h"

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
