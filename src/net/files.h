/* File store: the files of a DataDirectory. A file is replaced as a whole or not at all: written
 * under another name, synced, renamed, and the folder synced. */
#ifndef TUNIC_NET_FILES_H
#define TUNIC_NET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/log.h"

struct files;

enum { FILES_LOAD_MAX = 128 << 20 };

/* The folder is open as GIFT_FD, which is the store's, also on error; DIR is its name for messages.
 * ERR_NOMEM. */
MUST_USE err_t files_open(int gift_fd, const char *dir, struct log *log, struct files **out);
void files_close(struct files *f); /* NULL is fine */
const char *files_dir(const struct files *f);
struct log *files_log(const struct files *f);
int files_fd(const struct files *f); /* the folder's; stays F's */

/* The file as it is; what replaces it later does not change *OUT, which is the caller's. A large
 * one is mapped and takes no memory of the process's own. ERR_NOT_FOUND: there is none. It is
 * there, and could not be read: ERR_LIMIT (more than FILES_LOAD_MAX), ERR_IO (both logged),
 * ERR_NOMEM. */
MUST_USE err_t files_load(struct files *f, const char *name, struct blob *out);

/* The N PARTS become the file, which goes if they are empty, or its end. ERR_IO (logged, with what
 * to do, and again only after something could be written): the file is as it was. What was appended
 * is not synced: of the end of such a file readers expect no more than that it may be missing, or
 * torn. */
MUST_USE err_t files_replace(struct files *f, const char *name, const struct text *parts, size_t n);
MUST_USE err_t files_append(struct files *f, const char *name, const struct text *parts, size_t n);
/* What becomes of a file that was set aside before: what can be fetched anew needs one at most. */
enum files_aside { ASIDE_OVER_OLDER, ASIDE_BESIDE_OLDER };

/* Renames NAME to NAME.damaged, or beside older ones to NAME.damaged.1 and so on, and says so.
 * ERR_NOT_FOUND: there is no such file. ERR_IO (logged), ERR_LIMIT (logged; too many older ones):
 * it is where it was. */
MUST_USE err_t files_set_aside(struct files *f, const char *name, enum files_aside how);

#endif
