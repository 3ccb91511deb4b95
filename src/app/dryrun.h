/* What a configuration comes to, told without a client that runs by it. */
#ifndef TUNIC_APP_DRYRUN_H
#define TUNIC_APP_DRYRUN_H

#include "app/cmdline.h"

/* Prints O as C's --dump-config asks; the program's exit status. */
int dryrun_dump(const struct cmdline *c, const struct options *o);
/* Checks O as strictly as a start does. */
MUST_USE err_t dryrun_verify(const struct options *o, const struct log *log, struct conf_err *e);

#endif
