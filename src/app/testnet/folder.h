/* The folder of a test network: made, locked, removed again if it is temporary. */
#ifndef TUNIC_APP_TESTNET_FOLDER_H
#define TUNIC_APP_TESTNET_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

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

/* A folder in it, which may be there. ERR_IO and WHY. */
MUST_USE err_t testnet_dir_make(const struct testnet_dir *d, const char *name,
                                char why[TESTNET_FILES_WHY]);

/* A file under another name, to be renamed once it is whole. */
struct testnet_draft {
    FILE *f;
    char path[TESTNET_DIR_MAX + 64], aside[TESTNET_DIR_MAX + 72];
};
/* ERR_IO and WHY; all that was written before is still there then. */
MUST_USE err_t testnet_draft_open(struct testnet_draft *w, const struct testnet_dir *d,
                                  const char *name, mode_t mode, char why[TESTNET_FILES_WHY]);
MUST_USE err_t testnet_draft_done(struct testnet_draft *w, char why[TESTNET_FILES_WHY]);

#endif
