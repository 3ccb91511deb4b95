/* uthash and utlist, set up to report a failed allocation instead of ending the process. */
#ifndef TUNIC_BASE_HASH_H
#define TUNIC_BASE_HASH_H

#define HASH_NONFATAL_OOM 1

#include <uthash.h>
#include <utlist.h>

/* Whether the HASH_ADD of ELT through handle HH took place; out of memory it did not. */
#define HASH_ADDED(elt, hh_) ((elt)->hh_.tbl != NULL)

#endif
