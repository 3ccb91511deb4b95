/* Who we are, for those who look for tor's version. */
#ifndef TUNIC_BASE_VERSION_H
#define TUNIC_BASE_VERSION_H

/* The C tor whose options, files and control protocol these are. */
#define TOR_COMPAT_VERSION "0.4.9.11"

/* "0.4.9.11 (tunic-0.1.0)": what programs that look for tor's version get, from --version and from
 * the control port. It parses as a tor version whose extra says who it really is. */
const char *version_for_controllers(void);

#endif
