/* Rules over several options: what they share, and the rules themselves, a file for each thing that
 * they are about. optcheck.c has them in their order. */
#ifndef TUNIC_CONF_OPTRULE_H
#define TUNIC_CONF_OPTRULE_H

#include "conf/options.h"

struct checking {
    struct options *o;
    const struct options_env *env;
    const struct log *log;
    struct conf_err *e;
    struct conf_faults *faults; /* for rules that find several */
};

/* Both return ERR_MALFORMED; the second, for the value of one option, says where it stands. */
err_t rule_reject(const struct checking *c, const char *text);
err_t rule_reject_opt(const struct checking *c, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* What is kept of an option without effect; NULL: nothing was said of it. */
const char *rule_kept_value(const struct options *o, const char *name);

/* Files, log, the process (optrule_process.c). */
err_t rule_folders(const struct checking *c);
err_t rule_relative_paths(const struct checking *c);
err_t rule_log(const struct checking *c);
err_t rule_process(const struct checking *c);

/* Listeners, and the network that may be used (optrule_net.c). */
err_t rule_ports(const struct checking *c);
err_t rule_port_lists(const struct checking *c);
err_t rule_binds(const struct checking *c);
err_t rule_servers(const struct checking *c);
err_t rule_network(const struct checking *c);

/* Ways in for controllers (optrule_control.c): the first is part of rule_ports(). */
err_t rule_control_ports(const struct checking *c);
err_t rule_control(const struct checking *c);

/* What stands for what (optrule_address.c). */
err_t rule_addresses(const struct checking *c);

/* Circuits, what is kept, private networks (optrule_client.c). */
err_t rule_families(const struct checking *c);
err_t rule_circuits(const struct checking *c);
err_t rule_kept(const struct checking *c);
err_t rule_single_hop(const struct checking *c);
err_t rule_testing(const struct checking *c);

#endif
