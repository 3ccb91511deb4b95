#include "client/bootstrap.h"

#include <stdio.h>

#include "crypto/encode.h"

enum { WARN_EVERY_S = 30 };

static const struct {
    int percent;
    const char *tag, *summary;
} phases[] = {
    [BOOTSTRAP_STARTING] = {0, "starting", "Starting"},
    [BOOTSTRAP_CONN] = {5, "conn", "Connecting to a relay"},
    [BOOTSTRAP_HANDSHAKE_DONE] = {15, "handshake_done", "Handshake with a relay done"},
    [BOOTSTRAP_ONEHOP_CREATE] = {20, "onehop_create",
                                 "Establishing an encrypted directory connection"},
    [BOOTSTRAP_AP_CONN] = {80, "ap_conn", "Connecting to a relay to build circuits"},
    [BOOTSTRAP_AP_HANDSHAKE_DONE] = {90, "ap_handshake_done",
                                     "Handshake finished with a relay to build circuits"},
    [BOOTSTRAP_CIRCUIT_CREATE] = {95, "circuit_create", "Establishing a Tor circuit"},
    [BOOTSTRAP_DONE] = {100, "done", "Done"},
};

void bootstrap_init(struct bootstrap *b, struct env *env)
{
    *b = (struct bootstrap){.env = env, .percent = -1};
}

void bootstrap_progress(struct bootstrap *b, int percent, const char *tag, const char *summary)
{
    if (percent <= b->percent)
        return;
    b->percent = percent;
    b->problems = 0;
    snprintf(b->tag, sizeof b->tag, "%s", tag);
    snprintf(b->summary, sizeof b->summary, "%s", summary);
    log_notice(b->env->log, "Bootstrapped %d%% (%s): %s", percent, tag, summary);
    if (b->watch && b->watch->progress)
        b->watch->progress(b->watch_arg);
}

void bootstrap_reached(struct bootstrap *b, enum bootstrap_phase phase)
{
    bootstrap_progress(b, phases[phase].percent, phases[phase].tag, phases[phase].summary);
}

void bootstrap_problem(struct bootstrap *b, const struct link_target *peer,
                       const struct link_end *end)
{
    char addr[IPPORT_TEXT_MAX], id[HEX_SIZE(sizeof(struct rsa_id))];
    b->problems++;
    if (b->watch && b->watch->problem)
        b->watch->problem(b->watch_arg, end);
    if (end->why == ERR_LINK_IDENTITY) /* never noise: a wrong configuration, or an attack */
        log_warn(
            b->env->log,
            "Tried connecting to the relay at %s, but its identity keys were not as expected: %s",
            ipport_text(&peer->addr, addr), end->text);
    if (b->percent >= 100 || b->env->mono_us < b->next_warn_us) {
        log_info(b->env->log, "No link to %s: %s", ipport_text(&peer->addr, addr), end->text);
        return;
    }
    b->next_warn_us = b->env->mono_us + WARN_EVERY_S * (uint64_t)US_PER_SEC;
    log_warn(b->env->log,
             "Problem bootstrapping. Stuck at %d%% (%s): %s. (%s; %s; count %u; recommendation "
             "warn; host %s at %s)",
             b->percent, b->tag, b->summary, end->text, or_reason_name(end->reason), b->problems,
             hex_upper(peer->rsa.b, sizeof peer->rsa.b, id), ipport_text(&peer->addr, addr));
}
