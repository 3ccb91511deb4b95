/* Server descriptors and extra-info documents, as C tor's relays have published them. */
#include "dir/descriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "dir/familyid.h"
#include "support/docfile.h"

#define DIR "vectors/dir/"

enum {
    T2000 = 946684800 + 160, /* 2000-01-01 00:02:40 */
    T2014 = 1412650000,      /* 2014-10-07 02:46:40 */
    T2026 = 1785146400 + 60, /* 2026-07-27 10:01 */
    T_FAMILY = 1796010000,   /* 2026-11-30 03:40 */
    YEAR_S = 366 * 24 * 60 * 60,
};

/* The first of the public network's. */
static struct descriptor first(void)
{
    struct descriptor d;
    struct text rest = read_file(DIR "live2026/descriptors");
    ck_ok(descriptor_next(&rest, &d));
    return d;
}

static void ck_hex(const void *bytes, size_t len, const char *want)
{
    char hex[HEX_SIZE(32)];
    ck_assert_str_eq(hex_upper(bytes, len, hex), want);
}

static void ck_base64(const void *bytes, const char *want)
{
    char text[BASE64_SIZE(32)];
    ck_assert_str_eq(base64_encode(bytes, 32, false, text), want);
}

START_TEST(test_descriptor_bandwidths_are_three)
{
    struct descriptor d;
    struct text rest = read_file(DIR "live2026/descriptors");
    char *second = strstr(file, "\nbandwidth 1073741824 1073741824 ");
    ck_assert_ptr_nonnull(second);
    second[strlen("\nbandwidth 1073741824 ")] = '2';
    ck_ok(descriptor_next(&rest, &d));
    ck_assert_uint_eq(d.average, 1073741824);
    ck_assert_uint_eq(d.burst, 2073741824);
}
END_TEST

START_TEST(test_descriptor_says_what_its_lines_say)
{
    char at[IPPORT_TEXT_MAX];
    struct descriptor d = first();
    ck_assert_str_eq(d.nickname, "Akka");
    ck_assert_str_eq(ipport_text(&d.orport, at), "95.216.33.58:443");
    ck_assert_str_eq(ipport_text(&d.orport6, at), "[2a01:4f9:2a:2145::2]:443");
    ck_assert_uint_eq(d.dirport, 0);
    ck_assert(d.has_rsa && d.has_ed);
    ck_hex(d.rsa.b, 20, "56927E61B51E6F363FB55498150A6DDFCF7077F2");
    ck_assert(rsa_id_equal(&d.rsa, &d.fingerprint));
    ck_base64(d.ed.b, "CVTjf1oeaL616hH+1+UvYZ8OgkwF3z7UMITvJzm5r7A");
    ck_base64(d.ntor.b, "KiOnrAtPDoGduyYKe9MBY3aBJ60JYJKbkP5cvF4TRmk");
    ck_assert_int_eq(d.published_s, 1785140075);
    ck_assert_uint_eq(d.average, 1073741824);
    ck_assert_uint_eq(d.burst, 1073741824);
    ck_assert_uint_eq(d.observed, 69831782);
    ck_hex(d.extra_info_sha1, 20, "E5CA770507B126F53E93F6EE36AD0256AF04C986");
    ck_assert(text_is(d.item[DESCRIPTOR_PLATFORM].args, "Tor 0.4.9.5 on Linux"));
    ck_assert(text_starts(d.item[DESCRIPTOR_PROTO].args, "Conflux=1 Cons=1-2 "));
    ck_assert(text_is(d.item[DESCRIPTOR_FAMILY].args, "$303509AB910EF207B7438C27435C4A2FD579F1B1 "
                                                      "$56927E61B51E6F363FB55498150A6DDFCF7077F2"));
    ck_assert(descriptor_has(&d, DESCRIPTOR_HIDDEN_SERVICE_DIR));
    ck_assert(descriptor_has(&d, DESCRIPTOR_TUNNELLED_DIR));
    ck_assert(!descriptor_has(&d, DESCRIPTOR_CACHES_EXTRA_INFO));
    ck_assert(!descriptor_has(&d, DESCRIPTOR_IPV6_POLICY));
    ck_assert_uint_eq(d.malformed | d.repeated, 0);
}
END_TEST

