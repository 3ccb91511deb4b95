/* The loop that sources share, the library's instance and the client of --anonymous on it. */
#include <stdio.h>
#include <stdlib.h>

#include "app/fetch/client.h"
#include "app/fetch/transport.h"
#include "crypto/secret.h"
#include "host/host.h"
#include "lib/lib.h"

static void to_log(void *arg, enum tunic_log_level level, const char *line)
{
    struct hub *h = arg;
    h->log.sink(h->log.arg, (enum log_level)level, line);
}

err_t hub_init(struct hub *h, const struct log *log, struct tunic_error *error)
{
    *h = (struct hub){.log = *log};
    err_t e = crypto_init();
    if (e == OK)
        e = net_new(&h->log, NULL, &h->net);
    if (e != OK) {
        lib_error_of(error, e, TUNIC_STAGE_NONE, "the event loop");
        return e;
    }
    h->tunic = tunic_new_on_base(net_base(h->net), error);
    if (!h->tunic)
        return ERR_NOMEM;
    tunic_set_log(h->tunic, (enum tunic_log_level)log->least, to_log, h);
    return OK;
}

err_t hub_start_client(struct hub *h, const struct sources *s, const char *data_directory,
                       char why[SOURCES_WHY])
{
    /* --timeout holds */
    const char *const more[] = {"SocksTimeout", "86400", data_directory ? "DataDirectory" : NULL,
                                data_directory, NULL};
    struct conf_err problem;
    err_t e = fetch_client_begin(h->net, s, more, &h->host, &problem);
    if (e == ERR_STATE)
        snprintf(why, SOURCES_WHY,
                 "--data-directory \"%.200s\" is in use: by tunic, tor or another fetch",
                 data_directory);
    else if (e == ERR_IO)
        snprintf(why, SOURCES_WHY, "--data-directory: %.300s", problem.text);
    else if (e != OK)
        snprintf(why, SOURCES_WHY, "%.300s", problem.text);
    return e;
}

void hub_free(struct hub *h)
{
    if (h->net)
        net_enter(h->net);
    host_free(h->host);
    tunic_free(h->tunic);
    net_free(h->net);
    *h = (struct hub){.net = NULL};
}
