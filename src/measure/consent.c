#include "measure/consent.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/encode.h"
#include "dir/doc.h"

#define WORD "tunic-measure:"
#define PIN  "sha256//"

/* Says what is wrong, and returns ERR. */
PRINTF_LIKE(3, 4)
static err_t refuse(char why[CONSENT_WHY_MAX], err_t err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, CONSENT_WHY_MAX, fmt, args);
    va_end(args);
    return err;
}

/* ---- addresses ---- */

static bool is_mapped(const struct ip *ip)
{
    static const struct ip_net mapped = {{IP_V6, {[10] = 0xff, [11] = 0xff}}, 96};
    return ip_net_has(&mapped, ip);
}

/* Loopback, private and public ones are hosts' own. */
static bool is_one_hosts(const struct ip *ip)
{
    static const struct ip_net v4[] = {{{IP_V4, {0}}, 8}, {{IP_V4, {224}}, 3}};
    static const struct ip_net v6[] = {{{IP_V6, {0}}, 128}, {{IP_V6, {0xff}}, 8}};
    const struct ip_net *nets = ip->family == IP_V4 ? v4 : v6;
    return !ip_net_has(&nets[0], ip) && !ip_net_has(&nets[1], ip);
}

err_t consent_check_address(const struct ipport *at, char why[CONSENT_WHY_MAX])
{
    char text[IPPORT_TEXT_MAX];
    if (at->ip.family != IP_V4 && at->ip.family != IP_V6)
        return refuse(why, ERR_ARG, "there is no address");
    ipport_text(at, text);
    if (is_mapped(&at->ip))
        return refuse(why, ERR_ARG, "%s is an IPv4 address: it is to be written as one", text);
    if (!is_one_hosts(&at->ip))
        return refuse(why, ERR_ARG, "%s is no relay's address", text);
    if (!at->port)
        return refuse(why, ERR_ARG, "%s: there is no port 0", text);
    return OK;
}

bool consent_port_is_wrong(const char *text)
{
    char host[IPPORT_TEXT_MAX];
    struct ip ip;
    uint64_t port;
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : sizeof host;
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = 0;
    if (ip_parse(host, true, &ip) != OK || (ip.family == IP_V6 && *host != '['))
        return false;
    return text_u64(colon + 1, UINT16_MAX, &port) != OK;
}

err_t consent_address(const char *text, struct ipport *out, char why[CONSENT_WHY_MAX])
{
    if (consent_port_is_wrong(text))
        return refuse(why, ERR_ARG, "\"%.60s\": a port is a number of 1 to 65535", text);
    if (ipport_parse(text, out) != OK)
        return refuse(why, ERR_ARG,
                      "\"%.60s\" is no ADDRESS:PORT with the address in numbers; names are not "
                      "looked up",
                      text);
    return consent_check_address(out, why);
}

bool consent_is_free(const struct ipport *at)
{
    return ip_is_loopback(&at->ip) && !is_mapped(&at->ip);
}

err_t consent_hop(const struct ipport *relay, const struct ipport *hop, char why[CONSENT_WHY_MAX])
{
    char text[IPPORT_TEXT_MAX];
    TRY(consent_check_address(hop, why));
    ipport_text(hop, text);
    if (consent_is_free(hop) && !consent_is_free(relay))
        return refuse(why, ERR_ARG,
                      "%s would be the relay's own machine: the second hop needs an address at "
                      "which the relay reaches this one",
                      text);
    return OK;
}

/* ---- the contact line ---- */

const char *consent_pin_text(const struct sha256 *pin, char out[CONSENT_PIN_TEXT_MAX])
{
    char base64[BASE64_SIZE(sizeof pin->b)];
    snprintf(out, CONSENT_PIN_TEXT_MAX, WORD PIN "%s",
             base64_encode(pin->b, sizeof pin->b, true, base64));
    return out;
}

/* What may stand in a pin, so that one does not begin or end within a longer word. */
static bool is_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
}

static bool says(struct text line, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= line.len; i++)
        if (!memcmp(line.s + i, word, len) && (!i || !is_of_word(line.s[i - 1])) &&
            (i + len == line.len || !is_of_word(line.s[i + len])))
            return true;
    return false;
}

