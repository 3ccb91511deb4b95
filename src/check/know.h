/* What is known of the relay under test: learnt once, before the cases. */
#ifndef TUNIC_CHECK_KNOW_H
#define TUNIC_CHECK_KNOW_H

#include "check/trial.h"

/* Fills in run->rsa, ->ed and, if the relay tells it, ->ntor. The trial fails if it does not prove
 * to be a relay, or is another one than was asked for. */
void know_relay(struct trial *t);

#endif
