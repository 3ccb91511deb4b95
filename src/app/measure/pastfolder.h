/* Pastfolder: the folder in which a user's runs are remembered, for one process at a time. */
#ifndef TUNIC_APP_MEASURE_PASTFOLDER_H
#define TUNIC_APP_MEASURE_PASTFOLDER_H

#include "app/measure/folder.h"

enum { PASTFOLDER_WHY = 4600 };

/* PATH is there, and LOCK is its caller's to close: until then no other process has it. ERR_STATE:
 * one has; ERR_IO; and WHY. */
MUST_USE err_t pastfolder_take(char path[FOLDER_PATH_MAX], int *lock, char why[PASTFOLDER_WHY]);

#endif
