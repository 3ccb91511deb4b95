/* Sandbox 1: from here on the process may ask the kernel for nothing but what a client was seen to
 * need (sandbox_calls.c; docs/sandbox.md has the reasons). A call that is refused is named in the
 * log, and the process ends with status 1: whoever makes one is not the program any more. */
#ifndef TUNIC_APP_SANDBOX_H
#define TUNIC_APP_SANDBOX_H

#include "base/log.h"
#include "conf/confline.h"

/* Holds until the process ends. ERR_UNSUPPORTED: the kernel cannot filter; ERR_NOMEM. A build whose
 * sanitizer makes calls of its own warns, and goes on without. */
MUST_USE err_t sandbox_enter(const struct log *log, struct conf_err *e);

/* Where a refused call is named, besides standard error; at most SANDBOX_FDS_MAX. Again after each
 * change of the log files. */
enum { SANDBOX_FDS_MAX = 8 };
void sandbox_log_to(const int *fds, size_t n);

#endif
