#include "control/ns.h"

#include <string.h>

#include "support/netgen.h"
#include "support/test.h"

/* Entries as C tor's routerstatus_format_entry() writes them. */
START_TEST(test_ns_entry)
{
    struct router r = {.nickname = "relay1",
                       .v4 = {192, 0, 2, 1},
                       .orport = 9001,
                       .dirport = 80,
                       .flags = ROUTER_EXIT | ROUTER_RUNNING | ROUTER_VALID | ROUTER_V2DIR |
                                ROUTER_NOEDCONSENSUS | ROUTER_AUTHORITY,
                       .bandwidth = 1234};
    struct text_out out = text_out(1000);
    memset(r.rsa.b, 0xfb, sizeof r.rsa.b);
    memset(r.md_digest.b, 0x11, sizeof r.md_digest.b);
    ns_entry(&out, &r);
    ck_assert_str_eq(out_text(&out), "r relay1 +/v7+/v7+/v7+/v7+/v7+/v7+/s "
                                     "ERERERERERERERERERERERERERE 2038-01-01 00:00:00 "
                                     "192.0.2.1 9001 80\n"
                                     "s Authority Exit Running V2Dir Valid\n"
                                     "w Bandwidth=1234\n");
    out_cut(&out, 0);
    r.orport6 = 443;
    memcpy(r.v6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    r.flags = 0;
    ns_entry(&out, &r);
    ck_assert_ptr_nonnull(strstr(out_text(&out), " 9001 80\na [2001:db8::1]:443\ns\nw Bandwidth"));
    out_free(&out);
}
END_TEST

/* OTHER: the first is another relay, and the second has other weight. */
static struct netdir *three_relays(bool other)
{
    static struct netgen_relay relays[3];
    struct netgen net = {.relays = relays, .n = 3};
    for (size_t i = 0; i < 3; i++) {
        relays[i] = (struct netgen_relay){.orport = 9001, .flags = NETGEN_ALLFLAGS, .bw = 100};
        relays[i].v4[0] = (uint8_t)(10 + i);
        relays[i].rsa[0] = (uint8_t)(0x40 + i);
        relays[i].ed[0] = (uint8_t)(0x80 + i);
        strcpy(relays[i].nick, i ? "Twin" : "Unnamed");
    }
    relays[0].rsa[1] = other;
    relays[1].bw += other;
    return netgen_make(&net);
}

START_TEST(test_ns_entries_are_those_of_all_relays)
{
    struct netdir *nd = three_relays(false);
    struct text_out all = text_out(10000), each = text_out(10000);
    ns_entries(&all, nd);
    for (size_t i = 0; i < 3; i++)
        ns_entry(&each, netdir_at(nd, i));
    ck_assert_str_eq(out_text(&all), out_text(&each));
    out_cut(&all, 0);
    ns_entries(&all, NULL);
    ck_assert_uint_eq(all.len, 0);
    out_free(&all);
    out_free(&each);
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_ns_changes)
{
    struct netdir *old = three_relays(false), *same = three_relays(false), *nd = three_relays(true);
    struct text_out changes = text_out(10000), want = text_out(10000);
    ns_changes(&changes, old, same);
    ck_assert_uint_eq(changes.len, 0);
    ns_changes(&changes, old, nd);
    ns_entry(&want, netdir_at(nd, 0));
    ns_entry(&want, netdir_at(nd, 1));
    ck_assert_str_eq(out_text(&changes), out_text(&want));
    out_cut(&changes, 0);
    ns_changes(&changes, NULL, nd);
    ns_entry(&want, netdir_at(nd, 2));
    ck_assert_str_eq(out_text(&changes), out_text(&want));
    out_free(&changes);
    out_free(&want);
    netdir_unref(&old);
    netdir_unref(&same);
    netdir_unref(&nd);
}
END_TEST

/* C tor, node_get_by_nickname(): of several the first; "Unnamed" is nobody's name. */
START_TEST(test_ns_find)
{
    struct netdir *nd = three_relays(false);
    ck_assert_ptr_eq(ns_find(nd, "twin"), netdir_at(nd, 1));
    ck_assert_ptr_eq(ns_find(nd, "4200000000000000000000000000000000000000"), netdir_at(nd, 2));
    ck_assert_ptr_eq(ns_find(nd, "$4200000000000000000000000000000000000000~Twin"),
                     netdir_at(nd, 2));
    ck_assert_ptr_null(ns_find(nd, "Unnamed"));
    ck_assert_ptr_null(ns_find(nd, ""));
    ck_assert_ptr_null(ns_find(nd, "nobody"));
    ck_assert_ptr_null(ns_find(NULL, "Twin"));
    netdir_unref(&nd);
}
END_TEST

TESTS("control/ns", test_ns_entry, test_ns_entries_are_those_of_all_relays, test_ns_changes,
      test_ns_find)
