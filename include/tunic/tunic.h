/* libtunic: a Tor client as a library.
 *
 * This first release installs the library with its version only; the calls that open links,
 * circuits and streams follow once their shape has settled. */
#ifndef TUNIC_TUNIC_H
#define TUNIC_TUNIC_H

#ifdef __cplusplus
extern "C" {
#endif

#define TUNIC_API __attribute__((visibility("default")))

/* The version of the library that runs, "0.1.0"; static storage. */
TUNIC_API const char *tunic_version(void);

#ifdef __cplusplus
}
#endif

#endif
