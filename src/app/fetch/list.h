/* What "tunic fetch" does without fetching: lists of servers, documents of their JSON. */
#ifndef TUNIC_APP_FETCH_LIST_H
#define TUNIC_APP_FETCH_LIST_H

#include "app/fetch/args.h"

/* All return the exit status, and have said what is wrong. */

/* --list-sources: a line each on standard output, or a JSON list. */
int fetch_list_sources(const struct fetch_args *a);
/* --check-fallbacks: the problems of a list of fallbacks on standard error; what is good of it, in
 * the same form or as JSON, to standard output or -o. FETCH_STATUS_INVALID: it has errors. */
int fetch_check_list(const struct fetch_args *a);
/* --print: the documents of which the file has the JSON form, one or a list, to standard output or
 * -o. FETCH_STATUS_INVALID: it is no JSON, or not of documents. */
int fetch_print(const struct fetch_args *a);

#endif
