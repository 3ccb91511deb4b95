/* Server descriptors, extra-info documents, microdescriptors. */
#include "crypto/hash.h"
#include "fetched.h"

static struct text descriptor(const struct docnet *n, size_t i)
{
    return netdocs_descriptor(n->docs, &n->id[i].rsa_id);
}

static struct text extra(const struct docnet *n, size_t i)
{
    return netdocs_extra_info(n->docs, &n->id[i].rsa_id);
}

START_TEST(test_relaydocs_all_descriptors_are_good)
{
    struct docnet *n = docnet_usual(1);
    struct fetched f = fetched_new(n);
    fetched_answer(&f, "server/all", netdocs_all_descriptors(n->docs));
    ck_assert_uint_eq(f.docs.n, n->plan.n_nodes);
    size_t len = 0;
    for (size_t i = 0; i < f.docs.n; i++) {
        const struct docs_item *d = &f.docs.list[i];
        ck_assert_msg(d->verdict == DOCS_GOOD, "%s: %s", d->title, d->why);
        ck_assert_str_eq(d->why, "");
        ck_assert_ptr_eq(d->text.s, f.text + len);
        len += d->text.len;
    }
    ck_assert_uint_eq(len, f.len);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_descriptor_is_named_by_its_digest)
{
    struct docnet *n = docnet_usual(2);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX];
    fetched_answer(&f, fetched_word(word, "server/fp/", n->id[3].rsa_id.b, 20), descriptor(n, 3));
    fetched_is(&f, DOCS_GOOD, "");
    uint8_t digest[20];
    ck_ok(hex_decode_exact(text_of(fetched_one(&f)->name), digest, sizeof digest));
    struct text same = netdocs_descriptor_by_digest(n->docs, digest);
    ck_assert_uint_eq(same.len, f.len);
    ck_assert_mem_eq(same.s, f.text, f.len);
    ck_assert_ptr_nonnull(strstr(fetched_one(&f)->title, n->plan.node[3].nickname));
    fetched_answer(&f, fetched_word(word, "server/d/", digest, 20), descriptor(n, 3));
    fetched_is(&f, DOCS_GOOD, "");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_descriptor_of_another_is_bad)
{
    struct docnet *n = docnet_usual(3);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX];
    fetched_answer(&f, fetched_word(word, "server/fp/", n->id[3].rsa_id.b, 20), descriptor(n, 4));
    fetched_is(&f, DOCS_BAD, "not one that was asked for");
    ck_assert_uint_eq(docs_missing(&f.want, &f.docs, NULL, NULL), 1);
    fetched_answer(&f, fetched_word(word, "server/d/", n->id[3].rsa_id.b, 20), descriptor(n, 4));
    fetched_is(&f, DOCS_BAD, "another digest");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

static void note_missing(void *arg, size_t key, const char *text)
{
    (void)key;
    (void)snprintf(arg, 256, "%s", text);
}

