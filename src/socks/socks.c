#include "socks/socks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socks/wire.h"

enum socks_state {
    HELLO,   /* the first byte tells the version */
    AUTH,    /* SOCKS5 user name and password */
    REQUEST, /* SOCKS5 request */
};

struct socks {
    struct env *env;
    struct client *client;
    struct pump *pump;
    const struct front_config *config;
    struct ipport peer;
    enum socks_state state;
    uint8_t version, cmd;
    bool had_auth;
    struct isolation who;
    struct login *login; /* what it said of itself; or NULL */
};

/* ---- answers ---- */

/* The reply of either version; IP and NAME may be empty. */
static void reply(struct socks *s, uint8_t code, const struct ip *ip, struct text name)
{
    uint8_t bytes[SOCKS_REPLY_MAX];
    size_t len = s->version == 4 ? socks4_reply(code == REPLY_SUCCEEDED, ip, bytes)
                                 : socks5_reply(code, ip, name, bytes);
    pump_say(s->pump, bytes, len);
}

static void refuse(struct socks *s, uint8_t code)
{
    reply(s, code, NULL, (struct text){NULL, 0});
    pump_end(s->pump);
}

static void connected(void *hello)
{
    reply(hello, REPLY_SUCCEEDED, NULL, (struct text){NULL, 0});
}

/* SOCKS4 has no room for an IPv6 address. */
static bool may_show(const struct socks *s, const struct ip *ip)
{
    return front_may_have(s->config, ip) && (ip->family == IP_V4 || s->version != 4);
}

/* The answer to show: for a look-up an address the application may use, IPv4 first unless it
 * prefers otherwise; for a reverse one a name. */
