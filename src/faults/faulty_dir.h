/* Faulty dir: the misdeeds of a faulty node's directory server, shared by dir.c and dir_answer.c.
 */
#ifndef TUNIC_FAULTS_FAULTY_DIR_H
#define TUNIC_FAULTS_FAULTY_DIR_H

#include "faults/faulty.h"
#include "testnet/dirserv_int.h"

#define FAULTY_NS        "/tor/status-vote/current/consensus"
#define FAULTY_MICRODESC FAULTY_NS "-microdesc"

/* The answer that was found for R, made wrong. */
void faulty_dir_found(struct dirserv *s, const struct dirserv_request *r, struct dirserv_answer *a);
/* The whole answer, as it is about to be sent. */
void faulty_dir_answer(struct dirserv *s, const struct dirserv_request *r);
void faulty_drip_stop(struct dirserv *s);

#endif
