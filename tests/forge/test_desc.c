#include "forge/desc.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "dir/microdesc.h"
#include "forge/relay.h"
#include "support/test.h"

static struct env *env;
static struct forge_keys keys;
static struct forge_relay made;

static void make(const struct forge_relay_wish *wish)
{
    env = test_env(1);
    ck_ok(forge_keys_make(env, &keys));
    ck_ok(forge_relay_make(wish, 7, &keys, &made));
}

static void end(void)
{
    forge_relay_free(&made);
    forge_keys_wipe(&keys);
    test_env_free(env);
}

static const struct forge_relay_wish usual = {.policy = "accept *:80,accept *:443,reject *:*",
                                              .bandwidth_bytes = 123456,
                                              .platform = "Tor 0.4.9.1-rc on Linux",
                                              .published_s = 1767225600};

START_TEST(test_desc_reads_what_was_made)
{
    struct forge_desc d;
    const char *why;
    char at[IPPORT_TEXT_MAX];
    make(&usual);
    struct text rest = docw_text(&made.server);
    ck_ok(forge_desc_next(&rest, &d, &why));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_uint_eq(d.body.len, made.server.len);
    ck_assert_str_eq(d.row.nickname, "forged7");
    ck_assert(rsa_id_equal(&d.row.rsa, &keys.id.rsa_id));
    ck_assert(ed_id_equal(&d.row.ed, &keys.id.ed.pub));
    ck_assert_mem_eq(d.ntor.b, keys.id.ntor_pub.b, 32);
    ck_assert_str_eq(ipport_text(&d.row.or_port, at), "240.7.0.1:9001");
    ck_assert_uint_eq(d.row.bandwidth_kb, 123);
    ck_assert_str_eq(d.row.version, "Tor 0.4.9.1-rc");
    ck_assert_str_eq(d.row.policy, "accept 80,443");
    ck_assert_int_eq(d.row.published_s, 1767225600);
    ck_assert_uint_eq(d.row.flags, ROUTER_EXIT | ROUTER_FAST | ROUTER_RUNNING | ROUTER_STABLE |
                                       ROUTER_V2DIR | ROUTER_VALID);
    ck_assert_mem_eq(d.row.descriptor_sha1, made.server_digests.sha1, 20);
    forge_desc_free(&d);
    end();
}
END_TEST

START_TEST(test_desc_its_microdesc_is_what_our_client_reads)
{
    struct forge_desc d;
    struct microdesc md;
    const char *why;
    make(&usual);
    struct text rest = docw_text(&made.server);
    ck_ok(forge_desc_next(&rest, &d, &why));
    rest = docw_text(&d.microdesc);
    ck_ok(microdesc_next(&rest, &md));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(md.has_ntor && md.has_ed);
    ck_assert_mem_eq(md.ntor.b, keys.id.ntor_pub.b, 32);
    ck_assert_mem_eq(md.ed.b, keys.id.ed.pub.b, 32);
    ck_assert(text_is(md.p, "accept 80,443"));
    ck_assert_mem_eq(md.digest.b, d.row.microdesc_sha256, 32);
    forge_desc_free(&d);
    end();
}
END_TEST

START_TEST(test_desc_takes_several_with_annotations_and_without_signatures)
{
    struct docw all = {0};
    struct forge_desc d;
    const char *why;
    struct forge_relay_wish wish = usual;
    wish.unsigned_only = true;
    make(&wish);
    docw_add(&all, TEXT_LIT("@type server-descriptor 1.0\n"));
    docw_add(&all, docw_text(&made.server));
    docw_add(&all, docw_text(&made.server));
    docw_add(&all, TEXT_LIT("@type server-descriptor 1.0\n"));
    docw_add(&all, docw_text(&made.server));
    struct text rest = docw_text(&all);
    for (size_t i = 0; i < 3; i++) {
        ck_ok(forge_desc_next(&rest, &d, &why));
        ck_assert(text_equal(d.body, docw_text(&made.server)));
        ck_assert_mem_eq(d.row.descriptor_sha1, made.server_digests.sha1, 20);
        forge_desc_free(&d);
    }
    ck_err(forge_desc_next(&rest, &d, &why), ERR_NOT_FOUND);
    docw_free(&all);
    end();
}
END_TEST

