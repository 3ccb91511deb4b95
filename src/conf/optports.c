/* SocksPort lines: where to listen, and what keeps streams apart. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "conf/confquote.h"
#include "conf/optlists.h"

enum { SOCKS_PORTS_MAX = 256, SOCKS_DEFAULT_PORT = 9050, UNIX_PATH_MAX_LEN = 107 };

/* Flags that are a plain yes or no; "No" before the name turns them. */
struct bool_flag {
    const char *name;
    size_t at;
    bool unix_only, caches;
};

#define FLAG(name, member, unix_only, caches)                        \
    {                                                                \
        name, offsetof(struct socks_port, member), unix_only, caches \
    }

static const struct bool_flag FLAGS[] = {
    FLAG("GroupWritable", group_writable, true, false),
    FLAG("WorldWritable", world_writable, true, false),
    FLAG("RelaxDirModeCheck", relax_dir_mode, true, false),
    FLAG("IPv4Traffic", ipv4, false, false),
    FLAG("IPv6Traffic", ipv6, false, false),
    FLAG("PreferIPv6", prefer_ipv6, false, false),
    FLAG("DNSRequest", dns, false, false),
    FLAG("OnionTraffic", onion, false, false),
    FLAG("CacheIPv4DNS", cache_ipv4_dns, false, true),
    FLAG("CacheIPv6DNS", cache_ipv6_dns, false, true),
    FLAG("UseIPv4Cache", use_ipv4_cache, false, true),
    FLAG("UseIPv6Cache", use_ipv6_cache, false, true),
    FLAG("PreferIPv6Automap", prefer_ipv6_automap, false, false),
    FLAG("PreferSOCKSNoAuth", prefer_no_auth, false, false),
    FLAG("KeepAliveIsolateSOCKSAuth", keepalive_isolate_socks_auth, false, false),
    FLAG("ExtendedErrors", extended_errors, false, false),
};

