/* The rules over several options, in their order. */
#include "conf/optrule.h"

typedef err_t (*rule)(const struct checking *);

static err_t apply_rules(struct checking *c, const rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        conf_fail(c->e, OK, "out of memory");
        TRY(conf_faults_add(c->faults, rules[i](c), c->e));
    }
    return OK;
}

err_t options_check_each(struct options *o, const struct options_env *env,
                         struct conf_faults *faults)
{
    /* A line that could not be read has left its option at the default, which bears them all. */
    static const rule rules[] = {
        rule_ports,   rule_port_lists, rule_log,     rule_binds,
        rule_servers, rule_families,   rule_folders, rule_relative_paths,
        rule_network, rule_circuits,   rule_kept,    rule_single_hop,
        rule_testing, rule_addresses,  rule_control, rule_process,
    };
    struct conf_err e;
    struct checking c = {o, env, env->log, &e, faults};
    options_forget_derived(o);
    return apply_rules(&c, rules, sizeof rules / sizeof rules[0]);
}

err_t options_check(struct options *o, const struct options_env *env, struct conf_err *e)
{
    struct conf_faults faults = {.log = env->log};
    conf_fail(e, OK, "out of memory");
    TRY(options_check_each(o, env, &faults));
    return conf_faults_end(&faults, e);
}