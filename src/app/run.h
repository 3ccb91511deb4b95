/* The program running: everything after the configuration is read and checked. */
#ifndef TUNIC_APP_RUN_H
#define TUNIC_APP_RUN_H

#include "app/load.h"
#include "conf/options.h"
#include "host/logfile.h"

/* What main() hands over. All of it outlives app_run(). */
struct app {
    struct cmdline *cmdline;     /* to read the configuration again on SIGHUP... */
    const struct load_env *load; /* ...with this */
    struct options *options;     /* checked; app_run() takes them, and leaves NULL */
    struct logfile *logfile;     /* the open sinks */
    struct log *log;
};

/* Runs until told to stop; the exit status of the process. */
int app_run(struct app *app);

#endif
