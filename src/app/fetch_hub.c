/* The loop that sources share, the library's instance and the client of --anonymous on it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/fetch_transport.h"
#include "client/client.h"
#include "crypto/secret.h"
#include "lib/lib.h"
#include "net/world.h"

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

static err_t open_files(struct hub *h, const char *dir, char why[SOURCES_WHY])
{
    if (!dir)
        return OK;
    if ((mkdir(dir, 0700) == 0 || errno == EEXIST) &&
        files_open(dir, &h->log, &h->world->files) == OK)
        return OK;
    snprintf(why, SOURCES_WHY, "--data-directory \"%.200s\": %s", dir, strerror(errno));
    return ERR_IO;
}

err_t hub_start_client(struct hub *h, const struct sources *s, const char *data_directory,
                       char why[SOURCES_WHY])
{
    char text[CLIENT_WHY_MAX] = "out of memory";
    struct client_config config = client_config_defaults(s->testing);
    config.dir_authorities = (const char *const *)s->authority_lines;
    config.fallback_dirs = (const char *const *)s->fallback_lines;
    config.testing_network = s->testing;
    config.socks_timeout_s = 86400; /* --timeout holds */
    snprintf(why, SOURCES_WHY, "out of memory");
    h->world = calloc(1, sizeof *h->world);
    if (!h->world)
        return ERR_NOMEM;
    h->world->net = h->net;
    TRY(open_files(h, data_directory, why));
    err_t e = client_new(net_env(h->net), &config, &world_ops, h->world, &h->client, text);
    if (e != OK) {
        snprintf(why, SOURCES_WHY, "%s", text);
        return e;
    }
    world_load(h->world, h->client);
    client_start(h->client);
    return OK;
}

void hub_free(struct hub *h)
{
    if (h->net)
        net_enter(h->net);
    client_free(h->client);
    if (h->world)
        files_close(h->world->files);
    free(h->world);
    tunic_free(h->tunic);
    net_free(h->net);
    *h = (struct hub){.net = NULL};
}
