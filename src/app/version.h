/* Who we are and with what we run, as text. */
#ifndef TUNIC_APP_VERSION_H
#define TUNIC_APP_VERSION_H

#include <stdio.h>

/* The C tor whose options, files and control protocol these are. */
#define TOR_COMPAT_VERSION "0.4.9.11"

/* "0.4.9.11 (tunic-0.1.0)": what programs that look for tor's version get, from --version and from
 * the control port. It parses as a tor version whose extra says who it really is. */
const char *version_for_controllers(void);

/* "running on Linux with Libevent ..., OpenSSL ..., ... and Glibc ... as libc." Returns OUT. */
enum { VERSION_PLATFORM_MAX = 512 };
const char *version_platform(char out[VERSION_PLATFORM_MAX]);

void version_print(FILE *out);           /* --version */
void version_print_libraries(FILE *out); /* --library-versions */

#endif
