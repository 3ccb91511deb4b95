/* VERSIONS (tor-spec 4.1). */
#include "check/probe.h"
#include "check/sections.h"

/* ---- what the relay offers ---- */

static void answers(struct trial *t)
{
    (void)probe_versions(t);
}

static bool is_offered(const struct chan_versions *v, uint16_t version)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->v[i] == version)
            return true;
    return false;
}

static void offers_4(struct trial *t)
{
    struct probe_hello hello;
    (void)probe_hello(t, &hello);
    TRIAL_EXPECT(t, is_offered(&hello.versions, 4), "version 4 is not offered");
}

static void offers_5(struct trial *t)
{
    struct probe_hello hello;
    (void)probe_hello(t, &hello);
    TRIAL_EXPECT(t, is_offered(&hello.versions, 5), "version 5 is not offered");
}

static void offers_nothing_old(struct trial *t)
{
    struct probe_hello hello;
    (void)probe_hello(t, &hello);
    for (size_t i = 0; trial_goes_on(t) && i < hello.versions.n; i++)
        TRIAL_EXPECT(t, hello.versions.v[i] >= 3, "version %u is offered",
                     (unsigned)hello.versions.v[i]);
}

/* ---- what it goes by ---- */

static void unknown_are_ignored(struct trial *t)
{
    static const uint16_t versions[] = {0, 4, 77, 65535};
    (void)probe_offer(t, versions, 4);
}

static void none_in_common(struct trial *t)
{
    static const uint16_t versions[] = {1, 77};
    struct probe *p = probe_tls(t);
    probe_send_versions(p, versions, 2);
    probe_await_close(p);
}

static void odd_length(struct trial *t)
{
    static const uint8_t body[] = {0, 4, 0};
    struct probe *p = probe_tls(t);
    probe_cell(p, 0, CELL_VERSIONS, body, sizeof body);
    probe_await_close(p);
}

static void empty(struct trial *t)
{
    struct probe *p = probe_tls(t);
    probe_cell(p, 0, CELL_VERSIONS, "", 0);
    probe_await_close(p);
}

static void second_is_ignored(struct trial *t)
{
    static const uint16_t versions[] = {3};
    struct probe *p = probe_link(t);
    probe_send_versions(p, versions, 1);
    probe_await_alive(p);
}

/* Cells after VERSIONS have the circuit ids of the version that was chosen: of 2 bytes under 3. */
static void goes_by_4(struct probe *p)
{
    struct probe_cell cell;
    if (probe_await(p, CELL_CERTS, &cell))
        TRIAL_EXPECT(p->t, cell.circ_id == 0, "CERTS has circuit id %u", (unsigned)cell.circ_id);
}

static void highest(struct trial *t)
{
    static const uint16_t versions[] = {3, 4};
    goes_by_4(probe_offer(t, versions, 2));
}

static void in_any_order(struct trial *t)
{
    static const uint16_t versions[] = {4, 3};
    goes_by_4(probe_offer(t, versions, 2));
}

static void speaks_3(struct trial *t)
{
    static const uint16_t versions[] = {3};
    probe_await_alive(probe_link_by(t, versions, 1));
}

static void speaks_4(struct trial *t)
{
    static const uint16_t versions[] = {4};
    probe_await_alive(probe_link_by(t, versions, 1));
}

static const struct check_case cases[] = {
    {"versions/answer", CHECK_MUST, "tor-spec 4.1", "answers VERSIONS with VERSIONS", answers,
     NEEDS_NOTHING},
    {"versions/offers-4", CHECK_SHOULD, "tor-spec 4.1", "offers version 4 of the link protocol",
     offers_4, NEEDS_NOTHING},
    {"versions/offers-5", CHECK_SHOULD, "padding-spec 2.5",
     "offers version 5 of the link protocol, with which padding can be negotiated", offers_5,
     NEEDS_NOTHING},
    {"versions/offers-nothing-old", CHECK_MUST, "tor-spec 4.1", "offers no version before 3",
     offers_nothing_old, NEEDS_NOTHING},
    {"versions/unknown", CHECK_MUST, "tor-spec 4.1", "goes by the versions that it knows",
     unknown_are_ignored, NEEDS_NOTHING},
    {"versions/none", CHECK_MUST, "tor-spec 4.1",
     "closes the connection if there is no version in common", none_in_common, NEEDS_NOTHING},
    {"versions/odd-length", CHECK_MUST, "tor-spec 4.1",
     "closes the connection if VERSIONS has an odd number of bytes", odd_length, NEEDS_NOTHING},
    {"versions/empty", CHECK_MUST, "tor-spec 4.1", "closes the connection if VERSIONS is empty",
     empty, NEEDS_NOTHING},
    {"versions/second", CHECK_MUST, "tor-spec 4.1", "ignores a second VERSIONS", second_is_ignored,
     NEEDS_NOTHING},
    {"versions/highest", CHECK_MUST, "tor-spec 4.1",
     "chooses the highest version in common, and has circuit ids of 4 bytes from version 4 on",
     highest, NEEDS_NOTHING},
    {"versions/any-order", CHECK_MUST, "tor-spec 4.1",
     "chooses the highest version in common in whatever order they are listed", in_any_order,
     NEEDS_NOTHING},
    {"versions/speaks-3", CHECK_SHOULD, "tor-spec 4.1",
     "speaks version 3, with circuit ids of 2 bytes", speaks_3, NEEDS_NOTHING},
    {"versions/speaks-4", CHECK_SHOULD, "tor-spec 4.1", "speaks version 4", speaks_4,
     NEEDS_NOTHING},
};
const struct check_section check_versions = {"versions", "VERSIONS", cases,
                                             sizeof cases / sizeof *cases};
