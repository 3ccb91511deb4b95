/* Plain wire: TCP connections that wait, one call after the other, without the loop. For tools that
 * hold one conversation at a time. */
#ifndef TUNIC_APP_CHECK_PLAINWIRE_H
#define TUNIC_APP_CHECK_PLAINWIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"

struct plainwire;

/* Connects to TO within TIMEOUT_MS. ERR_LINK_CONNECT: errno says why (ETIMEDOUT: in time);
 * ERR_NOMEM. ENV's clocks are set by this call and by those that wait. */
MUST_USE err_t plainwire_open(struct env *env, const struct ipport *to, uint32_t timeout_ms,
                              struct plainwire **out);
/* Sends all, waiting at most TIMEOUT_MS for room: ERR_LINK_CLOSED, ERR_LINK_TIMEOUT. */
MUST_USE err_t plainwire_send(struct plainwire *w, const void *bytes, size_t len,
                              uint32_t timeout_ms);
/* What has come, *N > 0 bytes; waits for it. ERR_MORE: nothing in TIMEOUT_MS; ERR_LINK_CLOSED. */
MUST_USE err_t plainwire_recv(struct plainwire *w, void *out, size_t cap, size_t *n,
                              uint32_t timeout_ms);
void plainwire_close(struct plainwire *w); /* NULL is fine */

#endif
