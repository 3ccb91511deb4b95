#include "link/padding.h"

#include "habits/habits.h"
#include "link/limits.h"

enum {
    ITO_MOST_MS = 60000, /* the consensus allows no more */
    LOOK_LEAST_MS = 100,
    REDUCED_LOW_MS = 9000,
    REDUCED_HIGH_MS = 14000
};

static unsigned at_most(unsigned x, unsigned most)
{
    return x < most ? x : most;
}

static unsigned at_least(unsigned x, unsigned least)
{
    return x > least ? x : least;
}

static void set_range(struct padding *p, const struct link_config *config)
{
    p->low_ms = at_most(config->nf_ito_low_ms, ITO_MOST_MS);
    p->high_ms = at_most(config->nf_ito_high_ms, ITO_MOST_MS);
    /* padding-spec 2.6: "If nf_ito_low == nf_ito_high == 0, padding will be disabled." */
    if (!p->low_ms && !p->high_ms)
        p->on = false;
    if (config->reduced_padding) {
        unsigned low = config->nf_ito_low_reduced_ms, high = config->nf_ito_high_reduced_ms;
        p->low_ms = at_least(p->low_ms, low ? at_most(low, ITO_MOST_MS) : REDUCED_LOW_MS);
        p->high_ms = at_least(p->high_ms, high ? at_most(high, ITO_MOST_MS) : REDUCED_HIGH_MS);
    }
}

enum padding_tell padding_configure(struct padding *p, const struct link_config *config,
                                    unsigned version)
{
    bool negotiable = version >= LINK_VERSION_PADDING;
    bool stop = config->padding == LINK_PADDING_OFF || config->reduced_padding;
    /* As tor does, ConnectionPadding 1 pads to relays that cannot negotiate it, too. */
    p->on =
        config->padding == LINK_PADDING_ON || (config->padding == LINK_PADDING_AUTO && negotiable);
    set_range(p, config);
    if (!negotiable || stop == p->peer_stopped)
        return PADDING_TELL_NOTHING;
    p->peer_stopped = stop;
    return stop ? PADDING_TELL_STOP : PADDING_TELL_START;
}

/* tor-spec 7.2: "The ito_low_ms field should not be lower than the current consensus parameter
 * value for nf_ito_low"; "The ito_high_ms field should not be lower than ito_low_ms. (If any party
 * receives an out-of-range value, they clamp it so that it is in-range.)" */
void padding_negotiated(struct padding *p, const struct link_config *config,
                        const struct chan_padding_negotiate *m)
{
    if (config->padding == LINK_PADDING_OFF)
        return;
    p->low_ms = at_least(m->ito_low_ms, at_most(config->nf_ito_low_ms, ITO_MOST_MS));
    /* As tor: zeros mean the consensus' range, "the recipient's clamping" sees to that. */
    p->high_ms = at_least(m->ito_high_ms, at_most(config->nf_ito_high_ms, ITO_MOST_MS));
    p->high_ms = at_least(p->high_ms, p->low_ms);
    p->on = m->command == CHAN_PADDING_START && p->high_ms;
    p->counting = false;
}

bool padding_poll(struct padding *p, struct env *env, uint64_t last_us, uint64_t *next_us)
{
    uint64_t now = env->mono_us;
    /* padding-spec 2.2: "If another cell is sent for any reason before this timer expires, the
     * timer is reset to a new random value." tor counts received cells as well. */
    if (!p->counting || last_us != p->quiet_us) {
        p->counting = true;
        p->quiet_us = last_us;
        uint64_t ms = habits_padding_ms(env, p->low_ms, p->high_ms);
        p->due_us = last_us + (ms ? ms : 1) * US_PER_MS;
    }
    if (now >= p->due_us) {
        p->counting = false;
        return true;
    }
    /* Looking again within LOW_MS of any cell, none of whose timeouts can have passed by then. */
    uint64_t look = now + (uint64_t)at_least(p->low_ms, LOOK_LEAST_MS) * US_PER_MS;
    *next_us = look < p->due_us ? look : p->due_us;
    return false;
}
