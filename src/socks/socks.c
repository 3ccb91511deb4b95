#include "socks/socks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cell/reason.h"
#include "socks/wire.h"

enum {
    IN_CAP = 64 * 1024,    /* read ahead from the application */
    READ_LEAST = 4 * 1024, /* not worth a read below this */
    OUT_CAP = 1024 * 1024, /* over what a stream's window lets come */
    IDLE_MS = 1000,
    WARN_EVERY_S = 600,
};

enum socks_state {
    HELLO,   /* the first byte tells the version */
    AUTH,    /* SOCKS5 user name and password */
    REQUEST, /* SOCKS5 request */
    WAITING, /* the tunnel is on its way */
    OPEN,
    DONE,
};

struct socks {
    struct env *env;
    struct client *client;
    const struct socks_port_config *config;
    struct ip peer;
    const struct socks_ops *ops;
    void *arg;
    enum socks_state state;
    uint8_t version, cmd;
    bool had_auth;
    struct isolation isolation;
    struct tunnel *tunnel;
    struct buf in, out;
    size_t reply_left;     /* bytes of ours at the front of out, before the stream's */
    bool refused_input;    /* in_room() said NULL */
    bool eof;              /* the application sends no more, */
    bool reads;            /* but is known to read, */
    bool gone;             /* or to have gone */
    bool asked;            /* the last word was the application's, */
    uint64_t word_us;      /* at this time */
    struct timer deadline; /* of the handshake; of an application that has closed its side */
    struct timer idle;     /* gives back storage that has emptied */
};

/* The queues have moved: look in a while whether they are empty. */
static void note_moved(struct socks *s)
{
    if (!s->idle.armed)
        env_arm_ms(s->env, &s->idle, IDLE_MS);
}

/* ---- ending ---- */

static void done(struct socks *s)
{
    if (s->state == DONE)
        return;
    s->state = DONE;
    env_disarm(s->env, &s->deadline);
    s->ops->on_end(s->arg);
}

static void send_bytes(struct socks *s, const uint8_t *bytes, size_t len)
{
    if (buf_add(&s->out, bytes, len) == OK)
        s->ops->on_output(s->arg);
    else
        done(s);
}

/* The reply of either version; IP and NAME may be empty. */
static void reply(struct socks *s, uint8_t code, const struct ip *ip, struct text name)
{
    uint8_t bytes[SOCKS_REPLY_MAX];
    size_t len = s->version == 4 ? socks4_reply(code == REPLY_SUCCEEDED, ip, bytes)
                                 : socks5_reply(code, ip, name, bytes);
    s->reply_left = s->out.len + len;
    send_bytes(s, bytes, len);
}

static void refuse(struct socks *s, uint8_t code)
{
    reply(s, code, NULL, (struct text){NULL, 0});
    done(s);
}

static bool may_warn(struct socks *s, enum socks_warning which)
{
    unsigned held_back;
    return !s->config->warnings ||
           ratelim_pass(&s->config->warnings->of[which], s->env, WARN_EVERY_S, &held_back);
}

/* ---- the tunnel ---- */

static void hang_up(struct socks *s)
{
    if (s->tunnel)
        tunnel_close(s->tunnel, END_DONE);
    s->tunnel = NULL;
    done(s);
}

/* The application has closed its side, or has gone: how long until the tunnel is closed, if all
 * stays quiet. */
static void wait_for_far_side(struct socks *s)
{
    uint64_t patience_ms = s->asked ? SOCKS_ANSWER_MS : SOCKS_QUIET_MS;
    uint64_t quiet_ms = (s->env->mono_us - s->word_us) / US_PER_MS;
    bool said_all = s->gone && !s->in.len;
    if (s->reads)
        return;
    if (s->out.len && !s->gone) /* it reads slowly */
        quiet_ms = 0;
    if (said_all || quiet_ms >= patience_ms)
        hang_up(s);
    else
        env_arm_ms(s->env, &s->deadline, patience_ms - quiet_ms);
}

/* Hands on what the application has sent. */
static void push(struct socks *s)
{
    if (s->state != OPEN)
        return;
    if (s->in.len) {
        size_t n = tunnel_write(s->tunnel, buf_at(&s->in), s->in.len);
        buf_drain(&s->in, n);
        note_moved(s);
        if (n) {
            s->asked = true;
            s->word_us = s->env->mono_us;
        }
    }
    if (s->in.len)
        return;
    if (s->eof) {
        wait_for_far_side(s);
        return;
    }
    if (s->refused_input) {
        s->refused_input = false;
        s->ops->on_input_wanted(s->arg);
    }
}

