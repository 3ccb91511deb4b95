/* GETINFO about options: config-file, config-text, config/names and their like. */
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/info.h"
#include "control/reply.h"
#include "dir/servers.h"

static err_t torrc(struct control *c, bool defaults, struct text_out *out)
{
    void *world;
    const struct control_world *ops = control_world(c, &world);
    out_str(out, ops->torrc(world, defaults));
    return OK;
}

static err_t config_file(struct control *c, const char *rest, struct text_out *out,
                         const char **why)
{
    (void)rest, (void)why;
    return torrc(c, false, out);
}

static err_t config_defaults_file(struct control *c, const char *rest, struct text_out *out,
                                  const char **why)
{
    (void)rest, (void)why;
    return torrc(c, true, out);
}

static err_t config_text(struct control *c, const char *rest, struct text_out *out,
                         const char **why)
{
    (void)rest, (void)why;
    char *text = options_torrc(control_options(c));
    if (!text)
        return ERR_NOMEM;
    out_str(out, text);
    free(text);
    return OK;
}

static err_t config_can_saveconf(struct control *c, const char *rest, struct text_out *out,
                                 const char **why)
{
    (void)rest, (void)why;
    void *world;
    const struct control_world *ops = control_world(c, &world);
    out_char(out, ops->can_save_options(world) ? '1' : '0');
    return OK;
}

static err_t names(struct text_out *out)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (opt_listed(&table[i]) || table[i].type == OPTT_VIRTUAL)
            out_printf(out, "%s %s\n", table[i].name, opt_type_name(&table[i]));
    return OK;
}

static void add_default(struct text_out *out, const char *name, const char *value)
{
    out_printf(out, "%s ", name);
    out_escaped(out, value);
    out_char(out, '\n');
}

/* The servers of the public network, where nothing else is named. */
static err_t default_servers(const struct options *o, struct text_out *out)
{
    char line[DIR_SERVER_LINE_MAX];
    struct dir_servers s;
    dir_servers_init(&s);
    err_t err = dir_servers_add_public_authorities(&s);
    size_t authorities = s.n;
    if (err == OK && o->use_default_fallback_dirs)
        err = dir_servers_add_public_fallbacks(&s);
    for (size_t i = 0; err == OK && i < s.n; i++) {
        bool authority = i < authorities;
        if (authority)
            dir_server_authority_line(&s.list[i], line);
        else
            dir_server_fallback_line(&s.list[i], line);
        add_default(out, authority ? "DirAuthority" : "FallbackDir", line);
    }
    dir_servers_free(&s);
    return err;
}

static err_t defaults(const struct options *o, struct text_out *out)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (table[i].initial)
            add_default(out, table[i].name, table[i].initial);
    return default_servers(o, out);
}

static err_t config(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)why;
    if (strcmp(rest, "names") == 0)
        return names(out);
    if (strcmp(rest, "defaults") == 0)
        return defaults(control_options(c), out);
    return ERR_NOT_FOUND;
}

const struct info_row control_conf_info[] = {
    {"config-file", false, "Current location of the \"torrc\" file.", config_file},
    {"config-defaults-file", false, "Current location of the defaults file.", config_defaults_file},
    {"config-text", false, "Return the string that would be written by a saveconf command.",
     config_text},
    {"config-can-saveconf", false,
     "Is it possible to save the configuration to the \"torrc\" file?", config_can_saveconf},
    {"config/", true, "Current configuration values.", config},
    {"config/names", false, "List of configuration options, types, and documentation.", NULL},
    {"config/defaults", false,
     "List of default values for configuration options. See also config/names", NULL},
    {0},
};
