/* Ctlplace: where a coordinator takes its orders: a path from the root, in a folder that is its
 * owner's alone. Who can reach the socket there can give orders. */
#ifndef TUNIC_APP_MEASURE_CTLPLACE_H
#define TUNIC_APP_MEASURE_CTLPLACE_H

#include <limits.h>

#include "base/log.h"
#include "measure/conf.h"

enum { CTLPLACE_MAX = PATH_MAX + MCONF_TEXT_MAX };

/* Makes the data folder, and settles PATH. ERR_IO, ERR_STATE (logged). */
MUST_USE err_t ctlplace_make(const struct mconf_coord *conf, const struct log *log,
                             char path[CTLPLACE_MAX]);

#endif
