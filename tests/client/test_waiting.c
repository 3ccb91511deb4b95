/* Whose turn it is to have a circuit. */
#include "client/waiting.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

enum { MOST = 16 };

struct fixture {
    struct waiting *w;
    struct waiter t[MOST];
    size_t n;
};

static void setup(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->w = waiting_new();
    ck_assert_ptr_nonnull(f->w);
}

static void teardown(struct fixture *f)
{
    for (size_t i = 0; i < f->n; i++)
        waiting_remove(f->w, &f->t[i]);
    waiting_end_hold(f->w);
    ck_assert_ptr_null(waiting_next_due(f->w));
    waiting_begin_round(f->w);
    ck_assert_ptr_null(waiting_next_turn(f->w));
    waiting_free(f->w);
}

static struct tunnel_request request(int32_t session, const char *host, uint16_t port)
{
    struct tunnel_request req = {.port = port, .isolation.session = session};
    snprintf(req.host, sizeof req.host, "%s", host);
    return req;
}

static struct waiter *add_request(struct fixture *f, const struct tunnel_request *req, bool alone)
{
    struct waiter *t = &f->t[f->n++];
    ck_assert_uint_le(f->n, MOST);
    ck_assert(waiting_add(f->w, t, req, req->host, alone));
    return t;
}

static struct waiter *add(struct fixture *f, int32_t session, uint16_t port)
{
    struct tunnel_request req = request(session, "example.com", port);
    return add_request(f, &req, false);
}

/* Everybody looks once and finds nothing. */
static unsigned all_sleep(struct fixture *f)
{
    struct waiter *t;
    unsigned n = 0;
    for (; (t = waiting_next_due(f->w)); n++)
        waiting_sleep(f->w, t);
    return n;
}

static void wake(struct fixture *f, const struct tunnel_request *req)
{
    struct isolation_key keys[ISOLATION_KEYS];
    isolation_keys_of(keys, &req->isolation, req->host, req->port);
    waiting_wake(f->w, keys);
}

START_TEST(test_waiting_tries_like_ones_as_one)
{
    struct fixture f;
    setup(&f);
    struct waiter *first = add(&f, 1, 80), *second = add(&f, 1, 80);
    ck_assert_ptr_eq(waiting_next_due(f.w), first);
    waiting_sleep(f.w, first);
    ck_assert_ptr_null(waiting_next_due(f.w));
    add(&f, 1, 80);
    ck_assert_ptr_null(waiting_next_due(f.w)); /* nothing has changed for that one either */
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), first);
    ck_assert_ptr_null(waiting_next_turn(f.w));
    waiting_remove(f.w, first);
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), second);
    teardown(&f);
}
END_TEST

static void other_session(struct tunnel_request *r)
{
    r->isolation.session = 2;
}

static void other_protocol(struct tunnel_request *r)
{
    r->isolation.protocol = 4;
}

static void other_client(struct tunnel_request *r)
{
    r->isolation.client = ip_v4((const uint8_t[]){127, 0, 0, 2});
}

static void user_name(struct tunnel_request *r)
{
    isolation_set_auth(&r->isolation, text_of("user"), text_of("pass"));
}

static void other_port(struct tunnel_request *r)
{
    r->port = 443;
}

static void other_kind(struct tunnel_request *r)
{
    r->kind = TUNNEL_RESOLVE;
}

static void other_family(struct tunnel_request *r)
{
    r->ip.family = IP_V6;
}

static void alone_with_host(struct tunnel_request *r)
{
    r->isolation.by_dest_addr = true;
}

static void alone_with_port(struct tunnel_request *r)
{
    r->isolation.by_dest_port = true;
}

