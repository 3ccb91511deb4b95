#include "conf/portline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

err_t port_line_fail(const struct port_line *pl, const char *what, ...)
{
    char text[512];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return conf_fail(pl->e, ERR_MALFORMED, "%s: %s \"%s\": Invalid %s configuration. %s",
                     pl->line->where, pl->line->key, pl->line->value, pl->grammar->option, text);
}

/* Flags that are a plain yes or no; "No" before the name turns them. */
struct bool_flag {
    const char *name;
    size_t at; /* in struct port_spec */
    bool unix_only, caches;
};

#define FLAG(name, member, unix_only, caches)                       \
    {                                                               \
        name, offsetof(struct port_spec, member), unix_only, caches \
    }

static const struct bool_flag FLAGS[] = {
    FLAG("GroupWritable", at.group_writable, true, false),
    FLAG("WorldWritable", at.world_writable, true, false),
    FLAG("RelaxDirModeCheck", at.relax_dir_mode, true, false),
    FLAG("IPv4Traffic", flags.ipv4, false, false),
    FLAG("IPv6Traffic", flags.ipv6, false, false),
    FLAG("PreferIPv6", flags.prefer_ipv6, false, false),
    FLAG("DNSRequest", flags.dns, false, false),
    FLAG("OnionTraffic", flags.onion, false, false),
    FLAG("CacheIPv4DNS", flags.cache_ipv4_dns, false, true),
    FLAG("CacheIPv6DNS", flags.cache_ipv6_dns, false, true),
    FLAG("UseIPv4Cache", flags.use_ipv4_cache, false, true),
    FLAG("UseIPv6Cache", flags.use_ipv6_cache, false, true),
    FLAG("PreferIPv6Automap", flags.prefer_ipv6_automap, false, false),
    FLAG("PreferSOCKSNoAuth", flags.prefer_no_auth, false, false),
    FLAG("KeepAliveIsolateSOCKSAuth", flags.keepalive_isolate_socks_auth, false, false),
    FLAG("ExtendedErrors", flags.extended_errors, false, false),
    FLAG("OptimisticReply", flags.optimistic_reply, false, false),
};

static const struct {
    const char *name;
    enum port_isolation bit;
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

static bool set_isolation(struct port_flags *p, struct text name, bool on)
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

static err_t parse_group(struct port_line *pl, struct text number)
{
    uint64_t group = 0;
    if (pl->group_given)
        return port_line_fail(pl, "Multiple SessionGroup options on %s", pl->grammar->option);
    if (text_to_u64(number, INT32_MAX, &group) != OK)
        return port_line_fail(pl, "SessionGroup wants a number");
    pl->group_given = true;
    pl->port.session = (int32_t)group;
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
        if (FLAGS[i].unix_only || pl->grammar->takes_flags)
            nearest_try(&near, FLAGS[i].name);
    for (size_t i = 0; pl->grammar->takes_flags && i < COUNT(ISOLATIONS); i++)
        nearest_try(&near, ISOLATIONS[i].name);
    for (size_t i = 0; pl->grammar->takes_flags && i < COUNT(others); i++)
        nearest_try(&near, others[i]);
    int n = snprintf(what, sizeof what, "Unrecognized %s option '%s'", pl->grammar->option, flag);
    if (near.best)
        snprintf(what + n, sizeof what - (size_t)n, ". Did you mean \"%s%s\"?", no ? "No" : "",
                 near.best);
    return port_line_fail(pl, "%s", what);
}

err_t port_flag_parse(struct port_line *pl, struct text word)
{
    bool no = starts_nocase(word, "No"), client = pl->grammar->takes_flags;
    struct text name = no ? (struct text){word.s + 2, word.len - 2} : word;
    const struct bool_flag *flag = find_flag(name);
    if (pl->grammar->format)
        return text_is_nocase(word, pl->grammar->format)
                   ? OK
                   : port_line_fail(pl, "%s unknown format: %.*s", pl->grammar->option,
                                    TEXT_ARG(word));
    if (flag && (flag->unix_only || client)) {
        set_flag(pl, flag, !no);
    } else if (!client) {
        return unknown_flag(pl, word);
    } else if (starts_nocase(word, "SessionGroup=")) {
        return parse_group(pl, (struct text){word.s + 13, word.len - 13});
    } else if (text_is_nocase(name, "CacheDNS")) {
        set_flag(pl, find_flag(text_of("CacheIPv4DNS")), !no);
        set_flag(pl, find_flag(text_of("CacheIPv6DNS")), !no);
    } else if (text_is_nocase(name, "UseDNSCache")) {
        set_flag(pl, find_flag(text_of("UseIPv4Cache")), !no);
        set_flag(pl, find_flag(text_of("UseIPv6Cache")), !no);
    } else if (text_is_nocase(name, "OnionTrafficOnly")) {
        if (no)
            log_warn(pl->log,
                     "%s: Unsupported %s option 'NoOnionTrafficOnly'. Use "
                     "DNSRequest, IPv4Traffic, and/or IPv6Traffic instead.",
                     pl->line->where, pl->grammar->option);
        else
            pl->port.flags.ipv4 = pl->port.flags.ipv6 = pl->port.flags.dns = false;
    } else if (!set_isolation(&pl->port.flags, name, !no)) {
        return unknown_flag(pl, word);
    }
    return OK;
}

err_t port_flags_check(struct port_line *pl)
{
    struct port_flags *f = &pl->port.flags;
    const char *option = pl->grammar->option;
    if (!f->ipv4 && !f->ipv6 && !f->onion)
        return port_line_fail(pl,
                              "You have a %s entry with all of IPv4 and IPv6 and .onion disabled; "
                              "that won't work.",
                              option);
    if (f->dns && !f->ipv4 && !f->ipv6)
        return port_line_fail(pl,
                              "You have a %s entry with DNSRequest enabled, but IPv4 and IPv6 "
                              "disabled; DNS-based sites won't work.",
                              option);
    if (pl->used_unix_only && !pl->port.at.unix_path)
        return port_line_fail(pl,
                              "You have a %s entry with GroupWritable, WorldWritable, or "
                              "RelaxDirModeCheck, but it is not a unix socket.",
                              option);
    if (!(f->isolation & ISO_SOCKS_AUTH) && f->keepalive_isolate_socks_auth)
        return port_line_fail(pl,
                              "You have a %s entry with both NoIsolateSOCKSAuth and "
                              "KeepAliveIsolateSOCKSAuth set.",
                              option);
    if (pl->port.at.unix_path)
        f->isolation &= ~(uint32_t)ISO_CLIENT_ADDR; /* its clients have no address */
    if (!(f->isolation & ISO_SOCKS_AUTH))
        f->prefer_no_auth = true;
    return OK;
}
