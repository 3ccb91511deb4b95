/* The folders that options name: private to their owner, and used by one at a time. A folder is
 * opened once and checked as opened; what is in it is reached through that descriptor, so that what
 * was checked is what is used. */
#ifndef TUNIC_HOST_FOLDER_H
#define TUNIC_HOST_FOLDER_H

#include "conf/confline.h"

/* Opens DIR as *FD, the caller's to close. Makes it (0700, or 0750 if GROUP_READABLE) if it is not
 * there; refuses a symbolic link, and one that belongs to another user than OWNER (NULL: this
 * user); takes away rights of others with a warning. ERR_IO. */
MUST_USE err_t folder_open(const char *dir, bool group_readable, const char *owner,
                           const struct log *log, int *fd, struct conf_err *e);

/* Whether folder_open() would succeed for this user; changes nothing. ERR_IO. */
MUST_USE err_t folder_check(const char *dir, struct conf_err *e);

/* Locks the file "lock" in the folder DIR, open as DIR_FD, for this process. ERR_STATE: another
 * process holds it. *FD stays open as long as the lock is wanted. */
MUST_USE err_t folder_lock(int dir_fd, const char *dir, int *fd, struct conf_err *e);

/* The folder that PATH is in, for OUT of SIZE bytes: "." if PATH names none. */
void folder_of(const char *path, char *out, size_t size);

#endif