START_TEST(test_relaydocs_a_servers_own_descriptor_is_of_that_server)
{
    struct docnet *n = docnet_usual(6);
    struct fetched f = fetched_new(n);
    const struct rsa_id *mine = &n->id[4].rsa_id, *others = &n->id[5].rsa_id;
    struct text own = netdocs_descriptor(n->docs, mine);
    struct ed_id ed;
    f.trust.server = mine;
    fetched_answer(&f, "server/authority", own);
    fetched_is(&f, DOCS_GOOD, "");
    ed = fetched_one(&f)->ed;
    f.trust.server_ed = &ed;
    fetched_answer(&f, "server/authority", own);
    fetched_is(&f, DOCS_GOOD, "");
    ed.b[0] ^= 1;
    fetched_answer(&f, "server/authority", own);
    fetched_is(&f, DOCS_BAD, "Ed25519 identity");
    f.trust.server_ed = NULL;
    f.trust.server = others;
    fetched_answer(&f, "server/authority", own);
    fetched_is(&f, DOCS_BAD, "not of the server that was asked");
    fetched_answer(&f, "server/all", own);
    fetched_is(&f, DOCS_GOOD, "");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_an_authoritys_own_certificate_is_of_that_authority)
{
    struct docnet *n = docnet_usual(7);
    struct fetched f = fetched_new(n);
    for (size_t i = 0; i < 2; i++) {
        f.trust.server_v3 = &n->auths[i];
        fetched_answer(&f, "keys/authority", netdocs_key_cert(n->docs, n->auths[0].b, NULL));
        fetched_is(&f, i ? DOCS_BAD : DOCS_GOOD, i ? "not of the server that was asked" : "");
        fetched_answer(&f, "vote/current/authority", netdocs_vote(n->docs, n->auths[0].b));
        fetched_is(&f, i ? DOCS_BAD : DOCS_GOOD, i ? "not of the server that was asked" : "");
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_missing_ones_are_told)
{
    struct docnet *n = docnet_usual(4);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX], hex[HEX_SIZE(20)], told[256] = "";
    size_t len = strlen(fetched_word(word, "server/fp/", n->id[0].rsa_id.b, 20));
    (void)snprintf(word + len, sizeof word - len, "+%s", hex_upper(n->id[1].rsa_id.b, 20, hex));
    fetched_answer(&f, word, descriptor(n, 0));
    fetched_is(&f, DOCS_GOOD, "");
    ck_assert_uint_eq(docs_missing(&f.want, &f.docs, note_missing, told), 1);
    ck_assert_int_eq(strncmp(told, "fp/", 3), 0);
    ck_assert_str_eq(told + 3, hex);
    fetched_answer(&f, word, TEXT_LIT(""));
    ck_assert_uint_eq(f.docs.n, 0);
    ck_assert_uint_eq(docs_missing(&f.want, &f.docs, NULL, NULL), 2);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_each_broken_descriptor_says_what_is_wrong)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"uptime 0", "uptime 1", "Ed25519 signature does not verify"},
        {"\nrouter-sig-ed25519 ", "\nx-sig ", "router-sig-ed25519 line is missing"},
        {"\nrouter-signature\n", "\nx-signature\n", "router-signature line is missing"},
        {"\nidentity-ed25519\n", "\nx-identity\n", "identity-ed25519 line is missing"},
        {"\nmaster-key-ed25519 ", "\nuptime 1\nmaster-key-ed25519 A", "master-key-ed25519"},
        {"\npublished ", "\npublished x", "published line is malformed"},
        {"\nfingerprint ", "\nfingerprint 0000", "fingerprint line is malformed"},
        {"\nbandwidth ", "\nx-bandwidth ", "bandwidth line is missing"},
        {"\nsigning-key\n", "\nx-key\n", "signing-key line is missing"},
        {"\nonion-key\n", "\nx-key\n", "of its onion-key and onion-key-crosscert"},
        {"\nntor-onion-key ", "\nx-key ", "ntor-onion-key line is missing"},
        {"\nntor-onion-key-crosscert 0", "\nntor-onion-key-crosscert 1", "ntor-onion-key"},
        {"\nplatform ", "\npublished 2026-01-01 00:00:00\nplatform ",
         "published line is there twice"},
        {"\nplatform ", "\n\nplatform ", "malformed, or the document is cut short"},
        {" 127.", " 1270.", "no IPv4 address"},
        {"-----END SIGNATURE-----\n", "-----END SIGNATURE-----\nlast\n", "not at the end"},
        {"BEGIN CROSSCERT", "BEGIN CROSSCART", "malformed"},
    };
    struct docnet *n = docnet_usual(5);
    struct fetched f = fetched_new(n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!memmem(descriptor(n, 5).s, descriptor(n, 5).len, rows[i].from, strlen(rows[i].from)))
            continue; /* the sign bit is the other one */
        fetched_bad_with(&f, "server/authority", descriptor(n, 5), rows[i].from, rows[i].to,
                         rows[i].says);
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* Takes what lies between BEGIN and END in FROM into a copy of TO. */
static char *with_part_of(struct text to, struct text from, const char *begin, const char *end)
{
    char part[8192], old[8192];
    for (int i = 0; i < 2; i++) {
        struct text t = i ? from : to;
        const char *a = memmem(t.s, t.len, begin, strlen(begin));
        ck_assert_ptr_nonnull(a);
        const char *b = memmem(a, (size_t)(t.s + t.len - a), end, strlen(end));
        ck_assert_ptr_nonnull(b);
        (void)snprintf(i ? part : old, sizeof part, "%.*s", (int)(b - a), a);
    }
    return fetched_changed(to, old, part);
}

