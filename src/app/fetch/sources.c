#include "app/fetch/sources.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/confline.h"
#include "conf/options.h"
#include "crypto/encode.h"
#include "host/disk.h"

static err_t PRINTF_LIKE(2, 3) wrong(char why[SOURCES_WHY], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, SOURCES_WHY, fmt, args);
    va_end(args);
    return ERR_ARG;
}

static void lines_free(char ***lines)
{
    for (size_t i = 0; *lines && (*lines)[i]; i++)
        free((*lines)[i]);
    free(*lines);
    *lines = NULL;
}

void sources_free(struct sources *s)
{
    free(s->list);
    free(s->auths);
    dir_servers_free(&s->servers);
    lines_free(&s->authority_lines);
    lines_free(&s->fallback_lines);
    *s = (struct sources){.list = NULL};
}

static err_t add_line(char ***lines, const char *value)
{
    size_t n = 0;
    while (*lines && (*lines)[n])
        n++;
    char **more = realloc(*lines, (n + 2) * sizeof *more);
    if (!more)
        return ERR_NOMEM;
    *lines = more;
    more[n + 1] = NULL;
    more[n] = text_dup(text_of(value));
    return more[n] ? OK : ERR_NOMEM;
}

static err_t add(struct sources *s, const struct source_spec *spec, char why[SOURCES_WHY])
{
    if (s->n == SOURCES_MOST)
        return wrong(why, "there can be %d sources at most", SOURCES_MOST);
    if ((s->n & (s->n - 1)) == 0) {
        struct source_spec *list = realloc(s->list, (s->n ? 2 * s->n : 1) * sizeof *list);
        if (!list)
            return ERR_NOMEM;
        s->list = list;
    }
    s->list[s->n++] = *spec;
    return OK;
}

/* ---- sources given one by one ---- */

static err_t read_address(struct text t, struct ipport *out, char why[SOURCES_WHY])
{
    char text[IPPORT_TEXT_MAX + 8];
    snprintf(text, sizeof text, "%.*s", (int)(t.len < sizeof text ? t.len : sizeof text - 1), t.s);
    if (ipport_parse(text, out) != OK)
        return wrong(why, "must be an IP address and a port, 192.0.2.1:9001 or "
                          "[2001:db8::1]:9001 (host names are not looked up)");
    if (!out->port)
        return wrong(why, "the port must be a number from 1 to 65535");
    return OK;
}

static void name_it(struct source_spec *spec, const char *nickname)
{
    char addr[IPPORT_TEXT_MAX];
    ipport_text(&spec->addr, addr);
    if (nickname[0])
        snprintf(spec->name, sizeof spec->name, "%s (%.20s)", addr, nickname);
    else
        snprintf(spec->name, sizeof spec->name, "%s", addr);
}

static bool value_of(struct text part, const char *name, struct text *value)
{
    size_t len = strlen(name);
    if (!text_starts(part, name))
        return false;
    *value = (struct text){part.s + len, part.len - len};
    return true;
}

static err_t read_identity(struct source_spec *spec, struct text part, char why[SOURCES_WHY])
{
    struct text value;
    if (value_of(part, "rsa=", &value)) {
        spec->has_rsa = true;
        if (value.len && value.s[0] == '$')
            value = (struct text){value.s + 1, value.len - 1};
        return hex_decode_exact(value, spec->rsa.b, sizeof spec->rsa.b) == OK
                   ? OK
                   : wrong(why, "rsa= must be a fingerprint of 40 hexadecimal digits");
    }
    if (value_of(part, "ed25519=", &value)) {
        spec->has_ed = true;
        return base64_decode_exact(value, BASE64_EITHER, spec->ed.b, sizeof spec->ed.b) == OK
                   ? OK
                   : wrong(why, "ed25519= must be 32 bytes in base64, 43 characters");
    }
    return wrong(why, "\"%.*s\" is not known: rsa=FINGERPRINT and ed25519=BASE64 are",
                 (int)(part.len < 60 ? part.len : 60), part.s);
}

err_t sources_add_orport(struct sources *s, const char *value, char why[SOURCES_WHY])
{
    struct source_spec spec = {.kind = SOURCE_ORPORT, .is_given = true};
    struct text rest = text_of(value), part;
    if (!text_split(&rest, ',', &part))
        part = rest;
    TRY(read_address(part, &spec.addr, why));
    while (text_split(&rest, ',', &part))
        TRY(read_identity(&spec, part, why));
    name_it(&spec, "");
    return add(s, &spec, why);
}

