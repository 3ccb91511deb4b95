/* A relay's identity as a file. */
#include "dirdoc/identity_file.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static struct env *env;
static struct identity id;
static char file[IDENTITY_FILE_MAX];
static size_t len;

static void setup(void)
{
    env = test_env(5);
    struct wr w = wr_over(file, sizeof file);
    ck_ok(identity_make(env, &id));
    ck_ok(identity_file_write(&id, &w));
    len = w.len;
}

static void teardown(void)
{
    identity_wipe(&id);
    test_env_free(env);
}

START_TEST(test_identity_file_is_read_again)
{
    struct identity again;
    setup();
    ck_ok(identity_file_read(env, (struct text){file, len}, &again));
    ck_assert(rsa_id_equal(&again.rsa_id, &id.rsa_id));
    ck_assert(ed_id_equal(&again.ed.pub, &id.ed.pub));
    ck_assert_mem_eq(again.ed_seed, id.ed_seed, sizeof id.ed_seed);
    identity_wipe(&again);
    teardown();
}
END_TEST

/* Each beginning of it, from memory that ends there. */
START_TEST(test_identity_file_cut_off_is_malformed)
{
    struct identity out;
    setup();
    for (size_t n = 0; n + 1 < len; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, file, n);
        ck_err(identity_file_read(env, (struct text){cut, n}, &out), ERR_MALFORMED);
        ck_assert_ptr_null(out.rsa);
        free(cut);
    }
    teardown();
}
END_TEST

START_TEST(test_identity_file_has_each_key_once)
{
    struct identity out;
    static char twice[2 * IDENTITY_FILE_MAX];
    setup();
    memcpy(twice, file, len);
    memcpy(twice + len, file, len);
    ck_err(identity_file_read(env, (struct text){twice, 2 * len}, &out), ERR_MALFORMED);
    ck_err(identity_file_read(env, text_of("ed25519\n"), &out), ERR_MALFORMED);
    ck_err(identity_file_read(env, text_of("rsa AAAA\n"), &out), ERR_MALFORMED);
    ck_err(identity_file_read(env, text_of("other AAAA\n"), &out), ERR_MALFORMED);
    teardown();
}
END_TEST

START_TEST(test_identity_file_needs_its_room)
{
    setup();
    for (size_t n = 0; n < len; n += 7) {
        struct wr w = wr_over(file, n);
        ck_err(identity_file_write(&id, &w), ERR_FULL);
    }
    teardown();
}
END_TEST

TESTS("dirdoc/identity_file", test_identity_file_is_read_again,
      test_identity_file_cut_off_is_malformed, test_identity_file_has_each_key_once,
      test_identity_file_needs_its_room)
