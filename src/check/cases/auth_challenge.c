/* AUTH_CHALLENGE (tor-spec 4.3). */
#include <string.h>

#include "check/probe.h"
#include "check/sections.h"

/* Awaits AUTH_CHALLENGE after VERSIONS and CERTS. */
static struct probe *await_challenge(struct trial *t, struct chan_auth_challenge *out)
{
    struct probe_cell cell;
    struct probe *p = probe_versions(t);
    if (probe_await(p, CELL_CERTS, &cell) && probe_await(p, CELL_AUTH_CHALLENGE, &cell))
        TRIAL_EXPECT(t, chan_auth_challenge_decode(rd_over(cell.body, cell.len), out) == OK,
                     "it has not 32 bytes of a challenge, and as many methods as it says");
    return p;
}

static void is_sent(struct trial *t)
{
    struct probe *p = probe_versions(t);
    (void)(probe_await(p, CELL_CERTS, NULL) && probe_await(p, CELL_AUTH_CHALLENGE, NULL));
}

static void is_well_formed(struct trial *t)
{
    struct chan_auth_challenge c;
    (void)await_challenge(t, &c);
}

static void has_method_3(struct trial *t)
{
    struct chan_auth_challenge c = {.n_methods = 0};
    bool found = false;
    (void)await_challenge(t, &c);
    for (size_t i = 0; i < c.n_methods; i++)
        found |= c.methods[i] == CHAN_AUTH_ED25519_SHA256_RFC5705;
    TRIAL_EXPECT(t, found, "none of its %zu methods is 3", c.n_methods);
}

static void is_fresh(struct trial *t)
{
    struct chan_auth_challenge first, second;
    (void)await_challenge(t, &first);
    (void)await_challenge(t, &second);
    TRIAL_EXPECT(t, memcmp(first.challenge, second.challenge, sizeof first.challenge),
                 "both connections got the same challenge");
}

static void comes_once(struct trial *t)
{
    struct chan_auth_challenge c;
    (void)probe_await(await_challenge(t, &c), CELL_NETINFO, NULL);
}

static const struct check_case cases[] = {
    {"auth_challenge/sent", CHECK_MUST, "tor-spec 4", "sends AUTH_CHALLENGE after CERTS", is_sent,
     NEEDS_NOTHING},
    {"auth_challenge/form", CHECK_MUST, "tor-spec 4.3",
     "sends a challenge of 32 bytes and the number of methods it says", is_well_formed,
     NEEDS_NOTHING},
    {"auth_challenge/method-3", CHECK_MUST, "tor-spec 4.4.2",
     "takes authentication by Ed25519-SHA256-RFC5705", has_method_3, NEEDS_NOTHING},
    {"auth_challenge/fresh", CHECK_MUST, "tor-spec 4.3",
     "makes a new challenge for each connection", is_fresh, NEEDS_NOTHING},
    {"auth_challenge/once", CHECK_MUST, "tor-spec 4",
     "sends one AUTH_CHALLENGE, and NETINFO after it", comes_once, NEEDS_NOTHING},
};
const struct check_section check_auth_challenge = {"auth_challenge", "AUTH_CHALLENGE", cases,
                                                   sizeof cases / sizeof *cases};