err_t sources_add_dirport(struct sources *s, const char *value, char why[SOURCES_WHY])
{
    struct source_spec spec = {.kind = SOURCE_DIRPORT, .is_given = true};
    TRY(read_address(text_of(value), &spec.addr, why));
    name_it(&spec, "");
    return add(s, &spec, why);
}

/* ---- lists of servers ---- */

static err_t add_server(struct sources *s, const struct dir_server *server, char why[SOURCES_WHY])
{
    err_t e = dir_servers_add(&s->servers, server);
    return e == ERR_LIMIT ? wrong(why, "there can be %d servers at most", DIR_SERVERS_MAX) : e;
}

err_t sources_add_authority(struct sources *s, const char *value, char why[SOURCES_WHY])
{
    struct dir_server server;
    const char *what = "malformed";
    if (dir_server_parse_authority(value, &server, &what) != OK)
        return wrong(why, "is no DirAuthority line as in torrc: %s", what);
    TRY(add_server(s, &server, why));
    return add_line(&s->authority_lines, value);
}

static err_t add_fallback(struct sources *s, const char *value, char why[SOURCES_WHY])
{
    struct dir_server server;
    const char *what = "malformed";
    if (dir_server_parse_fallback(value, &server, &what) != OK)
        return wrong(why, "is no FallbackDir line as in torrc: %s", what);
    TRY(add_server(s, &server, why));
    return add_line(&s->fallback_lines, value);
}

static err_t read_file(const char *path, char **out, char why[SOURCES_WHY])
{
    FILE *f = fopen(path, "re");
    if (!f)
        return wrong(why, "cannot be read: %s", strerror(errno));
    errno = 0;
    err_t e = disk_read_stream(f, out);
    int errno_ = errno;
    fclose(f);
    if (e == ERR_IO)
        return wrong(why, "cannot be read: %s", strerror(errno_));
    if (e == ERR_LIMIT || e == ERR_MALFORMED)
        return wrong(why, "%s", e == ERR_LIMIT ? "is too long" : "is not a text file");
    return e;
}

/* What a list's value says is wrong, with the line that it stands in. */
static err_t in_line(err_t e, const char *where, char why[SOURCES_WHY])
{
    char text[SOURCES_WHY];
    if (e != ERR_ARG)
        return e;
    snprintf(text, sizeof text, "%s", why);
    return wrong(why, "%.100s: %.200s", where, text);
}

static err_t read_authority_line(struct sources *s, struct text line, char why[SOURCES_WHY])
{
    struct text rest = text_strip(line), word = {NULL, 0}, keep = rest;
    if (!rest.len || rest.s[0] == '#')
        return OK;
    if (text_token(&rest, &word) && text_is_nocase(word, "DirAuthority"))
        keep = text_strip(rest);
    char *value = text_dup(keep);
    if (!value)
        return ERR_NOMEM;
    err_t e = sources_add_authority(s, value, why);
    free(value);
    return e;
}

err_t sources_read_authorities(struct sources *s, const char *path, char why[SOURCES_WHY])
{
    char *content, where[24];
    size_t before = s->servers.n;
    unsigned number = 0;
    TRY(read_file(path, &content, why));
    struct text rest = text_of(content), line;
    err_t e = OK;
    while (e == OK && text_line(&rest, &line)) {
        snprintf(where, sizeof where, "line %u", ++number);
        e = in_line(read_authority_line(s, line, why), where, why);
    }
    free(content);
    if (e == OK && s->servers.n == before)
        return wrong(why, "has no DirAuthority line in it");
    return e;
}

static err_t take_torrc_line(struct sources *s, const struct conf_line *l, char why[SOURCES_WHY])
{
    struct text key = text_of(l->key);
    if (text_is_nocase(key, "DirAuthority") || text_is_nocase(key, "DirServer"))
        return in_line(sources_add_authority(s, l->value, why), l->where, why);
    if (text_is_nocase(key, "FallbackDir"))
        return in_line(add_fallback(s, l->value, why), l->where, why);
    if (text_is_nocase(key, "TestingTorNetwork"))
        s->testing = strcmp(l->value, "1") == 0;
    return opt_lookup(l->key, NULL) ? OK
                                    : in_line(wrong(why,
                                                    "is no torrc: there is no option "
                                                    "\"%.60s\"",
                                                    l->key),
                                              l->where, why);
}

