/* CREATE cells in the hands of a case: each part of them right or wrong. */
#ifndef TUNIC_CHECK_PCREATE_H
#define TUNIC_CHECK_PCREATE_H

#include "check/pcirc.h"

/* CREATE2 with that HLEN, true or not, and LEN bytes of data, under a new id, which it gives. */
uint32_t pcreate2(struct probe *p, uint16_t htype, size_t hlen, const void *hdata, size_t len);
/* The relay refuses the circuit: DESTROY is the next cell. Its reason. */
uint8_t pcreate_refused(struct probe *p, uint32_t id);
/* The data of CREATED2, valid until the next cell; NULL, and the trial has failed, if it is none.
 */
const uint8_t *pcreate_answered(struct probe *p, uint32_t id, size_t *len);

/* An ntor skin for the relay under test; false: its key is not known, and the trial is skipped. */
bool pcreate_ntor(struct trial *t, struct ntor_client *st, uint8_t skin[NTOR_SKIN_LEN]);

#endif
