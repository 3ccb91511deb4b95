/* What is known of the relay under test, and of others: learnt before the cases that need it. */
#ifndef TUNIC_CHECK_KNOW_H
#define TUNIC_CHECK_KNOW_H

#include "check/trial.h"

/* Fills in what the relay tells of run->rsa, ->ed, ->ntor.. The trial fails if what answers is no
 * relay, or does not prove to be the one that was asked for. */
void know_relay(struct trial *t);

/* Fills in run->next and ->third from the relay's consensus, once a run, if NEEDS (check_needs)
 * asks for one that is not known. What is sent and seen for it is told only if it fails. */
void know_others(struct trial *t, unsigned needs);

#endif
