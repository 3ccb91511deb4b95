/* Values that are lists inside: policies, port sets, SocksPort and Log lines, node lists. For
 * optcheck.c only. Those over several lines add each wrong one to FAULTS and return OK or
 * ERR_NOMEM; the others put a message that names the value into E and return ERR_MALFORMED. */
#ifndef TUNIC_CONF_OPTLISTS_H
#define TUNIC_CONF_OPTLISTS_H

#include "conf/options.h"

/* Rules "accept ADDR[/BITS][:PORTS]", comma-separated, over all LINES. ASSUME_ACCEPT: a rule
 * without a verb accepts; otherwise it is an error. */
MUST_USE err_t policy_parse(const struct conf_line *lines, bool assume_accept,
                            struct addr_policy *out, struct conf_faults *faults);
MUST_USE err_t policy_add(struct addr_policy *p, struct addr_rule rule);

/* "21,22,6667"; NAME is the option's. */
MUST_USE err_t port_set_parse(const char *csv, const char *name, struct port_set *out,
                              struct conf_err *e);

/* What the lines of one kind of port may say. */
struct port_grammar {
    const char *option; /* "SocksPort" */
    enum port_kind kind;
    uint16_t default_port; /* on 127.0.0.1, if there is no line; 0: none */
    bool takes_flags;      /* those of client ports; else only those of a unix socket */
    bool is_path;          /* a unix socket, also without "unix:" before its path */
    const char *format;    /* the one word that may stand behind an address; then it is over TCP */
};
extern const struct port_grammar port_grammars[PORT_KINDS];
extern const struct port_grammar control_socket_grammar; /* another name for PORT_CONTROL */

/* Adds what LINES of one kind ask for: no line is the default port, "0" none at all. Of lines for
 * one unix socket the last counts. */
MUST_USE err_t ports_parse(const struct port_grammar *g, const struct conf_line *lines,
                           bool group_writable, const struct log *log, struct port_list *out,
                           struct conf_faults *faults);
void ports_clear(struct port_list *list);

/* All Log lines. HOME expands "~/". */
MUST_USE err_t logs_parse(const struct conf_line *lines, const char *home, struct log_dest **out,
                          size_t *n, struct conf_faults *faults);
void logs_free(struct log_dest *logs, size_t n);

/* The syntax of EntryNodes and the like: fingerprints, nicknames, address patterns. Country codes
 * are refused: there is no GeoIP yet. WHERE may be NULL. */
MUST_USE err_t nodes_check(const char *name, const char *where, const char *list,
                           struct conf_err *e);

/* "~/x" under HOME, anything else as it is. NULL out of memory. */
char *path_expand(const char *path, const char *home);
/* GIFT_PATH (which may be NULL) or, if it is relative, it under the current folder. */
char *path_absolute(char *gift_path);

#endif