/* dir-spec 2.1.1: "contact" stands there "at most once". */
static err_t find_contact(const struct descriptor *d, struct text *out)
{
    struct doc_lines lines = doc_over(d->body.s, d->body.len);
    struct doc_item item;
    unsigned n = 0;
    *out = (struct text){"", 0};
    while (doc_next(&lines, &item))
        if (doc_is(&item, "contact") && !n++)
            *out = item.args;
    return n <= 1 ? OK : ERR_MALFORMED;
}

bool consent_is_named(const struct descriptor *d, const struct sha256 *pin)
{
    char word[CONSENT_PIN_TEXT_MAX];
    struct text contact;
    return find_contact(d, &contact) == OK && says(contact, consent_pin_text(pin, word));
}

/* ---- whose descriptor it is ---- */

static err_t check_whose(const struct consent_relay *relay, const struct descriptor *d,
                         char why[CONSENT_WHY_MAX])
{
    char at[IPPORT_TEXT_MAX];
    if (!relay->has_rsa && !relay->has_ed)
        return refuse(why, ERR_BAD_KEY, "it is not known which relay this is");
    if ((relay->has_rsa && !rsa_id_equal(&relay->rsa, &d->rsa)) ||
        (relay->has_ed && !ed_id_equal(&relay->ed, &d->ed)))
        return refuse(why, ERR_BAD_KEY, "the descriptor is another relay's");
    if (!ipport_equal(&relay->at, &d->orport) && !ipport_equal(&relay->at, &d->orport6))
        return refuse(why, ERR_BAD_KEY, "the descriptor does not say that the relay is at %s",
                      ipport_text(&relay->at, at));
    return OK;
}

static err_t check_age(const struct descriptor *d, int64_t now_s, char why[CONSENT_WHY_MAX])
{
    char age[TEXT_DURATION_MAX];
    if (d->published_s > now_s + CONSENT_AHEAD_MOST_S)
        return refuse(why, ERR_NOT_YET_VALID,
                      "the descriptor is from %s ahead, or our clock is wrong",
                      text_duration(d->published_s - now_s, age));
    if (d->published_s < now_s - CONSENT_AGE_MOST_S)
        return refuse(why, ERR_EXPIRED, "the descriptor is %s old, so no current one",
                      text_duration(now_s - d->published_s, age));
    return OK;
}

static err_t read_it(struct text text, int64_t now_s, struct descriptor *d,
                     char why[CONSENT_WHY_MAX])
{
    char bad[DESCRIPTOR_WHY_MAX] = "";
    struct descriptor more;
    if (!text.len)
        return refuse(why, ERR_MALFORMED, "there is no descriptor");
    if (text.len > CONSENT_DESCRIPTOR_MOST)
        return refuse(why, ERR_LIMIT, "the descriptor is too long");
    if (descriptor_next(&text, d) != OK)
        return refuse(why, ERR_MALFORMED, "there is no descriptor that can be read");
    if (descriptor_next(&text, &more) != ERR_NOT_FOUND)
        return refuse(why, ERR_TRAILING, "there is more than one descriptor");
    err_t e = descriptor_verify(d, now_s, bad);
    return e == OK ? OK : refuse(why, e, "the descriptor does not verify: %s", bad);
}

err_t consent_by_contact(const struct consent_relay *relay, struct text descriptor,
                         const struct sha256 *pin, int64_t now_s, char why[CONSENT_WHY_MAX])
{
    char word[CONSENT_PIN_TEXT_MAX];
    struct descriptor d;
    struct text contact;
    TRY(consent_check_address(&relay->at, why));
    TRY(read_it(descriptor, now_s, &d, why));
    TRY(check_whose(relay, &d, why));
    TRY(check_age(&d, now_s, why));
    if (find_contact(&d, &contact) != OK)
        return refuse(why, ERR_MALFORMED, "the descriptor has more than one contact line");
    if (!says(contact, consent_pin_text(pin, word)))
        return refuse(why, ERR_NOT_FOUND,
                      "its operator has not agreed: that would be a ContactInfo line in its torrc "
                      "with the word %s",
                      word);
    return OK;
}
