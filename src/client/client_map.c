/* What options say of addresses. */
#include <string.h>

#include "client/client_int.h"

/* C tor, config_register_addressmaps(): what is wrong is said, and left out. */
static void map_line(struct client *c, const char *line)
{
    const struct log *log = c->env->log;
    struct text rest = text_of(line), word[2] = {{0}}, more;
    const char *why = "", *said = log_safe(log, line); /* tor(1) hides nothing of it */
    bool whole = text_token(&rest, &word[0]) && text_token(&rest, &word[1]);
    char *from = text_dup(word[0]), *to = text_dup(word[1]);
    if (!from || !to)
        log_warn(log, "MapAddress: %s", err_text(ERR_NOMEM));
    else if (!whole)
        log_warn(log, "MapAddress '%s' has too few arguments. Ignoring.", said);
    else if (*from == '.' || *to == '.')
        log_warn(log, "MapAddress '%s' is ambiguous - address starts with a'.'. Ignoring.", said);
    else if (addrmap_set(c->map, from, to, ADDRMAP_TORRC, &why) != OK)
        log_warn(log, "MapAddress '%s' failed: %s. Ignoring.", said, why);
    else if (text_token(&rest, &more))
        log_warn(log, "Ignoring extra arguments to MapAddress.");
    free(from);
    free(to);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void client_apply_maps(struct client *c, const struct client_config *config,
                       const struct settings *old)
{
    const struct settings *now = c->settings;
    if (old && (old->config.automap > config->automap ||
                !same_text(old->automap_suffixes, now->automap_suffixes)))
        addrmap_clear(c->map, ADDRMAP_VIRTUAL);
    if (old &&
        (settings_abandon_circuits(old, now) || !same_text(old->track_exits, now->track_exits)))
        addrmap_clear(c->map, ADDRMAP_EXIT);
    addrmap_set_networks(c->map, &config->virtual4, &config->virtual6);
    addrmap_clear(c->map, ADDRMAP_TORRC);
    for (const char *const *line = config->address_maps; line && *line; line++)
        map_line(c, *line);
}

struct addrmap *client_addrmap(const struct client *c)
{
    return c->map;
}
