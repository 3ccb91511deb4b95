/* The folders that options name: private to their owner, and used by one at a time. */
#ifndef TUNIC_HOST_FOLDER_H
#define TUNIC_HOST_FOLDER_H

#include "conf/confline.h"

/* Makes DIR (0700, or 0750 if GROUP_READABLE) if CREATE and it is not there; refuses one that
 * belongs to another user than OWNER (NULL: this user); takes away rights of others with a warning.
 */
MUST_USE err_t folder_make_private(const char *dir, bool create, bool group_readable,
                                   const char *owner, const struct log *log, struct conf_err *e);

/* Locks DIR/lock for this process. ERR_STATE: another process holds it. *FD stays open as long as
 * the lock is wanted. */
MUST_USE err_t folder_lock(const char *dir, int *fd, struct conf_err *e);

#endif
