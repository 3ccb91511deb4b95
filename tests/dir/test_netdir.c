#include <malloc.h>

#include "support/test.h"

#include "dir/store.h"
#include "fake.h"

static size_t count_mds(const char *path, err_t *last)
{
    struct text file = read_file(path), rest = file;
    struct microdesc md;
    size_t good = 0;
    err_t err;
    *last = OK;
    while ((err = microdesc_next(&rest, &md)) != ERR_NOT_FOUND) {
        good += err == OK;
        if (err != OK)
            *last = err;
    }
    free_text(file);
    return good;
}

START_TEST(test_microdesc_published_ones_parse)
{
    err_t last;
    ck_assert_uint_eq(count_mds("vectors/dir/microdesc1.txt", &last), 1);
    ck_ok(last);
    ck_assert_uint_eq(count_mds("vectors/dir/microdesc2.txt", &last), 4);
    ck_ok(last);
    ck_assert_uint_eq(count_mds("vectors/dir/microdesc3.txt", &last), 1);
    ck_ok(last);
    ck_assert_uint_eq(count_mds("vectors/dir/microdesc4.txt", &last), 2);
    ck_ok(last);
    ck_assert_uint_eq(count_mds("vectors/dir/testnet2020/microdescs.txt", &last), 4);
    ck_ok(last);
}
END_TEST

START_TEST(test_microdesc_fields)
{
    const char *text = "@last-listed 2026-01-01 12:00:00\n"
                       "onion-key\n"
                       "ntor-onion-key I1S8JfcqPPHWVTxfjq/eGmGiu/OtR+fF0Z86Ge1mq3s=\n"
                       "family $00 nick\nfamily-ids  ed25519:abc  ed25519:def \n"
                       "p accept 80\np6 reject 25\n"
                       "id rsa1024 xxx\n"
                       "id ed25519 yhO6nETO5AUdvJbLgPnw4mFjozGXWMCqOp30nY6nM8E\n"
                       "future things\n";
    struct text rest = text_of(text);
    struct microdesc md;
    uint8_t digest[32];
    ck_ok(microdesc_next(&rest, &md));
    ck_assert_int_eq(md.last_listed_s, FAKE_AFTER_S);
    ck_assert(md.has_ntor && md.has_ed);
    ck_assert_uint_eq(md.ntor.b[0], 0x23);
    ck_assert_uint_eq(md.ed.b[0], 0xca);
    ck_assert(text_is(md.family, "$00 nick"));
    ck_assert(text_is(md.family_ids, "ed25519:abc  ed25519:def"));
    ck_assert(text_is(md.p, "accept 80") && text_is(md.p6, "reject 25"));
    sha256(strstr(text, "onion-key"), strlen(strstr(text, "onion-key")), digest);
    ck_assert_mem_eq(md.digest.b, digest, 32);
    ck_err(microdesc_next(&rest, &md), ERR_NOT_FOUND);
}
END_TEST

START_TEST(test_microdesc_bad_ones_cost_only_themselves)
{
    static const char *const bad[] = {
        "rubbish in front\n",
        "onion-key\nntor-onion-key AAAA\n",
        "onion-key\nntor-onion-key\n",
        "onion-key\nid ed25519 short\n",
        "onion-key\nid ed25519\n",
        "onion-key\n-----BEGIN RSA PUBLIC KEY-----\nAAAA\n",
        "onion-key\n-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
        "onion-key\np accept 80\np accept 80\n",
        "onion-key\n\n",
        "@last-listed 2000-01-01 00:00:00\n",
    };
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct microdesc md;
        b.len = 0;
        put(&b, "%s", bad[i]);
        struct text alone = buf_text(&b);
        ck_assert_msg(microdesc_next(&alone, &md) == ERR_MALFORMED, "%s", bad[i]);
        ck_assert_uint_eq(alone.len, 0);
        put_microdesc(&b, 1);
        struct text rest = buf_text(&b);
        if (bad[i][0] != '@')
            ck_err(microdesc_next(&rest, &md), ERR_MALFORMED);
        ck_ok(microdesc_next(&rest, &md));
        ck_err(microdesc_next(&rest, &md), ERR_NOT_FOUND);
    }
    buf_free(&b);
}
END_TEST

