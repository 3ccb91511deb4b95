/* Named: which relay somebody means, as results and documents name it. */
#ifndef TUNIC_APP_MEASURE_NAMED_H
#define TUNIC_APP_MEASURE_NAMED_H

#include "base/addr.h"
#include "base/log.h"
#include "dir/consensus.h"

/* WORD is a fingerprint, with or without "$", which goes to FP in upper case; an address with its
 * port, then FP is "" and AT it; or a nickname of the consensus, which may be NULL. ERR_NOT_FOUND
 * (logged): nobody, or several. */
MUST_USE err_t named_find(const char *word, const struct consensus *c, const struct log *log,
                          char fp[41], struct ipport *at);

#endif
