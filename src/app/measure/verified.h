/* Verified: whether a consensus that was read from a file is signed by the authorities of its
 * network. Results alone say nothing of the network, and whoever made the file might have. */
#ifndef TUNIC_APP_MEASURE_VERIFIED_H
#define TUNIC_APP_MEASURE_VERIFIED_H

#include "app/measure/offline.h"
#include "base/log.h"
#include "base/text.h"
#include "dir/consensus.h"

enum { VERIFIED_WHY = 400 };

/* CERTS are the authorities' key certificates, as tor keeps them. The network is that of the
 * options, else that of TUNIC_TESTNET_TORRC, else the public one. OK and WHY is "": it is verified.
 * OK and WHY: nobody can tell, since nothing of it is of a network that is known here. Else it does
 * not count, and WHY: ERR_UNDERSIGNED, ERR_ARG (of the torrc), ERR_NOMEM. */
MUST_USE err_t verified_consensus(const struct offline_options *o, const struct consensus *c,
                                  struct text certs, char why[VERIFIED_WHY]);

#endif
