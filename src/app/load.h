/* Load: from torrc, defaults-torrc and the command line to checked options. */
#ifndef TUNIC_APP_LOAD_H
#define TUNIC_APP_LOAD_H

#include <stdio.h>

#include "app/cmdline.h"

#ifndef TUNIC_CONFIG_DIR
#define TUNIC_CONFIG_DIR "/etc/tor" /* tor's, whose place Tunic takes */
#endif

/* Where files and the user are found; a test sets its own. */
struct load_env {
    const char *home;       /* or NULL */
    const char *config_dir; /* folder of torrc and torrc-defaults where none is named: /etc/tor */
    FILE *in;               /* for -f - */
    struct conf_source source;
    const struct log *log;
};

/* Reads defaults-torrc, torrc and the command line's options, in that order; takes on the defaults
 * of TestingTorNetwork if it is set; checks the whole. Called again on SIGHUP: standard input is
 * not read twice. */
MUST_USE err_t load_configuration(struct cmdline *c, const struct load_env *env,
                                  struct options **out, struct conf_err *e);
/* The same with TEXT for torrc, and nothing for defaults-torrc, as tor's LOADCONF has it. What it
 * need not say when it is written is what OLD, which was loaded here too, need not. */
MUST_USE err_t load_text(struct cmdline *c, const struct load_env *env, const char *text,
                         const struct options *old, struct options **out, struct conf_err *e);
/* Where torrc, or defaults-torrc, is or would be: what SAVECONF writes. The caller frees it; NULL
 * out of memory. */
char *load_path(const struct cmdline *c, const struct load_env *env, bool defaults);

#endif
