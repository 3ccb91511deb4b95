/* Who we are and with what we run, as text. */
#ifndef TUNIC_APP_VERSION_H
#define TUNIC_APP_VERSION_H

#include <stdio.h>

/* "running on Linux with Libevent ..., OpenSSL ..., ... and Glibc ... as libc." Returns OUT. */
enum { VERSION_PLATFORM_MAX = 512 };
const char *version_platform(char out[VERSION_PLATFORM_MAX]);

void version_print(FILE *out);           /* --version */
void version_print_libraries(FILE *out); /* --library-versions */

#endif
