#include "dir/doc.h"

#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"

#define BEGIN_MARK "-----BEGIN "
#define END_MARK   "-----END "
#define DASHES     "-----"

struct doc_lines doc_over(const void *bytes, size_t len)
{
    const char *at = len ? bytes : "";
    return (struct doc_lines){.at = at, .end = at + len};
}

/* One line off D, without its newline. */
static bool take_line(struct doc_lines *d, struct text *line)
{
    const char *nl = memchr(d->at, '\n', (size_t)(d->end - d->at));
    if (!nl)
        return false;
    *line = (struct text){d->at, (size_t)(nl - d->at)};
    d->at = nl + 1;
    return !line->len || !memchr(line->s, 0, line->len);
}

static bool is_keyword_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* dir-spec 1.2: Keyword = KeywordStart KeywordChar*. Annotations of caches begin with "@". */
static bool split_keyword(struct text line, struct doc_item *item)
{
    size_t n = line.len && line.s[0] == '@';
    size_t first = n;
    while (n < line.len && is_keyword_char(line.s[n]))
        n++;
    if (n == first || line.s[first] == '-' ||
        (n < line.len && line.s[n] != ' ' && line.s[n] != '\t'))
        return false;
    item->keyword = (struct text){line.s, n};
    size_t skip = n < line.len ? n + 1 : n;
    item->args = (struct text){line.s + skip, line.len - skip};
    return true;
}

/* The label of a line "-----BEGIN label-----". */
static bool label_of(struct text line, const char *mark, struct text *label)
{
    size_t mark_len = strlen(mark), tail = strlen(DASHES);
    if (!text_starts(line, mark) || line.len <= mark_len + tail ||
        memcmp(line.s + line.len - tail, DASHES, tail) != 0)
        return false;
    *label = (struct text){line.s + mark_len, line.len - mark_len - tail};
    return true;
}

static bool take_object(struct doc_lines *d, struct doc_item *item)
{
    struct text line, label;
    if (!take_line(d, &line) || !label_of(line, BEGIN_MARK, &item->tag))
        return false;
    const char *body = d->at;
    do {
        if (!take_line(d, &line))
            return false;
    } while (!text_starts(line, DASHES));
    item->object = (struct text){body, (size_t)(line.s - body)};
    return label_of(line, END_MARK, &label) && text_equal(label, item->tag);
}

bool doc_next(struct doc_lines *d, struct doc_item *item)
{
    struct text line;
    *item = (struct doc_item){.begin = d->at};
    if (d->err != OK || d->at == d->end)
        return false;
    bool ok = take_line(d, &line) && split_keyword(line, item);
    struct text rest = {d->at, (size_t)(d->end - d->at)};
    if (ok && text_starts(rest, DASHES))
        ok = take_object(d, item);
    item->end = d->at;
    if (!ok)
        d->err = ERR_MALFORMED;
    return ok;
}

bool doc_peek(const struct doc_lines *d, struct doc_item *item)
{
    struct doc_lines copy = *d;
    return doc_next(&copy, item);
}

bool doc_args(const struct doc_item *item, struct text *tokens, size_t n)
{
    struct text rest = item->args;
    for (size_t i = 0; i < n; i++)
        if (!text_token(&rest, &tokens[i]))
            return false;
    return true;
}

err_t doc_object(const struct doc_item *item, const char *label, void *out, size_t cap, size_t *len)
{
    if (!text_is(item->tag, label))
        return ERR_MALFORMED;
    return base64_decode(item->object, BASE64_OBJECT, out, cap, len);
}

/* ---- values ---- */

err_t doc_port(struct text t, uint16_t *out)
{
    uint64_t port;
    if (text_to_u64(t, UINT16_MAX, &port) != OK)
        return ERR_MALFORMED;
    *out = (uint16_t)port;
    return OK;
}

err_t doc_ip(struct text t, enum ip_family family, struct ip *out)
{
    char text[IP_TEXT_MAX];
    struct ip ip;
    if (t.len >= sizeof text)
        return ERR_MALFORMED;
    memcpy(text, t.s, t.len);
    text[t.len] = 0;
    TRY(ip_parse(text, false, &ip));
    if (ip.family != family)
        return ERR_MALFORMED;
    *out = ip;
    return OK;
}

err_t doc_ipport(struct text t, struct ipport *out)
{
    char text[IPPORT_TEXT_MAX];
    if (t.len >= sizeof text)
        return ERR_MALFORMED;
    memcpy(text, t.s, t.len);
    text[t.len] = 0;
    return ipport_parse(text, out);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, counted from March so that the leap
 * day comes last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 719469;
}

static bool digits(const char *s, size_t n, int64_t most, int64_t *out)
{
    uint64_t x;
    if (text_to_u64((struct text){s, n}, (uint64_t)most, &x) != OK)
        return false;
    *out = (int64_t)x;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
           days_of(year, month, 1);
}

err_t doc_time(struct text date, struct text time, int64_t *out)
{
    int64_t y, mon, d, h, min, s;
    if (date.len != 10 || time.len != 8 || date.s[4] != '-' || date.s[7] != '-' ||
        time.s[2] != ':' || time.s[5] != ':')
        return ERR_MALFORMED;
    if (!digits(date.s, 4, 9999, &y) || !digits(date.s + 5, 2, 12, &mon) ||
        !digits(date.s + 8, 2, 31, &d) || !digits(time.s, 2, 23, &h) ||
        !digits(time.s + 3, 2, 59, &min) || !digits(time.s + 6, 2, 60, &s))
        return ERR_MALFORMED;
    if (y < 1970 || mon < 1 || d < 1 || d > days_in_month(y, mon))
        return ERR_MALFORMED;
    *out = ((days_of(y, mon, d) * 24 + h) * 60 + min) * 60 + s;
    return OK;
}

const char *doc_time_text(int64_t t, char out[DOC_TIME_TEXT_MAX])
{
    const int64_t most = INT64_C(253402300799); /* the end of the year 9999 */
    t = t < 0 ? 0 : t > most ? most : t;
    int64_t days = t / 86400, year = 1970 + days / 366, month = 1;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (month < 12 && days_of(year, month + 1, 1) <= days)
        month++;
    int64_t day = days - days_of(year, month, 1) + 1, s = t % 86400;
    char text[64];
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", (int)year, (int)month,
                     (int)day, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    memcpy(out, text, DOC_TIME_TEXT_MAX);
    out[n < DOC_TIME_TEXT_MAX ? n : DOC_TIME_TEXT_MAX - 1] = 0;
    return out;
}
