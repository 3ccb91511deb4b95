#include "measure/echo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "support/test.h"
#include "support/vec.h"

static uint8_t seed[MEAS_SEED_LEN] = {1}, secret[ECHO_SECRET_LEN] = {2};

static struct echo *made(double check, uint16_t circuit, enum meas_echo form)
{
    const struct echo_config config = {.seed = seed,
                                       .name = "m1",
                                       .secret = secret,
                                       .meas_id = 1,
                                       .circuit = circuit,
                                       .check = check,
                                       .form = form};
    struct echo *e = NULL;
    ck_ok(echo_new(&config, &e));
    return e;
}

START_TEST(test_echo_vectors)
{
    struct vec *v = vec_open("vectors/measure/echo.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint8_t want[32], key[ECHO_KEY_LEN], body[CELL_BODY_LEN], digest[32], s[MEAS_SEED_LEN];
        struct echo *e;
        vec_hex(v, "seed", s, sizeof s);
        const struct echo_config config = {.seed = s,
                                           .name = vec_text(v, "name"),
                                           .secret = secret,
                                           .meas_id = (uint32_t)vec_int(v, "meas_id"),
                                           .circuit = (uint16_t)vec_int(v, "circuit"),
                                           .check = 1,
                                           .form = MEAS_ECHO_RAW};
        echo_key(&config, key);
        ck_assert_uint_eq(vec_hex(v, "key", want, sizeof want), sizeof key);
        ck_assert_mem_eq(key, want, sizeof key);
        ck_ok(echo_new(&config, &e));
        for (long i = 0; i <= vec_int(v, "cell"); i++)
            ck_ok(echo_put(e, body));
        ck_assert_mem_eq(body, want, vec_hex(v, "begins", want, sizeof want));
        sha256(body, sizeof body, digest);
        if (vec_has(v, "sha256"))
            ck_assert_mem_eq(digest, want, vec_hex(v, "sha256", want, sizeof want));
        echo_free(e);
    }
    ck_assert_int_eq(n, 3);
    vec_close(v);
}
END_TEST

START_TEST(test_echo_honest_cells_are_good)
{
    static const double shares[] = {0, .01, .5, 1};
    for (size_t s = 0; s < 4; s++)
        for (int form = 0; form < 2; form++) {
            struct echo *e = made(shares[s], 3, (enum meas_echo)form);
            uint8_t bodies[20][CELL_BODY_LEN] = {{0}};
            struct meas_cheat c;
            enum echo_verdict verdict;
            unsigned good = 0;
            for (unsigned i = 0; i < 4000; i++) {
                ck_ok(echo_put(e, bodies[i % 20]));
                if (i < 10)
                    continue;
                ck_assert_uint_eq(echo_flying(e), 11);
                ck_ok(echo_take(e, bodies[(i - 10) % 20], &verdict, &c));
                ck_assert_int_ne(verdict, ECHO_CHEAT);
                good += verdict == ECHO_GOOD;
            }
            double share = good / 3990.;
            ck_assert_msg(share >= shares[s] - .03 && share <= shares[s] + .03, "%f", share);
            if (shares[s] == 0 || shares[s] == 1)
                ck_assert(share == shares[s]);
            echo_free(e);
        }
}
END_TEST

START_TEST(test_echo_each_byte_counts)
{
    static const double shares[] = {.999999, 1};
    for (unsigned at = 0; at < CELL_BODY_LEN; at++)
        for (unsigned s = 0; s < 2; s++) {
            struct echo *e = made(shares[s], 0, MEAS_ECHO_RAW);
            uint8_t body[CELL_BODY_LEN];
            struct meas_cheat c = {0};
            enum echo_verdict verdict;
            for (unsigned i = 0; i < 3; i++) {
                ck_ok(echo_put(e, body));
                body[at] ^= i == 2;
                ck_ok(echo_take(e, body, &verdict, &c));
                ck_assert_int_eq(verdict, i == 2 ? ECHO_CHEAT : ECHO_GOOD);
            }
            ck_assert_int_eq(c.kind, CHEAT_DIFFERENCE);
            ck_assert_uint_eq(c.cell, 2);
            ck_assert(c.at <= at && at < c.at + MEAS_EVIDENCE_LEN);
            ck_assert_uint_eq(c.expected[at - c.at] ^ c.got[at - c.at], 1);
            echo_free(e);
        }
}
END_TEST

