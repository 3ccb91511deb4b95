/* Include this before any header of OpenSSL, whose type ERR_STATE would collide with the error of
 * that name in base/err.h. Only for src/crypto/ and src/link/tls*.c, and in .c files only. */
#ifndef TUNIC_CRYPTO_OPENSSL_H
#define TUNIC_CRYPTO_OPENSSL_H

#define ERR_STATE openssl_err_state
#include <openssl/err.h>
#include <openssl/types.h>
#undef ERR_STATE

#endif
