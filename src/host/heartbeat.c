#include "host/heartbeat.h"

#include <inttypes.h>
#include <stdio.h>

enum { S_PER_DAY = 86400, S_PER_HOUR = 3600, S_PER_MINUTE = 60, TEXT_MAX = 40 };

/* As tor: secs_to_uptime(). */
static const char *uptime_text(uint64_t s, char out[TEXT_MAX])
{
    char days[TEXT_MAX / 2] = "";
    if (s >= S_PER_DAY)
        snprintf(days, sizeof days, "%u day%s ", (unsigned)(s / S_PER_DAY),
                 s >= 2 * S_PER_DAY ? "s" : "");
    snprintf(out, TEXT_MAX, "%s%u:%02u hours", days, (unsigned)(s % S_PER_DAY / S_PER_HOUR),
             (unsigned)(s % S_PER_HOUR / S_PER_MINUTE));
    return out;
}

/* As tor: bytes_to_usage(). */
static const char *usage_text(uint64_t bytes, char out[TEXT_MAX])
{
    if (bytes < UINT64_C(1) << 20)
        snprintf(out, TEXT_MAX, "%" PRIu64 " kB", bytes >> 10);
    else if (bytes < UINT64_C(1) << 30)
        snprintf(out, TEXT_MAX, "%.2f MB", (double)bytes / (1 << 20));
    else
        snprintf(out, TEXT_MAX, "%.2f GB", (double)bytes / (1 << 30));
    return out;
}

void heartbeat_say(const struct heartbeat *h)
{
    char uptime[TEXT_MAX], sent[TEXT_MAX], received[TEXT_MAX];
    struct env *env = net_env(h->net);
    const struct net_counts *n = net_counts(h->net);
    log_notice(env->log,
               "Heartbeat: Tunic's uptime is %s, with %zu circuits open. I've sent %s and received "
               "%s. I've received %u connections on IPv4 and %u on IPv6. I've made %u connections "
               "with IPv4 and %u with IPv6.",
               uptime_text((env->mono_us - h->begun_us) / US_PER_SEC, uptime),
               client_circuits(h->client), usage_text(n->written, sent),
               usage_text(n->read, received), n->accepted_v4, n->accepted_v6, n->dialled_v4,
               n->dialled_v6);
}

static void beat(void *arg)
{
    struct heartbeat *h = arg;
    heartbeat_say(h);
    env_arm_ms(net_env(h->net), &h->timer, h->period_s * (uint64_t)MS_PER_SEC);
}

void heartbeat_init(struct heartbeat *h, struct net *net, const struct client *client)
{
    *h = (struct heartbeat){.net = net, .client = client, .begun_us = net_env(net)->mono_us};
    timer_init(&h->timer, beat, h);
}

void heartbeat_set(struct heartbeat *h, unsigned period_s)
{
    if (period_s == h->period_s)
        return;
    h->period_s = period_s;
    if (period_s)
        env_arm_ms(net_env(h->net), &h->timer, period_s * (uint64_t)MS_PER_SEC);
    else
        env_disarm(net_env(h->net), &h->timer);
}
