/* What "tunic fetch" does without fetching: lists of servers. */
#ifndef TUNIC_APP_FETCH_LIST_H
#define TUNIC_APP_FETCH_LIST_H

#include "app/fetch/args.h"

/* Both return the exit status, and have said what is wrong. */

/* --list-sources: a line each on standard output, or a JSON list. */
int fetch_list_sources(const struct fetch_args *a);
/* --check-fallbacks: the problems of a list of fallbacks on standard error; what is good of it, in
 * the same form or as JSON, to standard output or -o. FETCH_STATUS_INVALID: it has errors. */
int fetch_check_list(const struct fetch_args *a);

#endif
