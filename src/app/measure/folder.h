/* Folder: one that is its owner's alone, with what leads to it. */
#ifndef TUNIC_APP_MEASURE_FOLDER_H
#define TUNIC_APP_MEASURE_FOLDER_H

#include "base/err.h"

enum { FOLDER_PATH_MAX = 4096 };

/* Makes PATH and those of its parents that are not there, each 0700; one that is there stays as it
 * is. ERR_IO: errno says why, and AT is the one that could not be made. */
MUST_USE err_t folder_make(const char *path, char at[FOLDER_PATH_MAX]);

#endif
