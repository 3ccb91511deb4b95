/* The loop that sources share, the library's instance and the client of --anonymous on it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/fetch_transport.h"
#include "client/client.h"
#include "crypto/secret.h"
#include "host/folder.h"
#include "lib/lib.h"
#include "net/world.h"

static void to_log(void *arg, enum tunic_log_level level, const char *line)
{
    struct hub *h = arg;
    h->log.sink(h->log.arg, (enum log_level)level, line);
}

err_t hub_init(struct hub *h, const struct log *log, struct tunic_error *error)
{
    *h = (struct hub){.log = *log, .lock_fd = -1};
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

/* As the client's own DataDirectory: private, and nobody else's meanwhile. */
static err_t open_files(struct hub *h, const char *dir, char why[SOURCES_WHY])
{
    struct conf_err problem;
    if (!dir)
        return OK;
    err_t e = folder_make_private(dir, true, false, NULL, &h->log, &problem);
    if (e == OK)
        e = folder_lock(dir, &h->lock_fd, &problem);
    if (e == OK && files_open(dir, &h->log, &h->world->files) == OK)
        return OK;
    if (e == ERR_STATE)
        snprintf(why, SOURCES_WHY,
                 "--data-directory \"%.200s\" is in use: by tunic, tor or another fetch", dir);
    else
        snprintf(why, SOURCES_WHY, "--data-directory: %.300s",
                 e == OK ? strerror(errno) : problem.text);
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
    e = world_load(h->world, h->client);
    if (e != OK) {
        snprintf(why, SOURCES_WHY, "--data-directory: its \"state\" cannot be read");
        return e;
    }
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
    if (h->net && h->lock_fd >= 0)
        close(h->lock_fd);
    tunic_free(h->tunic);
    net_free(h->net);
    *h = (struct hub){.lock_fd = -1};
}
