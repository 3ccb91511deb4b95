/* Service: what `tunic measure coord` and `tunic measure measurer` have in common: a configuration
 * file whose keys are options, too, a loop, a log, signals, and word to the service manager. */
#ifndef TUNIC_APP_MEASURE_SERVICE_H
#define TUNIC_APP_MEASURE_SERVICE_H

#include "app/args.h"
#include "app/measure/keys.h"
#include "measure/conf.h"
#include "net/net.h"

struct service {
    const char *name;    /* "coord" */
    const char *section; /* of its keys */
    const char *help;
    int argc;
    char *const *argv;
    struct log log;
    struct net *net;
    /* SIGHUP: settings that were read anew. */
    void (*reload)(void *arg, const struct mconf *conf);
    /* What the start would not take, beyond mconf_check(): ERR_MALFORMED and WHY; may be NULL. */
    err_t (*check)(const struct mconf *conf, char why[MCONF_WHY]);
    /* The files that the start reads, for --dump-config: what it would not begin with is in WHY, or
     * logged by LOG (WHY is "" then); may be NULL. */
    err_t (*rehearse)(struct net *net, struct log *log, const struct mconf *conf,
                      char why[KEYS_WHY]);
    /* SIGTERM, SIGINT: end when what runs is over. A second one ends at once. */
    void (*finish)(void *arg);
    void *arg;
    bool finishing;
};

/* Reads file and options. *CONF is the caller's. -1: go on. Else the exit status: all is done
 * (--help, --dump-config), or it was complained. */
int service_read(struct service *s, struct mconf **conf);
/* The loop, and what it needs. 0, or the exit status after a complaint. */
int service_begin(struct service *s);
/* Serves until service_stop(). */
void service_run(struct service *s);
void service_stop(struct service *s);
void service_end(struct service *s);

#endif
