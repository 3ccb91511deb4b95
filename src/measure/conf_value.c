/* Values of keys: what they refer to, and what kinds there are. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "measure/conf_int.h"
#include "measure/consent.h"

enum { REFERENCES_MOST = 16 };

err_t mconf_wrong(const struct mconf_look *l, enum mconf_id id, const char *fmt, ...)
{
    va_list args;
    int n =
        snprintf(l->why, MCONF_WHY, "%.150s: %s ", mconf_where(l->conf, id), mconf_keys[id].key);
    va_start(args, fmt);
    vsnprintf(l->why + n, MCONF_WHY - (size_t)n, fmt, args);
    va_end(args);
    return ERR_MALFORMED;
}

/* ---- references ---- */

/* Which key "${NAME}" or "${SECTION:NAME}" of SECTION is; NULL: none. */
static const struct mconf_key *referred(const char *section, struct text name)
{
    struct text rest = name, of;
    bool other = memchr(name.s, ':', name.len) && text_split(&rest, ':', &of);
    for (size_t i = 0; i < MCONF_IDS; i++) {
        const struct mconf_key *k = &mconf_keys[i];
        if ((other ? text_is(of, k->section) : strcmp(section, k->section) == 0) &&
            text_is(other ? rest : name, k->key))
            return k;
    }
    return NULL;
}

/* A value in the making; LEN grows beyond what fits. */
struct value {
    char text[MCONF_TEXT_MAX];
    size_t len;
};

static void put(struct value *v, const char *text, size_t len)
{
    if (len <= sizeof v->text && v->len <= sizeof v->text - len)
        memcpy(v->text + v->len, text, len);
    v->len += len;
}

/* The value of K. What it refers to in its own section is named with that: it goes to another. */
static void put_key(struct value *v, const struct mconf *c, const struct mconf_key *k)
{
    const char *at = mconf_raw(c, (enum mconf_id)(k - mconf_keys)), *begin;
    while ((begin = strstr(at, "${"))) {
        bool is_bare = begin[2 + strcspn(begin + 2, ":}")] == '}';
        put(v, at, (size_t)(begin + 2 - at));
        put(v, k->section, is_bare ? strlen(k->section) : 0);
        put(v, ":", is_bare ? 1 : 0);
        at = begin + 2;
    }
    put(v, at, strlen(at));
}

/* Replaces the first reference in TEXT (MCONF_TEXT_MAX bytes); ERR_NOT_FOUND: there is none. */
static err_t refer_once(const struct mconf *c, const char *section, char *text)
{
    struct value more = {.len = 0};
    char *begin = strstr(text, "${"), *end = begin ? strchr(begin, '}') : NULL;
    if (!begin)
        return ERR_NOT_FOUND;
    const struct mconf_key *k =
        end ? referred(section, (struct text){begin + 2, (size_t)(end - begin) - 2}) : NULL;
    if (!k || !mconf_raw(c, (enum mconf_id)(k - mconf_keys)))
        return ERR_MALFORMED;
    put(&more, text, (size_t)(begin - text));
    put_key(&more, c, k);
    put(&more, end + 1, strlen(end)); /* with the NUL */
    if (more.len > sizeof more.text)
        return ERR_MALFORMED;
    memcpy(text, more.text, more.len);
    return OK;
}

/* The value, with what it refers to in place. */
err_t mconf_text(const struct mconf_look *l, enum mconf_id id, char out[MCONF_TEXT_MAX])
{
    const char *raw = mconf_raw(l->conf, id);
    if (!raw)
        return mconf_wrong(l, id, "has to be set");
    snprintf(out, MCONF_TEXT_MAX, "%s", raw);
    for (int i = 0; i < REFERENCES_MOST; i++) {
        err_t e = refer_once(l->conf, mconf_keys[id].section, out);
        if (e == ERR_NOT_FOUND)
            return *out ? OK : mconf_wrong(l, id, "is empty");
        if (e != OK)
            return mconf_wrong(l, id, "refers to what is not there: %.100s", raw);
    }
    return mconf_wrong(l, id, "refers to itself: %.100s", raw);
}

