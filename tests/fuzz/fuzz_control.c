/* The control machine over a client: the input says in which state the client is, what controllers
 * send it, drawn (support/commands.h) or byte by byte, how they read, and what becomes of the
 * client meanwhile: time goes on, links break, tunnels come and go, it stops and starts. No relay
 * answers; with relays that do, the simulator does the same (tests/sim/steer.c). */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/tunnel.h"
#include "control/control.h"
#include "control/session.h"
#include "crypto/encode.h"
#include "crypto/secret.h"
#include "link/link.h"
#include "support/commands.h"
#include "support/quietworld.h"
#include "testnet/netdocs.h"

enum { CONNS = 2, LINKS = 16, TUNNELS = 4, FILES_MOST = 1 << 20, OUT_MOST = 80 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The network, made once. */
static struct {
    struct env env;
    struct log log;
    uint64_t seed;
    struct plan plan;
    struct identity id[PLAN_NODES_MOST];
    struct netdocs *docs;
    struct text_out microdescs;
    char *authority;
} net;

/* One run. */
static struct {
    struct env env;
    uint64_t seed;
    const uint8_t *at, *end;
    struct client *client;
    struct control *control;
    struct quiet_world world;
    struct link *link[LINKS];
    struct tunnel *tunnel[TUNNELS];
    struct {
        void *session;
        bool ended;
        struct reading reading;
    } conn[CONNS];
} run;

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

static void must(bool so)
{
    if (!so)
        abort();
}

/* ---- the network ---- */

static void make_network(void)
{
    const struct plan_wish wish = {.authorities = 1, .relays = 6, .exits = 2, .base_port = 9001};
    char why[PLAN_WHY_MAX], v3[HEX_SIZE(20)], fp[HEX_SIZE(20)], at[IPPORT_TEXT_MAX];
    struct sha256 digest;
    struct text md;
    must(crypto_init() == OK);
    net.log = (struct log){.least = LOG_ERR + 1};
    net.env = (struct env){.mono_us = US_PER_SEC,
                           .wall_us = INT64_C(1767225600) * (int64_t)US_PER_SEC,
                           .random = fuzz_random,
                           .random_arg = &net.seed,
                           .log = &net.log};
    must(plan_make(&wish, &net.plan, why) == OK);
    for (size_t i = 0; i < net.plan.n_nodes; i++)
        must(identity_make(&net.env, &net.id[i]) == OK);
    must(netdocs_new(&net.env, &net.plan, net.id, &net.docs) == OK);
    must(netdocs_publish(net.docs) == OK);
    net.microdescs = text_out(FILES_MOST);
    for (size_t i = 0; (md = netdocs_microdesc_at(net.docs, i, &digest)).len; i++)
        out_add(&net.microdescs, md.s, md.len);
    const struct plan_node *p = &net.plan.node[0];
    const struct ipport dir = {p->or_port.ip, 80};
    net.authority = text_printf("%s orport=%u v3ident=%s %s %s", p->nickname, p->or_port.port,
                                hex_upper(netdocs_v3_id(net.docs, 0), 20, v3),
                                ipport_text(&dir, at), hex_upper(net.id[0].rsa_id.b, 20, fp));
    must(net.authority && out_end(&net.microdescs) == OK);
}

/* ---- the client's world ---- */

static void dial(void *world, struct link *l, const struct reach *to)
{
    (void)world, (void)to;
    for (size_t i = 0; i < LINKS; i++)
        if (!run.link[i]) {
            run.link[i] = l;
            return;
        }
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    for (size_t i = 0; i < LINKS; i++)
        if (run.link[i] == l)
            run.link[i] = NULL;
}

static void output(void *world, struct link *l)
{
    (void)world, (void)l;
}

static err_t store(void *world, const char *name, const struct text *parts, size_t n, bool append)
{
    (void)world, (void)name, (void)parts, (void)n, (void)append;
    return OK;
}

static struct text file_of(const char *name)
{
    if (strcmp(name, "cached-certs") == 0)
        return netdocs_key_certs(net.docs);
    if (strcmp(name, "cached-microdesc-consensus") == 0)
        return netdocs_consensus(net.docs, CONSDOC_MICRODESC, NETDOCS_HONEST);
    if (strcmp(name, "cached-microdescs") == 0)
        return (struct text){out_text(&net.microdescs), net.microdescs.len};
    return (struct text){NULL, 0};
}

static err_t read_back(void *world, const char *name, struct blob *out)
{
    struct text file = file_of(name);
    (void)world;
    if (!file.len)
        return ERR_NOT_FOUND;
    *out = blob_copy(file);
    must(out->release != NULL);
    return OK;
}

static err_t set_aside(void *world, const char *name)
{
    (void)world, (void)name;
    return OK;
}

static const struct client_world client_ops = {.dial = dial,
                                               .output = output,
                                               .hangup = hangup,
                                               .store = store,
                                               .read_back = read_back,
                                               .set_aside = set_aside};

static struct client_config config_of(bool unattached)
{
    static const char *lines[2];
    struct client_config config = client_config_defaults(true);
    lines[0] = net.authority;
    config.dir_authorities = lines;
    config.leave_streams_unattached = unattached;
    return config;
}

static err_t on_change(void *arg, const struct options *fresh)
{
    char why[CLIENT_WHY_MAX];
    struct client_config config = config_of(fresh->leave_streams_unattached);
    (void)arg;
    return client_reconfigure(run.client, &config, why);
}

static void load(const char *name)
{
    struct blob bytes;
    must(read_back(NULL, name, &bytes) == OK);
    must(client_load(run.client, name, bytes) == OK);
}

/* ---- tunnels ---- */

static void on_tunnel_end(void *arg, const struct tunnel_end *end)
{
    struct tunnel **t = arg;
    (void)end;
    *t = NULL;
}

static void of_tunnel(void *arg)
{
    (void)arg;
}

static void on_connected(void *arg, const struct ip *addr)
{
    (void)arg, (void)addr;
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    (void)arg, (void)answers, (void)n;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    (void)arg, (void)bytes, (void)len;
}

static const struct tunnel_ops tunnel_ops = {.on_connected = on_connected,
                                             .on_resolved = on_resolved,
                                             .on_data = on_data,
                                             .on_writable = of_tunnel,
                                             .on_end = on_tunnel_end};

/* ---- what the input says ---- */

static uint64_t below(void *arg, uint64_t bound)
{
    (void)arg;
    uint64_t x = 0;
    for (uint64_t b = bound; b > 1 && run.at < run.end; b >>= 8)
        x = x << 8 | *run.at++;
    return bound ? x % bound : 0;
}

static const char *relay(void *arg, uint64_t x)
{
    static char hex[HEX_SIZE(20)];
    size_t i = x % net.plan.n_nodes;
    (void)arg;
    return x & 32 ? net.plan.node[i].nickname : hex_upper(net.id[i].rsa_id.b, 20, hex);
}

static const struct drawing drawing = {below, NULL, relay, false};

static void switch_tunnel(struct tunnel **t)
{
    static const char *const hosts[] = {"h.example", "10.1.2.3", "a.example", "x"};
    struct tunnel_request req = {.kind = (enum tunnel_kind)below(NULL, 2),
                                 .port = (uint16_t)below(NULL, 100),
                                 .ipv4_ok = true};
    if (*t) {
        struct tunnel *old = *t;
        *t = NULL;
        tunnel_close(old, 6);
        return;
    }
    strcpy(req.host, hosts[below(NULL, 4)]);
    if (ip_parse(req.host, false, &req.ip) != OK)
        req.ip.family = IP_NONE;
    *t = tunnel_open(run.client, &req, &tunnel_ops, t);
}

static void trouble_link(struct link *l)
{
    if (!l)
        return;
    switch (below(NULL, 3)) {
    case 0:
        link_tcp_open(l);
        break;
    case 1:
        link_tcp_failed(l, (int)below(NULL, 120));
        break;
    default:
        link_not_through(l, ERR_LINK_PROXY, 0, "the way is barred");
        break;
    }
}

static void go_on(uint64_t ms)
{
    env_set_clocks(&run.env, run.env.mono_us + ms * US_PER_MS,
                   run.env.wall_us + (int64_t)(ms * US_PER_MS));
    for (int i = 0; i < 20; i++)
        env_run_timers(&run.env);
}

/* ---- controllers ---- */

static void on_output(void *holder)
{
    (void)holder;
}

static void on_end(void *holder)
{
    bool *ended = holder;
    *ended = true;
}

static const struct talk_ops ops = {on_output, on_output, on_end};

static void leave(size_t i)
{
    if (!run.conn[i].session)
        return;
    if (!run.conn[i].ended)
        session_talk.gone(run.conn[i].session);
    session_talk.free(run.conn[i].session);
    memset(&run.conn[i], 0, sizeof run.conn[i]);
}

static void put(size_t i, const void *bytes, size_t len)
{
    const char *from = bytes;
    size_t room;
    uint8_t *to;
    while (len > 0 && !run.conn[i].ended &&
           (to = session_talk.in_room(run.conn[i].session, &room))) {
        size_t n = len < room ? len : room;
        memcpy(to, from, n);
        session_talk.in_done(run.conn[i].session, n);
        from += n;
        len -= n;
    }
}

static void hear(size_t i, bool all)
{
    size_t len;
    const uint8_t *out = session_talk.out(run.conn[i].session, &len);
    must(len <= OUT_MOST);
    if (!out)
        return;
    len = all ? len : 1 + below(NULL, len);
    read_replies(&run.conn[i].reading, out, len);
    must(!run.conn[i].reading.fault);
    session_talk.sent(run.conn[i].session, len);
}

static void come(size_t i)
{
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    run.conn[i].session = session_talk.make(run.control, &nowhere, &ops, &run.conn[i].ended);
    must(run.conn[i].session != NULL);
    if (below(NULL, 8))
        put(i, "AUTHENTICATE\r\n", 14);
}

static void command(size_t i)
{
    struct text_out text = text_out(4000);
    draw_command(&drawing, &text);
    put(i, out_text(&text), text.len);
    out_free(&text);
}

/* Bytes as they come. */
static void raw(size_t i)
{
    size_t n = below(NULL, 200), left = (size_t)(run.end - run.at);
    n = n < left ? n : left;
    const uint8_t *from = run.at;
    run.at += n;
    put(i, from, n);
}

/* ---- a run ---- */

static void step(void)
{
    size_t i = below(NULL, CONNS);
    if (!run.conn[i].session)
        come(i);
    switch (below(NULL, 16)) {
    case 0:
        raw(i);
        break;
    case 1:
        hear(i, true);
        break;
    case 2:
        hear(i, false);
        break;
    case 3:
        go_on(below(NULL, 200));
        break;
    case 4:
        go_on(below(NULL, 3600000));
        break;
    case 5:
        trouble_link(run.link[below(NULL, LINKS)]);
        break;
    case 6:
        switch_tunnel(&run.tunnel[below(NULL, TUNNELS)]);
        break;
    case 7:
        if (client_is_running(run.client))
            client_stop(run.client);
        else
            client_start(run.client);
        break;
    case 8:
        leave(i);
        break;
    default:
        command(i);
        break;
    }
    go_on(0);
}

static void begin(uint8_t how)
{
    char why[CLIENT_WHY_MAX];
    struct client_config config = config_of(how & 1);
    run.env = net.env;
    run.env.random_arg = &run.seed;
    must(client_new(&run.env, &config, &client_ops, NULL, &run.client, why) == OK);
    if (how & 2)
        load("cached-certs");
    if (how & 4)
        load("cached-microdesc-consensus");
    if (how & 8)
        load("cached-microdescs");
    must(quiet_begin(&run.world));
    run.world.change = on_change;
    run.control = control_new(&run.env, run.client, &quiet_ops, &run.world);
    must(run.control != NULL);
    if (how & 16)
        client_start(run.client);
}

static void end(void)
{
    for (size_t i = 0; i < CONNS; i++)
        leave(i);
    control_free(run.control);
    client_free(run.client);
    quiet_end(&run.world);
    memset(&run, 0, sizeof run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    if (!net.docs)
        make_network();
    run.at = data + 1;
    run.end = data + len;
    begin(data[0]);
    for (int i = 0; i < 300 && run.at < run.end; i++)
        step();
    end();
    return 0;
}
