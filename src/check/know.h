/* What is known of the relay under test: learnt once, before the cases. */
#ifndef TUNIC_CHECK_KNOW_H
#define TUNIC_CHECK_KNOW_H

#include "check/trial.h"

/* Fills in what the relay tells of run->rsa, ->ed, ->ntor.. The trial fails if what answers is no
 * relay, or does not prove to be the one that was asked for. */
void know_relay(struct trial *t);

#endif
