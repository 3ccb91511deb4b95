#include "app/dryrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/process.h"
#include "host/verify.h"

int dryrun_dump(const struct cmdline *c, const struct options *o)
{
    const char *arg = c->argument ? c->argument : "";
    bool full = strcmp(arg, "full") == 0, builtin = strcmp(arg, "non-builtin") == 0;
    if (!full && !builtin && strcmp(arg, "short") != 0) {
        fputs("No valid argument to --dump-config found!\nPlease select 'short' or 'full'.\n",
              stderr);
        return 1;
    }
    struct options *ours = builtin ? options_new(false) : NULL;
    char *text = options_dump(o, ours ? ours : o->base, full ? DUMP_ALL : DUMP_MINIMAL);
    options_free(ours);
    if (!text)
        return 1;
    fputs(text, stdout);
    free(text);
    return 0;
}

/* In the order of a start: sockets with the rights that there are, files with those of User. */
err_t dryrun_verify(const struct options *o, const struct log *log, struct conf_err *e)
{
    TRY(verify_ports(o, log, e));
    TRY(process_limits(o, log, e));
    TRY(process_settle(o, log, e));
    TRY(verify_countries(o, log, e));
    return verify_files(o, e);
}
