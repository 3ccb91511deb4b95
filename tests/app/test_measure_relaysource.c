/* What a coordinator makes of a torrc that says whose network it is, when it is read again. */
#include "app/measure/relaysource.h"

#include "support/tempdir.h"

#define AUTHORITY(name, at, v3)                         \
    "DirAuthority " name " orport=1 v3ident=" v3 " " at \
    " 0123456789012345678901234567890123456789\n"
#define V3_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define V3_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define V3_C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

static struct {
    struct log log;
    struct net *net;
    struct listing *l;
    struct relaysource *r;
    char torrc[128];
} t;

static void write_torrc(const char *text)
{
    FILE *f = fopen(t.torrc, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static struct relaysource_config config(const char *directory)
{
    return (struct relaysource_config){.net = t.net,
                                       .log = &t.log,
                                       .listing = t.l,
                                       .directory = directory,
                                       .torrc = t.torrc,
                                       .datadir = dir};
}

static enum relaysource_change changed(const char *directory)
{
    const struct relaysource_config c = config(directory);
    return relaysource_compare(t.r, &c);
}

static void setup(void)
{
    const struct sha256 pin = {{0}};
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = (struct log){.least = LOG_ERR + 1};
    snprintf(t.torrc, sizeof t.torrc, "%s", in_dir("torrc"));
    write_torrc(AUTHORITY("a", "127.0.0.1:1", V3_A) AUTHORITY("b", "127.0.0.1:2", V3_B));
    ck_ok(net_new(&t.log, NULL, &t.net));
    net_enter(t.net);
    t.l = listing_new(&pin);
    const struct relaysource_config c = config(dir);
    ck_ok(relaysource_open(&c, &t.r));
    ck_assert_ptr_nonnull(t.r);
}

static void teardown(void)
{
    relaysource_close(t.r);
    listing_free(t.l);
    net_free(t.net);
    remove_dir();
}

START_TEST(test_relaysource_the_same)
{
    setup();
    ck_assert_int_eq(changed(dir), RELAYSOURCE_SAME);
    write_torrc("# said otherwise\n" AUTHORITY("a", "127.0.0.1:1", V3_A)
                    AUTHORITY("b", "127.0.0.1:2", V3_B));
    ck_assert_int_eq(changed(dir), RELAYSOURCE_SAME);
    teardown();
}
END_TEST

START_TEST(test_relaysource_a_torrc_that_is_edited_in_place)
{
    setup();
    write_torrc(AUTHORITY("a", "127.0.0.1:1", V3_A) AUTHORITY("b", "127.0.0.1:3", V3_B));
    ck_assert_int_eq(changed(dir), RELAYSOURCE_ELSEWHERE);
    write_torrc(AUTHORITY("a", "127.0.0.1:1", V3_A) AUTHORITY("b", "127.0.0.1:2", V3_C));
    ck_assert_int_eq(changed(dir), RELAYSOURCE_NETWORK);
    write_torrc(AUTHORITY("a", "127.0.0.1:1", V3_A));
    ck_assert_int_eq(changed(dir), RELAYSOURCE_NETWORK);
    teardown();
}
END_TEST

START_TEST(test_relaysource_other_places_and_none)
{
    setup();
    ck_assert_int_eq(changed("/elsewhere"), RELAYSOURCE_ELSEWHERE);
    ck_assert_int_eq(changed("none"), RELAYSOURCE_NETWORK);
    relaysource_close(t.r);
    t.r = NULL;
    ck_assert_int_eq(changed("none"), RELAYSOURCE_SAME);
    ck_assert_int_eq(changed(dir), RELAYSOURCE_NETWORK);
    teardown();
}
END_TEST

START_TEST(test_relaysource_a_torrc_that_is_wrong)
{
    setup();
    write_torrc("DirAuthority x\n");
    ck_assert_int_eq(changed(dir), RELAYSOURCE_WRONG);
    ck_assert_int_eq(remove(t.torrc), 0);
    ck_assert_int_eq(changed(dir), RELAYSOURCE_WRONG);
    teardown();
}
END_TEST

TESTS("app/measure/relaysource", test_relaysource_the_same,
      test_relaysource_a_torrc_that_is_edited_in_place, test_relaysource_other_places_and_none,
      test_relaysource_a_torrc_that_is_wrong)
