/* One byte of a state file changes: the guards of the other lines are all there. TUNIC_STATE_DAMAGE
 * says how many changes are tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path/guards.h"
#include "path/state.h"
#include "support/test.h"

enum { GUARDS = 20, HEAD_LINES = 4, TEXT_MAX = 8192, ROUNDS = 500, ROUNDS_MAX = 10000000 };

static unsigned rounds(void)
{
    const char *text = getenv("TUNIC_STATE_DAMAGE");
    uint64_t n = ROUNDS;
    ck_assert(!text || text_u64(text, ROUNDS_MAX, &n) == OK);
    return (unsigned)n;
}

/* The id of the I-th guard begins with I. */
static size_t make_text(char *out)
{
    size_t n = (size_t)snprintf(out, TEXT_MAX,
                                "# Tor state file last generated on 2026-01-01 "
                                "01:00:00 UTC\n# Other times below are in UTC\n"
                                "# You *do not* need to edit this file.\n\n");
    for (unsigned i = 0; i < GUARDS; i++)
        n += (size_t)snprintf(out + n, TEXT_MAX - n,
                              "Guard in=default rsa_id=%02X5C0DE5C0DE5C0DE5C0DE5C0DE5C0DE5C0DE5C0 "
                              "nickname=guard%u sampled_on=2025-12-2%uT06:00:00 sampled_idx=%u "
                              "sampled_by=0.4.9.11 listed=1 %s%s\n",
                              i, i, i % 10, i,
                              i < 3 ? "confirmed_on=2025-12-30T10:00:00 "
                                      "confirmed_idx="
                                    : "pb_use_attempts=4.0",
                              i < 3 ? (const char *[]){"0", "1", "2"}[i] : "");
    n += (size_t)snprintf(out + n, TEXT_MAX - n,
                          "TorVersion Tor 0.4.9.11\nLastWritten 2026-01-01 01:00:00\n"
                          "TotalBuildTimes 2\nCircuitBuildTimeBin 105 1\nDormant 0\n");
    ck_assert_uint_lt(n, TEXT_MAX);
    return n;
}

/* One byte replaced, one bit flipped, one byte left out, one put in. */
static size_t change(struct env *env, char *text, size_t len, size_t at)
{
    char byte = (char)env_random_below(env, 256);
    switch (env_random_below(env, 4)) {
    case 0:
        text[at] = byte;
        return len;
    case 1:
        text[at] = (char)(text[at] ^ (1 << env_random_below(env, 8)));
        return len;
    case 2:
        memmove(text + at, text + at + 1, len - at - 1);
        return len - 1;
    default:
        memmove(text + at + 1, text + at, len - at);
        text[at] = byte;
        return len + 1;
    }
}

/* A bit for each guard that is found in TEXT. */
static uint32_t guards_in(struct env *env, const char *text, size_t len, struct state **s)
{
    struct guards *g = guards_new(env);
    struct guard_info info;
    uint32_t found = 0;
    size_t lines, guards;
    ck_ok(state_parse((struct text){text, len}, s, &lines));
    ck_ok(guards_load(g, *s, &guards));
    for (size_t i = 0; guards_at(g, i, &info); i++)
        if (info.rsa.b[0] < GUARDS && info.rsa.b[1] == 0x5C)
            found |= UINT32_C(1) << info.rsa.b[0];
    ck_ok(guards_save(g, *s));
    guards_free(&g);
    return found;
}

static unsigned line_at(const char *text, size_t at)
{
    unsigned n = 0;
    for (size_t i = 0; i < at; i++)
        n += text[i] == '\n';
    return n;
}

START_TEST(test_state_damage_costs_no_guard_but_the_one_whose_line_was_hit)
{
    static char whole[TEXT_MAX], text[TEXT_MAX + 1];
    const uint32_t all = (UINT32_C(1) << GUARDS) - 1;
    struct env *env = test_env(20260101);
    struct log quiet = {.least = LOG_ERR};
    env->log = &quiet;
    size_t len = make_text(whole);
    for (unsigned n = rounds(); n; n--) {
        struct state *s, *again;
        size_t at = (size_t)env_random_below(env, len), written_len;
        unsigned line = line_at(whole, at);
        uint32_t hit = line < HEAD_LINES ? 0 : UINT32_C(1) << (line - HEAD_LINES);
        memcpy(text, whole, len);
        uint32_t found = guards_in(env, text, change(env, text, len, at), &s);
        ck_assert_msg((found | (hit & all)) == all, "byte %zu, line %u: guards %05x left", at, line,
                      (unsigned)found);
        /* And what is written then has them, too. */
        char *written;
        ck_ok(state_write(s, 1767229200, "Tunic", &written, &written_len));
        ck_assert_uint_eq(guards_in(env, written, written_len, &again), found);
        free(written);
        state_free(&again);
        state_free(&s);
    }
    test_env_free(env);
}
END_TEST

TESTS("path/state_damage", test_state_damage_costs_no_guard_but_the_one_whose_line_was_hit)
