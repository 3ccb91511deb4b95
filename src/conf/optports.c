/* Port lines: where to listen. What a line says behind its address is in portflags.c. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/confquote.h"
#include "conf/portline.h"

enum { PORTS_MAX = 256, UNIX_PATH_MAX_LEN = 107 };

const struct port_grammar port_grammars[PORT_KINDS] = {
    [PORT_SOCKS] = {"SocksPort", PORT_SOCKS, .default_port = 9050, .takes_flags = true},
    [PORT_CONTROL] = {.option = "ControlPort", .kind = PORT_CONTROL},
    [PORT_METRICS] = {"MetricsPort", PORT_METRICS, .format = "prometheus"},
    [PORT_EVENTS] = {"EventSocket", PORT_EVENTS, .is_path = true},
};
const struct port_grammar control_socket_grammar = {"ControlSocket", PORT_CONTROL, .is_path = true};

static err_t set_unix_path(struct port_line *pl, struct text path)
{
    if (path.len == 0 || path.len > UNIX_PATH_MAX_LEN)
        return port_line_fail(pl, "the path of a unix socket has 1 to 107 bytes");
    pl->port.at.unix_path = text_dup(path);
    return pl->port.at.unix_path ? OK : ERR_NOMEM;
}

static err_t parse_quoted_path(struct port_line *pl, struct text *rest)
{
    char *value = text_dup(*rest), *path = value ? malloc(rest->len + 1) : NULL;
    size_t len = 0;
    const char *behind = path ? conf_unquote(value, path, &len) : NULL;
    err_t err = !path     ? ERR_NOMEM
                : !behind ? port_line_fail(pl, "Invalid %s line with unparsable address",
                                           pl->grammar->option)
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
    bool tagged = text_starts(*rest, "unix:");
    rest->s += tagged ? 5 : 0;
    rest->len -= tagged ? 5 : 0;
    if (!tagged && text_is(*rest, "0")) {
        pl->off = true;
        rest->len = 0;
        return OK;
    }
    if (rest->len > 0 && rest->s[0] == '"')
        return parse_quoted_path(pl, rest);
    if (rest->len == 0 || rest->s[0] == ' ' || rest->s[0] == '\t' || !text_token(rest, &path))
        return port_line_fail(pl, "Invalid %s line with no address", pl->grammar->option);
    return set_unix_path(pl, path);
}

static err_t no_address(const struct port_line *pl)
{
    return port_line_fail(pl, "Couldn't parse address for %s", pl->grammar->option);
}

static err_t no_port(const struct port_line *pl)
{
    return port_line_fail(pl, "%s line has address but no port", pl->grammar->option);
}

/* "9050", "auto", "0", "ADDR:9050", "ADDR:auto" */
static err_t parse_tcp(struct port_line *pl, struct text word)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct ipport *at = &pl->port.at.tcp;
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
        return no_address(pl);
    memcpy(text, word.s, word.len);
    text[word.len] = 0;
    if (word.len > 5 && strcasecmp(text + word.len - 5, ":auto") == 0) {
        text[word.len - 5] = 0;
        if (ip_parse(text, true, &at->ip) != OK)
            return port_line_fail(pl, "Invalid address for %s", pl->grammar->option);
        return OK;
    }
    if (strncasecmp(text, "localhost:", 10) == 0 &&
        text_u64(text + 10, UINT16_MAX, &number) == OK) {
        at->port = (uint16_t)number; /* the one name that needs no resolver */
    } else if (ipport_parse(text, at) != OK) {
        struct ip ip;
        return ip_parse(text, true, &ip) == OK ? no_port(pl) : no_address(pl);
    }
    if (at->port == 0)
        return no_port(pl);
    return OK;
}

static struct port_spec default_port(const struct port_grammar *g, bool group_writable)
{
    return (struct port_spec){.kind = g->kind,
                              .at.group_writable = group_writable,
                              .session = SESSION_OWN,
                              .flags = {.isolation = ISO_DEFAULT,
                                        .ipv4 = true,
                                        .ipv6 = true,
                                        .dns = true,
                                        .onion = true,
                                        .prefer_ipv6_automap = true}};
}