static const struct stream_answer *choose(const struct socks *s,
                                          const struct stream_answer *answers, size_t n)
{
    const struct stream_answer *second = NULL;
    enum ip_family first_choice = s->config->flags.prefer_ipv6 ? IP_V6 : IP_V4;
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

static void resolved(void *hello, const struct stream_answer *answers, size_t n)
{
    struct socks *s = hello;
    const struct stream_answer *a = choose(s, answers, n);
    if (!a)
        refuse(s, REPLY_HOST_UNREACHABLE);
    else if (a->kind == ANSWER_NAME)
        reply(s, REPLY_SUCCEEDED, NULL, text_of(a->name));
    else
        reply(s, REPLY_SUCCEEDED, &a->ip, (struct text){NULL, 0});
}

static void failed(void *hello, const struct tunnel_request *asked, const struct tunnel_end *end)
{
    struct socks *s = hello;
    log_info(s->env->log, "A SOCKS request to %s failed after %u attempts: %s",
             log_safe(s->env->log, asked->host), end->attempts, end->text);
    refuse(s, socks5_code(end));
}

/* ---- the request ---- */

static uint8_t code_of(enum front_verdict verdict)
{
    static const uint8_t codes[] = {
        [FRONT_GRANTED] = REPLY_SUCCEEDED,
        [FRONT_NO_HOST] = REPLY_GENERAL,
        [FRONT_NO_ADDRESS] = REPLY_ADDRESS_NOT_SUPPORTED,
        [FRONT_NOT_ALLOWED] = REPLY_NOT_ALLOWED,
        [FRONT_NO_ONION] = REPLY_NOT_ALLOWED,
        [FRONT_PLAINTEXT] = REPLY_NOT_ALLOWED,
        [FRONT_ONION_MALFORMED] = REPLY_ONION_BAD_ADDRESS,
    };
    return codes[verdict];
}

static void tell_leak(const struct socks *s, const struct socks_request *req)
{
    const struct ipport to = {req->ip, req->port};
    struct event_status e = {.what = STATUS_DANGEROUS_SOCKS, .number = req->version};
    char text[IPPORT_TEXT_MAX];
    snprintf(e.text, sizeof e.text, "%s", ipport_text(&to, text));
    front_tell(s->client, &e);
}

/* The application has looked the name up by itself, past Tor. */
static void warn_leak(const struct socks *s, const struct socks_request *req)
{
    const struct front_rules *rules = &s->config->rules;
    tell_leak(s, req);
    if (rules->safe_socks || rules->test_socks ||
        front_may_warn(s->config, s->env, FRONT_WARN_LEAK))
        log_warn(s->env->log,
                 "Your application (using socks%d to port %u) is giving Tor only an IP address. "
                 "Applications that do DNS resolves themselves may leak information. Consider "
                 "using SOCKS4A or SOCKS5 with remote host names (socks5h) instead.%s",
                 req->version, req->port, rules->safe_socks ? " Rejecting." : "");
}

/* Whether SafeSocks lets REQ pass; says what it thinks of it. */
static bool is_safe(const struct socks *s, const struct socks_request *req)
{
    const struct front_rules *rules = &s->config->rules;
    bool leaks = !req->host.len && req->cmd != SOCKS_RESOLVE_PTR;
    if (leaks)
        warn_leak(s, req);
    else if (rules->test_socks)
        log_notice(s->env->log,
                   "Your application (using socks%d to port %u) instructed Tor to "
                   "take care of the DNS resolution itself if necessary. This is good.",
                   req->version, req->port);
    return !leaks || !rules->safe_socks;
}

static bool kind_of(const struct socks *s, uint8_t cmd, enum tunnel_kind *out)
{
    if (cmd == SOCKS_CONNECT)
        *out = TUNNEL_CONNECT;
    else if (cmd == SOCKS_RESOLVE)
        *out = TUNNEL_RESOLVE;
    else if (cmd == SOCKS_RESOLVE_PTR && s->version != 4)
        *out = TUNNEL_RESOLVE_PTR;
    else
        return false;
    return true;
}

static void tell_bad_name(const struct socks *s, struct text name)
{
    struct event_status e = {.what = STATUS_SOCKS_BAD_HOSTNAME};
    snprintf(e.text, sizeof e.text, "%.*s", TEXT_ARG(name));
    front_tell(s->client, &e);
}

/* A reply code: REPLY_SUCCEEDED, and OUT is what the tunnel is to be opened with. */
static uint8_t judge(const struct socks *s, const struct socks_request *req,
                     struct tunnel_request *out)
{
    struct front_wish wish = {.host = req->host,
                              .ip = req->ip,
                              .port = req->port,
                              .protocol = s->version,
                              .client = s->peer,
                              .who = s->who,
                              .login = s->login};
    if (!kind_of(s, req->cmd, &wish.kind))
        return REPLY_COMMAND_NOT_SUPPORTED;
    enum front_verdict v = front_request(s->config, &wish, out);
    if (v == FRONT_NO_HOST)
        tell_bad_name(s, req->host);
    if (v == FRONT_GRANTED && !is_safe(s, req))
        v = FRONT_NOT_ALLOWED;
    if (v == FRONT_GRANTED)
        v = front_judge(s->config, s->client, s->env, out);
    return code_of(v);
}

static void begin(struct socks *s, const struct socks_request *req)
{
    struct tunnel_request tr;
    s->cmd = req->cmd;
    uint8_t code = judge(s, req, &tr);
    if (code != REPLY_SUCCEEDED) {
        refuse(s, code);
    } else if (tr.kind == TUNNEL_RESOLVE && tr.ip.family != IP_NONE) { /* it is resolved already */
        reply(s, may_show(s, &tr.ip) ? REPLY_SUCCEEDED : REPLY_HOST_UNREACHABLE, &tr.ip,
              (struct text){NULL, 0});
        pump_end(s->pump);
    } else if (!pump_open(s->pump, &tr)) {
        refuse(s, REPLY_GENERAL);
    }
}

/* ---- the handshake ---- */

static err_t take_greeting(struct socks *s, struct rd *r)
{
    bool none, user_pass;
    TRY(socks5_greeting_parse(r, &none, &user_pass));
    uint8_t method = METHOD_NO_ACCEPTABLE;
    if (user_pass && !(none && s->config->flags.prefer_no_auth))
        method = METHOD_USER_PASS;
    else if (none)
        method = METHOD_NONE;
    const uint8_t answer[] = {5, method};
    pump_say(s->pump, answer, sizeof answer);
    if (method == METHOD_NO_ACCEPTABLE)
        pump_end(s->pump);
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

static void note_auth(struct socks *s, struct text user, struct text pass)
{
    front_note_auth(s->config, &s->who, user, pass);
    login_release(&s->login);
    s->login = login_new(user, pass);
}

static err_t take_auth(struct socks *s, struct rd *r)
{
    struct text user, pass;
    TRY(socks5_auth_parse(r, &user, &pass));
    bool good = !user_is_reserved(user);
    const uint8_t answer[] = {1, good ? 0 : 1};
    note_auth(s, user, pass);
    s->had_auth = true;
    pump_say(s->pump, answer, sizeof answer);
    s->state = REQUEST;
    if (!good)
        pump_end(s->pump);
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
    pump_say(s->pump, page, sizeof page - 1);
}

static void tell_garbage(const struct socks *s, const struct rd *r)
{
    enum { SHOWN = 8 }; /* proto_socks.c: "the first 8 bytes" */
    struct event_status e = {.what = STATUS_SOCKS_UNKNOWN_PROTOCOL};
    e.number = r->left < SHOWN ? (unsigned)r->left : SHOWN;
    memcpy(e.text, r->at, e.number);
    front_tell(s->client, &e);
}

static err_t take_hello(struct socks *s, struct rd *r)
{
    uint8_t first = *r->at;
    s->version = first;
    if (first == 5)
        return take_greeting(s, r);
    if (first == 4)
        return take_request4(s, r);
    tell_garbage(s, r);
    if (front_may_warn(s->config, s->env, FRONT_WARN_GARBAGE))
        log_warn(s->env->log, "Socks version %u not recognized. (This port is not an HTTP proxy.)",
                 first);
    if (memchr("GHPCDO", first, 6)) /* GET, HEAD, POST, CONNECT, DELETE, OPTIONS */
        answer_http(s);
    pump_end(s->pump);
    return OK;
}

static err_t take(void *hello, struct rd *in)
{
    struct socks *s = hello;
    switch (s->state) {
    case HELLO:
        return take_hello(s, in);
    case AUTH:
        return take_auth(s, in);
    case REQUEST:
        return take_request5(s, in);
    }
    return ERR_STATE;
}

static void bad(void *hello, err_t why)
{
    struct socks *s = hello;
    if (front_may_warn(s->config, s->env, FRONT_WARN_GARBAGE))
        log_warn(s->env->log, "Fetching socks handshake failed: %s. Closing.", err_text(why));
    if (s->state == REQUEST || s->version == 4)
        refuse(s, REPLY_GENERAL);
}

static void socks_free(void *hello)
{
    struct socks *s = hello;
    login_release(&s->login);
    free(s);
}

static const struct pump_hello hello = {
    .name = "SOCKS",
    .most = SOCKS_HELLO_MAX,
    .take = take,
    .bad = bad,
    .connected = connected,
    .resolved = resolved,
    .failed = failed,
    .free = socks_free,
};

struct pump *socks_new(struct env *env, struct client *client, const struct front_config *config,
                       const struct ipport *peer, const struct pump_ops *ops, void *arg)
{
    struct socks *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct socks){.env = env, .client = client, .config = config, .peer = *peer};
    struct pump *p = pump_new(env, client, &hello, s, ops, arg);
    if (p)
        s->pump = p;
    return p;
}
