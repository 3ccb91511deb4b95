/* What the program answers at once: commands that need no configuration. */
#ifndef TUNIC_APP_IMMEDIATE_H
#define TUNIC_APP_IMMEDIATE_H

#include "app/cmdline.h"

/* The program's exit status; -1: C is another command. CALLED: the name that it was called by. */
int immediate_run(const struct cmdline *c, const char *called, const struct log *log);
/* --help; under the name of tor with what programs look for in tor's. */
void immediate_help(const char *called);

#endif
