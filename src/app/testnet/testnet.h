/* "tunic testnet": a private Tor network in this process, a client of it, and perhaps a command
 * that runs with both. */
#ifndef TUNIC_APP_TESTNET_TESTNET_H
#define TUNIC_APP_TESTNET_TESTNET_H

/* ARGV[0] is "testnet". The exit status of the process. */
int testnet_main(int argc, char **argv);

#endif