/* What one circuit would not do for is tried by itself. */
START_TEST(test_waiting_tries_unlike_ones_each)
{
    static void (*const change[])(struct tunnel_request *) = {
        other_session, other_protocol, other_client,    user_name,       other_port,
        other_kind,    other_family,   alone_with_host, alone_with_port,
    };
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        struct fixture f;
        struct tunnel_request req = request(1, "example.com", 80);
        setup(&f);
        add_request(&f, &req, false);
        change[i](&req);
        add_request(&f, &req, false);
        ck_assert_msg(all_sleep(&f) == 2, "row %zu", i);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_waiting_knows_other_hosts_by_the_flag_only)
{
    for (int alone = 0; alone < 2; alone++) {
        struct fixture f;
        struct tunnel_request a = request(1, "a.com", 80), b = request(1, "b.com", 80);
        setup(&f);
        a.isolation.by_dest_addr = b.isolation.by_dest_addr = alone;
        add_request(&f, &a, false);
        add_request(&f, &b, false);
        ck_assert_uint_eq(all_sleep(&f), alone ? 2 : 1);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_waiting_knows_two_user_names_apart)
{
    struct fixture f;
    struct tunnel_request a = request(1, "example.com", 80), b = a;
    setup(&f);
    isolation_set_auth(&a.isolation, text_of("a"), text_of("x"));
    isolation_set_auth(&b.isolation, text_of("b"), text_of("x"));
    add_request(&f, &a, false);
    add_request(&f, &b, false);
    ck_assert_uint_eq(all_sleep(&f), 2);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_with_wishes_of_its_own_is_tried_by_itself)
{
    struct fixture f;
    struct tunnel_request req = request(1, "example.com", 80);
    setup(&f);
    add_request(&f, &req, false);
    add_request(&f, &req, true);
    add_request(&f, &req, true);
    ck_assert_uint_eq(all_sleep(&f), 3);
    wake(&f, &req); /* a circuit of theirs may do for all */
    ck_assert_uint_eq(all_sleep(&f), 3);
    teardown(&f);
}
END_TEST

/* Where all look at what is open, those with many tunnels do not keep the others waiting. */
START_TEST(test_waiting_puts_who_was_served_behind_others)
{
    struct fixture f;
    setup(&f);
    struct waiter *a = add(&f, 1, 80), *a2 = add(&f, 1, 80), *b = add(&f, 2, 80);
    ck_assert_ptr_eq(waiting_next_due(f.w), a);
    waiting_remove(f.w, a);
    ck_assert_ptr_eq(waiting_next_due(f.w), b);
    ck_assert_ptr_eq(waiting_next_due(f.w), a2);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_gives_turns_to_users_not_wishes)
{
    struct fixture f;
    setup(&f);
    for (uint16_t port = 1; port <= 5; port++)
        add(&f, 1, port);
    struct waiter *other = add(&f, 2, 80);
    all_sleep(&f);
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[0]);
    ck_assert_ptr_eq(waiting_next_turn(f.w), other);
    ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[1]);
    ck_assert_ptr_eq(waiting_next_turn(f.w), other);
    teardown(&f);
}
END_TEST

