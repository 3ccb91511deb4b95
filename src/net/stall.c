#include "net/stall.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* Two seconds and four round trips without a word, in which the kernel has sent again twice: no
 * loss by chance, and soon enough for who waits. */
enum { LOOK_MS = 500, SILENCE_MS = 2000, SILENCE_ROUND_TRIPS = 4, SENT_AGAIN_LEAST = 2 };

static uint64_t since_ms(const struct stall *s)
{
    return (s->env->mono_us - s->since_us) / US_PER_MS;
}

static bool is_silent(const struct stall *s, const struct tcp_info *tcp)
{
    uint64_t patience_ms = SILENCE_MS + SILENCE_ROUND_TRIPS * (uint64_t)tcp->tcpi_rtt / US_PER_MS;
    uint64_t silent_ms = since_ms(s);
    if (tcp->tcpi_last_ack_recv < silent_ms)
        silent_ms = tcp->tcpi_last_ack_recv;
    return tcp->tcpi_unacked && tcp->tcpi_retransmits >= SENT_AGAIN_LEAST &&
           silent_ms >= patience_ms;
}

static void set(struct stall *s, bool stalled)
{
    if (s->stalled == stalled)
        return;
    s->stalled = stalled;
    s->tell(s->arg, stalled);
}

static void look(void *arg)
{
    struct stall *s = arg;
    struct tcp_info tcp;
    socklen_t len = sizeof tcp;
    memset(&tcp, 0, sizeof tcp);
    if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &tcp, &len) != 0)
        return; /* no TCP: nothing is known */
    if (tcp.tcpi_unacked)
        env_arm_lazy_ms(s->env, &s->look, LOOK_MS);
    set(s, is_silent(s, &tcp));
}

void stall_init(struct stall *s, struct env *env, int fd, void (*tell)(void *arg, bool stalled),
                void *arg)
{
    *s = (struct stall){.env = env, .fd = fd, .tell = tell, .arg = arg};
    timer_init(&s->look, look, s);
}

void stall_sent(struct stall *s)
{
    if (s->look.armed)
        return;
    s->since_us = s->env->mono_us;
    env_arm_lazy_ms(s->env, &s->look, LOOK_MS);
}

void stall_end(struct stall *s)
{
    env_disarm(s->env, &s->look);
}
