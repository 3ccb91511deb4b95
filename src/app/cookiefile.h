/* The cookie of a control port, in the file that the port names (control-spec 3.21). */
#ifndef TUNIC_APP_COOKIEFILE_H
#define TUNIC_APP_COOKIEFILE_H

#include "crypto/safecookie.h"

/* ERR_IO, and errno; ERR_MALFORMED: a file of any other length is no cookie, whoever says so, and
 * its bytes are nobody's business. */
MUST_USE err_t cookiefile_read(const char *path, uint8_t out[SAFECOOKIE_LEN]);

#endif
