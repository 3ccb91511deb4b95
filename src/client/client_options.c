/* What options, and the network, say to a client's parts: at the start, at a change. */
#include <stdio.h>
#include <stdlib.h>

#include "client/client_int.h"

/* ---- settings: options translated ---- */

err_t client_settings_new(const struct client_config *config, struct settings **out,
                          char why[CLIENT_WHY_MAX])
{
    struct settings *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(why, CLIENT_WHY_MAX, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    err_t e = settings_init(s, config, why);
    if (e != OK) {
        free(s);
        return e;
    }
    *out = s;
    return OK;
}

void client_settings_drop(struct settings *s)
{
    if (!s)
        return;
    settings_free(s);
    free(s);
}

/* ---- who has his part of them ---- */

void client_set_look_point(struct client *c)
{
    c->look_point_us = (uint32_t)(c->env->wall_us % (int64_t)US_PER_SEC);
}

struct linkpool_config client_link_config(const struct client *c)
{
    struct linkpool_config config = settings_links(c->settings, c->tls, c->told);
    config.link.by_looks = true;
    config.link.look_point_us = c->look_point_us;
    return config;
}

void client_configure_chooser(struct client *c)
{
    chooser_configure(c->chooser, &c->settings->path, c->settings->config.testing_network);
}

/* The parameters are those of the newest consensus that was verified, as in C tor
 * (networkstatus_get_param()): before its microdescriptors are there, and after it has expired. */
void client_apply_settings(struct client *c)
{
    const struct netdir *nd = c->told;
    struct linkpool_config links_config = client_link_config(c);
    linkpool_set_config(c->links, &links_config);
    struct conflux_policy conflux = settings_conflux(c->settings, nd);
    exits_set_habits(c->exits, &links_config.habits);
    exits_set_conflux(c->exits, &conflux);
    cbt_configure(c->cbt, c->settings->config.learn_circuit_build_timeout,
                  c->settings->config.circuit_build_timeout_s, nd ? netdir_consensus(nd) : NULL);
}

err_t client_reconfigure(struct client *c, const struct client_config *config,
                         char why[CLIENT_WHY_MAX])
{
    struct settings *fresh = NULL, *old = c->settings;
    TRY(client_settings_new(config, &fresh, why));
    struct dirmgr_options options = settings_dirmgr(fresh);
    if (c->directory_is_mine && dirmgr_set_options(directory_mgr(c->directory), &options) != OK) {
        client_settings_drop(fresh);
        snprintf(why, CLIENT_WHY_MAX, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    c->settings = fresh;
    struct exits_config exits_config = settings_exits(fresh);
    struct tunnels_config tunnels_config = settings_tunnels(fresh);
    exits_set_config(c->exits, &exits_config);
    tunnels_set_config(c->tunnels, &tunnels_config);
    client_configure_chooser(c);
    client_apply_settings(c);
    client_apply_maps(c, config, old);
    if (c->started)
        client_arm_dormancy(c);
    if (settings_abandon_circuits(old, fresh)) {
        log_info(c->env->log, "Changed preferred or excluded node lists. Abandoning previous "
                              "circuits.");
        exits_retire_all(c->exits);
        dirfetch_retire_all(c->dirfetch);
        linkpool_drop_unwanted(c->links);
    }
    if (c->started && old->config.avoid_disk_writes != fresh->config.avoid_disk_writes)
        client_arm_save(c);
    if (c->running)
        env_arm_ms(c->env, &c->fetch, 0); /* documents may be fetched now */
    client_settings_drop(old);
    return OK;
}
