/* Parameters of congestion control, by name: each reaches its place, and keeps to its range. */
#include "client/cc_settings.h"

#include <string.h>

#include "support/test.h"

static struct {
    const char *name; /* NULL: the consensus says nothing */
    int32_t value;
} said;

int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    (void)nd;
    ck_assert_int_le(least, fallback);
    ck_assert_int_le(fallback, most);
    if (!said.name || strcmp(name, said.name) != 0)
        return fallback;
    return said.value < least ? least : said.value > most ? most : said.value;
}

/* C tor 0.4.9.11: congestion_control_new_consensus_params(), congestion_control_init_params(),
 * congestion_control_vegas_set_params(). */
#define CASE(param, member, fallback, least, most)                                          \
    {                                                                                       \
        param, offsetof(struct cc_params, member), (unsigned)(fallback), (unsigned)(least), \
            (unsigned)(most)                                                                \
    }

static const struct {
    const char *name;
    size_t at;
    unsigned fallback, least, most;
} cases[] = {
    CASE("cc_alg", alg, 2, 0, 3),
    CASE("cc_sendme_inc", sendme_inc, 31, 1, 254),
    CASE("cc_cwnd_init", cwnd_init, 124, 31, 10000),
    CASE("cc_cwnd_min", cwnd_min, 124, 31, 1000),
    CASE("cc_cwnd_max", cwnd_max, INT32_MAX, 500, INT32_MAX),
    CASE("cc_cwnd_inc", cwnd_inc, 1, 1, 1000),
    CASE("cc_cwnd_inc_rate", cwnd_inc_rate, 31, 1, 250),
    CASE("cc_cwnd_inc_pct_ss", cwnd_inc_pct_ss, 100, 1, 500),
    CASE("cc_ss_max", ss_max, 5000, 500, INT32_MAX),
    CASE("cc_cwnd_full_gap", cwnd_full_gap, 4, 0, INT16_MAX),
    CASE("cc_cwnd_full_minpct", cwnd_full_minpct, 25, 0, 100),
    CASE("cc_cwnd_full_per_cwnd", cwnd_full_per_cwnd, 1, 0, 1),
    CASE("cc_ewma_cwnd_pct", ewma_cwnd_pct, 50, 1, 255),
    CASE("cc_ewma_max", ewma_max, 10, 2, INT32_MAX),
    CASE("cc_ewma_ss", ewma_ss, 2, 2, INT32_MAX),
    CASE("cc_rtt_reset_pct", rtt_reset_pct, 100, 0, 100),
    CASE("cellq_high", cellq_high, 256, 1, 1000),
    CASE("cc_vegas_alpha_sbws", way[CC_WAY_SHORT].alpha, 93, 0, 1000),
    CASE("cc_vegas_beta_sbws", way[CC_WAY_SHORT].beta, 155, 0, 1000),
    CASE("cc_vegas_gamma_sbws", way[CC_WAY_SHORT].gamma, 124, 0, 1000),
    CASE("cc_vegas_delta_sbws", way[CC_WAY_SHORT].delta, 248, 0, INT32_MAX),
    CASE("cc_sscap_sbws", way[CC_WAY_SHORT].ss_cap, 400, 100, INT32_MAX),
    CASE("cc_vegas_alpha_exit", way[CC_WAY_EXIT].alpha, 186, 0, 1000),
    CASE("cc_vegas_beta_exit", way[CC_WAY_EXIT].beta, 248, 0, 1000),
    CASE("cc_vegas_gamma_exit", way[CC_WAY_EXIT].gamma, 186, 0, 1000),
    CASE("cc_vegas_delta_exit", way[CC_WAY_EXIT].delta, 310, 0, INT32_MAX),
    CASE("cc_sscap_exit", way[CC_WAY_EXIT].ss_cap, 600, 100, INT32_MAX),
    CASE("cc_vegas_alpha_onion", way[CC_WAY_ONION].alpha, 186, 0, 1000),
    CASE("cc_vegas_beta_onion", way[CC_WAY_ONION].beta, 372, 0, 1000),
    CASE("cc_vegas_gamma_onion", way[CC_WAY_ONION].gamma, 248, 0, 1000),
    CASE("cc_vegas_delta_onion", way[CC_WAY_ONION].delta, 434, 0, INT32_MAX),
    CASE("cc_sscap_onion", way[CC_WAY_ONION].ss_cap, 475, 100, INT32_MAX),
};

enum { CASES = sizeof cases / sizeof cases[0] };

static unsigned value_of(const struct cc_params *p, size_t i)
{
    unsigned value;
    memcpy(&value, (const char *)p + cases[i].at, sizeof value);
    return value;
}

static void check(const struct cc_params *p, size_t changed, unsigned want)
{
    for (size_t i = 0; i < CASES; i++)
        ck_assert_msg(value_of(p, i) == (i == changed ? want : cases[i].fallback),
                      "%s is %u when %s changes", cases[i].name, value_of(p, i),
                      changed < CASES ? cases[changed].name : "nothing");
}

START_TEST(test_cc_settings_are_those_of_the_consensus)
{
    ck_assert_uint_eq(CASES * sizeof(unsigned), sizeof(struct cc_params)); /* and that is all */
    said.name = NULL;
    struct cc_params p = cc_settings(NULL);
    check(&p, CASES, 0);
    for (size_t i = 0; i < CASES; i++) {
        said.name = cases[i].name;
        said.value = INT32_MIN;
        p = cc_settings(NULL);
        check(&p, i, cases[i].least);
        said.value = INT32_MAX;
        p = cc_settings(NULL);
        check(&p, i, cases[i].most);
    }
}
END_TEST

/* The two that were given up are taken for the default, as C tor takes them. */
START_TEST(test_cc_settings_are_off_where_the_consensus_says_so)
{
    said.name = NULL;
    ck_assert(cc_settings_are_on(NULL));
    said.name = "cc_alg";
    for (said.value = 0; said.value <= 3; said.value++)
        ck_assert_int_eq(cc_settings_are_on(NULL), said.value != 0);
}
END_TEST

TESTS("client/cc_settings", test_cc_settings_are_those_of_the_consensus,
      test_cc_settings_are_off_where_the_consensus_says_so)
