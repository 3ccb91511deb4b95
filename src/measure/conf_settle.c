#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/conf_int.h"
#include "measure/consent.h"
#include "measure/parts.h"
#include "measure/pin.h"

enum { REFERENCES_MOST = 16 };

/* One look at the settings: WHY is for the first that is wrong. */
struct look {
    const struct mconf *conf;
    char *why;
};

static err_t wrong(const struct look *l, enum mconf_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
static err_t wrong(const struct look *l, enum mconf_id id, const char *fmt, ...)
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

/* What "${NAME}" or "${SECTION:NAME}" of SECTION is; NULL: nothing. */
static const char *referred(const struct mconf *c, const char *section, struct text name)
{
    struct text rest = name, of;
    bool other = memchr(name.s, ':', name.len) && text_split(&rest, ':', &of);
    for (size_t i = 0; i < MCONF_IDS; i++) {
        const struct mconf_key *k = &mconf_keys[i];
        if ((other ? text_is(of, k->section) : strcmp(section, k->section) == 0) &&
            text_is(other ? rest : name, k->key))
            return mconf_raw(c, (enum mconf_id)i);
    }
    return NULL;
}

/* Replaces the first reference in TEXT (MCONF_TEXT_MAX bytes); ERR_NOT_FOUND: there is none. */
static err_t refer_once(const struct mconf *c, const char *section, char *text)
{
    char more[MCONF_TEXT_MAX];
    char *begin = strstr(text, "${"), *end = begin ? strchr(begin, '}') : NULL;
    if (!begin)
        return ERR_NOT_FOUND;
    if (!end)
        return ERR_MALFORMED;
    const char *value = referred(c, section, (struct text){begin + 2, (size_t)(end - begin) - 2});
    if (!value)
        return ERR_MALFORMED;
    int n = snprintf(more, sizeof more, "%.*s%s%s", (int)(begin - text), text, value, end + 1);
    if (n < 0 || (size_t)n >= sizeof more)
        return ERR_MALFORMED;
    memcpy(text, more, (size_t)n + 1);
    return OK;
}

/* The value, with what it refers to in place. */
static err_t text_of_key(const struct look *l, enum mconf_id id, char out[MCONF_TEXT_MAX])
{
    const char *raw = mconf_raw(l->conf, id);
    if (!raw)
        return wrong(l, id, "has to be set");
    snprintf(out, MCONF_TEXT_MAX, "%s", raw);
    for (int i = 0; i < REFERENCES_MOST; i++) {
        err_t e = refer_once(l->conf, mconf_keys[id].section, out);
        if (e == ERR_NOT_FOUND)
            return *out ? OK : wrong(l, id, "is empty");
        if (e != OK)
            return wrong(l, id, "refers to what is not there: %.100s", raw);
    }
    return wrong(l, id, "refers to itself: %.100s", raw);
}

/* ---- kinds of values ---- */

static err_t number(const struct look *l, enum mconf_id id, unsigned least, unsigned most,
                    unsigned *out)
{
    char text[MCONF_TEXT_MAX];
    uint64_t x;
    TRY(text_of_key(l, id, text));
    if (text_u64(text, most, &x) != OK || x < least)
        return wrong(l, id, "is a number of %u to %u, not %.40s", least, most, text);
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

static err_t bw(const struct look *l, enum mconf_id id, uint64_t *out)
{
    char text[MCONF_TEXT_MAX];
    TRY(text_of_key(l, id, text));
    if (!mconf_bw(text_of(text), out))
        return wrong(l, id, "is bytes a second, or like 100MB or 1gbit, not %.40s", text);
    return OK;
}

/* In thousandths: no locale has a word in it. */
static err_t share(const struct look *l, enum mconf_id id, unsigned *thousandths)
{
    char text[MCONF_TEXT_MAX];
    uint64_t whole = 0, part = 0;
    TRY(text_of_key(l, id, text));
    struct text rest = text_of(text), before;
    bool dotted = strchr(text, '.') != NULL;
    (void)text_split(&rest, '.', &before);
    bool good = (!before.len && dotted) || text_to_u64(before, 1, &whole) == OK;
    if (good && rest.len)
        good = rest.len <= 3 && text_to_u64(rest, 999, &part) == OK;
    for (size_t i = rest.len; i < 3; i++)
        part *= 10;
    if (!good || whole * 1000 + part > 1000)
        return wrong(l, id, "is a share of 0 to 1, like 0.25, not %.40s", text);
    *thousandths = (unsigned)(whole * 1000 + part);
    return OK;
}

static err_t yes(const struct look *l, enum mconf_id id, bool *out)
{
    static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on"};
    char text[MCONF_TEXT_MAX];
    TRY(text_of_key(l, id, text));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is_nocase(text_of(text), words[i])) {
            *out = i % 2;
            return OK;
        }
    return wrong(l, id, "is yes or no, not %.40s", text);
}

/* No name is looked up; localhost is FlashFlow's word for 127.0.0.1. */
static err_t address(const struct look *l, enum mconf_id id, struct ipport *out)
{
    static const char localhost[] = "localhost:";
    char text[MCONF_TEXT_MAX], plain[MCONF_TEXT_MAX + 16];
    TRY(text_of_key(l, id, text));
    if (strncmp(text, localhost, sizeof localhost - 1) == 0)
        snprintf(plain, sizeof plain, "127.0.0.1:%s", text + sizeof localhost - 1);
    else
        snprintf(plain, sizeof plain, "%s", text);
    if (consent_port_is_wrong(plain))
        return wrong(l, id, "ends with a port of 1 to 65535, not like %.60s", text);
    if (ipport_parse(plain, out) != OK)
        return wrong(l, id, "is ADDRESS:PORT in numbers, not %.60s", text);
    return OK;
}

static err_t echo(const struct look *l, enum mconf_id id, enum meas_echo *out)
{
    char text[MCONF_TEXT_MAX];
    TRY(text_of_key(l, id, text));
    if (strcmp(text, "raw") != 0 && strcmp(text, "framed") != 0)
        return wrong(l, id, "is raw or framed, not %.40s", text);
    *out = strcmp(text, "raw") == 0 ? MEAS_ECHO_RAW : MEAS_ECHO_FRAMED;
    return OK;
}

/* ---- measurers ---- */

static err_t parse_measurer(struct text line, struct mconf_measurer *out)
{
    struct text name, pin;
    if (!text_token(&line, &name) || !text_token(&line, &pin) || !msg_name_valid(name))
        return ERR_MALFORMED;
    memcpy(out->name, name.s, name.len);
    out->name[name.len] = 0;
    TRY(pin_parse(pin, &out->pin));
    return mconf_bw(text_strip(line), &out->bw) ? OK : ERR_MALFORMED;
}

static err_t measurers(const struct look *l, struct mconf_coord *out)
{
    for (size_t i = 0; i < l->conf->n_measurers; i++) {
        const struct mconf_value *v = &l->conf->measurers[i];
        struct mconf_measurer *m = &out->measurers[i];
        bool again = false;
        if (parse_measurer(text_of(v->text), m) != OK) {
            snprintf(l->why, MCONF_WHY,
                     "%.150s: a measurer is NAME sha256//PIN BW, as keygen prints it with what it "
                     "is good for, like 100MB or 1gbit",
                     v->where);
            return ERR_MALFORMED;
        }
        for (size_t k = 0; k < i; k++)
            again |= strcmp(out->measurers[k].name, m->name) == 0 ||
                     memcmp(&out->measurers[k].pin, &m->pin, sizeof m->pin) == 0;
        if (again) {
            snprintf(l->why, MCONF_WHY, "%.150s: there is a measurer of this name, or key, already",
                     v->where);
            return ERR_MALFORMED;
        }
        out->n_measurers = i + 1;
    }
    return OK;
}

/* ---- both sides ---- */

static err_t params(const struct look *l, struct mconf_coord *out)
{
    unsigned percent, check;
    TRY(number(l, P_DURATION, 1, MSG_DUR_MOST, &out->dur));
    TRY(share(l, P_BG_PERCENT, &percent));
    TRY(number(l, P_SOCKETS, 1, MEAS_CIRCS_MOST, &out->sockets));
    TRY(share(l, P_CHECK, &check));
    TRY(bw(l, P_PRIOR, &out->prior));
    TRY(echo(l, P_ECHO, &out->echo));
    TRY(yes(l, P_ADAPTIVE, &out->adaptive));
    TRY(yes(l, P_PAPER, &out->paper));
    if (percent > 990 || percent % 10)
        return wrong(l, P_BG_PERCENT, "is in whole percents, and at most 0.99");
    out->percent = percent / 10;
    out->check = check / 1000.0;
    return OK;
}

err_t mconf_coord(const struct mconf *c, struct mconf_coord *out, char why[MCONF_WHY])
{
    const struct look l = {c, why};
    memset(out, 0, sizeof *out);
    TRY(text_of_key(&l, COORD_DATADIR, out->datadir));
    TRY(text_of_key(&l, COORD_RESULTSDIR, out->resultsdir));
    TRY(text_of_key(&l, COORD_KEY, out->key));
    TRY(text_of_key(&l, COORD_IDENTITY, out->identity));
    TRY(text_of_key(&l, COORD_CTRL_ADDR, out->ctrl_addr));
    if (!strchr(out->ctrl_addr, '/'))
        return wrong(&l, COORD_CTRL_ADDR,
                     "is the path of a unix socket, with a \"/\" in it: over TCP anybody of this "
                     "computer could give orders");
    TRY(text_of_key(&l, COORD_DIRECTORY, out->directory));
    if (*mconf_raw(c, COORD_TORRC))
        TRY(text_of_key(&l, COORD_TORRC, out->torrc));
    TRY(address(&l, COORD_LISTEN_ADDR, &out->listen_addr));
    TRY(measurers(&l, out));
    return params(&l, out);
}

err_t mconf_measurer(const struct mconf *c, struct mconf_measurer_side *out, char why[MCONF_WHY])
{
    const struct look l = {c, why};
    char text[MCONF_TEXT_MAX];
    memset(out, 0, sizeof *out);
    TRY(text_of_key(&l, M_NAME, text));
    if (!msg_name_valid(text_of(text)))
        return wrong(&l, M_NAME, "is at most %d letters, digits, \"-\", \"_\", \".\"",
                     MSG_NAME_MAX);
    snprintf(out->name, sizeof out->name, "%.*s", MSG_NAME_MAX, text);
    TRY(text_of_key(&l, M_DATADIR, out->datadir));
    TRY(text_of_key(&l, M_KEY, out->key));
    TRY(text_of_key(&l, M_IDENTITY, out->identity));
    TRY(address(&l, M_COORD_ADDR, &out->coord_addr));
    if (!out->coord_addr.port)
        return wrong(&l, M_COORD_ADDR, "needs the coordinator's port, and 0 is none");
    TRY(text_of_key(&l, M_COORD_PIN, text));
    if (pin_parse(text_of(text), &out->coord_pin) != OK)
        return wrong(&l, M_COORD_PIN, "is sha256//..., as keygen printed it for the coordinator");
    TRY(address(&l, M_HOP_ADDR, &out->hop_addr));
    TRY(bw(&l, M_BW, &out->bw));
    TRY(number(&l, M_THREADS, 1, PARTS_MOST, &out->threads));
    return number(&l, M_SOCKETS_MAX, 1, MEAS_CIRCS_MOST, &out->sockets_max);
}

err_t mconf_check(const struct mconf *c, const char *section, char why[MCONF_WHY])
{
    union {
        struct mconf_coord coord;
        struct mconf_measurer_side measurer;
    } settled;
    return strcmp(section, "measurer") == 0 ? mconf_measurer(c, &settled.measurer, why)
                                            : mconf_coord(c, &settled.coord, why);
}

/* ---- shown ---- */

static bool goes_with(const char *section, const char *asked)
{
    return strcmp(section, asked) == 0 ||
           (strcmp(asked, "coord") == 0 && strcmp(section, "meas_params") == 0);
}

static void dump_key(FILE *out, const struct mconf *c, enum mconf_id id)
{
    const char *raw = mconf_raw(c, id);
    if (id == COORD_MEASURER)
        for (size_t i = 0; i < c->n_measurers; i++)
            fprintf(out, "measurer = %s ; %s\n", c->measurers[i].text, c->measurers[i].where);
    else if (raw)
        fprintf(out, "%s = %s ; %s\n", mconf_keys[id].key, raw, mconf_where(c, id));
    else
        fprintf(out, "; %s has to be set\n", mconf_keys[id].key);
}

char *mconf_dump(const struct mconf *c, const char *section)
{
    char *text = NULL;
    size_t len = 0;
    const char *last = "";
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    for (size_t i = 0; i < MCONF_IDS; i++) {
        if (!goes_with(mconf_keys[i].section, section))
            continue;
        if (strcmp(last, mconf_keys[i].section) != 0)
            fprintf(out, "%s[%s]\n", *last ? "\n" : "", mconf_keys[i].section);
        last = mconf_keys[i].section;
        dump_key(out, c, (enum mconf_id)i);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
