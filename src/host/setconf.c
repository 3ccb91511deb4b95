#include "host/setconf.h"

#include <stdlib.h>

#include "host/torrc.h"

static struct log *log_of(const struct host *h)
{
    return net_env(host_place_of(h)->net)->log;
}

static err_t assign(const struct host *h, struct options *o, const struct conf_line *lines,
                    unsigned flags, struct conf_err *e)
{
    const struct host_place *place = host_place_of(h);
    const struct options_env env = {place->home, place->quiet, log_of(h)};
    struct conf_faults faults = {.log = log_of(h)};
    conf_fail(e, OK, "out of memory");
    for (const struct conf_line *l = lines; l && place->quiet == QUIET_LIBRARY; l = l->next)
        opt_warn_of_process(l->key, l->where, log_of(h));
    TRY(options_assign_each(o, lines, flags, log_of(h), &faults));
    TRY(options_check_each(o, &env, &faults));
    if (faults.n > 0)
        *e = faults.first; /* the log has the others */
    return faults.code;
}

err_t setconf_assign(struct host *h, const struct conf_line *lines, unsigned flags,
                     struct conf_err *e)
{
    struct options *fresh = options_dup(host_options(h));
    if (!fresh)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    err_t err = assign(h, fresh, lines, flags, e);
    if (err == OK)
        return host_change(h, fresh, HOST_SET, e);
    options_free(fresh);
    return err;
}

err_t setconf_load(struct host *h, const char *text, struct conf_err *e)
{
    const struct host_process *process = host_place_of(h)->process;
    struct options *fresh = NULL;
    if (!process)
        return conf_fail(e, ERR_UNSUPPORTED, "a library has no torrc");
    TRY(process->load(process->arg, text, &fresh, e));
    return host_change(h, fresh, HOST_SET, e);
}

bool setconf_can_save(const struct host *h)
{
    const struct host_process *process = host_place_of(h)->process;
    return process && !process->no_torrc && !host_options(h)->include_used;
}

err_t setconf_save(struct host *h, bool force)
{
    const struct host_process *process = host_place_of(h)->process;
    if (!process || process->no_torrc) {
        log_warn(log_of(h), "The configuration did not come from a file: there is none to write.");
        return ERR_STATE;
    }
    if (host_options(h)->include_used && !force) {
        log_warn(log_of(h), "torrc has an %%include, which would be lost: it is not written.");
        return ERR_STATE;
    }
    char *text = options_torrc(host_options(h));
    err_t err =
        text ? torrc_write(process->torrc(process->arg, false), text, log_of(h)) : ERR_NOMEM;
    free(text);
    return err;
}

const char *setconf_torrc(const struct host *h, bool defaults)
{
    const struct host_process *process = host_place_of(h)->process;
    return process ? process->torrc(process->arg, defaults) : "";
}