static struct consensus *make_consensus(unsigned n)
{
    struct fake_auth a;
    struct buf b;
    struct consensus *c;
    fake_auth_make(&a);
    buf_init(&b, 1 << 26);
    put_signed(&b, &a, 1, 1, n, FAKE_AFTER_S);
    ck_ok(consensus_parse(buf_text(&b), &c));
    buf_free(&b);
    fake_auth_free(&a);
    return c;
}

static void add_mds(struct netdir *nd, unsigned from, unsigned until)
{
    struct buf b;
    struct store_report report;
    buf_init(&b, 1 << 26);
    for (unsigned i = from; i < until; i++)
        put_microdesc(&b, i);
    ck_ok(store_load_microdescs(buf_text(&b), nd, &report));
    ck_assert_uint_eq(report.bad, 0);
    buf_free(&b);
}

static struct netdir *make_netdir(unsigned n)
{
    struct netdir *nd;
    ck_ok(netdir_new(make_consensus(n), NULL, &nd));
    return nd;
}

START_TEST(test_netdir_lookups)
{
    struct netdir *nd = make_netdir(20);
    struct rsa_id rsa;
    char name[64], hex[HEX_SIZE(20)];
    fake_rsa(7, &rsa);
    const struct router *r = netdir_by_rsa(nd, &rsa);
    ck_assert_str_eq(r->nickname, "relay7");
    ck_assert(!router_usable(r));
    ck_assert(router_is_dircache(r));
    add_mds(nd, 0, 20);
    ck_assert(router_usable(r));
    ck_assert_ptr_eq(netdir_by_ed(nd, &r->ed), r);
    ck_assert_ptr_eq(netdir_by_nickname(nd, text_of("RELAY7")), r);
    ck_assert_ptr_null(netdir_by_nickname(nd, text_of("relay")));
    ck_assert_ptr_null(netdir_by_nickname(nd, text_of("")));
    hex_upper(rsa.b, 20, hex);
    static const char *const forms[][2] = {{"", ""}, {"$", ""}, {"$", "~relay7"}, {"", "=Relay7"}};
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s%s", forms[i][0], hex, forms[i][1]);
        ck_assert_msg(netdir_by_name(nd, text_of(name)) == r, "%s", name);
    }
    ck_assert_ptr_eq(netdir_by_name(nd, text_of("relay7")), r);
    snprintf(name, sizeof name, "$%s~relay8", hex);
    ck_assert_ptr_null(netdir_by_name(nd, text_of(name)));
    ck_assert_ptr_null(netdir_by_name(nd, text_of("$relay7")));
    struct ed_id other = {{1}};
    ck_assert_ptr_null(netdir_by_ed(nd, &other));
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_netdir_exit_policies)
{
    struct netdir *nd = make_netdir(6);
    add_mds(nd, 0, 6);
    ck_assert(exit_summary_allows(netdir_at(nd, 3)->p, 443));
    ck_assert(!exit_summary_allows(netdir_at(nd, 3)->p, 25));
    ck_assert_ptr_null(netdir_at(nd, 1)->p);
    /* Equal policies are kept once. */
    ck_assert_ptr_eq(netdir_at(nd, 0)->p, netdir_at(nd, 3)->p);
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_netdir_coverage_is_the_share_of_paths)
{
    struct netdir *nd = make_netdir(100);
    struct netdir_coverage v;
    netdir_coverage(nd, 0, &v);
    ck_assert_uint_eq(v.n_usable, 100);
    ck_assert(v.has_exits && !v.enough && v.path == 0 && v.needed == 6000);
    add_mds(nd, 0, 80);
    netdir_coverage(nd, 0, &v);
    ck_assert_uint_eq(v.n_have, 80);
    ck_assert_uint_gt(v.guard, 7500);
    ck_assert_uint_lt(v.guard, 8500);
    ck_assert_uint_gt(v.path, 4000);
    ck_assert_uint_lt(v.path, 6000);
    ck_assert(!v.enough);
    netdir_coverage(nd, 4000, &v);
    ck_assert(v.enough);
    add_mds(nd, 80, 95);
    netdir_coverage(nd, 0, &v);
    ck_assert(v.enough);
    add_mds(nd, 95, 100);
    netdir_coverage(nd, 0, &v);
    ck_assert_uint_eq(v.path, 10000);
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_netdir_new_one_takes_over_microdescriptors)
{
    struct netdir *old = make_netdir(10), *new;
    add_mds(old, 0, 5);
    uint32_t changes = netdir_changes(old);
    ck_assert_uint_eq(changes, 5);
    ck_ok(netdir_new(make_consensus(12), old, &new));
    ck_assert(router_usable(netdir_at(new, 4)) && !router_usable(netdir_at(new, 5)));
    struct sha256 digest;
    fake_md_digest(4, &digest);
    ck_assert(netdir_lists_md(new, &digest) && !netdir_wants_md(new, &digest));
    fake_md_digest(11, &digest);
    ck_assert(netdir_wants_md(new, &digest) && !netdir_lists_md(old, &digest));
    /* The policies outlive the netdir that brought them. */
    netdir_unref(&old);
    ck_assert_ptr_null(old);
    ck_assert(exit_summary_allows(netdir_at(new, 3)->p, 80));
    netdir_unref(&new);
    netdir_unref(&new);
}
END_TEST

