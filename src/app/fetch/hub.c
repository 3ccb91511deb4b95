/* The loop that sources share, the library's instance and the client of --anonymous on it. */
#include <stdio.h>
#include <stdlib.h>

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

/* Writes one option at AT, where the next one goes behind it; VALUE NULL: none. */
static const char **add(const char **at, const char *name, const char *value)
{
    if (!value)
        return at;
    at[0] = name;
    at[1] = value;
    return at + 2;
}

static size_t count(char *const *lines)
{
    size_t n = 0;
    while (lines && lines[n])
        n++;
    return n;
}

static err_t options_of(const struct sources *s, const char *data_directory, struct options **out,
                        struct conf_err *why)
{
    enum { MORE = 4 };
    size_t n = count(s->authority_lines) + count(s->fallback_lines) + MORE;
    const char **pairs = calloc(2 * n + 1, sizeof *pairs), **at = pairs;
    if (!pairs)
        return conf_fail(why, ERR_NOMEM, "out of memory");
    for (char *const *line = s->authority_lines; line && *line; line++)
        at = add(at, "DirAuthority", *line);
    for (char *const *line = s->fallback_lines; line && *line; line++)
        at = add(at, "FallbackDir", *line);
    at = add(at, "DataDirectory", data_directory);
    at = add(at, "TestingTorNetwork", s->testing ? "1" : NULL);
    at = add(at, "SocksPort", "0");
    add(at, "SocksTimeout", "86400"); /* --timeout holds */
    err_t e = host_options_of(pairs, s->testing, out, why);
    free(pairs);
    return e;
}

err_t hub_start_client(struct hub *h, const struct sources *s, const char *data_directory,
                       char why[SOURCES_WHY])
{
    const struct host_place place = {.net = h->net};
    struct options *options;
    struct conf_err problem;
    err_t e = options_of(s, data_directory, &options, &problem);
    if (e == OK)
        e = host_new(&place, options, &h->host, &problem);
    if (e == OK)
        e = host_begin(h->host, &problem);
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
