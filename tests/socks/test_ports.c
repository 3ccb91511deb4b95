#include "socks/ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/test.h"

static int32_t next_session(void *arg)
{
    int32_t *last = arg;
    return --*last;
}

static struct port_at tcp(uint16_t port)
{
    return (struct port_at){.tcp = {ip_v4((const uint8_t[]){127, 0, 0, 1}), port}};
}

static struct port_spec wish(uint16_t port, int32_t group)
{
    return (struct port_spec){.at = tcp(port), .session = group};
}

static struct port_now listening(uint16_t port, int32_t session)
{
    return (struct port_now){.at = tcp(port), .session = session};
}

START_TEST(test_ports_a_number_goes_with_its_listener_not_with_its_place)
{
    struct port_now now[] = {listening(1, -5), listening(2, -6)};
    const struct port_spec swapped[] = {wish(2, SESSION_OWN), wish(3, SESSION_OWN),
                                        wish(1, SESSION_OWN)};
    struct port_fate fate[3];
    int32_t last = -6;
    ports_plan(now, 2, swapped, 3, next_session, &last, fate);
    ck_assert_int_eq(fate[0].stays, 1);
    ck_assert_int_eq(fate[0].session, -6);
    ck_assert_int_eq(fate[1].stays, PORT_OPENS);
    ck_assert_int_eq(fate[1].session, -7);
    ck_assert_int_eq(fate[2].stays, 0);
    ck_assert_int_eq(fate[2].session, -5);
}
END_TEST

START_TEST(test_ports_a_group_is_what_the_line_says_and_leaves_with_it)
{
    struct port_now now[] = {listening(1, -5), listening(2, 7)};
    const struct port_spec wishes[] = {wish(1, 7), wish(2, SESSION_OWN)};
    struct port_fate fate[2];
    int32_t last = -5;
    ports_plan(now, 2, wishes, 2, next_session, &last, fate);
    ck_assert_int_eq(fate[0].session, 7);
    ck_assert_int_eq(fate[1].session, -6); /* and not a group that others may be in */
    struct port_now later[] = {listening(1, 7)};
    ports_plan(later, 1, wishes + 1, 1, next_session, &last, fate);
    ck_assert_int_eq(fate[0].stays, PORT_OPENS);
    ck_assert_int_eq(fate[0].session, -7);
}
END_TEST

START_TEST(test_ports_auto_lines_keep_one_listener_each)
{
    struct port_now now[] = {listening(0, -5), listening(0, -6)};
    const struct port_spec wishes[] = {wish(0, SESSION_OWN), wish(0, SESSION_OWN),
                                       wish(0, SESSION_OWN)};
    struct port_fate fate[3];
    int32_t last = -6;
    ports_plan(now, 2, wishes, 3, next_session, &last, fate);
    ck_assert_int_eq(fate[0].session, -5);
    ck_assert_int_eq(fate[1].session, -6);
    ck_assert_int_eq(fate[2].session, -7);
}
END_TEST

enum { PLACES = 6, LINES = 8, ROUNDS = 4000 };

/* Lines drawn anew again and again, in any order. Connections that a listener has accepted keep
 * its number when the listener goes: so a number without a group belongs to one listener, for
 * ever. */
START_TEST(test_ports_no_change_of_lines_joins_what_was_apart)
{
    struct port_now now[LINES];
    struct port_spec wishes[LINES];
    struct port_fate fate[LINES];
    static int owner[ROUNDS * LINES]; /* of number -2 - i: the listener, as it was made; 0: none */
    int made = 0, id[LINES], old[LINES];
    size_t n_now = 0;
    int32_t last = -1;
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = (size_t)rand() % (LINES + 1);
        for (size_t i = 0; i < n; i++)
            wishes[i] = wish((uint16_t)(rand() % PLACES), rand() % 4 ? SESSION_OWN : rand() % 2);
        ports_plan(now, n_now, wishes, n, next_session, &last, fate);
        memcpy(old, id, sizeof old);
        for (size_t i = 0; i < n; i++) {
            id[i] = fate[i].stays == PORT_OPENS ? ++made : old[fate[i].stays];
            for (size_t k = 0; k < i; k++) {
                ck_assert_int_ne(id[i], id[k]);
                ck_assert(fate[i].session != fate[k].session ||
                          (wishes[i].session >= 0 && wishes[i].session == wishes[k].session));
            }
            ck_assert((fate[i].session >= 0) == (wishes[i].session >= 0));
            if (fate[i].session < 0) {
                int *who = &owner[-2 - fate[i].session];
                ck_assert(*who == 0 || *who == id[i]);
                *who = id[i];
            }
            now[i] = (struct port_now){.at = wishes[i].at, .session = fate[i].session};
        }
        n_now = n;
    }
}
END_TEST

enum { MANY = 4000 };

/* "auto" so often: each line costs one look at the listeners, or this takes half a minute. */
START_TEST(test_ports_thousands_of_lines_are_planned_at_once)
{
    struct port_now *now = calloc(MANY, sizeof *now);
    struct port_spec *wishes = calloc(MANY, sizeof *wishes);
    struct port_fate *fate = calloc(MANY, sizeof *fate);
    int32_t last = -1;
    ck_assert(now && wishes && fate);
    for (int i = 0; i < MANY; i++) {
        now[i] = listening(0, -5 - i);
        wishes[i] = wish(0, SESSION_OWN);
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    ports_plan(now, MANY, wishes, MANY, next_session, &last, fate);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(fate[i].stays, i);
    ck_assert_int_lt(end.tv_sec - begin.tv_sec, 4);
    free(now);
    free(wishes);
    free(fate);
}
END_TEST

/* What listens for one protocol cannot go on for another. */
START_TEST(test_ports_a_listener_stays_for_its_kind_only)
{
    struct port_now now[] = {listening(1, -5)};
    struct port_spec other = wish(1, SESSION_OWN);
    struct port_fate fate;
    int32_t last = -5;
    other.kind = PORT_KINDS;
    ports_plan(now, 1, &other, 1, next_session, &last, &fate);
    ck_assert_int_eq(fate.stays, PORT_OPENS);
    ck_assert_int_eq(fate.session, -6);
}
END_TEST

TESTS("socks/ports", test_ports_a_number_goes_with_its_listener_not_with_its_place,
      test_ports_a_group_is_what_the_line_says_and_leaves_with_it,
      test_ports_auto_lines_keep_one_listener_each,
      test_ports_no_change_of_lines_joins_what_was_apart,
      test_ports_thousands_of_lines_are_planned_at_once,
      test_ports_a_listener_stays_for_its_kind_only)