static err_t add_family_md(struct netdir *nd, unsigned i, const char *lines)
{
    /* The digest in the row is made to fit the text. */
    struct buf b;
    struct microdesc md;
    char b64[BASE64_SIZE(32)];
    uint8_t key[32];
    sha256(&i, sizeof i, key);
    buf_init(&b, 1 << 16);
    put(&b, "onion-key\nntor-onion-key %s\n", base64_encode(key, 32, false, b64));
    put(&b, "%sid ed25519 %s\n", lines, b64);
    struct text rest = buf_text(&b);
    ck_ok(microdesc_next(&rest, &md));
    md.digest = netdir_at(nd, i)->md_digest;
    err_t err = netdir_add_md(nd, &md);
    buf_free(&b);
    return err;
}

/* A client runs for months: what only relays of the past had is given back. In each place of the
 * list, the last one too. */
START_TEST(test_netdir_what_relays_of_the_past_had_takes_no_memory)
{
    enum { ROUNDS = 200, LIST = 3, GROWTH_MOST = 8192 };
    struct buf b;
    struct fake_auth a;
    struct netdir *old = NULL;
    size_t before = 0;
    fake_auth_make(&a);
    buf_init(&b, 1 << 20);
    put_signed(&b, &a, 1, 1, LIST, FAKE_AFTER_S);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct consensus *c;
        struct netdir *nd;
        char lines[120];
        ck_ok(consensus_parse(buf_text(&b), &c));
        for (size_t i = 0; i < c->n_relays; i++) /* all have new microdescriptors */
            memcpy(c->relays[i].md_digest.b + 4, &round, sizeof round);
        ck_ok(netdir_new(c, old, &nd));
        netdir_unref(&old);
        for (unsigned i = 0; i < LIST; i++) {
            snprintf(lines, sizeof lines, "family only%u\np accept %u\np6 accept %u\n",
                     round * LIST + i, 1 + round * LIST + i, 10001 + round * LIST + i);
            ck_ok(add_family_md(nd, i, lines));
        }
        old = nd;
        if (round == 10)
            before = mallinfo2().uordblks;
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + GROWTH_MOST);
    netdir_unref(&old);
    buf_free(&b);
    fake_auth_free(&a);
}
END_TEST

