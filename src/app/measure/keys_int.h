/* Inside of keys: what reading and making them have in common. */
#ifndef TUNIC_APP_MEASURE_KEYS_INT_H
#define TUNIC_APP_MEASURE_KEYS_INT_H

#include "app/measure/keys.h"
#include "crypto/encode.h"

enum { KEYS_FILE_MOST = 16 * 1024 };

#define KEYS_KEY_LABEL  "PRIVATE KEY"
#define KEYS_CERT_LABEL "CERTIFICATE"

/* Says why in words, and returns E. */
PRINTF_LIKE(3, 4) err_t keys_fail(char why[KEYS_WHY], err_t e, const char *fmt, ...);

#endif