/* Whether a relay that forges all of N cells is found. */
static bool is_found(double check, uint16_t circuit, unsigned n)
{
    struct echo *e = made(check, circuit, MEAS_ECHO_RAW);
    uint8_t body[CELL_BODY_LEN];
    struct meas_cheat c;
    enum echo_verdict verdict = ECHO_UNCHECKED;
    for (unsigned i = 0; i < n && verdict != ECHO_CHEAT; i++) {
        ck_ok(echo_put(e, body));
        body[i % CELL_BODY_LEN] ^= 1;
        ck_ok(echo_take(e, body, &verdict, &c));
    }
    echo_free(e);
    return verdict == ECHO_CHEAT;
}

/* 1 - (1 - p)^(1/p) is .634 and .632: of 300 runs 190, and 168 to 211 in 99% of all cases. */
START_TEST(test_echo_share_found_is_the_one_that_p_promises)
{
    static const unsigned ones[] = {100, 1000};
    for (size_t i = 0; i < 2; i++) {
        unsigned found = 0;
        for (uint16_t run = 0; run < 300; run++)
            found += is_found(1. / ones[i], (uint16_t)(1000 + run), ones[i]);
        ck_assert_msg(found >= 168 && found <= 211, "p 1/%u: %u", ones[i], found);
    }
}
END_TEST

START_TEST(test_echo_framed_leaves_the_head_alone)
{
    struct echo *e = made(1, 0, MEAS_ECHO_FRAMED);
    uint8_t body[CELL_BODY_LEN];
    struct meas_cheat c;
    enum echo_verdict verdict;
    memset(body, 7, sizeof body);
    ck_ok(echo_put(e, body));
    for (unsigned i = 0; i < 11; i++)
        ck_assert_uint_eq(body[i], 7);
    ck_ok(echo_take(e, body, &verdict, &c));
    ck_assert_int_eq(verdict, ECHO_GOOD);
    echo_free(e);
}
END_TEST

START_TEST(test_echo_more_back_than_sent_is_a_cheat)
{
    for (unsigned all = 0; all < 2; all++) {
        struct echo *e = made(all, 0, MEAS_ECHO_RAW);
        uint8_t body[CELL_BODY_LEN];
        struct meas_cheat c;
        enum echo_verdict verdict;
        ck_ok(echo_put(e, body));
        ck_ok(echo_take(e, body, &verdict, &c));
        ck_assert_int_ne(verdict, ECHO_CHEAT);
        ck_ok(echo_take(e, body, &verdict, &c));
        ck_assert_int_eq(verdict, ECHO_CHEAT);
        ck_assert_int_eq(c.kind, CHEAT_MORE);
        ck_assert_uint_eq(c.cell, 1);
        echo_free(e);
    }
}
END_TEST

START_TEST(test_echo_replayed_swapped_or_of_another_circuit_is_a_cheat)
{
    struct meas_cheat c;
    enum echo_verdict verdict;
    for (unsigned how = 0; how < 3; how++) {
        struct echo *e = made(1, 0, MEAS_ECHO_RAW), *other = made(1, 1, MEAS_ECHO_RAW);
        uint8_t first[CELL_BODY_LEN], second[CELL_BODY_LEN], others[CELL_BODY_LEN];
        ck_ok(echo_put(e, first));
        ck_ok(echo_put(e, second));
        ck_ok(echo_put(other, others));
        if (how == 0) {
            ck_ok(echo_take(e, first, &verdict, &c));
            ck_assert_int_eq(verdict, ECHO_GOOD);
        }
        ck_ok(echo_take(e, how == 0 ? first : how == 1 ? second : others, &verdict, &c));
        ck_assert_int_eq(verdict, ECHO_CHEAT);
        echo_free(e);
        echo_free(other);
    }
}
END_TEST

