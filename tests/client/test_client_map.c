/* What options say of addresses. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/steer.h"
#include "support/test.h"

static const struct client_world no_world; /* it is not started */

static void note_map(void *arg, const char *from, const char *to, int64_t expires_s)
{
    char *text = arg;
    size_t len = strlen(text);
    (void)expires_s;
    snprintf(text + len, 200 - len, "%s %s;", from, to);
}

/* C tor, config_register_addressmaps() */
START_TEST(test_client_maps_what_options_say_and_leaves_out_what_is_wrong)
{
    static const char *const lines[] = {
        "a.test b.test",        "c.test", ".d.test e.test", "f.test .g.test", "h.test i!test",
        "*.j.test k.test more", NULL};
    struct env *env = test_env(1);
    struct client_config config = client_config_defaults(false);
    struct client *client;
    char why[CLIENT_WHY_MAX], maps[200] = "";
    config.address_maps = lines;
    ck_ok(client_new(env, &config, &no_world, NULL, &client, why));
    addrmap_each(client_addrmap(client), ADDRMAP_ALL, note_map, maps);
    ck_assert_str_eq(maps, "a.test b.test;*.j.test k.test;");
    client_free(client);
    test_env_free(env);
}
END_TEST

TESTS("client/client_map", test_client_maps_what_options_say_and_leaves_out_what_is_wrong)
