#include "support/test.h"

#include "fake.h"

static err_t parse_all(struct text file, size_t *good)
{
    struct authcert *cert;
    err_t err, last = OK;
    *good = 0;
    while ((err = authcert_parse(&file, &cert)) != ERR_NOT_FOUND) {
        *good += err == OK;
        last = err;
        authcert_free(&cert);
    }
    return last;
}

START_TEST(test_authcert_published_ones_parse)
{
    static const struct {
        const char *path;
        size_t n;
    } files[] = {{"vectors/dir/authcert1.txt", 1},
                 {"vectors/dir/authcerts2.txt", 3},
                 {"vectors/dir/testnet2000/cached-certs", 4}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct text file = read_file(files[i].path);
        size_t good;
        ck_ok(parse_all(file, &good));
        ck_assert_uint_eq(good, files[i].n);
        free_text(file);
    }
}
END_TEST

START_TEST(test_authcert_fields)
{
    struct text file = read_file("vectors/dir/testnet2020/cert-5696.txt"), rest = file;
    struct authcert *cert;
    char hex[HEX_SIZE(20)];
    ck_ok(authcert_parse(&rest, &cert));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_str_eq(hex_upper(authcert_identity(cert)->b, 20, hex),
                     "5696AB38CB3852AFA476A5C07B2D4788963D5567");
    ck_assert_str_eq(hex_upper(authcert_signing(cert)->b, 20, hex),
                     "F6ED4AA64D83CAEDE34E19693A7FCF331AAE8A6A");
    ck_assert_int_eq(authcert_published_s(cert), 1596804025);
    ck_assert_int_eq(authcert_expires_s(cert), 1628340025);
    ck_assert(text_equal(authcert_text(cert), file));
    authcert_free(&cert);
    free_text(file);
}
END_TEST

START_TEST(test_authcert_bad_ones_are_refused)
{
    static const char *const names[] = {"bad-cc-tag", "bad-fingerprint", "bad-version", "wrong-end",
                                        "wrong-start"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[96];
        size_t good;
        snprintf(path, sizeof path, "vectors/dir/bad/certs-%s.txt", names[i]);
        struct text file = read_file(path);
        ck_assert_msg(parse_all(file, &good) != OK && good == 0, "%s", names[i]);
        free_text(file);
    }
}
END_TEST

/* A key's exponent and the padding of base64 have bits that don't matter; all others do. */
START_TEST(test_authcert_flipped_bits_and_truncations)
{
    struct text file = read_file("vectors/dir/testnet2020/cert-5696.txt");
    char *bytes = (char *)(uintptr_t)file.s;
    struct authcert *cert;
    for (size_t at = 0; at < file.len; at += 5) {
        struct text rest = file;
        bytes[at] ^= 2;
        if (authcert_parse(&rest, &cert) == OK) {
            ck_abort_msg("flip at %zu was not seen", at);
        }
        bytes[at] ^= 2;
    }
    for (size_t len = 1; len < file.len; len++) {
        struct text rest = {file.s, len};
        ck_assert_msg(authcert_parse(&rest, &cert) != OK, "cut at %zu", len);
        ck_assert_ptr_null(cert);
    }
    free_text(file);
}
END_TEST

START_TEST(test_authcert_bad_one_does_not_hide_the_next)
{
    struct buf b;
    struct text file = read_file("vectors/dir/testnet2020/cert-5696.txt");
    struct authcert *cert;
    buf_init(&b, 1 << 20);
    put(&b, "dir-key-certificate-version 3\nfingerprint 00\n");
    ck_ok(buf_add(&b, file.s, file.len));
    struct text rest = buf_text(&b);
    ck_err(authcert_parse(&rest, &cert), ERR_MALFORMED);
    ck_ok(authcert_parse(&rest, &cert));
    authcert_free(&cert);
    ck_err(authcert_parse(&rest, &cert), ERR_NOT_FOUND);
    buf_free(&b);
    free_text(file);
}
END_TEST

START_TEST(test_authcert_signed_by_another_identity)
{
    struct fake_auth a, b, mixed;
    struct buf doc;
    struct authcert *cert;
    fake_auth_make(&a);
    fake_auth_make(&b);
    buf_init(&doc, 1 << 20);
    /* A's identity and fingerprint, but B's key signs at the end. */
    put_cert(&doc, &a, FAKE_AFTER_S, FAKE_AFTER_S + 1);
    const char *end = memmem(buf_at(&doc), doc.len, "dir-key-certification\n", 22);
    doc.len = (size_t)(end - (char *)buf_at(&doc)) + 22;
    uint8_t digest[20];
    sha1(buf_at(&doc), doc.len, digest);
    put_signature(&doc, "SIGNATURE", b.id_key, digest, 20);
    struct text rest = buf_text(&doc);
    ck_err(authcert_parse(&rest, &cert), ERR_BAD_SIGNATURE);
    /* A cross-certificate by a key that is not the signing key. */
    mixed = a;
    doc.len = 0;
    mixed.sign_key = b.sign_key;
    put_cert(&doc, &mixed, FAKE_AFTER_S, FAKE_AFTER_S + 1);
    rest = buf_text(&doc);
    ck_ok(authcert_parse(&rest, &cert));
    ck_assert(!rsa_id_equal(authcert_signing(cert), &a.sign));
    authcert_free(&cert);
    buf_free(&doc);
    fake_auth_free(&a);
    fake_auth_free(&b);
}
END_TEST

START_TEST(test_authcert_set_keeps_the_later_of_two)
{
    struct fake_auth a;
    struct authcert_set set;
    fake_auth_make(&a);
    authcert_set_init(&set);
    for (int64_t from = 100; from <= 300; from += 100) {
        struct buf b;
        struct authcert *cert;
        buf_init(&b, 1 << 20);
        put_cert(&b, &a, from == 300 ? 50 : from, 1000 + from);
        struct text t = buf_text(&b);
        ck_ok(authcert_parse(&t, &cert));
        ck_ok(authcert_set_add(&set, cert));
        buf_free(&b);
    }
    ck_assert_uint_eq(set.n, 1);
    ck_assert_int_eq(authcert_expires_s(authcert_set_find(&set, &a.id, &a.sign)), 1200);
    ck_assert_ptr_null(authcert_set_find(&set, &a.sign, &a.id));
    ck_assert_uint_eq(authcert_set_expire(&set, 1200), 0);
    ck_assert_uint_eq(authcert_set_expire(&set, 1201), 1);
    ck_assert_uint_eq(set.n, 0);
    authcert_set_clear(&set);
    fake_auth_free(&a);
}
END_TEST

TESTS("dir/authcert", test_authcert_published_ones_parse, test_authcert_fields,
      test_authcert_bad_ones_are_refused, test_authcert_flipped_bits_and_truncations,
      test_authcert_bad_one_does_not_hide_the_next, test_authcert_signed_by_another_identity,
      test_authcert_set_keeps_the_later_of_two)
