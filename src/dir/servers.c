#include "dir/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/encode.h"

enum { WORD_MAX = 128 };

void dir_servers_init(struct dir_servers *s)
{
    *s = (struct dir_servers){0};
}

void dir_servers_free(struct dir_servers *s)
{
    free(s->list);
    dir_servers_init(s);
}

err_t dir_servers_add(struct dir_servers *s, const struct dir_server *server)
{
    if (s->n >= DIR_SERVERS_MAX)
        return ERR_LIMIT;
    struct dir_server *list = realloc(s->list, (s->n + 1) * sizeof *list);
    if (!list)
        return ERR_NOMEM;
    s->list = list;
    list[s->n++] = *server;
    return OK;
}

/* "name=value", name in any case. */
static bool is_option(struct text word, const char *name, struct text *value)
{
    size_t len = strlen(name);
    if (word.len <= len || word.s[len] != '=' || !text_is_nocase((struct text){word.s, len}, name))
        return false;
    *value = (struct text){word.s + len + 1, word.len - len - 1};
    return true;
}

static bool copy_word(struct text t, char out[WORD_MAX])
{
    if (t.len >= WORD_MAX)
        return false;
    memcpy(out, t.s, t.len);
    out[t.len] = 0;
    return true;
}

static const char *take_port(struct text value, uint16_t *out)
{
    uint64_t x;
    if (text_to_u64(value, 65535, &x) != OK || !x)
        return "orport= wants a port number";
    *out = (uint16_t)x;
    return NULL;
}

static const char *take_ipv6(struct text value, struct ipport *out)
{
    char word[WORD_MAX];
    if (!copy_word(value, word) || ipport_parse(word, out) != OK || out->ip.family != IP_V6 ||
        !out->port)
        return "ipv6= wants [ADDRESS]:PORT";
    return NULL;
}

/* A decimal number such as "1.5", at most three digits behind the point. */
static const char *take_weight(struct text value, double *out)
{
    static const double tenths[] = {1, 0.1, 0.01, 0.001};
    struct text whole, part = {NULL, 0};
    uint64_t a, b = 0;
    bool ok = text_split(&value, '.', &whole) && text_to_u64(whole, 1000000000, &a) == OK;
    part = value;
    if (ok && part.len)
        ok = part.len <= 3 && text_to_u64(part, 999, &b) == OK;
    if (!ok)
        return "weight= wants a number that is not negative";
    *out = (double)a + (double)b * tenths[part.len];
    return NULL;
}

/* Options that both kinds of line know; *KNOWN tells whether this was one. */
static const char *take_option(struct text word, struct dir_server *s, bool *known)
{
    struct text v;
    *known = true;
    if (is_option(word, "orport", &v))
        return take_port(v, &s->orport);
    if (is_option(word, "ipv6", &v))
        return take_ipv6(v, &s->or6);
    if (is_option(word, "weight", &v))
        return take_weight(v, &s->weight);
    if (is_option(word, "v3ident", &v)) {
        s->is_authority = true;
        return hex_decode_exact(v, s->v3ident.b, sizeof s->v3ident.b) == OK
                   ? NULL
                   : "v3ident= wants 40 hexadecimal digits";
    }
    if (is_option(word, "ed25519", &v) || is_option(word, "ed", &v)) {
        s->has_ed = true;
        return base64_decode_exact(v, BASE64_EITHER, s->ed.b, sizeof s->ed.b) == OK
                   ? NULL
                   : "ed25519= wants 43 characters of base64";
    }
    if (is_option(word, "id", &v))
        return hex_decode_exact(v, s->rsa.b, sizeof s->rsa.b) == OK
                   ? NULL
                   : "id= wants 40 hexadecimal digits";
    *known = false;
    return NULL;
}

/* "IP" or "IP:DIRPORT". */
static const char *take_address(struct text word, struct dir_server *s)
{
    char copy[WORD_MAX];
    struct ipport ap = {{IP_NONE, {0}}, 0};
    if (!copy_word(word, copy))
        return "address is too long";
    err_t err = strchr(copy, ':') ? ipport_parse(copy, &ap) : ip_parse(copy, false, &ap.ip);
    if (err != OK || ap.ip.family != IP_V4)
        return "an IPv4 address is wanted";
    s->ip = ap.ip;
    s->dirport = ap.port;
    return NULL;
}

/* The fingerprint: what is left of the line, in any grouping. */
static const char *take_fingerprint(struct text rest, struct rsa_id *out)
{
    char hex[2 * sizeof out->b];
    size_t n = 0;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.s[i] == ' ' || rest.s[i] == '\t' || (!n && rest.s[i] == '$'))
            continue;
        if (n == sizeof hex)
            return "fingerprint is too long";
        hex[n++] = rest.s[i];
    }
    return hex_decode_exact((struct text){hex, n}, out->b, sizeof out->b) == OK
               ? NULL
               : "fingerprint wants 40 hexadecimal digits";
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A first word of letters and digits is a nickname, as tor has it. */
static const char *take_nickname(struct text *rest, struct dir_server *s)
{
    struct text word, before = *rest;
    if (!text_token(rest, &word))
        return "line is empty";
    if (!nickname_copy(word, s->nickname))
        *rest = before;
    return NULL;
}

static const char *parse_authority(struct text rest, struct dir_server *s)
{
    struct text word;
    bool known;
    const char *wrong = take_nickname(&rest, s);
    if (wrong)
        return wrong;
    for (;;) {
        if (!text_token(&rest, &word))
            return "address is missing";
        if (is_digit(word.s[0]))
            break;
        if (text_is_nocase(word, "bridge"))
            s->is_bridge = true;
        wrong = take_option(word, s, &known);
        if (wrong)
            return wrong;
        /* Flags that we don't know are for relays, or newer than we are. */
    }
    wrong = take_address(word, s);
    if (wrong)
        return wrong;
    /* A bridge authority has no vote. */
    s->is_authority = s->is_authority && !s->is_bridge;
    return take_fingerprint(text_strip(rest), &s->rsa);
}

static const char *parse_fallback(struct text rest, struct dir_server *s)
{
    struct text word;
    bool known, has_address = false;
    const struct rsa_id zero = {{0}};
    while (text_token(&rest, &word)) {
        const char *wrong;
        if (!has_address && is_digit(word.s[0])) {
            has_address = true;
            wrong = take_address(word, s);
        } else {
            wrong = take_option(word, s, &known);
        }
        if (wrong)
            return wrong;
    }
    s->is_authority = false;
    if (!has_address)
        return "address is missing";
    if (!s->orport)
        return "orport= is missing";
    return rsa_id_equal(&s->rsa, &zero) ? "id= is missing" : NULL;
}

static err_t finish(const char *wrong, const struct dir_server *s, struct dir_server *out,
                    const char **why)
{
    if (why)
        *why = wrong;
    if (wrong)
        return ERR_MALFORMED;
    *out = *s;
    return OK;
}

err_t dir_server_parse_authority(const char *value, struct dir_server *out, const char **why)
{
    struct dir_server s = {.weight = 1.0};
    return finish(parse_authority(text_strip(text_of(value)), &s), &s, out, why);
}

err_t dir_server_parse_fallback(const char *value, struct dir_server *out, const char **why)
{
    struct dir_server s = {.weight = 1.0};
    return finish(parse_fallback(text_strip(text_of(value)), &s), &s, out, why);
}