START_TEST(test_descriptor_policy_rules_come_in_their_order)
{
    static const char *const rules[] = {"reject 10.0.0.0/8:*", "accept *:443", "reject *:*"};
    struct text text = TEXT_LIT("router a 192.0.2.1 1 0 0\nreject 10.0.0.0/8:*\nuptime 1\n"
                                "accept *:443\nipv6-policy accept 80\nreject *:*\n");
    struct descriptor d;
    struct doc_item rule;
    ck_ok(descriptor_next(&text, &d));
    struct doc_lines at = doc_over(d.body.s, d.body.len);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(descriptor_rule_next(&at, &rule));
        ck_assert_int_eq(strncmp(rule.begin, rules[i], strlen(rules[i])), 0);
    }
    ck_assert(!descriptor_rule_next(&at, &rule));
    ck_assert(text_is(d.item[DESCRIPTOR_IPV6_POLICY].args, "accept 80"));
}
END_TEST

START_TEST(test_descriptor_published_ones_verify)
{
    static const struct {
        const char *path;
        size_t n;
        int64_t now_s;
    } rows[] = {{DIR "live2026/descriptors", 5, T2026},
                {DIR "testnet2000/cached-descriptors.new", 20, T2000}};
    char why[DESCRIPTOR_WHY_MAX];
    struct descriptor d;
    for (size_t i = 0; i < 2; i++) {
        struct text rest = read_file(rows[i].path);
        for (size_t n = 0; n < rows[i].n; n++) {
            ck_ok(descriptor_next(&rest, &d));
            err_t e = descriptor_verify(&d, rows[i].now_s, why);
            ck_assert_msg(e == OK, "%s: %s", d.nickname, why);
            ck_err(descriptor_verify(&d, rows[i].now_s + YEAR_S, why), ERR_EXPIRED);
            ck_assert_ptr_nonnull(strstr(why, "identity-ed25519 line expired at 20"));
        }
        ck_err(descriptor_next(&rest, &d), ERR_NOT_FOUND);
    }
}
END_TEST

START_TEST(test_descriptor_extra_info_verifies_with_its_relays_key)
{
    char why[DESCRIPTOR_WHY_MAX];
    static char servers[1 << 20];
    struct descriptor d, x;
    struct text rest = read_file(DIR "testnet2000/cached-descriptors.new"), extra;
    memcpy(servers, rest.s, rest.len);
    rest.s = servers;
    size_t n = 0;
    ck_ok(descriptor_next(&rest, &d));
    for (extra = read_file(DIR "testnet2000/cached-extrainfo.new");
         descriptor_next_extra(&extra, &x) == OK;) {
        uint8_t der[RSA_DER_MAX];
        size_t len;
        struct rsa_pub *key;
        ck_ok(doc_object(&d.item[DESCRIPTOR_SIGNING_KEY], "RSA PUBLIC KEY", der, sizeof der, &len));
        ck_ok(rsa_pub_from_der(der, len, &key));
        bool mine = rsa_id_equal(&x.rsa, &d.rsa);
        ck_ok(descriptor_verify_extra(&x, NULL, T2000, why));
        ck_err(descriptor_verify_extra(&x, key, T2000, why), mine ? OK : ERR_BAD_SIGNATURE);
        n += mine && memcmp(x.sha1, d.extra_info_sha1, sizeof x.sha1) == 0;
        rsa_pub_free(key);
    }
    ck_assert_uint_ge(n, 1);
}
END_TEST

/* ---- one after the other ---- */