START_TEST(test_echo_keys_differ_in_all_that_they_are_made_of)
{
    uint8_t other_seed[MEAS_SEED_LEN] = {9}, keys[6][ECHO_KEY_LEN];
    struct echo_config config[6];
    for (unsigned i = 0; i < 6; i++)
        config[i] = (struct echo_config){.seed = seed, .name = "m1", .meas_id = 1};
    config[1].seed = other_seed;
    config[2].name = "m2";
    config[3].meas_id = 2;
    config[4].circuit = 1;
    config[5].name = "m";
    for (unsigned i = 0; i < 6; i++) {
        echo_key(&config[i], keys[i]);
        for (unsigned k = 0; k < i; k++)
            ck_assert_mem_ne(keys[i], keys[k], ECHO_KEY_LEN);
    }
}
END_TEST

START_TEST(test_echo_no_share_is_refused)
{
    static const double bad[] = {-.1, 1.1, 0. / 1 - 1e-9};
    for (unsigned i = 0; i < 3; i++) {
        const struct echo_config config = {
            .seed = seed, .name = "", .secret = secret, .check = bad[i]};
        struct echo *e = NULL;
        ck_err(echo_new(&config, &e), ERR_ARG);
    }
    echo_free(NULL);
}
END_TEST

/* Of FORGED cells, each checked with the chance P, none was. */
static bool is_missed(double p, uint64_t forged)
{
    struct echo *e = made(p, 0, MEAS_ECHO_RAW);
    enum echo_verdict verdict = ECHO_GOOD;
    while (forged-- && verdict != ECHO_CHEAT) {
        uint8_t body[CELL_BODY_LEN];
        struct meas_cheat cheat;
        ck_ok(echo_put(e, body));
        body[0] ^= 1;
        ck_ok(echo_take(e, body, &verdict, &cheat));
    }
    echo_free(e);
    return verdict != ECHO_CHEAT;
}

/* 316 checks one cell of a bucket, and so a relay that forges one in each is missed as it is here
 * at p = 1 / bucket. */
START_TEST(test_echo_published_evasions)
{
    enum { TRIALS = 3000 };
    struct vec *v = vec_open("vectors/measure/evasion.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        double bucket = (double)vec_int(v, "bucket"), missed = 0;
        double bytes = (double)(vec_int(v, "mbit") * vec_int(v, "seconds")) * 1e6 / 8;
        double buckets = bytes / 514 / bucket, want = strtod(vec_text(v, "percent"), NULL) / 100;
        ck_assert_double_le(fabs(pow(1 - 1 / bucket, buckets) - want), want / 50);
        for (uint32_t i = 0; i < TRIALS; i++) {
            memcpy(secret, &i, sizeof i);
            missed += is_missed(1 / bucket, (uint64_t)buckets);
        }
        double off = 3 * sqrt(want * (1 - want) / TRIALS);
        ck_assert_msg(fabs(missed / TRIALS - want) <= off, "%f, not %f", missed / TRIALS, want);
    }
    ck_assert_int_eq(n, 2);
    vec_close(v);
}
END_TEST

TESTS("measure/echo", test_echo_vectors, test_echo_honest_cells_are_good,
      test_echo_each_byte_counts, test_echo_share_found_is_the_one_that_p_promises,
      test_echo_framed_leaves_the_head_alone, test_echo_more_back_than_sent_is_a_cheat,
      test_echo_replayed_swapped_or_of_another_circuit_is_a_cheat,
      test_echo_keys_differ_in_all_that_they_are_made_of, test_echo_no_share_is_refused,
      test_echo_published_evasions)
