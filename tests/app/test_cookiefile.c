#include "app/cookiefile.h"

#include <errno.h>

#include "support/tempdir.h"

/* Nothing is given of a file that is no cookie. */
START_TEST(test_cookiefile_is_of_one_length)
{
    static const char *const bad[] = {"", "abcdefghijklmnopqrstuvwxyz01234",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    static const char good[] = "abcdefghijklmnopqrstuvwxyz012345";
    const uint8_t none[SAFECOOKIE_LEN] = {0};
    uint8_t out[SAFECOOKIE_LEN] = {0};
    new_dir();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_in_dir("cookie", bad[i]);
        ck_err(cookiefile_read(in_dir("cookie"), out), ERR_MALFORMED);
        ck_assert_mem_eq(out, none, sizeof out);
    }
    ck_err(cookiefile_read(in_dir("nothing"), out), ERR_IO);
    ck_assert_int_eq(errno, ENOENT);
    write_in_dir("cookie", good);
    ck_ok(cookiefile_read(in_dir("cookie"), out));
    ck_assert_mem_eq(out, good, SAFECOOKIE_LEN);
    remove_dir();
}
END_TEST

TESTS("app/cookiefile", test_cookiefile_is_of_one_length)
