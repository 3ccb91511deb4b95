/* Port lines: one line of SocksPort or its like while it is parsed, for optports.c and portflags.c.
 */
#ifndef TUNIC_CONF_PORTLINE_H
#define TUNIC_CONF_PORTLINE_H

#include "base/text.h"
#include "conf/optlists.h"

struct port_line {
    const struct port_grammar *grammar;
    const struct conf_line *line;
    const struct log *log;
    struct conf_err *e;
    struct port_spec port;
    bool off; /* "0": no listener */
    bool group_given, used_unix_only, cache_warned;
};

/* Names the line, and says so in tor's words, which programs look for behind the last colon:
 * "torrc:3: SocksPort "9050 X": Invalid SocksPort configuration. WHAT". Returns ERR_MALFORMED. */
err_t port_line_fail(const struct port_line *pl, const char *what, ...) PRINTF_LIKE(2, 3);

/* One word behind the address. */
MUST_USE err_t port_flag_parse(struct port_line *pl, struct text word);
/* Whether the flags go together, and what follows from them. */
MUST_USE err_t port_flags_check(struct port_line *pl);

#endif
