/* Files of `tunic forge`: read whole, written whole or not at all. */
#ifndef TUNIC_APP_FORGE_FILES_H
#define TUNIC_APP_FORGE_FILES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "dirdoc/docw.h"

enum { FORGE_PATH_MAX = 4096, FORGE_FILES_WHY = 512, FORGE_READ_MAX = 64 << 20 };

/* Appends the file to OUT; "-" is standard input. ERR_NOT_FOUND, ERR_LIMIT, ERR_IO, ERR_NOMEM, and
 * WHY. */
MUST_USE err_t forge_file_read(const char *path, struct docw *out, char why[FORGE_FILES_WHY]);

/* FOLDER/NAME, with the folders on the way (0700). The file has another name until it is
 * whole; SECRET: readable for its owner only. ERR_IO and WHY. */
MUST_USE err_t forge_file_write(const char *folder, const char *name, bool secret,
                                struct text bytes, char why[FORGE_FILES_WHY]);

#endif
