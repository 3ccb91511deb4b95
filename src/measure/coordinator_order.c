/* Orders to the coordinator: what to measure, and what not to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/alloc.h"
#include "measure/consent.h"
#include "measure/coordinator_int.h"

static err_t wrong(char why[COORDINATOR_WHY], err_t e, const char *text)
{
    snprintf(why, COORDINATOR_WHY, "%s", text);
    return e;
}

static bool take_fp(struct text t, struct meas_relay *out)
{
    if (t.len && t.s[0] == '$') {
        t.s++;
        t.len--;
    }
    out->has_fp = hex_decode_exact(t, out->fp.b, sizeof out->fp.b) == OK;
    return out->has_fp;
}

static err_t by_address(const char *text, struct meas_relay *out, char why[COORDINATOR_WHY])
{
    char reason[CONSENT_WHY_MAX];
    if (consent_address(text, &out->addrs[0], reason) != OK) {
        snprintf(why, COORDINATOR_WHY, "%.*s", COORDINATOR_WHY - 1, reason);
        return ERR_ARG;
    }
    out->n_addrs = 1;
    return OK;
}

/* One that is listed, or was measured before. */
static err_t by_name(const struct coordinator *c, const char *text, struct meas_relay *out,
                     char why[COORDINATOR_WHY])
{
    char fp[HEX_SIZE(sizeof out->fp.b)];
    err_t e = clisted_find(c, text, out, why);
    if (e != ERR_NOT_FOUND)
        return e;
    if (!take_fp(text_of(text), out) && c->listing && listing_n(c->listing))
        return wrong(why, ERR_ARG, "the consensus has no relay of that name");
    if (!out->has_fp)
        return wrong(
            why, ERR_ARG,
            "say ADDRESS:PORT, FINGERPRINT@ADDRESS:PORT, or the fingerprint of a relay that "
            "was measured here before; names are known with directory = fetch, or a client's");
    const struct history_relay *r =
        history_find(&c->history, hex_upper(out->fp.b, sizeof out->fp.b, fp), NULL);
    if (!r || r->at.ip.family == IP_NONE)
        return wrong(why, ERR_ARG,
                     "no relay of that fingerprint was measured here before: say "
                     "FINGERPRINT@ADDRESS:PORT");
    out->addrs[0] = r->at;
    out->n_addrs = 1;
    return OK;
}

static err_t find_relay(const struct coordinator *c, const char *text, struct meas_relay *out,
                        char why[COORDINATOR_WHY])
{
    const char *at = strchr(text, '@');
    *out = (struct meas_relay){.n_addrs = 0};
    if (at && !take_fp((struct text){text, (size_t)(at - text)}, out))
        return wrong(why, ERR_ARG, "what stands before the @ is no fingerprint");
    if (at)
        return by_address(at + 1, out, why);
    return strchr(text, ':') ? by_address(text, out, why) : by_name(c, text, out, why);
}

static uint32_t new_id(struct coordinator *c)
{
    uint32_t id;
    do
        env_random(c->env, &id, sizeof id);
    while (!id || cjob_find(c, id));
    return id;
}

/* The last figure of the relay says what to begin with. */
static uint64_t prior_of(const struct coordinator *c, const struct meas_relay *relay)
{
    char fp[HEX_SIZE(sizeof relay->fp.b)] = "";
    if (relay->has_fp)
        (void)hex_upper(relay->fp.b, sizeof relay->fp.b, fp);
    const struct history_relay *known = history_find(&c->history, fp, &relay->addrs[0]);
    uint64_t measured = known ? history_prior(known) : 0;
    return measured ? measured : c->conf.prior;
}

struct cjob *cjob_add(struct coordinator *c, const struct meas_relay *relay,
                      const struct coordinator_wish *wish)
{
    const struct mconf_coord *conf = &c->conf;
    struct cjob **at = &c->jobs, *j;
    bool is_stock = wish->mode != MEAS_FLASHFLOW;
    if (c->n_jobs >= COORDINATOR_JOBS_MOST || !(j = calloc(1, sizeof *j)))
        return NULL;
    *j = (struct cjob){.coordinator = c,
                       .meas_id = new_id(c),
                       .queued_us = c->env->mono_us,
                       .any_mode = wish->any_mode && !is_stock};
    if (relay->n_addrs)
        (void)ipport_text(&relay->addrs[0], j->relay);
    j->config =
        (struct run_config){.meas_id = j->meas_id,
                            .relay = *relay,
                            .mode = wish->mode,
                            .echo = conf->echo,
                            .dur = wish->dur ? wish->dur : conf->dur,
                            .percent = conf->percent,
                            .prior = wish->prior ? wish->prior : prior_of(c, relay),
                            .sockets = is_stock ? polite_sockets(conf->sockets) : conf->sockets,
                            .check = conf->check,
                            .paper = conf->paper,
                            .adaptive = conf->adaptive,
                            .exit = {.at = wish->exit, .server = wish->server},
                            .multiplier = conf->multiplier ? conf->multiplier : ALLOC_MULTIPLIER};
    while (*at)
        at = &(*at)->next;
    *at = j;
    c->n_jobs++;
    env_arm_ms(c->env, &c->look, 0);
    return j;
}

static err_t check_wish(const struct coordinator_wish *wish, const struct meas_relay *relay,
                        char why[COORDINATOR_WHY])
{
    char reason[CONSENT_WHY_MAX];
    if (wish->mode == MEAS_DROP && !(relay->n_addrs && consent_is_free(&relay->addrs[0])))
        return wrong(why, ERR_ARG,
                     "drop is for relays of this computer alone: nothing that it sends ever comes "
                     "back");
    if (wish->mode != MEAS_HTTP)
        return OK;
    if (consent_check_address(&wish->exit, reason) != OK)
        return wrong(why, ERR_ARG, "http needs an exit and a server: which exit?");
    if (consent_check_address(&wish->server, reason) != OK)
        return wrong(why, ERR_ARG, "http needs an exit and a server: which server?");
    return OK;
}

err_t coordinator_measure(struct coordinator *c, const char *relay,
                          const struct coordinator_wish *wish, uint32_t *meas_id,
                          char why[COORDINATOR_WHY])
{
    struct meas_relay found;
    if (c->finishing)
        return wrong(why, ERR_STATE, "the coordinator is about to end");
    if (c->n_jobs >= COORDINATOR_JOBS_MOST)
        return wrong(why, ERR_LIMIT, "too many measurements are waiting");
    TRY(find_relay(c, relay, &found, why));
    TRY(check_wish(wish, &found, why));
    struct cjob *j = cjob_add(c, &found, wish);
    if (!j)
        return wrong(why, ERR_NOMEM, "out of memory");
    *meas_id = j->meas_id;
    return OK;
}

err_t coordinator_cancel(struct coordinator *c, uint32_t meas_id)
{
    struct cjob *j = cjob_find(c, meas_id);
    if (!j)
        return ERR_NOT_FOUND;
    if (j->run)
        run_cancel(j->run, "somebody said so");
    else
        cjob_refuse(j, "cancelled", "somebody said so");
    return OK;
}
