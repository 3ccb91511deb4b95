#include "app/testnet/client.h"

#include <stdio.h>
#include <stdlib.h>

enum { OTHER_PAIRS = 2 };

static err_t options_of(const struct testnet_network *n, struct options **out, struct conf_err *why)
{
    char lines[PLAN_AUTHORITIES_MOST][TESTNET_LINE_MAX], port[32] = "127.0.0.1:auto";
    const char *pairs[2 * (PLAN_AUTHORITIES_MOST + OTHER_PAIRS) + 1] = {"TestingTorNetwork", "1",
                                                                        "SocksPort", port};
    const char **next = pairs + 2 * OTHER_PAIRS;
    if (n->args->socks_port)
        snprintf(port, sizeof port, "127.0.0.1:%u", n->args->socks_port);
    for (size_t i = 0; i < n->plan->n_authorities; i++) {
        *next++ = "DirAuthority";
        *next++ = testnet_authority_line(n->testnet, i, lines[i]);
    }
    return host_options_of(pairs, true, out, why);
}

err_t testnet_client_new(const struct testnet_network *n, struct host **out)
{
    const struct host_place place = {.net = n->net};
    struct options *options;
    struct conf_err why;
    err_t e = options_of(n, &options, &why);
    if (e == OK)
        e = host_new(&place, options, out, &why);
    if (e == ERR_IO)
        snprintf(
            n->why, TESTNET_FILES_WHY,
            "cannot listen on 127.0.0.1:%u for SOCKS (see above): choose another --socks-port, "
            "or leave it out for a free one",
            n->args->socks_port);
    else if (e != OK)
        snprintf(n->why, TESTNET_FILES_WHY, "the client could not be made: %.200s", why.text);
    return e;
}

err_t testnet_client_begin(const struct testnet_network *n, struct host *h)
{
    struct conf_err why;
    err_t e = host_begin(h, &why);
    if (e != OK)
        snprintf(n->why, TESTNET_FILES_WHY, "the client did not start: %.200s", why.text);
    return e;
}

err_t testnet_client_export(const struct testnet_dir *d, const struct host *h)
{
    char text[TESTNET_DIR_MAX + 64];
    int bad = setenv("TUNIC_TESTNET_DIR", d->path, 1);
    snprintf(text, sizeof text, "%s/client.torrc", d->path);
    bad |= setenv("TUNIC_TESTNET_TORRC", text, 1);
    if (!h)
        return bad ? ERR_NOMEM : OK;
    snprintf(text, sizeof text, "127.0.0.1:%u", host_socks_port(h));
    bad |= setenv("TUNIC_TESTNET_SOCKS", text, 1);
    snprintf(text, sizeof text, "socks5h://127.0.0.1:%u", host_socks_port(h));
    bad |= setenv("ALL_PROXY", text, 1) | setenv("all_proxy", text, 1);
    /* These would win over ALL_PROXY, or keep it from being used. */
    static const char *const others[] = {"http_proxy",  "https_proxy", "HTTP_PROXY",
                                         "HTTPS_PROXY", "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        bad |= unsetenv(others[i]);
    return bad ? ERR_NOMEM : OK;
}