/* ---- kinds of values ---- */

err_t mconf_number(const struct mconf_look *l, enum mconf_id id, unsigned least, unsigned most,
                   unsigned *out)
{
    char text[MCONF_TEXT_MAX];
    uint64_t x;
    TRY(mconf_text(l, id, text));
    if (text_u64(text, most, &x) != OK || x < least)
        return mconf_wrong(l, id, "is a number of %u to %u, not %.40s", least, most, text);
    *out = (unsigned)x;
    return OK;
}

bool mconf_bw(struct text t, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t bits;
    } units[] = {{"", 8},        {"KB", 8192},      {"MB", 8388608},     {"GB", 8589934592u},
                 {"kbit", 1000}, {"Mbit", 1000000}, {"Gbit", 1000000000}};
    size_t digits = 0;
    while (digits < t.len && t.s[digits] >= '0' && t.s[digits] <= '9')
        digits++;
    struct text unit = text_strip((struct text){t.s + digits, t.len - digits});
    uint64_t x;
    if (text_to_u64((struct text){t.s, digits}, 1000000000000, &x) != OK)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text_is_nocase(unit, units[i].unit)) {
            bool fits = !__builtin_mul_overflow(x, units[i].bits, out);
            *out /= 8;
            return fits && *out > 0;
        }
    return false;
}

err_t mconf_rate(const struct mconf_look *l, enum mconf_id id, uint64_t *out)
{
    char text[MCONF_TEXT_MAX];
    TRY(mconf_text(l, id, text));
    if (!mconf_bw(text_of(text), out))
        return mconf_wrong(l, id, "is bytes a second, or like 100MB or 1gbit, not %.40s", text);
    return OK;
}

bool mconf_decimal(const char *text, unsigned most, unsigned *thousandths)
{
    uint64_t whole = 0, part = 0;
    struct text rest = text_of(text), before;
    bool dotted = strchr(text, '.') != NULL;
    (void)text_split(&rest, '.', &before);
    bool good = (!before.len && dotted) || text_to_u64(before, most, &whole) == OK;
    if (good && rest.len)
        good = rest.len <= 3 && text_to_u64(rest, 999, &part) == OK;
    for (size_t i = rest.len; i < 3; i++)
        part *= 10;
    *thousandths = (unsigned)(whole * 1000 + part);
    return good && *thousandths <= most * 1000;
}

err_t mconf_share(const struct mconf_look *l, enum mconf_id id, unsigned *thousandths)
{
    char text[MCONF_TEXT_MAX];
    TRY(mconf_text(l, id, text));
    if (!mconf_decimal(text, 1, thousandths))
        return mconf_wrong(l, id, "is a share of 0 to 1, like 0.25, not %.40s", text);
    return OK;
}

err_t mconf_yes(const struct mconf_look *l, enum mconf_id id, bool *out)
{
    static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on"};
    char text[MCONF_TEXT_MAX];
    TRY(mconf_text(l, id, text));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is_nocase(text_of(text), words[i])) {
            *out = i % 2;
            return OK;
        }
    return mconf_wrong(l, id, "is yes or no, not %.40s", text);
}

/* No name is looked up; localhost is FlashFlow's word for 127.0.0.1. */
err_t mconf_address(const struct mconf_look *l, enum mconf_id id, struct ipport *out)
{
    static const char localhost[] = "localhost:";
    char text[MCONF_TEXT_MAX], plain[MCONF_TEXT_MAX + 16];
    TRY(mconf_text(l, id, text));
    if (strncmp(text, localhost, sizeof localhost - 1) == 0)
        snprintf(plain, sizeof plain, "127.0.0.1:%s", text + sizeof localhost - 1);
    else
        snprintf(plain, sizeof plain, "%s", text);
    if (consent_port_is_wrong(plain))
        return mconf_wrong(l, id, "ends with a port of 1 to 65535, not like %.60s", text);
    if (ipport_parse(plain, out) != OK)
        return mconf_wrong(l, id, "is ADDRESS:PORT in numbers, not %.60s", text);
    return OK;
}
