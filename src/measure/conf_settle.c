#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/bwfile.h"
#include "measure/conf_int.h"
#include "measure/consent.h"
#include "measure/parts.h"
#include "measure/pin.h"
#include "measure/polite.h"
#include "measure/schedule.h"

static err_t echo(const struct mconf_look *l, enum mconf_id id, enum meas_echo *out)
{
    char text[MCONF_TEXT_MAX];
    TRY(mconf_text(l, id, text));
    if (strcmp(text, "raw") != 0 && strcmp(text, "framed") != 0)
        return mconf_wrong(l, id, "is raw or framed, not %.40s", text);
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

static err_t measurers(const struct mconf_look *l, struct mconf_coord *out)
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

static err_t params(const struct mconf_look *l, struct mconf_coord *out)
{
    unsigned percent, check;
    TRY(mconf_number(l, P_DURATION, 1, MSG_DUR_MOST, &out->dur));
    TRY(mconf_share(l, P_BG_PERCENT, &percent));
    TRY(mconf_number(l, P_SOCKETS, 1, MEAS_CIRCS_MOST, &out->sockets));
    TRY(mconf_share(l, P_CHECK, &check));
    TRY(mconf_rate(l, P_PRIOR, &out->prior));
    TRY(echo(l, P_ECHO, &out->echo));
    TRY(mconf_yes(l, P_ADAPTIVE, &out->adaptive));
    TRY(mconf_yes(l, P_PAPER, &out->paper));
    if (percent > 990 || percent % 10)
        return mconf_wrong(l, P_BG_PERCENT, "is in whole percents, and at most 0.99");
    out->percent = percent / 10;
    out->check = check / 1000.0;
    return OK;
}

/* ---- the schedule ---- */

enum { SLOT_SPARE_S = 15, SLOT_MOST_S = 3600, MULTIPLIER_MOST = 10 };

/* "2/3" is the second of three coordinators with one secret. */
static err_t which(const struct mconf_look *l, struct mconf_coord *out)
{
    char text[MCONF_TEXT_MAX];
    uint64_t k = 0, n = 0;
    TRY(mconf_text(l, COORD_SHARE, text));
    struct text rest = text_of(text), first;
    bool good = text_split(&rest, '/', &first) && text_to_u64(first, SCHEDULE_OF_MOST, &k) == OK &&
                text_to_u64(rest, SCHEDULE_OF_MOST, &n) == OK && k && k <= n;
    if (!good)
        return mconf_wrong(l, COORD_SHARE,
                           "is like 2/3: which of how many coordinators with this secret");
    out->share = (unsigned)k - 1;
    out->shares = (unsigned)n;
    if (n > 1 && !*out->secret)
        return mconf_wrong(l, COORD_SHARE, "of several needs the secret that all of them have");
    if (n > 1 && out->compact)
        return mconf_wrong(l, COORD_COMPACT,
                           "is for one coordinator: several have slots by the clock");
    return OK;
}

static err_t slots(const struct mconf_look *l, struct mconf_coord *out)
{
    char text[MCONF_TEXT_MAX];
    unsigned thousandths;
    TRY(mconf_number(l, P_MAX_TRIES, 1, POLITE_RUNS_MOST, &out->max_tries));
    TRY(mconf_number(l, P_SLOT, 0, SLOT_MOST_S, &out->slot_s));
    out->slot_s = out->slot_s ? out->slot_s : schedule_slot_s(out->dur);
    if (out->slot_s < out->dur + SLOT_SPARE_S)
        return mconf_wrong(l, P_SLOT, "has to be longer than meas_duration, by %d s", SLOT_SPARE_S);
    TRY(mconf_text(l, P_MULTIPLIER, text));
    if (!mconf_decimal(text, MULTIPLIER_MOST, &thousandths) || thousandths < 1000)
        return mconf_wrong(l, P_MULTIPLIER, "is a number of 1 to %d, like 2.25, not %.40s",
                           MULTIPLIER_MOST, text);
    out->multiplier = thousandths / 10;
    return OK;
}

static err_t schedule(const struct mconf_look *l, struct mconf_coord *out)
{
    if (*mconf_raw(l->conf, COORD_SECRET))
        TRY(mconf_text(l, COORD_SECRET, out->secret));
    if (*mconf_raw(l->conf, COORD_RELAYS))
        TRY(mconf_text(l, COORD_RELAYS, out->relays));
    TRY(mconf_yes(l, COORD_COMPACT, &out->compact));
    TRY(which(l, out));
    return slots(l, out);
}

/* ---- a coordinator's files ---- */

enum { DAYS_MOST = 3650, DAY_S = 24 * 3600 };

static err_t country(const struct mconf_look *l, char out[3])
{
    char text[MCONF_TEXT_MAX];
    if (!*mconf_raw(l->conf, V_COUNTRY))
        return OK;
    TRY(mconf_text(l, V_COUNTRY, text));
    if (strlen(text) != 2 || !text_is_alnum(text_of(text)))
        return mconf_wrong(l, V_COUNTRY, "is two letters, not %.40s", text);
    memcpy(out, text, 3);
    return OK;
}

static err_t v3bw(const struct mconf_look *l, struct mconf_v3bw *out)
{
    TRY(mconf_text(l, V_V3BW, out->path));
    if (out->path[strlen(out->path) - 1] == '/')
        return mconf_wrong(l, V_V3BW, "is the name of a link, and not of a folder");
    TRY(mconf_number(l, V_MAX_AGE, 1, DAYS_MOST * DAY_S, &out->max_age_s));
    TRY(mconf_number(l, V_EVERY, 0, DAY_S, &out->every_s));
    TRY(mconf_number(l, V_KEEP, 1, DAYS_MOST, &out->keep_days));
    TRY(mconf_number(l, V_ROUND, 0, BWFILE_DIGITS_MOST, &out->digits));
    if (out->digits && out->digits < BWFILE_DIGITS_LEAST)
        return mconf_wrong(l, V_ROUND, "is a number of digits of at least %d, or 0 for all",
                           BWFILE_DIGITS_LEAST);
    return country(l, out->country);
}

/* What others can reach is for whom the configuration says, as with tor's MetricsPort. */
static err_t metrics(const struct mconf_look *l, struct mconf_coord *out)
{
    if (!*mconf_raw(l->conf, COORD_METRICS))
        return OK;
    TRY(mconf_address(l, COORD_METRICS, &out->metrics));
    if (!out->metrics.port)
        return mconf_wrong(l, COORD_METRICS, "needs a port");
    if (*mconf_raw(l->conf, COORD_METRICS_POLICY))
        return mconf_text(l, COORD_METRICS_POLICY, out->metrics_policy);
    if (!ip_is_loopback(&out->metrics.ip))
        return mconf_wrong(l, COORD_METRICS,
                           "is open to others, but nobody may read it without a metrics_policy: "
                           "\"metrics_policy = accept 192.0.2.7\" lets that computer in");
    return OK;
}

static err_t files(const struct mconf_look *l, struct mconf_coord *out)
{
    TRY(mconf_number(l, COORD_KEEP, 2, DAYS_MOST, &out->keep_days));
    TRY(mconf_number(l, COORD_COMPRESS, 0, DAYS_MOST, &out->compress_days));
    TRY(v3bw(l, &out->v3bw));
    return metrics(l, out);
}

err_t mconf_coord(const struct mconf *c, struct mconf_coord *out, char why[MCONF_WHY])
{
    const struct mconf_look l = {c, why};
    memset(out, 0, sizeof *out);
    TRY(mconf_text(&l, COORD_DATADIR, out->datadir));
    TRY(mconf_text(&l, COORD_RESULTSDIR, out->resultsdir));
    TRY(mconf_text(&l, COORD_KEY, out->key));
    TRY(mconf_text(&l, COORD_IDENTITY, out->identity));
    TRY(mconf_text(&l, COORD_CTRL_ADDR, out->ctrl_addr));
    if (!strchr(out->ctrl_addr, '/'))
        return mconf_wrong(
            &l, COORD_CTRL_ADDR,
            "is the path of a unix socket, with a \"/\" in it: over TCP anybody of this "
            "computer could give orders");
    TRY(mconf_text(&l, COORD_DIRECTORY, out->directory));
    if (*mconf_raw(c, COORD_TORRC))
        TRY(mconf_text(&l, COORD_TORRC, out->torrc));
    TRY(mconf_address(&l, COORD_LISTEN_ADDR, &out->listen_addr));
    TRY(measurers(&l, out));
    TRY(files(&l, out));
    TRY(params(&l, out));
    return schedule(&l, out);
}

err_t mconf_measurer(const struct mconf *c, struct mconf_measurer_side *out, char why[MCONF_WHY])
{
    const struct mconf_look l = {c, why};
    char text[MCONF_TEXT_MAX];
    memset(out, 0, sizeof *out);
    TRY(mconf_text(&l, M_NAME, text));
    if (!msg_name_valid(text_of(text)))
        return mconf_wrong(&l, M_NAME, "is at most %d letters, digits, \"-\", \"_\", \".\"",
                           MSG_NAME_MAX);
    snprintf(out->name, sizeof out->name, "%.*s", MSG_NAME_MAX, text);
    TRY(mconf_text(&l, M_DATADIR, out->datadir));
    TRY(mconf_text(&l, M_KEY, out->key));
    TRY(mconf_text(&l, M_IDENTITY, out->identity));
    TRY(mconf_address(&l, M_COORD_ADDR, &out->coord_addr));
    if (!out->coord_addr.port)
        return mconf_wrong(&l, M_COORD_ADDR, "needs the coordinator's port, and 0 is none");
    TRY(mconf_text(&l, M_COORD_PIN, text));
    if (pin_parse(text_of(text), &out->coord_pin) != OK)
        return mconf_wrong(&l, M_COORD_PIN,
                           "is sha256//..., as keygen printed it for the coordinator");
    TRY(mconf_address(&l, M_HOP_ADDR, &out->hop_addr));
    TRY(mconf_address(&l, M_HTTP_SERVER, &out->http_server));
    TRY(mconf_rate(&l, M_BW, &out->bw));
    TRY(mconf_number(&l, M_THREADS, 1, PARTS_MOST, &out->threads));
    return mconf_number(&l, M_SOCKETS_MAX, 1, MEAS_CIRCS_MOST, &out->sockets_max);
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
           (strcmp(asked, "coord") == 0 && strcmp(section, "measurer") != 0);
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