static const struct {
    const char *name;
    enum socks_isolation bit;
} ISOLATIONS[] = {
    {"IsolateDestPort", ISO_DEST_PORT},     {"IsolateDestAddr", ISO_DEST_ADDR},
    {"IsolateSOCKSAuth", ISO_SOCKS_AUTH},   {"IsolateClientProtocol", ISO_CLIENT_PROTOCOL},
    {"IsolateClientAddr", ISO_CLIENT_ADDR},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool ends_in_s(struct text t)
{
    return t.len > 0 && (t.s[t.len - 1] == 's' || t.s[t.len - 1] == 'S');
}

static const struct bool_flag *find_flag(struct text name)
{
    for (size_t i = 0; i < COUNT(FLAGS); i++)
        if (text_is_nocase(name, FLAGS[i].name))
            return &FLAGS[i];
    return NULL;
}

static bool set_isolation(struct socks_port *p, struct text name, bool on)
{
    if (ends_in_s(name))
        name.len--; /* tor takes "IsolateDestPorts", too */
    for (size_t i = 0; i < COUNT(ISOLATIONS); i++)
        if (text_is_nocase(name, ISOLATIONS[i].name)) {
            if (on)
                p->isolation |= ISOLATIONS[i].bit;
            else
                p->isolation &= ~(uint32_t)ISOLATIONS[i].bit;
            return true;
        }
    return false;
}

static bool starts_nocase(struct text t, const char *prefix)
{
    size_t len = strlen(prefix);
    return t.len >= len && strncasecmp(t.s, prefix, len) == 0;
}

/* State of one line. */
struct port_line {
    const struct conf_line *line;
    const struct log *log;
    struct conf_err *e;
    struct socks_port port;
    bool off, group_given, used_unix_only, cache_warned;
};

static err_t fail(const struct port_line *pl, const char *what)
{
    return conf_fail(pl->e, ERR_MALFORMED, "%s: %s \"%s\": %s", pl->line->where, pl->line->key,
                     pl->line->value, what);
}

static err_t parse_group(struct port_line *pl, struct text number)
{
    uint64_t group = 0;
    if (pl->group_given)
        return fail(pl, "Multiple SessionGroup options on SocksPort");
    if (text_to_u64(number, INT_MAX, &group) != OK)
        return fail(pl, "SessionGroup wants a number");
    pl->group_given = true;
    pl->port.session_group = (int)group;
    return OK;
}

static void set_flag(struct port_line *pl, const struct bool_flag *flag, bool on)
{
    *(bool *)((char *)&pl->port + flag->at) = on;
    pl->used_unix_only |= flag->unix_only;
    if (flag->caches && on && !pl->cache_warned) {
        log_warn(
            pl->log,
            "%s: %s asks for a DNS cache in the client, which lets one bad exit send you to an "
            "address of its choice again and again. Tunic keeps none.",
            pl->line->where, flag->name);
        pl->cache_warned = true;
    }
}

/* C tor warns and goes on; a misspelt isolation flag would silently join streams. */
static err_t unknown_flag(const struct port_line *pl, struct text word)
{
    static const char *const others[] = {"CacheDNS", "UseDNSCache", "OnionTrafficOnly",
                                         "SessionGroup=N"};
    char flag[NEAREST_NAME_MAX], what[256];
    snprintf(flag, sizeof flag, "%.*s", TEXT_ARG(word));
    bool no = starts_nocase(word, "No");
    struct nearest near = nearest_begin(flag + (no ? 2 : 0));
    for (size_t i = 0; i < COUNT(FLAGS); i++)
        nearest_try(&near, FLAGS[i].name);
    for (size_t i = 0; i < COUNT(ISOLATIONS); i++)
        nearest_try(&near, ISOLATIONS[i].name);
    for (size_t i = 0; i < COUNT(others); i++)
        nearest_try(&near, others[i]);
    int n = snprintf(what, sizeof what, "Unrecognized SocksPort option '%s'", flag);
    if (near.best)
        snprintf(what + n, sizeof what - (size_t)n, ". Did you mean \"%s%s\"?", no ? "No" : "",
                 near.best);
    return fail(pl, what);
}

static err_t parse_flag(struct port_line *pl, struct text word)
{
    if (starts_nocase(word, "SessionGroup="))
        return parse_group(pl, (struct text){word.s + 13, word.len - 13});
    bool no = starts_nocase(word, "No");
    struct text name = no ? (struct text){word.s + 2, word.len - 2} : word;
    const struct bool_flag *flag = find_flag(name);
    if (flag) {
        set_flag(pl, flag, !no);
    } else if (text_is_nocase(name, "CacheDNS")) {
        set_flag(pl, find_flag(text_of("CacheIPv4DNS")), !no);
        set_flag(pl, find_flag(text_of("CacheIPv6DNS")), !no);
    } else if (text_is_nocase(name, "UseDNSCache")) {
        set_flag(pl, find_flag(text_of("UseIPv4Cache")), !no);
        set_flag(pl, find_flag(text_of("UseIPv6Cache")), !no);
    } else if (text_is_nocase(name, "OnionTrafficOnly")) {
        if (no)
            log_warn(pl->log,
                     "%s: Unsupported SocksPort option 'NoOnionTrafficOnly'. Use "
                     "DNSRequest, IPv4Traffic, and/or IPv6Traffic instead.",
                     pl->line->where);
        else
            pl->port.ipv4 = pl->port.ipv6 = pl->port.dns = false;
    } else if (!set_isolation(&pl->port, name, !no)) {
        return unknown_flag(pl, word);
    }
    return OK;
}

static err_t set_unix_path(struct port_line *pl, struct text path)
{
    if (path.len == 0 || path.len > UNIX_PATH_MAX_LEN)
        return fail(pl, "the path of a unix socket has 1 to 107 bytes");
    pl->port.unix_path = text_dup(path);
    return pl->port.unix_path ? OK : ERR_NOMEM;
}

static err_t parse_quoted_path(struct port_line *pl, struct text *rest)
{
    char *value = text_dup(*rest), *path = value ? malloc(rest->len + 1) : NULL;
    size_t len = 0;
    const char *behind = path ? conf_unquote(value, path, &len) : NULL;
    err_t err = !path     ? ERR_NOMEM
                : !behind ? fail(pl, "Invalid SocksPort line with unparsable address")
                          : set_unix_path(pl, (struct text){path, len});
    if (behind) {
        rest->s += behind - value;
        rest->len -= (size_t)(behind - value);
    }
    free(value);
    free(path);
    return err;
}

/* unix:PATH or unix:"PATH WITH BLANKS", in which C's escapes count; takes it off *REST. */
static err_t parse_unix(struct port_line *pl, struct text *rest)
{
    struct text path;
    rest->s += 5;
    rest->len -= 5;
    if (rest->len > 0 && rest->s[0] == '"')
        return parse_quoted_path(pl, rest);
    if (rest->len == 0 || rest->s[0] == ' ' || rest->s[0] == '\t' || !text_token(rest, &path))
        return fail(pl, "Invalid SocksPort line with no address");
    return set_unix_path(pl, path);
}

/* "9050", "auto", "0", "ADDR:9050", "ADDR:auto" */
static err_t parse_tcp(struct port_line *pl, struct text word)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct ipport *at = &pl->port.at;
    char text[IPPORT_TEXT_MAX + 8];
    uint64_t number = 0;
    at->ip = ip_v4(loopback);
    if (text_is_nocase(word, "auto"))
        return OK;
    struct text digits = word; /* strtol() takes a plus, and so does tor */
    if (digits.len > 1 && digits.s[0] == '+')
        digits = (struct text){word.s + 1, word.len - 1};
    if (text_to_u64(digits, UINT16_MAX, &number) == OK) {
        at->port = (uint16_t)number;
        pl->off = number == 0;
        return OK;
    }
    if (word.len >= sizeof text)
        return fail(pl, "Couldn't parse address for SocksPort");
    memcpy(text, word.s, word.len);
    text[word.len] = 0;
    if (word.len > 5 && strcasecmp(text + word.len - 5, ":auto") == 0) {
        text[word.len - 5] = 0;
        if (ip_parse(text, true, &at->ip) != OK)
            return fail(pl, "Invalid address for SocksPort");
        return OK;
    }
    if (strncasecmp(text, "localhost:", 10) == 0 &&
        text_u64(text + 10, UINT16_MAX, &number) == OK) {
        at->port = (uint16_t)number; /* the one name that needs no resolver */
    } else if (ipport_parse(text, at) != OK) {
        struct ip ip;
        return fail(pl, ip_parse(text, true, &ip) == OK ? "SocksPort line has address but no port"
                                                        : "Couldn't parse address for SocksPort");
    }
    if (at->port == 0)
        return fail(pl, "SocksPort line has address but no port");
    return OK;
}

