/* What authorities write of relays, beside Debian's. */
#include "dirdoc/consdoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "support/vec.h"

static unsigned flags_of(const char *words)
{
    return (strstr(words, "Guard") ? ROUTER_GUARD : 0u) |
           (strncmp(words, "Exit", 4) == 0 || strstr(words, ",Exit") ? ROUTER_EXIT : 0u) |
           (strstr(words, "BadExit") ? ROUTER_BADEXIT : 0u);
}

/* The line of weights of a consensus over the relays that V has left. */
static void check_weights(struct vec *v, const char *wanted)
{
    enum { MOST = 32 };
    struct consdoc_relay relays[MOST];
    const struct consdoc_relay *list[MOST];
    struct consdoc c = {.relay = list};
    struct docw w = {0};
    size_t head_len;
    for (; vec_next(v); c.n_relays++) {
        relays[c.n_relays] = (struct consdoc_relay){.nickname = "relay",
                                                    .version = "Tor 0.4.9.11",
                                                    .protos = "",
                                                    .policy = "reject 1-65535"};
        relays[c.n_relays].flags = flags_of(vec_text(v, "flags"));
        relays[c.n_relays].bandwidth_kb = (uint32_t)vec_int(v, "bandwidth");
        list[c.n_relays] = &relays[c.n_relays];
    }
    char *params = consdoc_params(NULL);
    c.params = params;
    consdoc_write(&w, &c, CONSDOC_NS, &head_len);
    ck_ok(w.err);
    docw_add(&w, (struct text){"", 1});
    const char *found = strstr(docw_text(&w).s, "\nbandwidth-weights ");
    ck_assert_ptr_nonnull(found);
    ck_assert_msg(strncmp(found + 1, wanted, strlen(wanted)) == 0, "%.200s", found + 1);
    docw_free(&w);
    free(params);
}

/* C tor, networkstatus_compute_consensus(): a BadExit is no exit when what there is is summed. */
START_TEST(test_consdoc_weights_count_no_bad_exit_as_an_exit)
{
    struct vec *v = vec_open("vectors/dirdoc/badexit-weights.txt");
    char wanted[512];
    ck_assert(vec_next(v));
    snprintf(wanted, sizeof wanted, "%s\n", vec_text(v, "weights"));
    check_weights(v, wanted);
    vec_close(v);
}
END_TEST

TESTS("dirdoc/consdoc", test_consdoc_weights_count_no_bad_exit_as_an_exit)
