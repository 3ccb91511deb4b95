/* Relays of unmodified tor: whether they have agreed, by the contact line of their own descriptor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/coordinator_int.h"

/* A relay that knows measurements says itself whether it agrees, when it is asked by the run. */
static bool needs_proof(const struct cjob *j)
{
    return j->config.mode != MEAS_FLASHFLOW && !consent_is_free(&j->config.relay.addrs[0]);
}

/* An answer that is old may have been taken back meanwhile. */
static bool is_current(const struct cjob *j, const char *proof, uint64_t proved_us)
{
    uint64_t age_us = j->coordinator->env->mono_us - proved_us;
    return proof && age_us <= COORDINATOR_PROOF_S * (uint64_t)US_PER_SEC;
}

static void ask(struct cjob *j, const struct meas_relay *whom, bool is_exit)
{
    struct coordinator *c = j->coordinator;
    char why[CONSENT_WHY_MAX] = "out of memory", **proof = is_exit ? &j->exit_proof : &j->proof;
    free(*proof);
    *proof = NULL;
    j->proves_exit = is_exit;
    ctell_state(j, "PROVING");
    if (c->ops->prove(c->arg, j->meas_id, whom, &j->proving, why) != OK)
        cjob_refuse(j, "no_consent", why);
}

bool cjob_prove(struct cjob *j)
{
    const struct meas_relay exit = {.addrs = {j->config.exit.at}, .n_addrs = 1};
    if (needs_proof(j) && !is_current(j, j->proof, j->proved_us)) {
        ask(j, &j->config.relay, false);
        return false;
    }
    /* An exit of this computer is asked for its keys. */
    if (j->config.mode == MEAS_HTTP && !is_current(j, j->exit_proof, j->exit_proved_us)) {
        ask(j, &exit, true);
        return false;
    }
    return true;
}

/* What could not be asked has not said no. */
static const char *why_unproved(err_t err)
{
    switch (err) {
    case ERR_LINK_CONNECT:
        return "unreachable";
    case ERR_LINK_TIMEOUT:
    case ERR_CIRC_TIMEOUT:
        return "timeout";
    case ERR_LINK_TLS:
    case ERR_LINK_PROTO:
    case ERR_LINK_VERSION:
    case ERR_LINK_CERTS:
    case ERR_LINK_DATES:
    case ERR_LINK_CLOSED:
        return "handshake_failed";
    case ERR_LINK_IDENTITY:
        return "wrong_identity";
    case ERR_NOMEM: /* ours */
    case ERR_FULL:
        return "cancelled";
    default:
        return "no_consent";
    }
}

static void take_relay(struct cjob *j, const struct consent_relay *relay)
{
    struct meas_relay *r = &j->config.relay;
    r->fp = relay->rsa;
    r->ed25519 = relay->ed;
    r->has_fp = relay->has_rsa;
    r->has_ed25519 = relay->has_ed;
    r->addrs[0] = relay->at; /* its other addresses may be another's */
    r->n_addrs = 1;
    j->config.proof = text_of(j->proof);
    j->reached = relay->at;
    j->proved_us = j->coordinator->env->mono_us;
}

static void take_exit(struct cjob *j)
{
    j->config.exit.proof = text_of(j->exit_proof);
    j->exit_proved_us = j->coordinator->env->mono_us;
}

/* What is told of another address than one that was to be asked is not said of this relay. */
static bool was_asked(const struct cjob *j, const struct ipport *at)
{
    const struct meas_relay *r = &j->config.relay;
    if (j->proves_exit)
        return ipport_equal(&j->config.exit.at, at);
    for (size_t i = 0; i < r->n_addrs; i++)
        if (ipport_equal(&r->addrs[i], at))
            return true;
    return false;
}

/* An exit of this computer need not agree. */
static err_t judge(const struct cjob *j, const struct consent_relay *relay, struct text descriptor,
                   char why[CONSENT_WHY_MAX])
{
    const struct coordinator *c = j->coordinator;
    if (!was_asked(j, &relay->at)) {
        snprintf(why, CONSENT_WHY_MAX, "it was found at an address that is not its own");
        return ERR_BAD_KEY;
    }
    if (j->proves_exit && consent_is_free(&j->config.exit.at))
        return OK;
    return consent_by_contact(relay, descriptor, &c->pin, env_wall_s(c->env), why);
}

void coordinator_proved(struct coordinator *c, uint32_t meas_id, err_t err,
                        const struct consent_relay *relay, struct text descriptor, const char *why)
{
    struct cjob *j = cjob_find(c, meas_id);
    char reason[CONSENT_WHY_MAX] = "";
    if (!j || !j->proving)
        return;
    if (err != OK) {
        cjob_refuse(j, why_unproved(err), why);
        return;
    }
    char **proof = j->proves_exit ? &j->exit_proof : &j->proof;
    err_t e = judge(j, relay, descriptor, reason);
    if (e == OK && !(*proof = text_dup(descriptor)))
        e = ERR_NOMEM;
    if (e != OK) {
        bool no_memory = e == ERR_NOMEM;
        cjob_refuse(j, no_memory ? "cancelled" : "no_consent", no_memory ? err_text(e) : reason);
        return;
    }
    if (j->proves_exit)
        take_exit(j);
    else
        take_relay(j, relay);
    cjob_unprove(j); /* all that was told is that talk's */
    env_arm_ms(c->env, &c->look, 0);
}

void coordinator_relay_met(struct coordinator *c, uint32_t meas_id, const struct rsa_id *rsa,
                           const struct ipport *at)
{
    struct cjob *j = cjob_find(c, meas_id);
    if (!j || !j->run || !rsa)
        return;
    run_reached(j->run, at);
    run_proved(j->run, rsa, NULL);
    j->config.relay.fp = *rsa;
    j->config.relay.has_fp = true;
    cpolite_met(j, at);
}
