/* VERSIONS (tor-spec 4.1). */
#include "check/probe.h"
#include "check/sections.h"

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

static void unknown_are_ignored(struct trial *t)
{
    static const uint16_t versions[] = {0, 4, 77, 65535};
    struct probe_cell cell;
    struct probe *p = probe_tls(t);
    probe_send_versions(p, versions, 4);
    (void)probe_await(p, CELL_VERSIONS, &cell);
}

static void none_in_common(struct trial *t)
{
    static const uint16_t versions[] = {1, 77};
    struct probe *p = probe_tls(t);
    probe_send_versions(p, versions, 2);
    probe_await_close(p);
}

static const struct check_case cases[] = {
    {"versions/answer", CHECK_MUST, "tor-spec 4.1", "answers VERSIONS with VERSIONS", answers},
    {"versions/offers-4", CHECK_SHOULD, "tor-spec 4.1", "offers version 4 of the link protocol",
     offers_4},
    {"versions/unknown", CHECK_MUST, "tor-spec 4.1", "goes by the versions that it knows",
     unknown_are_ignored},
    {"versions/none", CHECK_MUST, "tor-spec 4.1",
     "closes the connection if there is no version in common", none_in_common},
};
const struct check_section check_versions = {"versions", "VERSIONS", cases,
                                             sizeof cases / sizeof *cases};