static void on_connected(void *arg, const struct ip *addr)
{
    struct socks *s = arg;
    (void)addr; /* tor tells no application what its exit resolved */
    s->state = OPEN;
    s->word_us = s->env->mono_us;
    env_disarm(s->env, &s->deadline);
    reply(s, REPLY_SUCCEEDED, NULL, (struct text){NULL, 0});
    push(s);
}

/* SOCKS4 has no room for an IPv6 address. */
static bool may_show(const struct socks *s, const struct ip *ip)
{
    return ip->family == IP_V4 ? s->config->ipv4_traffic
                               : s->config->ipv6_traffic && s->version != 4;
}

/* The answer to show: for a look-up an address the application may use, IPv4 first unless it
 * prefers otherwise; for a reverse one a name. */
static const struct stream_answer *choose(const struct socks *s,
                                          const struct stream_answer *answers, size_t n)
{
    const struct stream_answer *second = NULL;
    enum ip_family first_choice = s->config->prefer_ipv6 ? IP_V6 : IP_V4;
    for (size_t i = 0; i < n; i++) {
        const struct stream_answer *a = &answers[i];
        if (s->cmd == SOCKS_RESOLVE_PTR) {
            if (a->kind == ANSWER_NAME)
                return a;
            continue;
        }
        if (a->kind != ANSWER_IP || !may_show(s, &a->ip))
            continue;
        if (a->ip.family == first_choice)
            return a;
        if (!second)
            second = a;
    }
    return second;
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct socks *s = arg;
    const struct stream_answer *a = choose(s, answers, n);
    if (!a)
        refuse(s, REPLY_HOST_UNREACHABLE);
    else if (a->kind == ANSWER_NAME)
        reply(s, REPLY_SUCCEEDED, NULL, text_of(a->name));
    else
        reply(s, REPLY_SUCCEEDED, &a->ip, (struct text){NULL, 0});
    done(s);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct socks *s = arg;
    if (s->state != OPEN)
        return;
    if (s->gone) {
        tunnel_consumed(s->tunnel, len);
        return;
    }
    s->asked = false;
    s->word_us = s->env->mono_us;
    send_bytes(s, bytes, len);
    if (s->eof && s->state == OPEN && !s->in.len)
        wait_for_far_side(s);
}

static void on_writable(void *arg)
{
    push(arg);
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct socks *s = arg;
    const struct tunnel_request *req = tunnel_asked(s->tunnel);
    s->tunnel = NULL;
    if (s->state == WAITING) {
        log_info(s->env->log, "A SOCKS request to %s failed after %u attempts: %s",
                 log_safe(s->env->log, req->host), end->attempts, end->text);
        refuse(s, socks5_code(end));
        return;
    }
    done(s);
}

static const struct tunnel_ops tunnel_ops = {
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

/* ---- the request ---- */

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
    for (size_t i = 0; i < n; i++)
        if (ports[i] == port)
            return true;
    return false;
}

/* Letters, digits and what else tor lets pass in a host name or an address; no NUL, no space, no
 * control byte. */
static bool host_is_plausible(struct text host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.s[i];
        if (!isalnum(c) && c != '-' && c != '.' && c != '_' && c != ':' && c != '[' && c != ']')
            return false;
    }
    return host.len > 0 && host.len <= TUNNEL_HOST_MAX;
}

static bool is_onion(const char *host)
{
    size_t len = strlen(host);
    if (len && host[len - 1] == '.')
        len--;
    return len >= 6 && text_is_nocase((struct text){host + len - 6, 6}, ".onion");
}

/* Proposal 304: X'F6' for what cannot be a version 3 address: 56 base32 characters. */
static bool is_onion_v3(const char *host)
{
    const char *label = host, *dot = strchr(host, '.');
    for (const char *next; dot && (next = strchr(dot + 1, '.')) && next[1]; dot = next)
        label = dot + 1;
    if (!dot || dot - label != 56)
        return false;
    for (const char *c = label; c < dot; c++)
        if (!isalpha((unsigned char)*c) && (*c < '2' || *c > '7'))
            return false;
    return true;
}

static void warn_leak(struct socks *s, const struct socks_request *req)
{
    if (s->config->safe_socks || s->config->test_socks || may_warn(s, SOCKS_WARN_LEAK))
        log_warn(s->env->log,
                 "Your application (using socks%d to port %u) is giving Tor only an IP address. "
                 "Applications that do DNS resolves themselves may leak information. Consider "
                 "using SOCKS4A or SOCKS5 with remote host names (socks5h) instead.%s",
                 req->version, req->port, s->config->safe_socks ? " Rejecting." : "");
}