START_TEST(test_desc_every_truncation_is_refused)
{
    struct forge_desc d;
    const char *why;
    make(&usual);
    size_t needed = (size_t)(strstr(made.server.s, "\nntor-onion-key ") - made.server.s);
    for (size_t n = 1; n < needed; n++) {
        struct text rest = {made.server.s, n};
        ck_err(forge_desc_next(&rest, &d, &why), ERR_MALFORMED);
        ck_assert(strlen(why) > 0);
    }
    end();
}
END_TEST

/* LINE in the place of the one of its keyword; what is said of it. */
static void refuses(const char *line, const char *words)
{
    struct docw w = {0};
    struct forge_desc d;
    struct edit edit;
    const char *why = "";
    ck_ok(*line == '-' ? edit_drop(line + 1, &edit) : edit_set(line, &edit));
    docw_add(&w, docw_text(&made.server));
    edit_apply(&edit, 1, &w, 0, w.len);
    struct text rest = docw_text(&w);
    err_t err = forge_desc_next(&rest, &d, &why);
    ck_assert_msg(err == ERR_MALFORMED && strstr(why, words), "%s: %s, %s", line, err_name(err),
                  why);
    docw_free(&w);
}

START_TEST(test_desc_says_what_is_wrong)
{
    make(&usual);
    refuses("router", "\"router\"");
    refuses("router a 1.2.3.4 70000 0 0", "\"router\"");
    refuses("router waytoolonganicknameforarelay 1.2.3.4 1 0 0", "\"router\"");
    refuses("master-key-ed25519 AAAA", "master-key-ed25519");
    refuses("ntor-onion-key AAAA", "ntor-onion-key");
    refuses("published today", "published");
    refuses("bandwidth 1 2", "bandwidth");
    refuses("accept everything", "accept");
    refuses("signing-key", "signing-key");
    refuses("-router", "begin with");
    refuses("-signing-key", "no \"signing-key\"");
    refuses("-master-key-ed25519", "no \"master-key-ed25519\"");
    refuses("-ntor-onion-key", "no \"ntor-onion-key\"");
    refuses("-published", "no \"published\"");
    end();
}
END_TEST

START_TEST(test_desc_takes_an_ipv6_address)
{
    static const struct {
        const char *line;
        err_t err;
        const char *at;
    } rows[] = {{"or-address [2001:db8::1]:443", OK, "[2001:db8::1]:443"},
                {"or-address 192.0.2.1:443", OK, NULL},
                {"or-address 2001:db8::1", ERR_MALFORMED, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct forge_relay_wish wish = usual;
        struct forge_desc d;
        struct edit edit;
        const char *why;
        char at[IPPORT_TEXT_MAX];
        ck_ok(edit_set(rows[i].line, &edit));
        wish.server = (struct forge_edits){&edit, 1};
        make(&wish);
        struct text rest = docw_text(&made.server);
        ck_err(forge_desc_next(&rest, &d, &why), rows[i].err);
        ck_assert_int_eq(d.row.or_port6.ip.family, rows[i].at ? IP_V6 : IP_NONE);
        if (rows[i].at)
            ck_assert_str_eq(ipport_text(&d.row.or_port6, at), rows[i].at);
        if (rows[i].err == OK)
            forge_desc_free(&d);
        end();
    }
}
END_TEST

/* Of a descriptor that Debian's tor made, with two families: the authority's line has them in
 * order. */
START_TEST(test_desc_families_are_in_its_microdesc)
{
    static char file[1 << 14];
    struct forge_desc d;
    struct microdesc md;
    const char *why;
    FILE *in = fopen("vectors/dir/family2026/server", "rb");
    ck_assert_ptr_nonnull(in);
    struct text rest = {file, fread(file, 1, sizeof file, in)};
    fclose(in);
    ck_ok(forge_desc_next(&rest, &d, &why));
    rest = docw_text(&d.microdesc);
    ck_ok(microdesc_next(&rest, &md));
    ck_assert(text_is(md.family_ids, "ed25519:54tLOiL4QZLTJQRbaUA2by3WO0aXZBwahwJwP9uUixc "
                                     "ed25519:BKgb0q4v9Jsehp2OrcQVWUe6DX6M2GbB6PXuOb5H9fU"));
    forge_desc_free(&d);
}
END_TEST

TESTS("forge/desc", test_desc_reads_what_was_made, test_desc_its_microdesc_is_what_our_client_reads,
      test_desc_takes_several_with_annotations_and_without_signatures,
      test_desc_every_truncation_is_refused, test_desc_says_what_is_wrong,
      test_desc_takes_an_ipv6_address, test_desc_families_are_in_its_microdesc)
