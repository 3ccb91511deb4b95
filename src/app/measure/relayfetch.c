/* A client of our own that fetches what a coordinator has to know: the consensus as any client
 * does, by its own schedule and from its guards, and server descriptors over circuits of three
 * hops. They are kept as tor keeps them, beside the client's other files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch/client.h"
#include "app/fetch/tunnel.h"
#include "app/measure/relaykept.h"
#include "app/measure/relaysource_int.h"
#include "dirdoc/docw.h"
#include "host/host.h"

enum {
    REQUESTS_MOST = 3,
    IDS_MOST = 96, /* of one request: dir-spec 4.4 */
    ANSWER_MOST = 4 << 20,
    SESSION_S = 25, /* then others are asked */
    GIVE_UP_MS = 60 * 1000,
};

struct request {
    struct relaysource *source;
    struct rsa_id ids[IDS_MOST];
    size_t n;
    struct http http;
    struct dirtunnel *tunnel; /* NULL: none is under way */
    struct timer late;
};

struct relayfetch {
    struct host *host;
    struct relaykept *kept;
    char folder[4096];
    uint32_t changes; /* of the network, that the listing has */
    int32_t session;  /* of requests that share circuits, and so a server */
    uint64_t session_us;
    bool has_read; /* what is kept */
    struct request requests[REQUESTS_MOST];
};

/* ---- requests ---- */

static void settle(struct request *q, const char *why)
{
    struct relaysource *r = q->source;
    struct env *env = net_env(r->config.net);
    if (why) {
        listing_unasked(r->config.listing, env_wall_s(env), q->ids, q->n);
        log_info(r->config.log, "Descriptors of %zu relays did not come: %s", q->n, why);
    }
    env_disarm(env, &q->late);
    dirtunnel_free(q->tunnel);
    q->tunnel = NULL;
    http_free(&q->http);
}

static void on_late(void *arg)
{
    settle(arg, "no answer in time");
}

static void on_progress(void *arg)
{
    (void)arg;
}

/* Of relays that the server does not know it says nothing, or 404 if it knows none. */
static void on_settled(void *arg, const struct tunic_error *error)
{
    struct request *q = arg;
    struct relaysource *r = q->source;
    bool nothing = error->cls == TUNIC_REFUSED && error->reason == 404;
    if (error->cls != TUNIC_OK) {
        settle(q, nothing ? NULL : error->text);
        return;
    }
    struct blob body = blob_copy(q->http.reply.body);
    r->reading = "a directory's answer";
    bool good = body.release && listing_reader_add(r->reader, body) == OK;
    settle(q, good ? NULL : "out of memory");
}

static const struct http_ops http_ops = {.progress = on_progress, .settled = on_settled};

static err_t open_tunnel(struct request *q, const char *path)
{
    struct relaysource *r = q->source;
    const struct http_ask ask = {
        .path = path, .host = "localhost", .anonymous = true, .most = ANSWER_MOST};
    const struct dirtunnel_wish wish = {.ask = &ask, .session = r->fetch->session};
    TRY(http_init(&q->http, &ask));
    q->tunnel = dirtunnel_new(net_env(r->config.net), host_client(r->fetch->host), &wish, &q->http,
                              &http_ops, q);
    return q->tunnel ? OK : ERR_NOMEM;
}

static void begin_request(struct request *q)
{
    struct docw path = {.len = 0};
    docw_fmt(&path, "/tor/server/fp/");
    for (size_t i = 0; i < q->n; i++) {
        docw_fmt(&path, "%s", i ? "+" : "");
        docw_hex(&path, q->ids[i].b, sizeof q->ids[i].b);
    }
    docw_fmt(&path, "%s", ""); /* ends it with a NUL */
    err_t e = path.err == OK ? open_tunnel(q, path.s) : path.err;
    docw_free(&path);
    if (e == OK)
        env_arm_ms(net_env(q->source->config.net), &q->late, GIVE_UP_MS);
    else
        settle(q, err_text(e));
}

static void ask_for_more(struct relaysource *r)
{
    struct relayfetch *f = r->fetch;
    struct env *env = net_env(r->config.net);
    int64_t now_s = env_wall_s(env);
    if (!f->session || env->mono_us - f->session_us > SESSION_S * (uint64_t)US_PER_SEC) {
        f->session = client_new_session(host_client(f->host));
        f->session_us = env->mono_us;
    }
    for (size_t i = 0; i < REQUESTS_MOST; i++) {
        struct request *q = &f->requests[i];
        if (q->tunnel)
            continue;
        q->n = listing_wanted(r->config.listing, now_s, q->ids, IDS_MOST);
        if (!q->n)
            return;
        begin_request(q);
    }
}

void relayfetch_taken(struct relaysource *r, struct text descriptor)
{
    relaykept_add(r->fetch->kept, descriptor);
}

/* ---- the look ---- */

/* True: it is another consensus. */
static bool take_consensus(struct relaysource *r)
{
    struct relayfetch *f = r->fetch;
    struct netdir *nd = dirmgr_newest(client_dirmgr(host_client(f->host)));
    if (!nd)
        return false;
    const struct consensus *c = netdir_consensus(nd);
    bool is_new = listing_consensus(r->config.listing, c) == OK;
    if (is_new || netdir_changes(nd) != f->changes)
        listing_identities(r->config.listing, c);
    f->changes = netdir_changes(nd);
    return is_new;
}

void relayfetch_look(struct relaysource *r)
{
    struct relayfetch *f = r->fetch;
    if (take_consensus(r))
        log_notice(r->config.log, "%zu relays by a new consensus", listing_n(r->config.listing));
    if (!listing_valid_after_s(r->config.listing))
        return;
    if (!f->has_read) {
        f->has_read = true;
        r->reading = f->folder;
        relaykept_read(f->kept, r->reader);
    }
    if (!listing_reader_is_idle(r->reader))
        return;
    relaykept_was_read(f->kept);
    relaykept_look(f->kept);
    if (client_is_ready(host_client(f->host)))
        ask_for_more(r);
}

/* ---- life ---- */

static err_t begin_host(struct relaysource *r)
{
    /* Each hour's consensus, soon after it is out. */
    const char *const more[] = {"DataDirectory", r->fetch->folder, "FetchDirInfoEarly", "1", NULL};
    struct conf_err why;
    err_t e = fetch_client_begin(r->config.net, &r->network, more, &r->fetch->host, &why);
    if (e == ERR_STATE)
        log_err(r->config.log, "The folder %s is in use by another process", r->fetch->folder);
    else if (e != OK)
        log_err(r->config.log, "Relays cannot be fetched: %s", why.text);
    return e;
}

err_t relayfetch_begin(struct relaysource *r)
{
    struct relayfetch *f = r->fetch = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    snprintf(f->folder, sizeof f->folder, "%s/directory", r->config.datadir);
    for (size_t i = 0; i < REQUESTS_MOST; i++) {
        f->requests[i].source = r;
        timer_init(&f->requests[i].late, on_late, &f->requests[i]);
    }
    TRY(begin_host(r));
    return relaykept_open(r->config.net, f->folder, r->config.listing, RELAYKEPT_LEAST, &f->kept);
}

void relayfetch_end(struct relaysource *r)
{
    struct relayfetch *f = r->fetch;
    if (!f)
        return;
    for (size_t i = 0; i < REQUESTS_MOST; i++)
        if (f->requests[i].tunnel)
            settle(&f->requests[i], NULL);
    net_enter(r->config.net);
    host_free(f->host);
    relaykept_close(f->kept);
    free(f);
    r->fetch = NULL;
}
