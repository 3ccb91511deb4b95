/* What is laid down for controllers, and what becomes of it. */
#include "host/handout.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/capture.h"
#include "support/tempdir.h"

static struct {
    struct env *env;
    struct log *log; /* the environment's own */
    struct capture *said;
    struct handout handout;
} t;

static void setup(void)
{
    memset(&t, 0, sizeof t);
    new_dir();
    t.env = test_env(1);
    t.said = capture_new();
    t.log = t.env->log;
    t.env->log = &t.said->log;
    t.handout.env = t.env;
}

static void teardown(void)
{
    handout_end(&t.handout);
    t.env->log = t.log;
    free(t.said);
    test_env_free(t.env);
    remove_dir();
}

/* Options with a cookie in the file called NAME; NULL: without one. */
static struct options *by_cookie(const char *name, bool for_group)
{
    struct options *o = options_new(false);
    ck_assert_ptr_nonnull(o);
    o->cookie_authentication = name != NULL;
    o->cookie_auth_file_group_readable = for_group;
    o->is.cookie_file = name ? strdup(in_dir(name)) : NULL;
    return o;
}

static err_t prepare(struct options *o)
{
    struct conf_err e = {""};
    err_t err = handout_prepare(&t.handout, o, &e);
    ck_assert_str_eq(e.text, err == OK ? "" : "Error creating control cookie authentication file.");
    return err;
}

static void change(const char *name, bool for_group)
{
    struct options *o = by_cookie(name, for_group);
    ck_ok(prepare(o));
    handout_commit(&t.handout, o);
    options_free(o);
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(in_dir(name), &st) == 0;
}

/* The whole cookie is in the file NAME, and nothing is left beside it. */
static void assert_lies(const char *name, mode_t mode)
{
    uint8_t bytes[COOKIE_LEN + 1];
    char aside[64];
    FILE *f = fopen(in_dir(name), "r");
    ck_assert_msg(f != NULL, "%s is not there", name);
    ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, f), COOKIE_LEN);
    fclose(f);
    ck_assert_ptr_nonnull(handout_cookie(&t.handout));
    ck_assert_mem_eq(bytes, handout_cookie(&t.handout), COOKIE_LEN);
    ck_assert_uint_eq(mode_of(in_dir(name)), mode);
    snprintf(aside, sizeof aside, "%s.tmp", name);
    ck_assert(!exists(aside));
}

START_TEST(test_handout_cookie_is_there_as_long_as_it_is_wanted)
{
    setup();
    change(NULL, false);
    ck_assert_ptr_null(handout_cookie(&t.handout));
    change("cookie", false);
    assert_lies("cookie", 0600);
    uint8_t first[COOKIE_LEN];
    memcpy(first, handout_cookie(&t.handout), sizeof first);
    change(NULL, false);
    ck_assert(!exists("cookie") && !handout_cookie(&t.handout));
    change("cookie", false);
    assert_lies("cookie", 0600);
    ck_assert_mem_ne(first, handout_cookie(&t.handout), sizeof first);
    handout_end(&t.handout);
    ck_assert(!exists("cookie") && !handout_cookie(&t.handout));
    teardown();
}
END_TEST

START_TEST(test_handout_cookie_stays_the_same_where_it_moves)
{
    setup();
    change("a", false);
    uint8_t first[COOKIE_LEN];
    memcpy(first, handout_cookie(&t.handout), sizeof first);
    ck_assert_int_eq(unlink(in_dir("a")), 0);
    change("a", false); /* it is not written anew for another change */
    ck_assert(!exists("a"));
    change("a", true);
    assert_lies("a", 0640);
    change("b", true);
    assert_lies("b", 0640);
    ck_assert(!exists("a"));
    change("b", false);
    assert_lies("b", 0600);
    ck_assert_mem_eq(first, handout_cookie(&t.handout), sizeof first);
    teardown();
}
END_TEST

START_TEST(test_handout_cookie_of_a_change_that_is_taken_back)
{
    setup();
    struct options *o = by_cookie("a", false);
    ck_ok(prepare(o));
    ck_assert(exists("a") && !handout_cookie(&t.handout)); /* it is nobody's yet */
    handout_roll_back(&t.handout);
    ck_assert(!exists("a"));
    options_free(o);
    change("a", false);
    o = by_cookie("b", false);
    ck_ok(prepare(o));
    handout_roll_back(&t.handout);
    assert_lies("a", 0600);
    ck_assert(!exists("b"));
    options_free(o);
    o = by_cookie("a", true);
    ck_ok(prepare(o));
    assert_lies("a", 0640);
    handout_roll_back(&t.handout);
    assert_lies("a", 0600); /* the group has no business with it */
    options_free(o);
    teardown();
}
END_TEST

START_TEST(test_handout_cookie_that_cannot_be_written)
{
    setup();
    change("a", false);
    struct options *o = by_cookie("nowhere/b", false);
    ck_err(prepare(o), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.said->text, "[warn] Error writing auth cookie to \""));
    ck_assert_ptr_nonnull(strstr(t.said->text, "nowhere/b\": No such file or directory.\n"));
    options_free(o);
    assert_lies("a", 0600);
    change("c", false); /* and the next one is as good as ever */
    assert_lies("c", 0600);
    ck_assert_int_eq(mkdir(in_dir("d"), 0700), 0);
    o = by_cookie("d", false);
    ck_err(prepare(o), ERR_IO); /* a folder is in the way */
    ck_assert(!exists("d.tmp"));
    options_free(o);
    teardown();
}
END_TEST

START_TEST(test_handout_cookie_does_not_follow_what_others_laid_there)
{
    setup();
    ck_assert_int_eq(symlink("elsewhere", in_dir("a")), 0);
    ck_assert_int_eq(symlink("elsewhere", in_dir("a.tmp")), 0);
    change("a", false);
    assert_lies("a", 0600);
    ck_assert(!exists("elsewhere"));
    teardown();
}
END_TEST

TESTS("host/handout", test_handout_cookie_is_there_as_long_as_it_is_wanted,
      test_handout_cookie_stays_the_same_where_it_moves,
      test_handout_cookie_of_a_change_that_is_taken_back,
      test_handout_cookie_that_cannot_be_written,
      test_handout_cookie_does_not_follow_what_others_laid_there)
