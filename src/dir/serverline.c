/* Directory servers back to the lines that name them. */
#include <stdio.h>

#include "crypto/encode.h"
#include "dir/servers.h"

enum { ID_HEX = HEX_SIZE(sizeof(struct rsa_id)), V6_MAX = IPPORT_TEXT_MAX + 8 };

static const char *hex_of(const struct rsa_id *id, char out[ID_HEX])
{
    return hex_upper(id->b, sizeof id->b, out);
}

/* " ipv6=[A]:P", or nothing. */
static const char *v6_of(const struct dir_server *s, char out[V6_MAX])
{
    char text[IPPORT_TEXT_MAX];
    out[0] = 0;
    if (s->or6.ip.family != IP_NONE)
        snprintf(out, V6_MAX, " ipv6=%s", ipport_text(&s->or6, text));
    return out;
}

void dir_server_authority_line(const struct dir_server *s, char out[DIR_SERVER_LINE_MAX])
{
    char ip[IP_TEXT_MAX], v6[V6_MAX], id[ID_HEX], v3ident[ID_HEX];
    bool votes = s->is_authority;
    snprintf(out, DIR_SERVER_LINE_MAX, "%s orport=%u%s%s%s%s %s:%u %s", s->nickname, s->orport,
             votes ? " v3ident=" : "", votes ? hex_of(&s->v3ident, v3ident) : "",
             s->is_bridge ? " bridge" : "", v6_of(s, v6), ip_text(&s->ip, ip), s->dirport,
             hex_of(&s->rsa, id));
}

void dir_server_fallback_line(const struct dir_server *s, char out[DIR_SERVER_LINE_MAX])
{
    char ip[IP_TEXT_MAX], v6[V6_MAX], id[ID_HEX];
    snprintf(out, DIR_SERVER_LINE_MAX, "%s orport=%u id=%s%s", ip_text(&s->ip, ip), s->orport,
             hex_of(&s->rsa, id), v6_of(s, v6));
}