/* WarnPlaintextPorts, RejectPlaintextPorts: a reply code, or 0. */
static uint8_t plaintext_objection(struct socks *s, uint16_t port)
{
    const struct socks_port_config *c = s->config;
    bool rejected = has_port(c->reject_ports, c->n_reject_ports, port);
    if ((rejected || has_port(c->warn_ports, c->n_warn_ports, port)) &&
        may_warn(s, SOCKS_WARN_PLAINTEXT))
        log_warn(s->env->log,
                 "Application request to port %u: this port is commonly used for unencrypted "
                 "protocols. Please make sure you don't send anything you would mind the rest of "
                 "the Internet reading!%s",
                 port, rejected ? " Closing." : "");
    return rejected ? REPLY_NOT_ALLOWED : 0;
}

/* What the options have against REQ (TR is the same, translated): a reply code, or 0. */
static uint8_t objection(struct socks *s, const struct socks_request *req,
                         const struct tunnel_request *tr)
{
    const struct socks_port_config *c = s->config;
    if (req->host.len == 0 && req->cmd != SOCKS_RESOLVE_PTR) {
        warn_leak(s, req);
        if (c->safe_socks)
            return REPLY_NOT_ALLOWED;
    } else if (c->test_socks) {
        log_notice(s->env->log,
                   "Your application (using socks%d to port %u) instructed Tor to "
                   "take care of the DNS resolution itself if necessary. This is good.",
                   req->version, req->port);
    }
    if (is_onion(tr->host) && c->no_onion) {
        log_warn(s->env->log, "Onion address %s requested from a port with .onion disabled",
                 log_safe(s->env->log, tr->host));
        return REPLY_NOT_ALLOWED;
    }
    if (is_onion(tr->host))
        return c->extended_errors && !is_onion_v3(tr->host) ? REPLY_ONION_BAD_ADDRESS : 0;
    if (c->onion_only)
        return REPLY_NOT_ALLOWED;
    if (tr->ip.family == IP_NONE && !c->dns_request)
        return REPLY_NOT_ALLOWED;
    if ((tr->ip.family == IP_V4 && !c->ipv4_traffic) ||
        (tr->ip.family == IP_V6 && !c->ipv6_traffic))
        return REPLY_NOT_ALLOWED;
    return req->cmd == SOCKS_CONNECT ? plaintext_objection(s, req->port) : 0;
}

static void set_isolation(struct socks *s, struct isolation *iso)
{
    const struct socks_port_config *c = s->config;
    *iso = s->isolation; /* the user name and password, if they count */
    iso->session = c->session;
    iso->by_dest_addr = c->isolate_dest_addr;
    iso->by_dest_port = c->isolate_dest_port;
    iso->keep_alive = c->keep_alive_isolate_socks_auth;
    if (c->isolate_client_protocol)
        iso->protocol = s->version;
    if (c->isolate_client_addr)
        iso->client = s->peer;
}

static void note_auth(struct socks *s, struct text user, struct text pass)
{
    if (s->config->isolate_socks_auth && (user.len || pass.len))
        isolation_set_auth(&s->isolation, user, pass);
}

/* A reply code, or 0. */
static uint8_t translate(struct socks *s, const struct socks_request *req,
                         struct tunnel_request *tr)
{
    static const enum tunnel_kind kinds[] = {TUNNEL_CONNECT, TUNNEL_RESOLVE, TUNNEL_RESOLVE_PTR};
    *tr = (struct tunnel_request){.ip = req->ip,
                                  .port = req->port,
                                  .ipv4_ok = s->config->ipv4_traffic,
                                  .ipv6_ok = s->config->ipv6_traffic,
                                  .prefer_ipv6 = s->config->prefer_ipv6};
    if (req->cmd == SOCKS_RESOLVE_PTR && s->version == 4)
        return REPLY_COMMAND_NOT_SUPPORTED;
    if (req->cmd == SOCKS_CONNECT)
        tr->kind = kinds[0];
    else if (req->cmd == SOCKS_RESOLVE || req->cmd == SOCKS_RESOLVE_PTR)
        tr->kind = kinds[req->cmd == SOCKS_RESOLVE ? 1 : 2];
    else
        return REPLY_COMMAND_NOT_SUPPORTED;
    if (req->host.len) {
        if (!host_is_plausible(req->host))
            return REPLY_GENERAL;
        snprintf(tr->host, sizeof tr->host, "%.*s", TEXT_ARG(req->host));
        if (ip_parse(tr->host, true, &tr->ip) != OK) {
            if (strpbrk(tr->host, ":[]"))
                return REPLY_GENERAL;
            tr->ip = (struct ip){.family = IP_NONE};
        }
    }
    if (tr->ip.family != IP_NONE)
        ip_text(&tr->ip, tr->host);
    if (tr->kind == TUNNEL_RESOLVE_PTR && tr->ip.family == IP_NONE)
        return REPLY_ADDRESS_NOT_SUPPORTED;
    set_isolation(s, &tr->isolation);
    return 0;
}