err_t sources_read_torrc(struct sources *s, const char *path, char why[SOURCES_WHY])
{
    char *content;
    struct conf_err problem;
    struct conf_line *lines = NULL;
    TRY(read_file(path, &content, why));
    struct log silent = {.least = (enum log_level)(LOG_ERR + 1)};
    struct conf_source disk = disk_source(&silent);
    err_t e = conf_lex(&disk, path, content, &lines, NULL, &problem);
    free(content);
    if (e != OK)
        return e == ERR_NOMEM ? e : wrong(why, "%.300s", problem.text);
    size_t before = s->servers.n;
    for (const struct conf_line *l = lines; l && e == OK; l = l->next)
        e = take_torrc_line(s, l, why);
    conf_lines_free(lines);
    if (e == OK && s->servers.n == before) /* not the public network by mistake */
        return wrong(why, "names no DirAuthority and no FallbackDir; leave -f out to ask the "
                          "public network");
    return e;
}

/* The server as a FallbackDir line, for a client. */
static err_t fallback_line(struct sources *s, const struct dir_server *server)
{
    char line[256], v4[IP_TEXT_MAX], v6[IPPORT_TEXT_MAX], id[HEX_SIZE(20)];
    int n = snprintf(line, sizeof line, "%s:%u orport=%u id=%s", ip_text(&server->ip, v4),
                     server->dirport, server->orport, hex_upper(server->rsa.b, 20, id));
    if (!server->dirport)
        n = snprintf(line, sizeof line, "%s orport=%u id=%s", v4, server->orport, id);
    if (server->or6.ip.family != IP_NONE)
        snprintf(line + n, sizeof line - (size_t)n, " ipv6=%s", ipport_text(&server->or6, v6));
    return add_line(&s->fallback_lines, line);
}

err_t sources_read_list(const char *path, bool quiet, struct fallbacks *out, char why[SOURCES_WHY])
{
    char *content;
    *out = (struct fallbacks){.list = NULL};
    TRY(read_file(path, &content, why));
    err_t e = fallbacks_parse(text_of(content), out);
    free(content);
    if (e == ERR_LIMIT)
        return wrong(why, "is too long");
    for (size_t i = 0; e == OK && i < out->n_problems && !quiet; i++)
        fprintf(stderr, "tunic fetch: %s:%u: %s%s\n", path, out->problems[i].line,
                out->problems[i].warning ? "warning: " : "", out->problems[i].text);
    return e;
}

err_t sources_read_fallbacks(struct sources *s, const char *path, bool quiet, char why[SOURCES_WHY])
{
    struct fallbacks f;
    size_t before = s->servers.n;
    err_t e = sources_read_list(path, quiet, &f, why);
    if (e == OK && !f.n)
        e = wrong(why, "has no fallback in it that can be asked");
    else if (e == OK && fallbacks_servers(&f, &s->servers) != OK)
        e = wrong(why, "more fallbacks than can be kept (%d)", DIR_SERVERS_MAX);
    for (size_t i = before; e == OK && i < s->servers.n; i++)
        e = fallback_line(s, &s->servers.list[i]);
    fallbacks_free(&f);
    return e;
}

/* ---- all of them ---- */

static err_t ask_servers(struct sources *s, bool anonymous, char why[SOURCES_WHY])
{
    if (anonymous) {
        const struct source_spec any = {.kind = SOURCE_ANONYMOUS, .name = "a circuit"};
        return add(s, &any, why);
    }
    for (size_t i = 0; i < s->servers.n; i++) {
        const struct dir_server *server = &s->servers.list[i];
        struct source_spec spec = {.kind = SOURCE_ORPORT,
                                   .addr = {server->ip, server->orport},
                                   .has_rsa = true,
                                   .rsa = server->rsa,
                                   .has_ed = server->has_ed,
                                   .ed = server->ed,
                                   .is_authority = server->is_authority};
        if (!server->orport || server->is_bridge)
            continue;
        name_it(&spec, server->nickname);
        TRY(add(s, &spec, why));
    }
    return s->n ? OK : wrong(why, "none of the servers has an ORPort");
}

static err_t know_authorities(struct sources *s)
{
    s->auths = calloc(s->servers.n + 1, sizeof *s->auths);
    if (!s->auths)
        return ERR_NOMEM;
    for (size_t i = 0; i < s->servers.n; i++)
        if (s->servers.list[i].is_authority)
            s->auths[s->n_auths++] = s->servers.list[i].v3ident;
    return OK;
}

err_t sources_complete(struct sources *s, bool anonymous, char why[SOURCES_WHY])
{
    /* Authorities of one's own are another network, where the public fallbacks are nobody. */
    bool own_authorities = s->authority_lines != NULL;
    if (!own_authorities)
        TRY(dir_servers_add_public_authorities(&s->servers));
    if (!own_authorities && !s->fallback_lines)
        TRY(dir_servers_add_public_fallbacks(&s->servers));
    TRY(know_authorities(s));
    return s->n ? OK : ask_servers(s, anonymous, why);
}
