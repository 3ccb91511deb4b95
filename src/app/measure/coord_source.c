/* Where a coordinator's relays come from, and that it may change. */
#include <string.h>

#include "app/measure/coord_int.h"
#include "app/measure/planside.h"
#include "app/measure/relaysource.h"

err_t coord_open_source(struct coord_service *cs)
{
    const struct relaysource_config config = {.net = cs->s.net,
                                              .log = &cs->s.log,
                                              .listing = cs->listing,
                                              .directory = cs->conf.directory,
                                              .torrc = cs->conf.torrc,
                                              .datadir = cs->conf.datadir};
    return relaysource_open(&config, &cs->source);
}

static void copy_source(struct mconf_coord *to, const struct mconf_coord *from)
{
    memcpy(to->directory, from->directory, sizeof to->directory);
    memcpy(to->torrc, from->torrc, sizeof to->torrc);
}

static bool has_source(const struct mconf_coord *conf)
{
    return strcmp(conf->directory, "none") != 0;
}

/* One after the other: our client's folder is for one at a time. */
void coord_move_source(struct coord_service *cs, struct mconf_coord *fresh)
{
    struct mconf_coord old = cs->conf;
    bool other_network = strcmp(old.torrc, fresh->torrc) != 0 || !has_source(fresh);
    if (!other_network && strcmp(old.directory, fresh->directory) == 0 && cs->source)
        return;
    if (!has_source(&old) && !has_source(fresh))
        return;
    relaysource_close(cs->source);
    copy_source(&cs->conf, fresh);
    err_t e = coord_open_source(cs);
    if (e == OK) {
        log_notice(&cs->s.log, "Relays: directory = %s from now on", fresh->directory);
        if (other_network)
            listing_forget(cs->listing);
        planside_expect(cs->plan, fresh);
        return;
    }
    log_warn(&cs->s.log, "The directory stays as it was: %s", err_text(e));
    copy_source(&cs->conf, &old);
    copy_source(fresh, &old);
    if (coord_open_source(cs) != OK)
        log_err(&cs->s.log, "It cannot be opened again: no relay becomes known until SIGHUP");
}
