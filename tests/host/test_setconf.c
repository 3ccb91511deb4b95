/* A controller's changes of options, on a loop that is not turned. */
#include "host/setconf.h"

#include "crypto/secret.h"
#include "host/torrc.h"

#include "conf/capture.h"
#include "support/tempdir.h"

static struct {
    struct capture *log;
    struct net *net;
    struct host *host;
    struct host_process process;
    char torrc[128];
    unsigned changes;
    bool refuse;
    const char *text; /* that LOADCONF gave */
} t;

static err_t on_prepare(void *arg, const struct options *fresh, struct conf_err *e)
{
    (void)arg;
    (void)fresh;
    return t.refuse ? conf_fail(e, ERR_IO, "no such limit") : OK;
}

static void on_changed(void *arg)
{
    (void)arg;
    t.changes++;
}

static err_t on_load(void *arg, const char *text, struct options **out, struct conf_err *e)
{
    (void)arg;
    t.text = text;
    *out = strstr(text, "bad") ? NULL : good_options(text);
    return *out ? OK : conf_fail(e, ERR_MALFORMED, "bad");
}

static const char *on_torrc(void *arg, bool defaults)
{
    (void)arg;
    return defaults ? "/defaults" : t.torrc;
}

static void setup(const char *torrc)
{
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = capture_new();
    strcpy(t.torrc, in_dir("torrc"));
    t.process = (struct host_process){
        .prepare = on_prepare, .changed = on_changed, .load = on_load, .torrc = on_torrc};
    ck_ok(crypto_init());
    ck_ok(net_new(&t.log->log, NULL, &t.net));
    const struct host_place place = {.net = t.net, .process = &t.process, .home = "/home/u"};
    struct conf_err e = {""};
    err_t err = host_new(&place, good_options(torrc), &t.host, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    ck_ok(host_begin(t.host, &e));
}

static void teardown(void)
{
    host_free(t.host);
    net_free(t.net);
    free(t.log);
    remove_dir();
}

static err_t set(const char *torrc, unsigned flags, struct conf_err *e)
{
    struct conf_line *lines = lines_of(torrc);
    err_t err = setconf_assign(t.host, lines, flags, e);
    conf_lines_free(lines);
    return err;
}

START_TEST(test_setconf_changes_all_or_nothing)
{
    struct conf_err e = {""};
    setup("SocksPort 0\nDisableNetwork 1\n");
    ck_ok(set("MaxCircuitDirtiness 700\nSafeSocks 1\n", ASSIGN_CLEAR_FIRST, &e));
    ck_assert_int_eq(host_options(t.host)->max_circuit_dirtiness_s, 700);
    ck_assert(host_options(t.host)->safe_socks);
    ck_assert_uint_eq(t.changes, 1);
    ck_err(set("NewCircuitPeriod 9\nNumEntryGuards 2\nMaxCircuitDirtiness x\nSafeSocks 0\n"
               "SocksTimeout 9\n",
               ASSIGN_CLEAR_FIRST, &e),
           ERR_MALFORMED);
    ck_err(set("NewCircuitPeriod 9\nMaxClientCircuitsPending 0\n", ASSIGN_CLEAR_FIRST, &e),
           ERR_MALFORMED);
    ck_err(set("NewCircuitPeriod 9\nNoSuch 0\n", ASSIGN_CLEAR_FIRST, &e), ERR_NOT_FOUND);
    ck_err(set("NewCircuitPeriod 9\nDisableAllSwap 1\n", ASSIGN_CLEAR_FIRST, &e), ERR_STATE);
    t.refuse = true;
    ck_err(set("NewCircuitPeriod 9\nConnLimit 9\n", ASSIGN_CLEAR_FIRST, &e), ERR_IO);
    const struct options *o = host_options(t.host);
    ck_assert_int_eq(o->new_circuit_period_s, 30);
    ck_assert_int_eq(o->num_entry_guards, 0);
    ck_assert_int_eq(o->max_circuit_dirtiness_s, 700);
    ck_assert(o->safe_socks);
    ck_assert_int_eq(o->socks_timeout_s, 120);
    ck_assert_uint_eq(t.changes, 1);
    teardown();
}
END_TEST

START_TEST(test_setconf_clears_or_returns_to_the_default)
{
    struct conf_err e = {""};
    setup("SocksPort 0\nDisableNetwork 1\nNumEntryGuards 3\nMaxCircuitDirtiness 700\n");
    ck_ok(set("NumEntryGuards\n", ASSIGN_CLEAR_FIRST, &e));
    ck_assert_int_eq(host_options(t.host)->num_entry_guards, 0);
    ck_ok(set("MaxCircuitDirtiness\n", ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS, &e));
    ck_assert_int_eq(host_options(t.host)->max_circuit_dirtiness_s, 600);
    teardown();
}
END_TEST

START_TEST(test_setconf_loads_what_the_process_reads)
{
    struct conf_err e = {""};
    setup("SocksPort 0\nDisableNetwork 1\n");
    ck_err(setconf_load(t.host, "bad", &e), ERR_MALFORMED);
    ck_assert_str_eq(e.text, "bad");
    ck_ok(setconf_load(t.host, "SocksPort 0\nDisableNetwork 1\nSafeSocks 1\n", &e));
    ck_assert(host_options(t.host)->safe_socks);
    ck_err(setconf_load(t.host, "DisableAllSwap 1\n", &e), ERR_STATE);
    ck_assert(host_options(t.host)->safe_socks);
    teardown();
}
END_TEST

static void assert_torrc(const char *want)
{
    char got[1024] = "";
    FILE *f = fopen(t.torrc, "r");
    ck_assert_ptr_nonnull(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    ck_assert_ptr_nonnull(strstr(got, want));
}

START_TEST(test_setconf_saves_what_differs_and_minds_includes)
{
    struct conf_err e = {""};
    setup("SocksPort 0\nDisableNetwork 1\n");
    ck_ok(set("ContactInfo \"a # b\"\n", ASSIGN_CLEAR_FIRST, &e));
    ck_assert(setconf_can_save(t.host));
    ck_ok(setconf_save(t.host, false));
    assert_torrc("\n\nContactInfo \"a # b\"\nDisableNetwork 1\nSocksPort 0\n");
    struct options *fresh = options_dup(host_options(t.host));
    fresh->include_used = true;
    fresh->base = options_new(false);
    fresh->base->disable_network = true;
    ck_ok(host_change(t.host, fresh, HOST_SET, &e));
    ck_assert(!setconf_can_save(t.host));
    ck_err(setconf_save(t.host, false), ERR_STATE);
    ck_ok(set("SafeSocks 1\n", ASSIGN_CLEAR_FIRST, &e));
    ck_err(setconf_save(t.host, false), ERR_STATE);
    ck_ok(setconf_save(t.host, true));
    assert_torrc("\n\nContactInfo \"a # b\"\nSafeSocks 1\nSocksPort 0\n");
    teardown();
}
END_TEST

START_TEST(test_setconf_has_nothing_to_save_without_a_torrc)
{
    struct conf_err e = {""};
    setup("SocksPort 0\nDisableNetwork 1\n");
    ck_assert_str_eq(setconf_torrc(t.host, true), "/defaults");
    ck_assert_str_eq(setconf_torrc(t.host, false), t.torrc);
    t.process.no_torrc = true;
    ck_assert(!setconf_can_save(t.host));
    ck_err(setconf_save(t.host, true), ERR_STATE);
    host_free(t.host);
    const struct host_place library = {.net = t.net};
    ck_ok(host_new(&library, good_options("SocksPort 0\n"), &t.host, &e));
    ck_err(setconf_save(t.host, true), ERR_STATE);
    ck_err(setconf_load(t.host, "", &e), ERR_UNSUPPORTED);
    ck_assert_str_eq(setconf_torrc(t.host, false), "");
    teardown();
}
END_TEST

TESTS("host/setconf", test_setconf_changes_all_or_nothing,
      test_setconf_clears_or_returns_to_the_default, test_setconf_loads_what_the_process_reads,
      test_setconf_saves_what_differs_and_minds_includes,
      test_setconf_has_nothing_to_save_without_a_torrc)
