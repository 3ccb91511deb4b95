/* The client of a test network, and what a command is told of it. */
#ifndef TUNIC_APP_TESTNET_CLIENT_H
#define TUNIC_APP_TESTNET_CLIENT_H

#include "app/testnet/network.h"
#include "host/host.h"

/* It listens, and does nothing yet. An error, and why. */
MUST_USE err_t testnet_client_new(const struct testnet_network *n, struct host **out);
MUST_USE err_t testnet_client_begin(const struct testnet_network *n, struct host *h);
/* Into the environment; H is NULL if there is no client. ERR_NOMEM. */
MUST_USE err_t testnet_client_export(const struct testnet_dir *d, const struct host *h);

#endif
