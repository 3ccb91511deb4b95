/* The command line of "tunic check". */
#ifndef TUNIC_APP_CHECK_ARGS_H
#define TUNIC_APP_CHECK_ARGS_H

#include "app/args.h"
#include "check/check.h"

enum { CHECK_RATE_MOST = 1000 };

struct check_args {
    struct check_config config; /* what the command line says of it */
    bool has_addr, help, list, quiet, verbose;
    const char *consensus; /* the file of config.old_consensus, which is not read here; or NULL */
    const char *identity;  /* the file of config.identity; likewise */
    const char *json, *junit; /* a file, "-" for standard output; NULL: none */
};

/* WHY says what is wrong with which argument, and what to do: ERR_ARG. */
MUST_USE err_t check_args_parse(int argc, char *const *argv, struct check_args *out,
                                char why[ARG_WHY]);

extern const char check_help[];

#endif