START_TEST(test_netdir_families_need_both_sides)
{
    struct netdir *nd = make_netdir(8);
    char lines[256], a[HEX_SIZE(20)], b[HEX_SIZE(20)];
    struct rsa_id ra, rb;
    fake_rsa(0, &ra);
    fake_rsa(1, &rb);
    hex_upper(ra.b, 20, a);
    hex_upper(rb.b, 20, b);
    snprintf(lines, sizeof lines, "family $%s $%s~relay1 relay2\n", a, b);
    ck_ok(add_family_md(nd, 0, lines));
    snprintf(lines, sizeof lines, "family $%s=relay0\n", a);
    ck_ok(add_family_md(nd, 1, lines));
    ck_ok(add_family_md(nd, 2, "family Relay0 $zz $1234\n"));
    snprintf(lines, sizeof lines, "family $%s\n", a);
    ck_ok(add_family_md(nd, 3, lines));
    ck_ok(add_family_md(nd, 4, "family-ids ed25519:one ed25519:two\n"));
    ck_ok(add_family_md(nd, 5, "family x\nfamily-ids ed25519:two\n"));
    ck_ok(add_family_md(nd, 6, "family-ids ed25519:three\n"));
    ck_err(add_family_md(nd, 6, ""), ERR_NOT_FOUND);
#define SAME(i, j) netdir_same_family(nd, netdir_at(nd, i), netdir_at(nd, j))
    ck_assert(SAME(0, 1) && SAME(1, 0));
    ck_assert(SAME(0, 2) && SAME(2, 0));
    ck_assert(!SAME(0, 3) && !SAME(3, 0));
    ck_assert(!SAME(1, 2));
    ck_assert(SAME(4, 5) && !SAME(4, 6));
    ck_assert(SAME(7, 7) && !SAME(7, 0));
#undef SAME
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_netdir_microdesc_without_keys_is_refused)
{
    struct netdir *nd = make_netdir(2);
    struct microdesc md = {.digest = netdir_at(nd, 0)->md_digest, .has_ntor = true};
    ck_err(netdir_add_md(nd, &md), ERR_MALFORMED);
    md.has_ed = true;
    ck_err(netdir_add_md(nd, &md), ERR_MALFORMED);
    md.ed.b[0] = 1;
    md.has_ntor = false;
    ck_err(netdir_add_md(nd, &md), ERR_MALFORMED);
    ck_assert(!netdir_at(nd, 0)->has_md);
    md.has_ntor = true;
    md.p = text_of("accept whatever");
    ck_ok(netdir_add_md(nd, &md));
    ck_assert_ptr_null(netdir_at(nd, 0)->p);
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_netdir_rows_are_small)
{
    ck_assert_uint_le(sizeof(struct router), 200);
}
END_TEST

