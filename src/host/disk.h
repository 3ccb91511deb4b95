/* Configuration as it lies on this computer: torrc, what it includes, standard input. */
#ifndef TUNIC_HOST_DISK_H
#define TUNIC_HOST_DISK_H

#include <stdio.h>

#include "conf/confline.h"

/* The files of this computer, for conf_lex(). */
struct conf_source disk_source(const struct log *log);

/* All of IN up to its end, NUL-terminated; the caller frees it. ERR_LIMIT over CONF_FILE_MAX. */
MUST_USE err_t disk_read_stream(FILE *in, char **content);

#endif
