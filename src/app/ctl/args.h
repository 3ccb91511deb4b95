/* The command line of "tunic ctl". */
#ifndef TUNIC_APP_CTL_ARGS_H
#define TUNIC_APP_CTL_ARGS_H

#include "app/args.h"

enum { CTL_WORDS_MAX = 256 };

struct ctl_args {
    const char *control, *password_file, *run; /* or NULL */
    bool json, verbose, help, wait, if_unused;
    uint32_t timeout_s;
    uint32_t count; /* of events; 0: no end */
    size_t n;
    char *words[CTL_WORDS_MAX]; /* the command and what belongs to it */
};

/* WHY says what is wrong with which argument, and what to do: ERR_ARG. */
MUST_USE err_t ctl_args_parse(int argc, char *const *argv, struct ctl_args *out, char why[ARG_WHY]);

extern const char ctl_help[];

#endif
