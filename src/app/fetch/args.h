/* The command line of "tunic fetch". */
#ifndef TUNIC_APP_FETCH_ARGS_H
#define TUNIC_APP_FETCH_ARGS_H

#include "app/args.h"
#include "app/fetch/sources.h"
#include "docs/want.h"

enum {
    FETCH_RETRIES_MOST = 20,
    /* Exit status; where several hold, the one that comes first here. */
    FETCH_STATUS_DONE = 0,
    FETCH_STATUS_USAGE = 2,
    FETCH_STATUS_FAILED = 1,
    FETCH_STATUS_INVALID = 5,
    FETCH_STATUS_UNREACHABLE = 4,
    FETCH_STATUS_NOT_FOUND = 3,
};

struct fetch_args {
    struct docs_want *wants;
    const char **words; /* of the wants */
    size_t n_wants;
    struct sources sources;
    bool help, list_sources, anonymous, raw, no_verify, json, annotate, verbose, quiet;
    const char *check_fallbacks; /* the list to check instead of fetching, or NULL */
    const char *print;           /* the file of JSON to print documents of instead, or NULL */
    const char *output;          /* NULL: standard output */
    const char *data_directory;  /* or NULL */
    const char *encoding;        /* to ask for; NULL: all */
    uint32_t retries, timeout_s;
};

/* WHY says what is wrong with which argument, and what to do: ERR_ARG, ERR_NOMEM. OUT is to be
 * freed in any case. */
MUST_USE err_t fetch_args_parse(int argc, char *const *argv, struct fetch_args *out,
                                char why[ARG_WHY]);
void fetch_args_free(struct fetch_args *a);

extern const char fetch_help[];

#endif
