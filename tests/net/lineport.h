/* A front end for tests: "CONNECT host:port\n", answered "YES\n" or "NO text\n", then bytes. */
#ifndef TUNIC_TESTS_NET_LINEPORT_H
#define TUNIC_TESTS_NET_LINEPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socks/front.h"
#include "socks/pump.h"

struct lineport {
    struct client *client;
    struct pump *pump;
    struct env *env;
    const struct front_config *config;
};

static inline void lineport_say(struct lineport *h, const char *word, const char *text)
{
    char line[300];
    int n = snprintf(line, sizeof line, "%s%s\n", word, text);
    pump_say(h->pump, line, (size_t)n);
}

static inline err_t lineport_take(void *hello, struct rd *in)
{
    struct lineport *h = hello;
    const uint8_t *end = memchr(in->at, '\n', in->left);
    struct front_wish wish = {.kind = TUNNEL_CONNECT, .protocol = 1};
    struct tunnel_request req;
    uint64_t port;
    if (!end)
        return ERR_MORE;
    struct text line = {(const char *)in->at, (size_t)(end - in->at)}, word;
    rd_bytes(in, line.len + 1);
    if (!text_token(&line, &word) || !text_is(word, "CONNECT") ||
        !text_split(&line, ':', &wish.host) || text_to_u64(line, UINT16_MAX, &port) != OK)
        return ERR_MALFORMED;
    wish.host = text_strip(wish.host);
    wish.port = (uint16_t)port;
    bool granted = front_request(h->config, &wish, &req) == FRONT_GRANTED &&
                   front_judge(h->config, h->client, h->env, &req) == FRONT_GRANTED;
    if (!granted || !pump_open(h->pump, &req)) {
        lineport_say(h, "NO", " way");
        pump_end(h->pump);
    }
    return OK;
}

static inline void lineport_bad(void *hello, err_t why)
{
    lineport_say(hello, "WHAT? ", err_text(why));
}

static inline void lineport_connected(void *hello)
{
    lineport_say(hello, "YES", "");
}

static inline void lineport_failed(void *hello, const struct tunnel_request *asked,
                                   const struct tunnel_end *end)
{
    (void)asked;
    lineport_say(hello, "NO ", end->text);
}

static const struct pump_hello lineport_hello = {.name = "line",
                                                 .most = 300,
                                                 .take = lineport_take,
                                                 .bad = lineport_bad,
                                                 .connected = lineport_connected,
                                                 .failed = lineport_failed,
                                                 .free = free};

static inline struct pump *lineport_new(struct env *env, struct client *client,
                                        const struct front_config *config,
                                        const struct ipport *peer, const struct pump_ops *ops,
                                        void *arg)
{
    struct lineport *h = calloc(1, sizeof *h);
    (void)peer;
    if (!h)
        return NULL;
    *h = (struct lineport){.client = client, .env = env, .config = config};
    struct pump *p = pump_new(env, client, &lineport_hello, h, ops, arg);
    if (p)
        h->pump = p;
    return p;
}

#endif