START_TEST(test_store_microdescs_round_trip)
{
    struct netdir *nd = make_netdir(4);
    struct buf file, whole;
    struct store_merged merged;
    struct store_report report;
    struct text rest;
    struct microdesc md;
    buf_init(&file, 1 << 20);
    buf_init(&whole, 1 << 20);
    for (unsigned i = 0; i < 6; i++) {
        struct buf one;
        buf_init(&one, 1 << 16);
        put_microdesc(&one, i);
        rest = buf_text(&one);
        ck_ok(microdesc_next(&rest, &md));
        /* 4 and 5 are listed by nobody: 4 for more than a week, 5 for just a week. */
        ck_ok(store_write_microdesc(&md, FAKE_AFTER_S - 7 * 86400 - (i == 4), &file));
        buf_free(&one);
    }
    put(&file, "onion-key\nbroken\n\n");
    ck_ok(store_load_microdescs(buf_text(&file), nd, &report));
    ck_assert_uint_eq(report.good, 6);
    ck_assert_uint_eq(report.bad, 1);
    ck_err(report.first_error, ERR_MALFORMED);
    ck_assert(router_usable(netdir_at(nd, 3)));
    ck_ok(store_merge_microdescs(buf_text(&file), buf_text(&file), nd, FAKE_AFTER_S, &merged));
    size_t n = 0;
    for (size_t i = 0; i < merged.n; i++)
        ck_ok(buf_add(&whole, merged.parts[i].s, merged.parts[i].len));
    ck_assert_uint_eq(whole.len, merged.len);
    rest = buf_text(&whole);
    while (microdesc_next(&rest, &md) == OK)
        ck_assert_int_eq(md.last_listed_s, FAKE_AFTER_S - (++n == 5 ? 7 * 86400 : 0));
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(rest.len, 0);
    buf_free(&file);
    buf_free(&whole);
    store_merged_free(&merged);
    netdir_unref(&nd);
}
END_TEST

START_TEST(test_store_certs_round_trip)
{
    struct text file = read_file("vectors/dir/testnet2000/cached-certs");
    struct authcert_set set;
    struct store_report report;
    struct buf out;
    buf_init(&out, 1 << 20);
    authcert_set_init(&set);
    ck_ok(store_load_certs(file, &set, &report));
    ck_assert_uint_eq(report.good, 4);
    ck_assert_uint_eq(report.bad, 0);
    ck_ok(store_write_certs(&set, &out));
    ck_assert(text_equal(buf_text(&out), file));
    authcert_set_clear(&set);
    struct text cut = {file.s, file.len - 10};
    ck_ok(store_load_certs(cut, &set, &report));
    ck_assert_uint_eq(report.good, 3);
    ck_assert_uint_eq(report.bad, 1);
    authcert_set_clear(&set);
    buf_free(&out);
    free_text(file);
}
END_TEST

START_TEST(test_store_files_of_a_client_of_tor_load)
{
    struct text consensus = read_file("vectors/dir/testnet2000/cached-microdesc-consensus");
    struct text mds = read_file("vectors/dir/testnet2000/cached-microdescs.new");
    struct consensus *c;
    struct netdir *nd;
    struct store_report report;
    ck_ok(consensus_parse(consensus, &c));
    ck_ok(netdir_new(c, NULL, &nd));
    ck_ok(store_load_microdescs(mds, nd, &report));
    ck_assert_uint_eq(report.bad, 0);
    for (size_t i = 0; i < netdir_n(nd); i++)
        ck_assert(router_usable(netdir_at(nd, i)));
    netdir_unref(&nd);
    free_text(consensus);
    free_text(mds);
}
END_TEST

START_TEST(test_store_names)
{
    ck_assert_str_eq(dir_file_name(DIR_FILE_CERTS), "cached-certs");
    ck_assert_str_eq(dir_file_name(DIR_FILE_CONSENSUS), "cached-microdesc-consensus");
    ck_assert_str_eq(dir_file_name(DIR_FILE_MICRODESCS), "cached-microdescs");
    ck_assert_str_eq(dir_file_name(DIR_FILE_MICRODESCS_NEW), "cached-microdescs.new");
}
END_TEST

TESTS("dir/netdir", test_microdesc_published_ones_parse, test_microdesc_fields,
      test_microdesc_bad_ones_cost_only_themselves, test_netdir_lookups, test_netdir_exit_policies,
      test_netdir_coverage_is_the_share_of_paths, test_netdir_new_one_takes_over_microdescriptors,
      test_netdir_what_relays_of_the_past_had_takes_no_memory, test_netdir_families_need_both_sides,
      test_netdir_microdesc_without_keys_is_refused, test_netdir_rows_are_small,
      test_store_microdescs_round_trip, test_store_certs_round_trip,
      test_store_files_of_a_client_of_tor_load, test_store_names)
