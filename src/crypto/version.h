/* The cryptographic libraries that run. */
#ifndef TUNIC_CRYPTO_VERSION_H
#define TUNIC_CRYPTO_VERSION_H

/* "3.0.22", "1.0.18"; static storage. Built: of the headers; the others: of the library loaded. */
const char *crypto_openssl_version(void);
const char *crypto_openssl_built(void);
const char *crypto_sodium_version(void);
const char *crypto_sodium_built(void);

#endif
