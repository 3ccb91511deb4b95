/* The configuration file as the program itself writes it, for a control port's SAVECONF. */
#ifndef TUNIC_HOST_TORRC_H
#define TUNIC_HOST_TORRC_H

#include "base/err.h"
#include "base/log.h"

/* Makes TEXT, as options_torrc() gives it, the file PATH, below tor's two lines that say so. A file
 * that somebody else wrote becomes PATH.orig.1. Whatever happens meanwhile, a crash or a full disk,
 * the file under the name PATH is the old one or the new one. ERR_IO (logged: the old one),
 * ERR_LIMIT (logged: its name is too long), ERR_NOMEM. */
MUST_USE err_t torrc_write(const char *path, const char *text, struct log *log);

#endif