static err_t check_port(struct port_line *pl)
{
    struct socks_port *p = &pl->port;
    if (!p->ipv4 && !p->ipv6 && !p->onion)
        return fail(pl, "You have a SocksPort entry with all of IPv4 and IPv6 and .onion disabled; "
                        "that won't work.");
    if (p->dns && !p->ipv4 && !p->ipv6)
        return fail(pl, "You have a SocksPort entry with DNSRequest enabled, but IPv4 and IPv6 "
                        "disabled; DNS-based sites won't work.");
    if (pl->used_unix_only && !p->unix_path)
        return fail(pl, "You have a SocksPort entry with GroupWritable, WorldWritable, or "
                        "RelaxDirModeCheck, but it is not a unix socket.");
    if (!(p->isolation & ISO_SOCKS_AUTH) && p->keepalive_isolate_socks_auth)
        return fail(pl, "You have a SocksPort entry with both NoIsolateSOCKSAuth and "
                        "KeepAliveIsolateSOCKSAuth set.");
    if (p->unix_path)
        p->isolation &= ~(uint32_t)ISO_CLIENT_ADDR; /* its clients have no address */
    if (!(p->isolation & ISO_SOCKS_AUTH))
        p->prefer_no_auth = true;
    return OK;
}

static struct socks_port default_port(bool group_writable)
{
    return (struct socks_port){.isolation = ISO_DEFAULT,
                               .session_group = -1,
                               .ipv4 = true,
                               .ipv6 = true,
                               .dns = true,
                               .onion = true,
                               .prefer_ipv6_automap = true,
                               .group_writable = group_writable};
}

