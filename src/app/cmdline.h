/* The command line: tor's own flags, and the options in it. What becomes of both is load.h's. */
#ifndef TUNIC_APP_CMDLINE_H
#define TUNIC_APP_CMDLINE_H

#include "conf/confline.h"
#include "conf/options.h"

enum command {
    CMD_RUN,
    CMD_VERIFY_CONFIG,
    CMD_DUMP_CONFIG,
    CMD_VERSION,
    CMD_HELP,
    CMD_LIST_OPTIONS,
    CMD_LIST_DEPRECATED,
    CMD_LIST_MODULES,
    CMD_LIBRARY_VERSIONS,
    CMD_HASH_PASSWORD,
    CMD_LIST_FINGERPRINT, /* a client has none */
    CMD_RELAY_ONLY,       /* --keygen and the like */
};

struct cmdline {
    enum command command;
    char *argument; /* of --dump-config, --hash-password; or NULL */
    enum quiet quiet;
    char *torrc, *defaults_torrc; /* as given, or NULL; "-" is standard input */
    bool torrc_given_twice;       /* -f and --torrc-file together */
    bool ignore_missing, allow_missing;
    struct conf_line *options; /* in the order given; where: "command line" */
    /* Set by load_configuration(): what standard input held, and the files that were read; NULL if
     * none.
     */
    char *stdin_text;
    char *torrc_path, *defaults_path;
};

/* The programs beside the client, "tunic NAME ..."; NULL at the end. */
extern const char *const cmdline_programs[];
/* What somebody who wrote WORD (dashes and all) may have meant: ` Did you mean "--help"?`, or where
 * to read on. */
enum { CMDLINE_HINT = 128 };
const char *cmdline_hint(const char *word, char hint[CMDLINE_HINT]);

/* ERR_MALFORMED or ERR_NOT_FOUND (an option that there is not), and a text for E. Warnings go to
 * LOG. */
MUST_USE err_t cmdline_parse(int argc, char *const *argv, const struct log *log,
                             struct cmdline **out, struct conf_err *e);
/* How quiet the command line asks to be, before all of it is known to be right. */
enum quiet cmdline_quiet(int argc, char *const *argv);
void cmdline_free(struct cmdline *c);
bool cmdline_reads_stdin(const struct cmdline *c); /* -f - */

#endif
