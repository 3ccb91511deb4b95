/* What would keep a start from succeeding, found without one: for --verify-config. Nothing is made,
 * changed or left behind. */
#ifndef TUNIC_HOST_VERIFY_H
#define TUNIC_HOST_VERIFY_H

#include "conf/options.h"

/* The places of unix sockets: to be asked with the rights that listeners are opened with. ERR_IO.
 */
MUST_USE err_t verify_ports(const struct options *o, const struct log *log, struct conf_err *e);

/* GeoIPFile, if node lists name countries. ERR_IO; ERR_MALFORMED: it names none; ERR_NOMEM. */
MUST_USE err_t verify_countries(const struct options *o, const struct log *log, struct conf_err *e);

/* Folders, log files, pid file and state: as the user that the program runs as. ERR_IO. */
MUST_USE err_t verify_files(const struct options *o, struct conf_err *e);

#endif