static err_t parse_line(struct port_line *pl)
{
    struct text rest = text_strip(text_of(pl->line->value)), word;
    bool may_be_path = pl->grammar->is_path || text_starts(rest, "unix:");
    if (may_be_path && !pl->grammar->format) {
        TRY(parse_unix(pl, &rest));
    } else {
        if (!text_token(&rest, &word))
            return port_line_fail(pl, "Invalid %s line with no address", pl->grammar->option);
        TRY(parse_tcp(pl, word));
    }
    while (text_token(&rest, &word))
        TRY(port_flag_parse(pl, word));
    return port_flags_check(pl);
}

static void warn_public(const struct port_line *pl)
{
    const struct port_at *p = &pl->port.at;
    char text[IPPORT_TEXT_MAX];
    if (p->unix_path || pl->off || ip_is_loopback(&p->tcp.ip) || !pl->grammar->takes_flags)
        return; /* of one that is not for applications its own rule warns */
    /* 0.0.0.0 listens on every address, private or not, and C tor calls it private. */
    if (!ip_is_internal(&p->tcp.ip))
        log_warn(pl->log,
                 "You specified a public address '%s' for %s. Other people on the "
                 "Internet might find your computer and use it as an open proxy. Please "
                 "don't allow this unless you have a good reason.",
                 ipport_text(&p->tcp, text), pl->grammar->option);
    else
        log_notice(pl->log,
                   "You configured a non-loopback address '%s' for %s. This allows "
                   "everybody on your local network to use your machine as a proxy. Make "
                   "sure this is what you wanted.",
                   ipport_text(&p->tcp, text), pl->grammar->option);
}

/* C tor listens twice then, and the later one has the file. */
static void drop_same_socket(struct port_list *list, const struct port_line *pl)
{
    const struct port_at *at = &pl->port.at;
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (!at->unix_path || !port_at_equal(&list->of[i].at, at)) {
            list->of[n++] = list->of[i];
            continue;
        }
        log_warn(pl->log, "%s: an earlier line asks for the socket %s, too. The later one counts.",
                 pl->line->where, at->unix_path);
        free((char *)list->of[i].at.unix_path);
    }
    list->n = n;
}

static err_t add_port(struct port_list *list, struct port_spec gift_port)
{
    struct port_spec *more = realloc(list->of, (list->n + 1) * sizeof *more);
    if (!more) {
        free((char *)gift_port.at.unix_path);
        return ERR_NOMEM;
    }
    more[list->n++] = gift_port;
    list->of = more;
    return OK;
}

/* One line; *OFF: it is "SocksPort 0". */
static err_t add_line(struct port_line *pl, struct port_list *out, bool *off)
{
    err_t err = out->n == PORTS_MAX ? port_line_fail(pl, "too many %s lines", pl->grammar->option)
                                    : parse_line(pl);
    if (err != OK || pl->off) {
        free((char *)pl->port.at.unix_path);
        *off |= pl->off;
        return err;
    }
    warn_public(pl);
    drop_same_socket(out, pl);
    return add_port(out, pl->port);
}

static err_t add_default(const struct port_grammar *g, struct port_list *out)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct port_spec port = default_port(g, false);
    port.at.tcp = (struct ipport){ip_v4(loopback), g->default_port};
    return g->default_port ? add_port(out, port) : OK;
}

err_t ports_parse(const struct port_grammar *g, const struct conf_line *lines, bool group_writable,
                  const struct log *log, struct port_list *out, struct conf_faults *faults)
{
    struct conf_err e;
    bool off = false;
    size_t before = out->n;
    if (!lines)
        return add_default(g, out);
    for (; lines; lines = lines->next) {
        struct port_line pl = {.grammar = g, .line = lines, .log = log, .e = &e};
        pl.port = default_port(g, group_writable &&
                                      (g->is_path || text_starts(text_of(lines->value), "unix:")));
        TRY(conf_faults_add(faults, add_line(&pl, out, &off), &e));
    }
    return conf_faults_say(faults, off && out->n > before ? ERR_MALFORMED : OK,
                           "You specified a nonzero %s along with '%s 0' in the same "
                           "configuration. Did you mean to disable %s or not?",
                           g->option, g->option, g->option);
}

void ports_clear(struct port_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free((char *)list->of[i].at.unix_path);
    free(list->of);
}