START_TEST(test_relaydocs_keys_of_another_relay_do_not_fit)
{
    static const struct {
        const char *begin, *end, *says;
    } rows[] = {
        {"identity-ed25519\n", "master-key", "master-key-ed25519 line is not the key"},
        {"fingerprint ", "uptime", "fingerprint line is not that of the signing key"},
        {"signing-key\n", "onion-key-crosscert", "fingerprint line is not that"},
        {"onion-key-crosscert\n", "ntor-onion", "onion-key-crosscert line does not verify"},
        {"ntor-onion-key ", "accept", "ntor-onion-key-crosscert line"},
        {"router-sig-ed25519 ", "router-signature", "Ed25519 signature does not verify"},
        {"router-signature\n", "-----END SIGNATURE", "RSA signature does not verify"},
    };
    struct docnet *n = docnet_usual(6);
    struct fetched f = fetched_new(n);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *end = strcmp(rows[i].end, "accept") ? rows[i].end : "\nreject";
        char *text = with_part_of(descriptor(n, 4), descriptor(n, 5), rows[i].begin, end);
        fetched_answer(&f, "server/authority", text_of(text));
        fetched_is(&f, DOCS_BAD, rows[i].says);
        free(text);
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_expired_certificate_is_told_with_its_date)
{
    struct docnet *n = docnet_usual(7);
    struct fetched f = fetched_new(n);
    f.trust.now_s += 366 * 24 * 3600;
    fetched_answer(&f, "server/authority", descriptor(n, 4));
    fetched_is(&f, DOCS_BAD, "identity-ed25519 line expired at 2027-01-01");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_every_truncation_is_bad)
{
    struct docnet *n = docnet_usual(8);
    struct fetched f = fetched_new(n);
    struct text whole = descriptor(n, 4);
    for (size_t len = 1; len < whole.len; len++) {
        fetched_answer(&f, "server/authority", (struct text){whole.s, len});
        fetched_is(&f, DOCS_BAD, "");
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_one_bad_descriptor_costs_no_other)
{
    struct docnet *n = docnet_usual(9);
    struct fetched f = fetched_new(n);
    struct text all = netdocs_all_descriptors(n->docs);
    char *changed = fetched_changed(all, "\nplatform ", "\n!\nplatform ");
    fetched_answer(&f, "server/all", text_of(changed));
    ck_assert_uint_eq(f.docs.n, n->plan.n_nodes);
    ck_assert_int_eq(f.docs.list[0].verdict, DOCS_BAD);
    for (size_t i = 1; i < f.docs.n; i++)
        ck_assert_int_eq(f.docs.list[i].verdict, DOCS_GOOD);
    free(changed);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_annotations_stay_out_of_the_document)
{
    struct docnet *n = docnet_usual(10);
    struct fetched f = fetched_new(n);
    char *noted =
        fetched_changed(descriptor(n, 1), "router ", "@source \"127.0.0.1\"\n@x\nrouter ");
    fetched_answer(&f, "server/all", text_of(noted));
    fetched_is(&f, DOCS_GOOD, "");
    ck_assert_uint_eq(fetched_one(&f)->text.len, descriptor(n, 1).len);
    ck_assert(text_is(fetched_one(&f)->annotations, "@source \"127.0.0.1\"\n@x\n"));
    free(noted);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_annotations_stand_right_before_their_document)
{
    struct docnet *n = docnet_usual(12);
    struct fetched f = fetched_new(n);
    char *text = fetched_changed(descriptor(n, 1), "router ", "@x\nuptime 1\nrouter ");
    fetched_answer(&f, "server/all", text_of(text));
    ck_assert_uint_eq(f.docs.n, 2);
    ck_assert_uint_eq(f.docs.list[0].text.len, 12);
    ck_assert_uint_eq(f.docs.list[1].annotations.len, 0);
    ck_assert_int_eq(f.docs.list[1].verdict, DOCS_GOOD);
    free(text);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_empty_lines_behind_a_document_are_no_part_of_it)
{
    struct docnet *n = docnet_usual(13);
    struct fetched f = fetched_new(n);
    char *text = fetched_changed(descriptor(n, 1), "-----END SIGNATURE-----\n",
                                 "-----END SIGNATURE-----\n\n\n");
    fetched_answer(&f, "server/all", text_of(text));
    fetched_is(&f, DOCS_GOOD, "");
    ck_assert_uint_eq(fetched_one(&f)->text.len, descriptor(n, 1).len);
    free(text);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_what_stands_before_the_first_is_bad)
{
    struct docnet *n = docnet_usual(11);
    struct fetched f = fetched_new(n);
    char *text = fetched_changed(descriptor(n, 1), "router ", "<html>\nrouter ");
    fetched_answer(&f, "server/all", text_of(text));
    ck_assert_uint_eq(f.docs.n, 2);
    ck_assert_int_eq(f.docs.list[0].verdict, DOCS_BAD);
    ck_assert_int_eq(f.docs.list[1].verdict, DOCS_GOOD);
    free(text);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- extra-info documents ---- */

START_TEST(test_relaydocs_extra_info_with_its_descriptor_is_good)
{
    struct docnet *n = docnet_usual(20);
    struct fetched f = fetched_new(n);
    f.trust.servers = netdocs_all_descriptors(n->docs);
    fetched_answer(&f, "extra/all", netdocs_all_extra_infos(n->docs));
    ck_assert_uint_eq(f.docs.n, n->plan.n_nodes);
    for (size_t i = 0; i < f.docs.n; i++) {
        ck_assert_int_eq(f.docs.list[i].verdict, DOCS_GOOD);
        ck_assert_str_eq(f.docs.list[i].why, "");
    }
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_extra_info_alone_is_unproven)
{
    struct docnet *n = docnet_usual(21);
    struct fetched f = fetched_new(n);
    char word[DOCS_PATH_MAX];
    fetched_answer(&f, fetched_word(word, "extra/fp/", n->id[2].rsa_id.b, 20), extra(n, 2));
    fetched_is(&f, DOCS_UNPROVEN, "RSA signature");
    uint8_t digest[20];
    memcpy(digest, fetched_one(&f)->digest, sizeof digest);
    fetched_answer(&f, fetched_word(word, "extra/d/", digest, 20), extra(n, 2));
    fetched_is(&f, DOCS_GOOD, "RSA signature");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_broken_extra_info_says_what_is_wrong)
{
    struct docnet *n = docnet_usual(22);
    struct fetched f = fetched_new(n);
    f.trust.servers = netdocs_all_descriptors(n->docs);
    struct text x = extra(n, 2);
    fetched_bad_with(&f, "extra/all", x, "published 2026", "published 2025", "Ed25519 signature");
    fetched_bad_with(&f, "extra/all", x, "router-sig-ed25519 ", "x-sig ", "line is missing");
    fetched_bad_with(&f, "extra/all", x, "extra-info ", "extra-info -", "extra-info line");
    char *text = with_part_of(x, extra(n, 3), "router-signature\n", "-----END SIGNATURE");
    fetched_answer(&f, "extra/all", text_of(text));
    fetched_is(&f, DOCS_BAD, "RSA signature does not verify");
    free(text);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

/* ---- microdescriptors ---- */

static const char *micro_word(char out[DOCS_PATH_MAX], const struct sha256 *digest)
{
    char b64[BASE64_SIZE(32)];
    (void)snprintf(out, DOCS_PATH_MAX, "micro/d/%s", base64_encode(digest->b, 32, false, b64));
    return out;
}

START_TEST(test_relaydocs_microdescriptor_asked_for_is_good)
{
    struct docnet *n = docnet_usual(30);
    struct fetched f = fetched_new(n);
    struct sha256 digest;
    char word[DOCS_PATH_MAX];
    struct text md = netdocs_microdesc_at(n->docs, 0, &digest);
    fetched_answer(&f, micro_word(word, &digest), md);
    fetched_is(&f, DOCS_GOOD, "");
    ck_assert_uint_eq(strlen(fetched_one(&f)->name), 64);
    fetched_bad_with(&f, word, md, "ntor-onion-key ", "ntor-onion-key  ", "another digest");
    ck_assert_uint_eq(docs_missing(&f.want, &f.docs, NULL, NULL), 1);
    fetched_bad_with(&f, word, md, "ntor-onion-key ", "x-key ", "ntor-onion-key line is missing");
    fetched_bad_with(&f, word, md, "id ed25519 ", "id ed25519 !", "malformed");
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

START_TEST(test_relaydocs_microdescriptors_are_split)
{
    struct docnet *n = docnet_usual(31);
    struct fetched f = fetched_new(n);
    struct sha256 a, b;
    char word[DOCS_PATH_MAX], b64[BASE64_SIZE(32)], text[16384];
    struct text one = netdocs_microdesc_at(n->docs, 0, &a),
                two = netdocs_microdesc_at(n->docs, 1, &b);
    size_t len = strlen(micro_word(word, &a));
    (void)snprintf(word + len, sizeof word - len, "-%s", base64_encode(b.b, 32, false, b64));
    int text_len = snprintf(text, sizeof text, "%.*s%.*s", TEXT_ARG(one), TEXT_ARG(two));
    fetched_answer(&f, word, (struct text){text, (size_t)text_len});
    ck_assert_uint_eq(f.docs.n, 2);
    ck_assert_int_eq(f.docs.list[0].verdict, DOCS_GOOD);
    ck_assert_int_eq(f.docs.list[1].verdict, DOCS_GOOD);
    ck_assert_uint_eq(docs_missing(&f.want, &f.docs, NULL, NULL), 0);
    fetched_clear(&f);
    docnet_free(n);
}
END_TEST

TESTS("fetch/relaydocs", test_relaydocs_all_descriptors_are_good,
      test_relaydocs_descriptor_is_named_by_its_digest, test_relaydocs_descriptor_of_another_is_bad,
      test_relaydocs_a_servers_own_descriptor_is_of_that_server,
      test_relaydocs_an_authoritys_own_certificate_is_of_that_authority,
      test_relaydocs_missing_ones_are_told,
      test_relaydocs_each_broken_descriptor_says_what_is_wrong,
      test_relaydocs_keys_of_another_relay_do_not_fit,
      test_relaydocs_expired_certificate_is_told_with_its_date,
      test_relaydocs_every_truncation_is_bad, test_relaydocs_one_bad_descriptor_costs_no_other,
      test_relaydocs_annotations_stay_out_of_the_document,
      test_relaydocs_annotations_stand_right_before_their_document,
      test_relaydocs_empty_lines_behind_a_document_are_no_part_of_it,
      test_relaydocs_what_stands_before_the_first_is_bad,
      test_relaydocs_extra_info_with_its_descriptor_is_good,
      test_relaydocs_extra_info_alone_is_unproven,
      test_relaydocs_broken_extra_info_says_what_is_wrong,
      test_relaydocs_microdescriptor_asked_for_is_good, test_relaydocs_microdescriptors_are_split)