START_TEST(test_descriptor_one_bad_entry_costs_no_other)
{
    static const struct {
        const char *text, *nicknames; /* "-" for one that is malformed */
    } rows[] = {
        {"router a 1.2.3.4 1 0 0\nrouter b 1.2.3.4 1 0 0\n", "a b"},
        {"@type server-descriptor 1.0\n\n@x\nrouter a 1.2.3.4 1 0 0\n@y\nrouter b 1.2.3.4 1 0 0\n",
         "a b"},
        {"router a 1.2.3.4 1 0 0\n\n\nrouter b 1.2.3.4 1 0 0\n\n", "a b"},
        {"router a 1.2.3.4 1 0 0\nrouter-signature\n-----BEGIN SIGNATURE-----\n"
         "-----END SIGNATURE-----\nrouter b 1.2.3.4 1 0 0\n",
         "a b"},
        {"<html>\nrouter a 1.2.3.4 1 0 0\n", "- a"},
        {"router a 1.2.3.4 1 0 0\n!\nrouter b 1.2.3.4 1 0 0\n", "- b"},
        {"router a 1.2.3.4 1 0 0\nrouter-signature\n-----BEGIN SIGNATURE-----\n"
         "-----END SIGNATURE-----\nuptime 1\nrouter b 1.2.3.4 1 0 0\n",
         "a - b"},
        {"router a 1.2.3.4 1 0 0\nrouters b\n", "a"},
        {"router a 1.2.3.4 1 0 0\nx\n-----BEGIN X-----\nrouter-signature\n-----END X-----\n"
         "uptime 1\n",
         "a"},
        {"", ""},
        {"\n@x\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[64] = "";
        struct descriptor d;
        struct text rest = text_of(rows[i].text);
        for (err_t e; (e = descriptor_next(&rest, &d)) != ERR_NOT_FOUND;) {
            strcat(got, *got ? " " : "");
            strcat(got, e == OK ? d.nickname : "-");
        }
        ck_assert_str_eq(got, rows[i].nicknames);
    }
}
END_TEST

START_TEST(test_descriptor_every_truncation_is_refused_and_read_as_far_as_it_goes)
{
    char why[DESCRIPTOR_WHY_MAX];
    struct text whole = first().body;
    for (size_t len = 0; len < whole.len; len++) {
        char *part = malloc(len ? len : 1); /* of its exact size, so that reading beyond is seen */
        struct text rest = {part, len};
        struct descriptor d;
        ck_assert_ptr_nonnull(part);
        memcpy(part, whole.s, len);
        err_t e = descriptor_next(&rest, &d);
        ck_assert(e != OK || descriptor_verify(&d, T2026, why) == ERR_MALFORMED);
        ck_assert(!rest.len || text_is(rest, "router")); /* cut in "router-signature" */
        ck_assert(len < 34 || strcmp(d.nickname, "Akka") == 0);
        free(part);
    }
}
END_TEST

/* ---- what is wrong ---- */

/* The first published one with TO in the place of FROM. */
static void judge(const char *from, const char *to, struct descriptor *d, err_t *err,
                  char why[DESCRIPTOR_WHY_MAX])
{
    static char changed[1 << 14];
    struct text whole = first().body, rest;
    const char *at = memmem(whole.s, whole.len, from, strlen(from));
    ck_assert_msg(at != NULL, "%s", from);
    const char *behind = at + strlen(from), *end = whole.s + whole.len;
    int n = snprintf(changed, sizeof changed, "%.*s%s%.*s", (int)(at - whole.s), whole.s, to,
                     (int)(end - behind), behind);
    rest = (struct text){changed, (size_t)n};
    strcpy(why, "malformed");
    *err = descriptor_next(&rest, d);
    if (*err == OK)
        *err = descriptor_verify(d, T2026, why);
}

START_TEST(test_descriptor_each_fault_is_told)
{
    static const struct {
        const char *from, *to;
        err_t err;
        const char *says;
    } rows[] = {
        {"uptime 1", "uptime 2", ERR_BAD_SIGNATURE, "Ed25519 signature does not verify"},
        {"Vqt8", "Vqt9", ERR_BAD_SIGNATURE, "RSA signature does not verify"},
        {"\nrouter-signature\n", "\nrouter-signature \n", ERR_MALFORMED, "signed part ends"},
        {"\nrouter-sig-ed25519 ", "\nx ", ERR_MALFORMED, "router-sig-ed25519 line is missing"},
        {"identity-ed25519\n", "uptime 1\nidentity-ed25519\n", ERR_MALFORMED, "not the second"},
        {"router-signature\n", "uptime 1\nrouter-signature\n", ERR_MALFORMED, "not at the end"},
        {"\nmaster-key-ed25519 C", "\nmaster-key-ed25519 D", ERR_MALFORMED, "not the key of the"},
        {"\nmaster-key-ed25519 ", "\nmaster-key-ed25519 A", ERR_MALFORMED, "line is malformed"},
        {"\nfingerprint 5", "\nfingerprint 6", ERR_MALFORMED, "not that of the signing key"},
        {"\nfingerprint ", "\nfingerprint 00", ERR_MALFORMED, "fingerprint line is malformed"},
        {"\nproto ", "\nproto A=1\nproto ", ERR_MALFORMED, "proto line is there twice"},
        {"\npublished ", "\npublished x", ERR_MALFORMED, "published line is malformed"},
        {"\nbandwidth ", "\nx ", ERR_MALFORMED, "bandwidth line is missing"},
        {" 95.216.", " 950.216.", ERR_MALFORMED, "no IPv4 address"},
        {" 443 0 0", " 443 0 70000", ERR_MALFORMED, "port that is none"},
        {"router Akka", "router Ak_ka", ERR_MALFORMED, "router line is malformed"},
        {"\nonion-key\n", "\nx\n", ERR_MALFORMED, "one is missing"},
        {"5mFG", "5mFH", ERR_BAD_SIGNATURE, "onion-key-crosscert line does not verify"},
        {"-crosscert 1", "-crosscert 2", ERR_MALFORMED, "no bit of 0 or 1"},
        {"-crosscert 1", "-crosscert 0", ERR_BAD_SIGNATURE, "ntor-onion-key-crosscert line has"},
        {"AQQAB5OcA", "AQQAB5OdA", ERR_BAD_SIGNATURE, "identity-ed25519 line has"},
        {"ED25519 CERT", "ED25519 CART", ERR_MALFORMED, "malformed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[DESCRIPTOR_WHY_MAX];
        struct descriptor d;
        err_t err;
        judge(rows[i].from, rows[i].to, &d, &err, why);
        ck_assert_msg(err == rows[i].err && strstr(why, rows[i].says), "%s: %s, %s", rows[i].to,
                      err_name(err), why);
    }
}
END_TEST

START_TEST(test_descriptor_families_are_those_of_its_certificates)
{
    static const char *const ids[] = {"ed25519:54tLOiL4QZLTJQRbaUA2by3WO0aXZBwahwJwP9uUixc",
                                      "ed25519:BKgb0q4v9Jsehp2OrcQVWUe6DX6M2GbB6PXuOb5H9fU"};
    char why[DESCRIPTOR_WHY_MAX], id[FAMILY_ID_TEXT_MAX];
    struct descriptor d;
    struct ed_id family;
    struct text rest = read_file(DIR "family2026/server");
    ck_ok(descriptor_next(&rest, &d));
    ck_ok(descriptor_verify(&d, T_FAMILY, why));
    struct doc_lines at = doc_over(d.body.s, d.body.len);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(descriptor_family_next(&at, &family));
        ck_assert_str_eq(family_id_text(&family, id), ids[i]);
    }
    ck_assert(!descriptor_family_next(&at, &family));
}
END_TEST

/* The one with families, whose first family certificate CHANGE has changed. */
static err_t with_family(void change(uint8_t cert[ED_CERT_MAX], size_t len),
                         char why[DESCRIPTOR_WHY_MAX])
{
    uint8_t cert[ED_CERT_MAX];
    char base64[BASE64_SIZE(ED_CERT_MAX)];
    struct descriptor d;
    size_t len;
    struct text whole = read_file(DIR "family2026/server"), line = {0};
    char *object = strstr(file, "FAMILY CERT-----\n") + strlen("FAMILY CERT-----\n");
    struct text rest = {object, (size_t)(strstr(object, "-----END") - object)};
    ck_ok(base64_decode(rest, BASE64_OBJECT, cert, sizeof cert, &len));
    change(cert, len);
    base64_encode(cert, len, true, base64);
    for (const char *from = base64; text_line(&rest, &line); from += line.len)
        memcpy(object + (line.s - object), from, line.len);
    ck_ok(descriptor_next(&whole, &d));
    ck_assert_uint_eq(d.malformed & ~DESCRIPTOR_BIT(DESCRIPTOR_FAMILY_CERT), 0);
    return descriptor_verify(&d, T_FAMILY, why);
}

static void its_type(uint8_t *cert, size_t len)
{
    (void)len;
    cert[1] = CERT_NTOR_CC_IDENTITY;
}
static void its_relay(uint8_t *cert, size_t len)
{
    (void)len;
    cert[7]++;
}
static void its_expiry(uint8_t *cert, size_t len)
{
    (void)len;
    cert[5]++;
}
static void its_signature(uint8_t *cert, size_t len)
{
    cert[len - 1] ^= 1;
}
/* "clients must not accept the certificate as valid unless they understand the extension" */
static void its_extension(uint8_t *cert, size_t len)
{
    (void)len;
    cert[42] = 99;
    cert[43] = 1;
}
static void nothing(uint8_t *cert, size_t len)
{
    (void)cert;
    (void)len;
}

START_TEST(test_descriptor_families_have_to_be_proved)
{
    static const struct {
        void (*change)(uint8_t *, size_t);
        err_t err;
        const char *says;
    } rows[] = {
        {its_type, ERR_MALFORMED, "wrong type"},
        {its_relay, ERR_MALFORMED, "another relay"},
        {its_expiry, ERR_BAD_SIGNATURE, "signature of a family-cert line"},
        {its_signature, ERR_BAD_SIGNATURE, "signature of a family-cert line"},
        {its_extension, ERR_MALFORMED, "no certificate that can be read"},
        {nothing, OK, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[DESCRIPTOR_WHY_MAX] = "";
        ck_err(with_family(rows[i].change, why), rows[i].err);
        ck_assert_msg(strstr(why, rows[i].says) != NULL, "%s", why);
    }
}
END_TEST

START_TEST(test_descriptor_lines_that_say_nothing_are_noted)
{
    static const struct {
        const char *from, *to;
        unsigned line;
    } rows[] = {
        {"or-address [2a", "or-address [2x", DESCRIPTOR_OR_ADDRESS},
        {"bandwidth 1073741824 ", "bandwidth ", DESCRIPTOR_BANDWIDTH},
        {"extra-info-digest E", "extra-info-digest X", DESCRIPTOR_EXTRA_INFO_DIGEST},
        {"\nntor-onion-key ", "\nntor-onion-key A", DESCRIPTOR_NTOR_KEY},
        {"onion-key\n-----BEGIN RSA PUBLIC KEY-----\nMIGJ",
         "onion-key\n-----BEGIN RSA PUBLIC KEY-----\n!IGJ", DESCRIPTOR_ONION_KEY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[DESCRIPTOR_WHY_MAX];
        struct descriptor d;
        err_t err;
        judge(rows[i].from, rows[i].to, &d, &err, why);
        ck_assert_msg(d.malformed == DESCRIPTOR_BIT(rows[i].line), "%s", rows[i].to);
        ck_assert(!descriptor_has(&d, rows[i].line % DESCRIPTOR_LINE_N) ||
                  rows[i].line == DESCRIPTOR_OR_ADDRESS);
    }
}
END_TEST

START_TEST(test_descriptor_published_bad_ones_are_refused)
{
    char why[DESCRIPTOR_WHY_MAX], expected[DESCRIPTOR_WHY_MAX];
    struct descriptor d;
    struct text rest = read_file(DIR "descriptors2014.txt"), line;
    for (size_t i = 0; i < 2; i++) {
        ck_ok(descriptor_next(&rest, &d));
        ck_ok(descriptor_verify(&d, T2014, why));
    }
    rest = read_file(DIR "bad/descriptors.txt");
    for (size_t i = 0; i < 25; i++) {
        struct text before = rest;
        ck_assert(text_line(&before, &line) && text_starts(line, "@ "));
        (void)snprintf(expected, sizeof expected, "%.*s", (int)line.len - 2, line.s + 2);
        ck_ok(descriptor_next(&rest, &d));
        ck_assert(descriptor_verify(&d, T2014, why) != OK);
        ck_assert_str_eq(why, expected);
    }
    ck_err(descriptor_next(&rest, &d), ERR_NOT_FOUND);
}
END_TEST

TESTS("dir/descriptor", test_descriptor_says_what_its_lines_say,
      test_descriptor_bandwidths_are_three, test_descriptor_policy_rules_come_in_their_order,
      test_descriptor_published_ones_verify,
      test_descriptor_extra_info_verifies_with_its_relays_key,
      test_descriptor_one_bad_entry_costs_no_other,
      test_descriptor_every_truncation_is_refused_and_read_as_far_as_it_goes,
      test_descriptor_published_bad_ones_are_refused, test_descriptor_each_fault_is_told,
      test_descriptor_lines_that_say_nothing_are_noted,
      test_descriptor_families_are_those_of_its_certificates,
      test_descriptor_families_have_to_be_proved)
