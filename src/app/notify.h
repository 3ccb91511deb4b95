/* Word to the service manager, in the protocol of sd_notify(3): lines in a datagram to the socket
 * that NOTIFY_SOCKET names. Without that variable nothing is said. */
#ifndef TUNIC_APP_NOTIFY_H
#define TUNIC_APP_NOTIFY_H

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/* Called after a fork: this process is the one to watch. */
void notify_pid(const struct log *log);
/* The start, or a reload, is over. */
void notify_ready(const struct log *log);
void notify_reloading(const struct log *log);
void notify_stopping(const struct log *log);
void notify_watchdog(const struct log *log);
/* How often the manager wants notify_watchdog(), at least; 0: it does not. */
uint64_t notify_watchdog_us(void);

#endif
