/* NETINFO (tor-spec 4.5). */
#include <string.h>

#include "check/probe.h"
#include "check/sections.h"

enum { SKEW_MOST_S = 3600 };

/* ---- the relay's ---- */

static void is_sent(struct trial *t)
{
    struct probe_hello hello;
    (void)probe_hello(t, &hello);
}

static struct chan_netinfo theirs(struct trial *t)
{
    struct probe_hello hello;
    (void)probe_hello(t, &hello);
    TRIAL_EXPECT(t, hello.netinfo_err == OK, "NETINFO is malformed");
    return hello.netinfo;
}

static void is_well_formed(struct trial *t)
{
    (void)theirs(t);
}

static void comes_once(struct trial *t)
{
    struct probe *p = probe_link(t);
    probe_await_alive(p);
}

static void has_the_time(struct trial *t)
{
    struct chan_netinfo m = theirs(t);
    int64_t ahead = (int64_t)m.timestamp - env_wall_s(t->run->env);
    TRIAL_EXPECT(t, m.timestamp, "it has no time");
    TRIAL_EXPECT(t, ahead < SKEW_MOST_S && ahead > -SKEW_MOST_S,
                 "its clock is %lld s ahead of ours", (long long)ahead);
}

static bool is_somewhere(const struct ip *ip)
{
    static const uint8_t zeros[16];
    return ip->family != IP_NONE && memcmp(ip->b, zeros, ip_len(ip));
}

/* We cannot know our own address: there may be address translation in between. */
static void has_our_address(struct trial *t)
{
    struct chan_netinfo m = theirs(t);
    const struct ip *relay = &t->run->config->reach.addr.ip;
    TRIAL_EXPECT(t, is_somewhere(&m.other), "it has no address of ours");
    TRIAL_EXPECT(t, m.other.family == relay->family, "it has an address of another family");
    TRIAL_EXPECT(t, ip_is_loopback(relay) == ip_is_loopback(&m.other),
                 "it has an address that we cannot come from");
}

static void has_its_address(struct trial *t)
{
    struct chan_netinfo m = theirs(t);
    bool found = false;
    for (size_t i = 0; i < m.n_mine; i++)
        found |= ip_equal(&m.mine[i], &t->run->config->reach.addr.ip);
    TRIAL_EXPECT(t, found, "none of its %zu addresses is the one that it is at", m.n_mine);
}

static void has_addresses(struct trial *t)
{
    struct chan_netinfo m = theirs(t);
    for (size_t i = 0; i < m.n_mine; i++)
        TRIAL_EXPECT(t, is_somewhere(&m.mine[i]), "an address of its own is all zeros");
}

/* ---- ours ---- */

static void opens(struct trial *t)
{
    probe_await_alive(probe_link(t));
}

/* The handshake with a NETINFO of ours, then a circuit. */
static void takes(struct trial *t, const uint8_t *body, size_t len)
{
    struct probe_hello hello;
    struct probe *p = probe_hello(t, &hello);
    probe_cell(p, 0, CELL_NETINFO, body, len);
    probe_await_alive(p);
}

static void takes_more_bytes(struct trial *t)
{
    static const uint8_t body[] = {0, 0, 0, 0, IP_V4, 4, 127, 0, 0, 1, 0, 1, 2, 3, 255, 255};
    takes(t, body, sizeof body);
}

static void takes_unknown_types(struct trial *t)
{
    static const uint8_t body[] = {0, 0, 0, 0, IP_V4, 4, 127, 0, 0, 1, 2, 77, 3, 1, 2, 3, 99, 0};
    takes(t, body, sizeof body);
}

static void takes_wrong_lengths(struct trial *t)
{
    static const uint8_t body[] = {0, 0, 0, 0, IP_V4, 4, 127, 0, 0, 1, 1, IP_V4, 5, 1, 2, 3, 4, 5};
    takes(t, body, sizeof body);
}

static void takes_any_time(struct trial *t)
{
    static const uint8_t body[] = {0x12, 0, 0, 0, IP_V4, 4, 127, 0, 0, 1, 0};
    takes(t, body, sizeof body);
}

static void takes_ipv6(struct trial *t)
{
    static const uint8_t body[] = {0, 0, 0, 0, IP_V6, 16, 0x20, 1, 0xd, 0xb8, 0, 0,
                                   0, 0, 0, 0, 0,     0,  0,    0, 0,   1,    0};
    takes(t, body, sizeof body);
}

static const struct check_case cases[] = {
    {"netinfo/sent", CHECK_MUST, "tor-spec 4", "sends NETINFO without waiting for ours", is_sent,
     NEEDS_NOTHING},
    {"netinfo/form", CHECK_MUST, "tor-spec 4.5", "sends NETINFO with as many addresses as it says",
     is_well_formed, NEEDS_NOTHING},
    {"netinfo/once", CHECK_MUST, "tor-spec 4", "sends NETINFO once", comes_once, NEEDS_NOTHING},
    {"netinfo/time", CHECK_SHOULD, "tor-spec 4.5", "tells its time, within an hour of ours",
     has_the_time, NEEDS_NOTHING},
    {"netinfo/our-address", CHECK_MUST, "tor-spec 4.5", "tells the address that it sees us at",
     has_our_address, NEEDS_NOTHING},
    {"netinfo/its-address", CHECK_SHOULD, "tor-spec 4.5",
     "tells the address that we reached it at among its own", has_its_address, NEEDS_NOTHING},
    {"netinfo/addresses", CHECK_MUST, "tor-spec 4.5", "tells no address of its own that is none",
     has_addresses, NEEDS_NOTHING},
    {"netinfo/opens", CHECK_MUST, "tor-spec 4",
     "takes circuits after our NETINFO, though we do not authenticate", opens, NEEDS_NOTHING},
    {"netinfo/more-bytes", CHECK_MUST, "tor-spec 4.5", "ignores bytes behind NETINFO",
     takes_more_bytes, NEEDS_NOTHING},
    {"netinfo/unknown-types", CHECK_MUST, "tor-spec 4.5",
     "passes over our addresses of types that it does not know", takes_unknown_types,
     NEEDS_NOTHING},
    {"netinfo/wrong-lengths", CHECK_SHOULD, "tor-spec 4.5",
     "passes over an address of ours whose length is wrong for its type", takes_wrong_lengths,
     NEEDS_NOTHING},
    {"netinfo/any-time", CHECK_MUST, "tor-spec 4.5", "takes a client whose clock is wrong",
     takes_any_time, NEEDS_NOTHING},
    {"netinfo/ipv6", CHECK_MUST, "tor-spec 4.5", "takes an IPv6 address", takes_ipv6,
     NEEDS_NOTHING},
};
const struct check_section check_netinfo = {"netinfo", "NETINFO", cases,
                                            sizeof cases / sizeof *cases};
