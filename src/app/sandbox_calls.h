/* The calls that are allowed under Sandbox 1. */
#ifndef TUNIC_APP_SANDBOX_CALLS_H
#define TUNIC_APP_SANDBOX_CALLS_H

#include <seccomp.h>

#include "base/err.h"

/* Adds every rule to FILTER. A call that FILTER's architectures do not have is left out.
 * ERR_NOMEM, or ERR_BUG: a rule makes no sense. */
MUST_USE err_t sandbox_add_rules(scmp_filter_ctx filter);

#endif
