/* The libevent that runs. */
#ifndef TUNIC_NET_VERSION_H
#define TUNIC_NET_VERSION_H

const char *net_libevent_version(void); /* of the library loaded, "2.1.12-stable" */
const char *net_libevent_built(void);   /* of the headers */

#endif
