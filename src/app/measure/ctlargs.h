/* Ctlargs: the command line of `tunic measure ctl`: an order, and how it is given. */
#ifndef TUNIC_APP_MEASURE_CTLARGS_H
#define TUNIC_APP_MEASURE_CTLARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { CTLARGS_WORDS_MOST = 1024 };

struct ctlargs {
    const char *words[CTLARGS_WORDS_MOST]; /* the order */
    size_t n_words;
    bool json, no_wait;
    json_int_t dur, prior;
    const char *mode, *exit, *server;
    const char *schedule; /* what is done with it, or "" */
    const char *folder;   /* a client's DataDirectory, or a test network's; NULL: none */
};

/* What is not ours goes to REST, whose options are the configuration's. 0, or the exit status after
 * a complaint. */
int ctlargs_sort(struct ctlargs *c, int argc, char **argv, char **rest, int *n_rest);

#endif
