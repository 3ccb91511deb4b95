/* Whose a consensus is that bwfile and report read of a file: forged ones, signed as real ones are.
 */
#include "app/measure/reading.h"

#include "crypto/encode.h"
#include "forge/network.h"
#include "support/tempdir.h"

enum { AUTHORITIES = 3, HOUR = 3600 };

static struct {
    struct env *env;
    struct forge_authority authority[AUTHORITIES];
    struct forge_network net;
    struct offline_options o;
    struct log log;
    char said[1000], torrc[128], consensus[128], certs[128], why[VERIFIED_WHY];
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    snprintf(t.said, sizeof t.said, "%s", line);
}

static void put(const char *path, struct text text)
{
    FILE *f = fopen(path, "w");
    ck_assert_uint_eq(fwrite(text.s, 1, text.len, f), text.len);
    ck_assert_int_eq(fclose(f), 0);
}

/* The first N of the authorities are those that are believed. */
static void believe(unsigned n)
{
    char v3[HEX_SIZE(20)];
    struct docw w = {.len = 0};
    for (unsigned i = 0; i < n; i++)
        docw_fmt(&w,
                 "DirAuthority a%u orport=1 v3ident=%s 127.0.0.1:1 "
                 "0123456789012345678901234567890123456789\n",
                 i, hex_upper(t.authority[i].doc.identity.b, 20, v3));
    put(t.torrc, docw_text(&w));
    docw_free(&w);
    t.o.torrc = t.torrc;
}

/* A consensus that the first of so many have signed. */
static void setup(size_t signatures)
{
    const struct forge_edits none = {NULL, 0};
    char what[FORGE_WHAT_MAX];
    memset(&t, 0, sizeof t);
    new_dir();
    t.env = test_env(3);
    t.log = (struct log){.least = LOG_WARN, .sink = sink};
    snprintf(t.torrc, sizeof t.torrc, "%s", in_dir("torrc"));
    snprintf(t.consensus, sizeof t.consensus, "%s", in_dir("cached-microdesc-consensus"));
    snprintf(t.certs, sizeof t.certs, "%s", in_dir("cached-certs"));
    int64_t now_s = env_wall_s(t.env);
    for (unsigned i = 0; i < AUTHORITIES; i++)
        ck_ok(forge_authority_make(t.env, i + 1, now_s - 24 * HOUR, now_s + 24 * HOUR, &none, false,
                                   &t.authority[i]));
    const struct forge_network_wish wish = {.authority = t.authority,
                                            .n_authorities = AUTHORITIES,
                                            .valid_after_s = now_s,
                                            .fresh_until_s = now_s + HOUR,
                                            .valid_until_s = now_s + 3 * HOUR,
                                            .vote_s = 300,
                                            .dist_s = 300,
                                            .signatures = signatures};
    ck_ok(forge_network_make(&wish, &t.net, what));
    put(t.consensus, docw_text(&t.net.consensus[CONSDOC_MICRODESC]));
    put(t.certs, docw_text(&t.net.certs));
    t.o.consensus = t.consensus;
    t.o.certificates = t.certs;
}

static err_t read_it(void)
{
    struct consensus *c;
    t.said[0] = 0;
    err_t e = reading_consensus(&t.o, &t.log, &c, t.why);
    ck_assert((e == OK) == (c != NULL));
    consensus_free(&c);
    return e;
}

static void teardown(void)
{
    forge_network_free(&t.net);
    for (unsigned i = 0; i < AUTHORITIES; i++)
        forge_authority_wipe(&t.authority[i]);
    test_env_free(t.env);
    remove_dir();
}

START_TEST(test_verified_signed_by_its_authorities)
{
    setup(AUTHORITIES);
    believe(AUTHORITIES);
    ck_ok(read_it());
    ck_assert_str_eq(t.why, "");
    ck_assert_str_eq(t.said, "");
    t.o.consensus = t.o.certificates = NULL;
    t.o.folder = dir; /* a DataDirectory has all of it */
    ck_ok(read_it());
    ck_assert_str_eq(t.why, "");
    teardown();
}
END_TEST

START_TEST(test_verified_signed_by_too_few_does_not_count)
{
    setup(1);
    believe(AUTHORITIES);
    ck_err(read_it(), ERR_UNDERSIGNED);
    ck_assert_ptr_nonnull(strstr(t.said, "does not count: 1 of the 2 authorities' signatures"));
    setenv("TUNIC_TESTNET_TORRC", t.torrc, 1);
    believe(AUTHORITIES);
    t.o.torrc = NULL;
    ck_err(read_it(), ERR_UNDERSIGNED);
    unsetenv("TUNIC_TESTNET_TORRC");
    teardown();
}
END_TEST

START_TEST(test_verified_another_network_is_told_of)
{
    setup(AUTHORITIES);
    ck_ok(read_it());
    ck_assert_ptr_nonnull(strstr(t.why, "not those of the public network"));
    ck_assert_ptr_nonnull(strstr(t.said, "NOT VERIFIED: its authorities are not"));
    put(t.torrc,
        TEXT_LIT("DirAuthority x orport=1 v3ident=0123456789012345678901234567890123456789 "
                 "127.0.0.1:1 0123456789012345678901234567890123456789\n"));
    t.o.torrc = t.torrc;
    ck_err(read_it(), ERR_UNDERSIGNED);
    put(t.torrc, TEXT_LIT("DirAuthority x\n"));
    ck_err(read_it(), ERR_ARG);
    teardown();
}
END_TEST

START_TEST(test_verified_without_certificates_is_told_of)
{
    setup(AUTHORITIES);
    believe(AUTHORITIES);
    t.o.certificates = NULL;
    ck_ok(read_it());
    ck_assert_ptr_nonnull(strstr(t.why, "no authorities' certificates"));
    ck_assert_ptr_nonnull(strstr(t.said, "THE CONSENSUS WAS NOT VERIFIED"));
    t.o.certificates = in_dir("nothing");
    ck_err(read_it(), ERR_NOT_FOUND);
    teardown();
}
END_TEST

TESTS("app/measure/verified", test_verified_signed_by_its_authorities,
      test_verified_signed_by_too_few_does_not_count, test_verified_another_network_is_told_of,
      test_verified_without_certificates_is_told_of)