static void begin(struct socks *s, const struct socks_request *req)
{
    struct tunnel_request tr;
    s->cmd = req->cmd;
    uint8_t code = translate(s, req, &tr);
    if (!code)
        code = objection(s, req, &tr);
    if (code) {
        refuse(s, code);
        return;
    }
    if (tr.kind == TUNNEL_RESOLVE && tr.ip.family != IP_NONE) { /* it is resolved already */
        reply(s, may_show(s, &tr.ip) ? REPLY_SUCCEEDED : REPLY_HOST_UNREACHABLE, &tr.ip,
              (struct text){NULL, 0});
        done(s);
        return;
    }
    env_disarm(s->env, &s->deadline);
    s->state = WAITING;
    s->tunnel = tunnel_open(s->client, &tr, &tunnel_ops, s);
    if (!s->tunnel)
        refuse(s, REPLY_GENERAL);
}

/* ---- the handshake ---- */

static err_t take_greeting(struct socks *s, struct rd *r)
{
    bool none, user_pass;
    TRY(socks5_greeting_parse(r, &none, &user_pass));
    uint8_t method = METHOD_NO_ACCEPTABLE;
    if (user_pass && !(none && s->config->prefer_no_auth))
        method = METHOD_USER_PASS;
    else if (none)
        method = METHOD_NONE;
    const uint8_t answer[] = {5, method};
    send_bytes(s, answer, sizeof answer);
    if (method == METHOD_NO_ACCEPTABLE)
        done(s);
    else
        s->state = method == METHOD_USER_PASS ? AUTH : REQUEST;
    return OK;
}

/* Proposal 351 keeps user names that begin "<torS0X>" for later: of those only "<torS0X>0", with
 * any password, means something yet, and that is plain isolation. */
static bool user_is_reserved(struct text user)
{
    return text_starts(user, "<torS0X>") && !text_is(user, "<torS0X>0");
}

static err_t take_auth(struct socks *s, struct rd *r)
{
    struct text user, pass;
    TRY(socks5_auth_parse(r, &user, &pass));
    bool good = !user_is_reserved(user);
    const uint8_t answer[] = {1, good ? 0 : 1};
    note_auth(s, user, pass);
    s->had_auth = true;
    send_bytes(s, answer, sizeof answer);
    s->state = REQUEST;
    if (!good)
        done(s);
    return OK;
}

static err_t take_request5(struct socks *s, struct rd *r)
{
    struct socks_request req;
    /* socks-extensions 1.1: "we allow clients to pass "USERNAME/PASSWORD" authentication message to
     * us even if no authentication was selected" */
    if (*r->at == 1 && !s->had_auth)
        return take_auth(s, r);
    err_t e = socks5_request_parse(r, &req);
    if (e == ERR_UNSUPPORTED) {
        refuse(s, REPLY_ADDRESS_NOT_SUPPORTED);
        return OK;
    }
    TRY(e);
    begin(s, &req);
    return OK;
}

static err_t take_request4(struct socks *s, struct rd *r)
{
    struct socks_request req;
    TRY(socks4_request_parse(r, &req));
    note_auth(s, req.user, (struct text){NULL, 0});
    begin(s, &req);
    return OK;
}

static void answer_http(struct socks *s)
{
    static const char page[] =
        "HTTP/1.0 501 Tor is not an HTTP Proxy\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        "<!DOCTYPE html><title>A SOCKS proxy, not an HTTP proxy</title>\n"
        "<h1>This is a SOCKS proxy, not an HTTP proxy.</h1>\n"
        "<p>Your application spoke HTTP to Tunic's SocksPort. Set it to use this address and port "
        "as a SOCKS5 proxy, with host names resolved by the proxy.</p>\n";
    send_bytes(s, (const uint8_t *)page, sizeof page - 1);
}

static err_t take_hello(struct socks *s, struct rd *r)
{
    uint8_t first = *r->at;
    s->version = first;
    if (first == 5)
        return take_greeting(s, r);
    if (first == 4)
        return take_request4(s, r);
    if (may_warn(s, SOCKS_WARN_GARBAGE))
        log_warn(s->env->log, "Socks version %u not recognized. (This port is not an HTTP proxy.)",
                 first);
    if (memchr("GHPCDO", first, 6)) /* GET, HEAD, POST, CONNECT, DELETE, OPTIONS */
        answer_http(s);
    done(s);
    return OK;
}