static err_t parse_line(struct port_line *pl)
{
    struct text rest = text_strip(text_of(pl->line->value)), word;
    if (text_starts(rest, "unix:")) {
        TRY(parse_unix(pl, &rest));
    } else {
        if (!text_token(&rest, &word))
            return fail(pl, "Invalid SocksPort line with no address");
        TRY(parse_tcp(pl, word));
    }
    while (text_token(&rest, &word))
        TRY(parse_flag(pl, word));
    return check_port(pl);
}

static void warn_public(const struct port_line *pl)
{
    const struct socks_port *p = &pl->port;
    char text[IPPORT_TEXT_MAX];
    if (p->unix_path || pl->off || ip_is_loopback(&p->at.ip))
        return;
    /* 0.0.0.0 listens on every address, private or not, and C tor calls it private. */
    if (!ip_is_internal(&p->at.ip))
        log_warn(pl->log,
                 "You specified a public address '%s' for SocksPort. Other people on the "
                 "Internet might find your computer and use it as an open proxy. Please "
                 "don't allow this unless you have a good reason.",
                 ipport_text(&p->at, text));
    else
        log_notice(pl->log,
                   "You configured a non-loopback address '%s' for SocksPort. This allows "
                   "everybody on your local network to use your machine as a proxy. Make "
                   "sure this is what you wanted.",
                   ipport_text(&p->at, text));
}

static err_t add_port(struct socks_port **list, size_t *n, struct socks_port gift_port)
{
    struct socks_port *more = realloc(*list, (*n + 1) * sizeof *more);
    if (!more) {
        free(gift_port.unix_path);
        return ERR_NOMEM;
    }
    more[*n] = gift_port;
    *list = more;
    (*n)++;
    return OK;
}

/* One line; *OFF: it is "SocksPort 0". */
static err_t add_line(struct port_line *pl, struct socks_port **out, size_t *n, bool *off)
{
    err_t err = *n == SOCKS_PORTS_MAX ? fail(pl, "too many SocksPort lines") : parse_line(pl);
    if (err != OK || pl->off) {
        free(pl->port.unix_path);
        *off |= pl->off;
        return err;
    }
    warn_public(pl);
    return add_port(out, n, pl->port);
}

err_t socks_ports_parse(const struct conf_line *lines, bool group_writable, const struct log *log,
                        struct socks_port **out, size_t *n, struct conf_faults *faults)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct conf_err e;
    bool off = false;
    *out = NULL;
    *n = 0;
    if (!lines) {
        struct socks_port port = default_port(false);
        port.at = (struct ipport){ip_v4(loopback), SOCKS_DEFAULT_PORT};
        return add_port(out, n, port);
    }
    for (; lines; lines = lines->next) {
        struct port_line pl = {.line = lines, .log = log, .e = &e};
        pl.port = default_port(group_writable && text_starts(text_of(lines->value), "unix:"));
        TRY(conf_faults_add(faults, add_line(&pl, out, n, &off), &e));
    }
    return conf_faults_say(faults, off && *n > 0 ? ERR_MALFORMED : OK,
                           "You specified a nonzero SocksPort along with 'SocksPort 0' in the same "
                           "configuration. Did you mean to disable SocksPort or not?");
}

void socks_ports_free(struct socks_port *ports, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(ports[i].unix_path);
    free(ports);
}
