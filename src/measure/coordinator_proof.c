/* Relays of unmodified tor: whether they have agreed, by the contact line of their own descriptor.
 */
#include <stdlib.h>
#include <string.h>

#include "measure/coordinator_int.h"

void cjob_unprove(struct cjob *j)
{
    if (j->proving)
        j->coordinator->ops->unprove(j->coordinator->arg, j->proving);
    j->proving = NULL;
}

/* A relay that knows measurements says itself whether it agrees, when it is asked by the run. */
static bool needs_proof(const struct cjob *j)
{
    return j->config.mode != MEAS_FLASHFLOW && !consent_is_free(&j->config.relay.addrs[0]);
}

bool cjob_prove(struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    char why[CONSENT_WHY_MAX] = "out of memory";
    uint64_t age_us = c->env->mono_us - j->proved_us;
    if (!needs_proof(j) || (j->proof && age_us <= COORDINATOR_PROOF_S * (uint64_t)US_PER_SEC))
        return true;
    free(j->proof);
    j->proof = NULL;
    ctell_state(j, "PROVING");
    if (c->ops->prove(c->arg, j->meas_id, &j->config.relay, &j->proving, why) != OK)
        cjob_refuse(j, "no_consent", why);
    return false;
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
    default:
        return "no_consent";
    }
}

static void take(struct cjob *j, const struct consent_relay *relay)
{
    struct meas_relay *r = &j->config.relay;
    r->fp = relay->rsa;
    r->ed25519 = relay->ed;
    r->has_fp = relay->has_rsa;
    r->has_ed25519 = relay->has_ed;
    j->config.proof = text_of(j->proof);
    j->reached = relay->at;
    j->proved_us = j->coordinator->env->mono_us;
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
    err_t e = consent_by_contact(relay, descriptor, &c->pin, env_wall_s(c->env), reason);
    if (e != OK || !(j->proof = text_dup(descriptor))) {
        cjob_refuse(j, e == OK ? "cancelled" : "no_consent", e == OK ? "out of memory" : reason);
        return;
    }
    take(j, relay);
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
    j->config.relay.fp = *rsa;
    j->config.relay.has_fp = true;
}
