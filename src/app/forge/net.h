/* Networks of `tunic forge`: what authorities write, and the files with which tor uses it. */
#ifndef TUNIC_APP_FORGE_NET_H
#define TUNIC_APP_FORGE_NET_H

#include "app/forge/run.h"

/* A consensus or its votes; OUT is what is printed. */
MUST_USE err_t forge_net_write(struct forge_run *r, struct docw *out);
MUST_USE err_t forge_net_write_certs(struct forge_run *r, struct docw *out);

#endif
