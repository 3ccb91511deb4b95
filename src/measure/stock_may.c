/* Whether a relay of unmodified tor may be measured so, before there is anything that could send a
 * byte; and what each mode proves. */
#include <stdio.h>
#include <string.h>

#include "dir/descriptor.h"
#include "measure/stock_int.h"

static const struct lane_kind *const kinds[] = {
    [MEAS_ECHO2] = &lane_echo2, [MEAS_SINK2] = &lane_echo2, [MEAS_DIR] = &lane_dir,
    [MEAS_DROP] = &lane_drop,   [MEAS_HTTP] = &lane_http,
};

const char *stock_mode_proves(enum meas_mode mode)
{
    switch (mode) {
    case MEAS_FLASHFLOW:
        return "each cell was decrypted by the relay and came back: what it carries, clients and "
               "all";
    case MEAS_ECHO2:
        return "each cell went through the relay twice and came back checked: at least so much";
    case MEAS_SINK2:
        return "cells went through the relay to a hop of ours, one in fifty came back: at least so "
               "much";
    case MEAS_DIR:
        return "documents came from the relay: what it sends, and nothing of what it takes";
    case MEAS_DROP:
        return "cells were sent to the relay: nothing proves that it has read them";
    case MEAS_HTTP:
        return "a download through the relay and an exit: the least of the three, server and all";
    }
    return "";
}

/* ---- whether it may be ---- */

static err_t refuse(char why[CONSENT_WHY_MAX], const char *text)
{
    snprintf(why, CONSENT_WHY_MAX, "%s", text);
    return ERR_ARG;
}

static err_t check_relay(const struct env *env, const struct stock_config *c,
                         char why[CONSENT_WHY_MAX])
{
    const struct meas_relay *r = &c->told.relay;
    const struct consent_relay relay = {.at = r->addrs[0],
                                        .rsa = r->fp,
                                        .ed = r->ed25519,
                                        .has_rsa = r->has_fp,
                                        .has_ed = r->has_ed25519};
    if (r->n_addrs != 1)
        return refuse(why, "a relay of unmodified tor is measured at one address");
    TRY(consent_check_address(&relay.at, why));
    if (consent_is_free(&relay.at))
        return OK;
    if (!c->pin)
        return refuse(why, "a relay that is not of this machine is measured for a coordinator with "
                           "a key alone (--key), which its operator has agreed to");
    return consent_by_contact(&relay, c->told.proof, c->pin, env_wall_s(env), why);
}

/* An exit that is used has agreed as well, or is of this machine. */
static err_t check_next(const struct env *env, const struct stock_config *c,
                        char why[CONSENT_WHY_MAX])
{
    const struct circ_hop_target *n = &c->next;
    const struct ipport *at = n->v4.port ? &n->v4 : &n->v6;
    if (c->told.mode != MEAS_HTTP) {
        if (!c->hop)
            return refuse(why, "this mode needs a second hop");
        return consent_hop(&c->told.relay.addrs[0], at, why);
    }
    const struct consent_relay relay = {
        .at = *at, .rsa = n->rsa, .ed = n->ed, .has_rsa = true, .has_ed = n->has_ed};
    TRY(consent_check_address(at, why));
    TRY(consent_check_address(&c->server, why));
    if (consent_is_free(at))
        return OK;
    if (!c->pin)
        return refuse(why, "an exit that is not of this machine has to agree, too");
    return consent_by_contact(&relay, c->next_proof, c->pin, env_wall_s(env), why);
}

err_t stock_exit(const struct meas_exit *exit, struct circ_hop_target *out,
                 char why[CONSENT_WHY_MAX])
{
    struct text rest = exit->proof;
    struct descriptor d;
    if (!rest.s || descriptor_next(&rest, &d) != OK || !d.has_rsa ||
        !descriptor_has(&d, DESCRIPTOR_NTOR_KEY))
        return refuse(why, "the exit's descriptor cannot be read");
    *out = (struct circ_hop_target){.rsa = d.rsa,
                                    .ed = d.ed,
                                    .has_ed = d.has_ed,
                                    .ntor_key = d.ntor,
                                    .ntor_v3 = true,
                                    .ask = {.cc = true}};
    *(exit->at.ip.family == IP_V6 ? &out->v6 : &out->v4) = exit->at;
    return OK;
}

err_t stock_may(const struct env *env, const struct stock_config *c, char why[CONSENT_WHY_MAX])
{
    const struct connect_to_relay *t = &c->told;
    size_t n_kinds = sizeof kinds / sizeof *kinds;
    if ((size_t)t->mode >= n_kinds || !kinds[t->mode])
        return refuse(why, "this mode is not one for relays of unmodified tor");
    if (!t->n_circs || t->n_circs > MEAS_CIRCS_MOST || !t->dur || !t->alloc_bw)
        return refuse(why, "there is nothing to do");
    if (!c->name || strlen(c->name) > MEAS_NAME_MAX)
        return refuse(why, "the measurer has no name, or too long a one");
    TRY(check_relay(env, c, why));
    if (t->mode == MEAS_DROP && !consent_is_free(&t->relay.addrs[0]))
        return refuse(why, "drop is for relays of this machine alone: nothing that it sends ever "
                           "comes back");
    return kinds[t->mode]->needs_next ? check_next(env, c, why) : OK;
}

const struct lane_kind *stock_kind(enum meas_mode mode)
{
    return kinds[mode];
}
