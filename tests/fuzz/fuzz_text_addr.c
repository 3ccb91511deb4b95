/* Text and addresses: views stay inside their text and add up to it; an address that is read is
 * shown in a form that is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool good)
{
    if (!good)
        abort();
}

static bool inside(struct text t, struct text whole)
{
    return t.s >= whole.s && t.len <= whole.len && (size_t)(t.s - whole.s) <= whole.len - t.len;
}

static void split(struct text whole)
{
    struct text rest = whole, part;
    size_t seps = 0, parts = 0, bytes = 0;
    while (text_split(&rest, ',', &part)) {
        check(inside(part, whole) && !memchr(part.s, ',', part.len));
        bytes += part.len;
        parts++;
    }
    for (size_t i = 0; i < whole.len; i++)
        seps += whole.s[i] == ',';
    check(bytes + seps == whole.len && parts <= seps + 1 && parts >= seps);
}

static void lines(struct text whole)
{
    struct text rest = whole, line, token;
    while (text_line(&rest, &line)) {
        check(inside(line, whole) && inside(text_strip(line), line));
        check(!memchr(line.s, '\n', line.len));
        struct text tokens = line;
        while (text_token(&tokens, &token))
            check(token.len && inside(token, line) && !memchr(token.s, ' ', token.len));
        check(tokens.len == 0);
    }
    check(rest.len == 0);
}

static void number(struct text t)
{
    uint64_t x, y;
    if (text_to_u64(t, UINT64_MAX, &x) != OK)
        return;
    check(text_to_u64(t, x, &y) == OK && y == x);
    check(x == 0 || text_to_u64(t, x - 1, &y) == ERR_LIMIT);
}

static void addresses(const char *s)
{
    char text[IPPORT_TEXT_MAX];
    struct ip ip, ip2;
    struct ipport ap, ap2;
    struct ip_net net;
    if (ip_parse(s, true, &ip) == OK) {
        check(ip_parse(ip_text(&ip, text), false, &ip2) == OK && ip_equal(&ip, &ip2));
        check(ip_net_parse(s, &net) == OK && ip_net_has(&net, &ip));
        check(!ip_is_loopback(&ip) || ip_is_internal(&ip));
    }
    if (ipport_parse(s, &ap) == OK)
        check(ipport_parse(ipport_text(&ap, text), &ap2) == OK && ipport_equal(&ap, &ap2));
    if (ip_net_parse(s, &net) == OK)
        check(net.bits <= 8 * ip_len(&net.ip) && ip_net_has(&net, &net.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *s = text_dup((struct text){(const char *)data, len});
    if (!s)
        return 0;
    struct text whole = {s, len};
    split(whole);
    lines(whole);
    number(whole);
    addresses(s);
    free(s);
    return 0;
}