static err_t take_one(struct socks *s)
{
    struct rd r = rd_over(buf_at(&s->in), s->in.len);
    err_t e = OK;
    switch (s->state) {
    case HELLO:
        e = take_hello(s, &r);
        break;
    case AUTH:
        e = take_auth(s, &r);
        break;
    case REQUEST:
        e = take_request5(s, &r);
        break;
    case WAITING:
    case OPEN:
    case DONE:
        return ERR_STATE;
    }
    if (e == OK)
        buf_drain(&s->in, s->in.len - r.left);
    return e;
}

static void shake_hands(struct socks *s)
{
    while (s->state < WAITING && s->in.len) {
        err_t e = take_one(s);
        if (e == ERR_MORE && s->in.len < SOCKS_HELLO_MAX)
            return;
        if (e != OK) {
            if (may_warn(s, SOCKS_WARN_GARBAGE))
                log_warn(s->env->log, "Fetching socks handshake failed: %s. Closing.",
                         err_text(e == ERR_MORE ? ERR_LIMIT : e));
            if (s->state == REQUEST || s->version == 4)
                refuse(s, REPLY_GENERAL);
            else
                done(s);
        }
    }
}

/* ---- net's side ---- */

uint8_t *socks_in_room(struct socks *s, size_t *room)
{
    uint8_t *to = NULL;
    if (s->state != DONE && !s->eof && s->in.len + READ_LEAST <= IN_CAP) {
        *room = s->state == OPEN ? IN_CAP - s->in.len : READ_LEAST;
        to = buf_room(&s->in, *room);
    }
    s->refused_input = !to;
    return to;
}

void socks_in_done(struct socks *s, size_t len)
{
    buf_commit(&s->in, len);
    shake_hands(s);
    push(s);
    note_moved(s);
}

void socks_in_eof(struct socks *s, bool sure)
{
    s->eof = true;
    s->reads = sure;
    switch (s->state) {
    case OPEN:
        push(s);
        break;
    case WAITING:
        /* Who has sent all that it will wants the answer, also of a look-up. Else it has most
         * likely given up, and circuits are built for those who have not. */
        if (!sure && s->cmd == SOCKS_CONNECT && !s->in.len)
            hang_up(s);
        break;
    default:
        done(s);
    }
}

void socks_in_end(struct socks *s)
{
    bool has_words = s->state == OPEN && s->in.len;
    s->eof = s->gone = s->asked = true;
    s->reads = false;
    s->word_us = s->env->mono_us;
    if (has_words)
        wait_for_far_side(s); /* to take them: push() goes on */
    else if (s->state != DONE)
        hang_up(s);
}

const uint8_t *socks_out(const struct socks *s, size_t *len)
{
    *len = s->out.len;
    return s->out.len ? buf_at(&s->out) : NULL;
}

void socks_sent(struct socks *s, size_t len)
{
    size_t ours = len < s->reply_left ? len : s->reply_left;
    buf_drain(&s->out, len);
    s->reply_left -= ours;
    if (s->state == OPEN && len > ours)
        tunnel_consumed(s->tunnel, len - ours);
    note_moved(s);
}

static void idle(void *arg)
{
    struct socks *s = arg;
    buf_trim(&s->in);
    buf_trim(&s->out);
}

/* ---- life ---- */

static void deadline(void *arg)
{
    struct socks *s = arg;
    if (s->state == OPEN) {
        wait_for_far_side(s);
        return;
    }
    log_info(s->env->log, "A SOCKS handshake was not finished in time: closing");
    done(s);
}

struct socks *socks_new(struct env *env, struct client *client,
                        const struct socks_port_config *config, const struct ip *peer,
                        const struct socks_ops *ops, void *arg)
{
    struct socks *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct socks){
        .env = env, .client = client, .config = config, .peer = *peer, .ops = ops, .arg = arg};
    buf_init(&s->in, IN_CAP);
    buf_init(&s->out, OUT_CAP);
    timer_init(&s->deadline, deadline, s);
    timer_init(&s->idle, idle, s);
    env_arm_ms(env, &s->deadline, SOCKS_HANDSHAKE_MS);
    return s;
}

void socks_free(struct socks *s)
{
    if (!s)
        return;
    if (s->tunnel)
        tunnel_close(s->tunnel, END_DONE);
    env_disarm(s->env, &s->deadline);
    env_disarm(s->env, &s->idle);
    buf_free(&s->in);
    buf_free(&s->out);
    free(s);
}
