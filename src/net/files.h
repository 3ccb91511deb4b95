/* File store: the files of a DataDirectory. A file is replaced as a whole or not at all: written
 * under another name, synced, renamed, and the folder synced. */
#ifndef TUNIC_NET_FILES_H
#define TUNIC_NET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

struct files;

enum { FILES_LOAD_MAX = 128 << 20 };

/* DIR must exist. ERR_IO (errno is set), ERR_NOMEM. */
MUST_USE err_t files_open(const char *dir, struct log *log, struct files **out);
void files_close(struct files *f); /* NULL is fine */

/* The file as bytes from malloc(), which the caller frees; ERR_NOT_FOUND, ERR_LIMIT, ERR_IO
 * (logged), ERR_NOMEM. */
MUST_USE err_t files_load(struct files *f, const char *name, uint8_t **out, size_t *len);

/* A failure is logged, with what to do; the old file stays. */
MUST_USE err_t files_replace(struct files *f, const char *name, const void *bytes, size_t len);
/* As much as fits; a torn last entry is what readers of such files must bear anyway. */
MUST_USE err_t files_append(struct files *f, const char *name, const void *bytes, size_t len);
/* Renames NAME to NAME.damaged, over an older one. */
void files_set_aside(struct files *f, const char *name);

#endif
