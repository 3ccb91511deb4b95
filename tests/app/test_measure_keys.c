#include "app/measure/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/secret.h"
#include "support/tempdir.h"
#include "support/test.h"

static struct env *env;
static char why[KEYS_WHY];

static void set_up(void)
{
    ck_ok(crypto_init());
    env = test_env(3);
    new_dir();
}

static void tear_down(void)
{
    remove_dir();
    test_env_free(env);
}

static const char *path(const char *name)
{
    static char paths[2][128];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", dir, name);
    return paths[turn];
}

START_TEST(test_keys_made_are_read)
{
    set_up();
    struct sha256 pin;
    struct ed_id ed;
    struct keys k;
    ck_ok(keys_make(env, dir, "m1", &pin, &ed, why));
    err_t e = keys_read(env, path("m1.pem"), path("m1.id"), true, &k, why);
    ck_assert_msg(e == OK, "%s", why);
    ck_assert(memcmp(&k.pin, &pin, sizeof pin) == 0);
    ck_assert(ed_id_equal(&k.identity.ed, &ed));
    keys_free(&k);
    tear_down();
}
END_TEST

START_TEST(test_keys_of_two_differ_and_stay)
{
    set_up();
    struct sha256 pin, other;
    struct ed_id ed;
    ck_ok(keys_make(env, dir, "m2", &pin, &ed, why));
    ck_ok(keys_make(env, dir, "m3", &other, &ed, why));
    ck_assert(memcmp(&pin, &other, sizeof pin) != 0);
    ck_err(keys_make(env, dir, "m2", &pin, &ed, why), ERR_STATE);
    ck_assert(strstr(why, "m2.pem is there already"));
    tear_down();
}
END_TEST

START_TEST(test_keys_that_are_none_are_named)
{
    set_up();
    struct sha256 pin;
    struct ed_id ed;
    struct keys k;
    ck_ok(keys_make(env, dir, "m4", &pin, &ed, why));
    ck_err(keys_read(env, path("none.pem"), path("m4.id"), true, &k, why), ERR_IO);
    ck_assert(strstr(why, "none.pem"));
    ck_assert(keys_read(env, path("m4.id"), path("m4.id"), true, &k, why) != OK);
    ck_assert(strstr(why, "has to hold a \"PRIVATE KEY\""));
    ck_assert(keys_read(env, path("m4.pem"), path("m4.pem"), true, &k, why) != OK);
    ck_assert(strstr(why, "is no identity"));
    ck_assert_int_eq(mode_of(path("m4.pem")), 0600);
    ck_assert_int_eq(chmod(path("m4.pem"), 0644), 0);
    ck_err(keys_read(env, path("m4.pem"), path("m4.id"), true, &k, why), ERR_IO);
    ck_assert(strstr(why, "chmod 600"));
    tear_down();
}
END_TEST

TESTS("app/measure_keys", test_keys_made_are_read, test_keys_of_two_differ_and_stay,
      test_keys_that_are_none_are_named)
