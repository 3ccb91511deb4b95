#include "app/measure/whom.h"

#include <string.h>

#include "support/test.h"

static struct whom whom;
static char why[WHOM_WHY];

START_TEST(test_whom_an_address_is_its_own_name)
{
    ck_ok(whom_find("127.0.0.1:9001", NULL, &whom, why));
    ck_assert_str_eq(whom.name, "127.0.0.1:9001");
    ck_assert_uint_eq(whom.relay.n_addrs, 1);
    ck_assert_uint_eq(whom.relay.addrs[0].port, 9001);
    ck_assert(!whom.relay.has_fp && !whom.relay.has_ed25519);
    ck_ok(whom_find("[::1]:9001", NULL, &whom, why));
}
END_TEST

/* Whatever the mode, and before anything is dialled. */
START_TEST(test_whom_addresses_that_are_no_relays)
{
    static const struct {
        const char *word, *says;
    } cases[] = {{"[::ffff:127.0.0.1]:9001", "is an IPv4 address"},
                 {"[::ffff:c000:201]:9001", "is an IPv4 address"},
                 {"0.0.0.0:9001", "no relay's address"},
                 {"224.0.0.1:9001", "no relay's address"},
                 {"[ff02::1]:9001", "no relay's address"},
                 {"127.0.0.1:0", "a port is a number"},
                 {"127.0.0.1:99999", "a port is a number"},
                 {"relay.example:99999", "never looked up"},
                 {"relay.example:9001", "never looked up"},
                 {"guard1", "--data-directory"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_err(whom_find(cases[i].word, NULL, &whom, why), ERR_NOT_FOUND);
        ck_assert_msg(strstr(why, cases[i].says), "%s: %s", cases[i].word, why);
    }
}
END_TEST

TESTS("app/measure/whom", test_whom_an_address_is_its_own_name,
      test_whom_addresses_that_are_no_relays)