/* A destination to be alone with makes other wishes, not other users. */
START_TEST(test_waiting_gives_a_user_one_turn_for_all_his_hosts)
{
    struct fixture f;
    setup(&f);
    for (int i = 0; i < 4; i++) {
        char host[16];
        snprintf(host, sizeof host, "%d.com", i);
        struct tunnel_request req = request(1, host, 80);
        req.isolation.by_dest_addr = true;
        add_request(&f, &req, false);
    }
    struct waiter *other = add(&f, 2, 80);
    all_sleep(&f);
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[0]);
    ck_assert_ptr_eq(waiting_next_turn(f.w), other);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_goes_on_with_the_turns_where_it_stopped)
{
    struct fixture f;
    setup(&f);
    for (int32_t user = 0; user < 6; user++)
        add(&f, user, 80);
    all_sleep(&f);
    for (size_t i = 0; i < 12; i++) {
        if (i % 3 == 0)
            waiting_begin_round(f.w);
        ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[i % 6]);
    }
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_wakes_those_of_the_circuit_only)
{
    struct fixture f;
    struct tunnel_request a = request(1, "a.com", 80), b = request(1, "b.com", 80),
                          plain = request(1, "c.com", 443), stranger = request(2, "a.com", 80);
    setup(&f);
    a.isolation.by_dest_addr = b.isolation.by_dest_addr = true;
    struct waiter *ta = add_request(&f, &a, false);
    add_request(&f, &b, false);
    struct waiter *tp = add_request(&f, &plain, false);
    add_request(&f, &stranger, false);
    all_sleep(&f);
    wake(&f, &a);
    struct waiter *first = waiting_next_due(f.w);
    waiting_sleep(f.w, first);
    struct waiter *second = waiting_next_due(f.w);
    waiting_sleep(f.w, second);
    ck_assert((first == ta && second == tp) || (first == tp && second == ta));
    ck_assert_ptr_null(waiting_next_due(f.w));
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_wakes_those_of_the_host_and_port)
{
    struct fixture f;
    struct tunnel_request a = request(1, "a.com", 80), b = request(1, "a.com", 81);
    setup(&f);
    a.isolation.by_dest_addr = a.isolation.by_dest_port = true;
    b.isolation.by_dest_addr = b.isolation.by_dest_port = true;
    struct waiter *ta = add_request(&f, &a, false);
    add_request(&f, &b, false);
    all_sleep(&f);
    wake(&f, &a);
    ck_assert_ptr_eq(waiting_next_due(f.w), ta);
    waiting_sleep(f.w, ta);
    ck_assert_ptr_null(waiting_next_due(f.w));
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_woken_when_due_stays_in_its_place)
{
    struct fixture f;
    const struct tunnel_request a = request(1, "a.com", 80), b = request(2, "b.com", 80);
    setup(&f);
    struct waiter *ta = add_request(&f, &a, false), *tb = add_request(&f, &b, false);
    wake(&f, &b);
    ck_assert_ptr_eq(waiting_next_due(f.w), ta);
    waiting_sleep(f.w, ta);
    ck_assert_ptr_eq(waiting_next_due(f.w), tb);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_woken_in_vain_has_the_next_turn)
{
    struct fixture f;
    struct tunnel_request third = request(3, "example.com", 80);
    setup(&f);
    for (int32_t user = 1; user <= 3; user++)
        add(&f, user, 80);
    all_sleep(&f);
    wake(&f, &third);
    ck_assert_ptr_eq(waiting_next_due(f.w), &f.t[2]);
    waiting_sleep(f.w, &f.t[2]);
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[2]);
    ck_assert_ptr_eq(waiting_next_turn(f.w), &f.t[0]);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_held_back_is_out_of_the_way_for_a_while)
{
    struct fixture f;
    setup(&f);
    struct waiter *a = add(&f, 1, 80), *b = add(&f, 2, 80);
    ck_assert_ptr_eq(waiting_next_due(f.w), a);
    waiting_hold(f.w, a);
    ck_assert_ptr_eq(waiting_next_due(f.w), b);
    waiting_sleep(f.w, b);
    ck_assert_ptr_null(waiting_next_due(f.w));
    waiting_begin_round(f.w);
    ck_assert_ptr_eq(waiting_next_turn(f.w), b);
    ck_assert_ptr_null(waiting_next_turn(f.w));
    waiting_end_hold(f.w);
    ck_assert_ptr_eq(waiting_next_due(f.w), a);
    teardown(&f);
}
END_TEST

START_TEST(test_waiting_can_be_left_in_every_place)
{
    struct fixture f;
    setup(&f);
    for (int32_t user = 0; user < 4; user++)
        add(&f, user, 80);
    waiting_sleep(f.w, &f.t[0]);
    waiting_hold(f.w, &f.t[1]);
    waiting_begin_round(f.w);
    for (size_t i = 0; i < 3; i++)
        waiting_remove(f.w, &f.t[i]);
    waiting_remove(f.w, &f.t[0]); /* waits no more */
    ck_assert_ptr_null(waiting_next_turn(f.w));
    waiting_end_hold(f.w);
    ck_assert_ptr_eq(waiting_next_due(f.w), &f.t[3]);
    teardown(&f);
}
END_TEST

TESTS("client/waiting", test_waiting_tries_like_ones_as_one, test_waiting_tries_unlike_ones_each,
      test_waiting_knows_other_hosts_by_the_flag_only, test_waiting_knows_two_user_names_apart,
      test_waiting_with_wishes_of_its_own_is_tried_by_itself,
      test_waiting_puts_who_was_served_behind_others, test_waiting_gives_turns_to_users_not_wishes,
      test_waiting_gives_a_user_one_turn_for_all_his_hosts,
      test_waiting_goes_on_with_the_turns_where_it_stopped,
      test_waiting_wakes_those_of_the_circuit_only, test_waiting_wakes_those_of_the_host_and_port,
      test_waiting_woken_when_due_stays_in_its_place, test_waiting_woken_in_vain_has_the_next_turn,
      test_waiting_held_back_is_out_of_the_way_for_a_while, test_waiting_can_be_left_in_every_place)
