/* Where a coordinator's relays come from, and that it may change. */
#include <string.h>

#include "app/measure/coord_int.h"
#include "app/measure/planside.h"
#include "app/measure/relaysource.h"

static struct relaysource_config config_of(struct coord_service *cs, const struct mconf_coord *conf)
{
    return (struct relaysource_config){.net = cs->s.net,
                                       .log = &cs->s.log,
                                       .listing = cs->listing,
                                       .directory = conf->directory,
                                       .torrc = conf->torrc,
                                       .datadir = cs->conf.datadir};
}

err_t coord_open_source(struct coord_service *cs)
{
    const struct relaysource_config config = config_of(cs, &cs->conf);
    return relaysource_open(&config, &cs->source);
}

static void copy_source(struct mconf_coord *to, const struct mconf_coord *from)
{
    memcpy(to->directory, from->directory, sizeof to->directory);
    memcpy(to->torrc, from->torrc, sizeof to->torrc);
}

/* One after the other: our client's folder is for one at a time. */
static void move(struct coord_service *cs, struct mconf_coord *fresh, bool other_network)
{
    struct mconf_coord old = cs->conf;
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

void coord_move_source(struct coord_service *cs, struct mconf_coord *fresh)
{
    const struct relaysource_config to = config_of(cs, fresh);
    switch (relaysource_compare(cs->source, &to)) {
    case RELAYSOURCE_SAME:
        copy_source(&cs->conf, fresh);
        break;
    case RELAYSOURCE_ELSEWHERE:
        move(cs, fresh, false);
        break;
    case RELAYSOURCE_NETWORK:
        move(cs, fresh, true);
        break;
    case RELAYSOURCE_WRONG:
        log_warn(&cs->s.log, "The directory stays as it was");
        copy_source(fresh, &cs->conf);
        break;
    }
}
