#include "stream/stream.h"

#include <string.h>

#include "stream/stream_int.h"
#include "support/streamworld.h"

/* ---- opening ---- */

START_TEST(test_stream_begin_says_where_to)
{
    struct world *w = world_new(1);
    open_kind(w, 0,
              (struct stream_request){.target = "example.com:443",
                                      .flags = BEGIN_IPV6_OK | BEGIN_IPV6_PREFERRED});
    ck_assert_uint_eq(streams_open_count(w->set), 1);
    const struct fake_msg *got = fake_last(w->l, RELAY_BEGIN);
    ck_assert_uint_eq(got->hop, HOPS);
    ck_assert_uint_ne(got->stream_id, 0);
    ck_assert_mem_eq(got->data, "example.com:443\0\0\0\0\5", 20);
    ck_assert_uint_eq(got->len, 20);
    open_kind(w, 1, (struct stream_request){.target = "[2001:db8::1]:80"});
    got = fake_last(w->l, RELAY_BEGIN);
    ck_assert_mem_eq(got->data, "[2001:db8::1]:80", 17);
    open_kind(w, 2, (struct stream_request){.kind = STREAM_BEGIN_DIR});
    ck_assert_uint_eq(fake_last(w->l, RELAY_BEGIN_DIR)->len, 0);
    open_kind(w, 3, (struct stream_request){.kind = STREAM_RESOLVE, .target = "example.com"});
    ck_assert_mem_eq(fake_last(w->l, RELAY_RESOLVE)->data, "example.com", 12);
    world_free(w);
}
END_TEST

START_TEST(test_stream_bad_targets_are_refused)
{
    static const char *const bad[] = {NULL,  "",        "example.com", "example.com:", ":80",
                                      "a:0", "a:65536", "a:8x",        "a b:80"};
    struct world *w = world_new(2);
    struct stream *s;
    char longest[600];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct stream_request req = {.target = bad[i]};
        if (bad[i] && strcmp(bad[i], ":80") == 0)
            continue; /* an empty host is for onion services */
        ck_assert_msg(stream_open(w->set, &req, &app_ops, NULL, &s) == ERR_ARG, "%s",
                      bad[i] ? bad[i] : "NULL");
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest + 500, ":80", 4);
    struct stream_request req = {.target = longest};
    ck_err(stream_open(w->set, &req, &app_ops, NULL, &s), ERR_ARG);
    req.kind = STREAM_RESOLVE;
    ck_err(stream_open(w->set, &req, &app_ops, NULL, &s), ERR_ARG);
    req = (struct stream_request){.kind = STREAM_ACCEPTED, .target = "a.b:80"};
    ck_err(stream_open(w->set, &req, &app_ops, NULL, &s), ERR_ARG);
    ck_assert_uint_eq(streams_open_count(w->set), 0);
    world_free(w);
}
END_TEST

/* Those that are there are not to pay for one more. */
START_TEST(test_stream_begin_waits_for_a_crowded_link)
{
    struct world *w = world_new(2);
    struct stream_request req = {.target = "example.com:80"};
    struct app *a = connected(w, 0);
    w->l->crowded = true;
    unsigned sent = w->l->got_n;
    ck_assert_int_eq(stream_open(w->set, &req, &app_ops, &w->app[1], &w->app[1].s), ERR_FULL);
    fake_pump(w->l);
    ck_assert_uint_eq(w->l->got_n, sent);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    ck_assert_uint_eq(a->ended, 0);
    w->l->crowded = false;
    connected(w, 1);
    world_free(w);
}
END_TEST

START_TEST(test_stream_ids_count_up_and_are_not_used_twice)
{
    struct world *w = world_new(3);
    uint16_t last = 0;
    for (unsigned i = 0; i < MOST; i++) {
        struct app *a = begin(w, i);
        uint16_t id = stream_id(a->s);
        ck_assert_uint_ne(id, 0);
        if (last)
            ck_assert(id == (uint16_t)(last + 1) || (last == UINT16_MAX && id == 1));
        last = id;
        if (i % 2)
            stream_close(a->s, END_DONE);
    }
    world_free(w);
}
END_TEST

/* When they have come round once. */
START_TEST(test_stream_ids_in_use_are_passed_over)
{
    struct world *w = world_new(3);
    struct app *open = begin(w, 0), *half = begin(w, 1);
    uint16_t of_open = stream_id(open->s), of_half = stream_id(half->s);
    stream_close(half->s, END_DONE);
    w->set->next_id = of_open;
    uint16_t id = stream_id(begin(w, 2)->s);
    ck_assert(id != of_open && id != of_half);
    w->set->next_id = of_half;
    uint16_t next = stream_id(begin(w, 3)->s);
    ck_assert(next != of_half && next != id);
    world_free(w);
}
END_TEST

START_TEST(test_stream_ids_begin_anywhere)
{
    unsigned most = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct world *w = world_new(seed);
        uint16_t id = stream_id(begin(w, 0)->s);
        most = id > most ? id : most;
        world_free(w);
    }
    ck_assert_uint_gt(most, UINT16_MAX / 2);
}
END_TEST

START_TEST(test_stream_ids_run_out)
{
    struct world *w = world_new(4);
    struct stream_request req = {.kind = STREAM_BEGIN_DIR};
    struct stream *s;
    unsigned n = 0;
    err_t err;
    while ((err = stream_open(w->set, &req, &app_ops, &w->app[0], &s)) == OK) {
        stream_close(s, END_DONE);
        settle(w);
        w->l->queued = 0; /* the exit never answers */
        n++;
    }
    ck_assert_int_eq(err, ERR_LIMIT);
    ck_assert_uint_eq(n, UINT16_MAX);
    world_free(w);
}
END_TEST

START_TEST(test_stream_open_ones_have_a_most)
{
    struct world *w = world_new(33);
    struct stream_request req = {.kind = STREAM_BEGIN_DIR};
    struct stream *s, *last = NULL;
    err_t err;
    while ((err = stream_open(w->set, &req, &app_ops, &w->app[0], &s)) == OK) {
        w->l->queued = 0;
        last = s;
    }
    ck_assert_int_eq(err, ERR_LIMIT);
    ck_assert_uint_eq(streams_open_count(w->set), STREAMS_MAX_OPEN);
    stream_close(last, END_DONE);
    ck_ok(stream_open(w->set, &req, &app_ops, &w->app[0], &s));
    w->l->queued = 0;
    world_free(w);
}
END_TEST

/* ---- CONNECTED ---- */

START_TEST(test_stream_connected_address_decides)
{
    static const struct {
        const char *body;
        size_t len;
        uint32_t flags;
        bool ok, ok_if_internal;
    } rows[] = {
        {"", 0, 0, true, true},
        {PUBLIC_ADDR, 8, 0, true, true},
        {PUBLIC_ADDR, 8, BEGIN_IPV4_NOT_OK | BEGIN_IPV6_OK, false, false},
        {"\177\0\0\1\0\0\0\74", 8, 0, false, true},
        {"\12\0\0\1\0\0\0\74", 8, 0, false, true},
        {"\0\0\0\0\6\44\7\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\74", 25, BEGIN_IPV6_OK, true, true},
        {"\0\0\0\0\6\44\7\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\74", 25, 0, false, false},
        {"\0\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\74", 25, BEGIN_IPV6_OK, false, false},
        {"\0\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\74", 25, BEGIN_IPV6_OK, false, true},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_new(5);
        bool allow = i % 2;
        bool ok = allow ? rows[i / 2].ok_if_internal : rows[i / 2].ok;
        streams_allow_internal_addrs(w->set, allow);
        struct app *a = open_kind(
            w, 0, (struct stream_request){.target = "a.b:80", .flags = rows[i / 2].flags});
        exit_says(w, a, RELAY_CONNECTED, rows[i / 2].body, rows[i / 2].len);
        fake_pump(w->l);
        ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
        ck_assert_uint_eq(a->connected, ok);
        ck_assert_uint_eq(a->ended, !ok);
        if (!ok) {
            ck_assert_int_eq(a->end.why, ERR_STREAM_PROTO);
            ck_assert_uint_eq(a->end.reason, END_TORPROTOCOL);
            ck_assert_uint_eq(fake_last(w->l, RELAY_END)->data[0], END_MISC);
        }
        world_free(w);
    }
}
END_TEST

START_TEST(test_stream_begin_dir_connects_without_address)
{
    struct world *w = world_new(6);
    struct app *a = open_kind(w, 0, (struct stream_request){.kind = STREAM_BEGIN_DIR});
    exit_says(w, a, RELAY_CONNECTED, NULL, 0);
    ck_assert_uint_eq(a->connected, 1);
    ck_assert_uint_eq(a->addr.family, IP_NONE);
    world_free(w);
}
END_TEST

/* ---- every message in every state ---- */

enum {
    UNKNOWN,
    CONNECTING,
    RESOLVING,
    OPEN,
    ENDED,
    RESOLVED,
    HALF_CONNECTING,
    HALF_RESOLVING,
    HALF_OPEN,
    STATES
};

static uint16_t bring_to(struct world *w, unsigned state)
{
    struct stream_request resolve = {.kind = STREAM_RESOLVE, .target = "a.b"};
    struct app *a = &w->app[0];
    if (state == UNKNOWN) {
        begin(w, 0);
        return (uint16_t)(stream_id(a->s) + 1);
    }
    if (state == RESOLVING || state == RESOLVED || state == HALF_RESOLVING)
        open_kind(w, 0, resolve);
    else if (state == CONNECTING || state == HALF_CONNECTING)
        begin(w, 0);
    else
        connected(w, 0);
    uint16_t id = stream_id(a->s);
    if (state == ENDED)
        exit_says(w, a, RELAY_END, "\6", 1);
    if (state == RESOLVED)
        exit_says(w, a, RELAY_RESOLVED, "\4\4\300\0\2\1\0\0\0\74", 10);
    if (state >= HALF_CONNECTING)
        stream_close(a->s, END_DONE);
    fake_pump(w->l);
    settle(w);
    return id;
}

START_TEST(test_stream_every_message_in_every_state)
{
    static const struct {
        uint8_t cmd;
        const char *body;
        size_t len;
        unsigned ok; /* bits of states in which the circuit survives */
    } rows[] = {
        {RELAY_BEGIN, "a:1", 4, 0},
        {RELAY_DATA, "x", 1, 1 << OPEN | 1 << HALF_OPEN},
        {RELAY_DATA, "", 0, 1 << OPEN | 1 << HALF_OPEN},
        {RELAY_END, "\6", 1,
         1 << CONNECTING | 1 << RESOLVING | 1 << OPEN | 1 << HALF_CONNECTING | 1 << HALF_RESOLVING |
             1 << HALF_OPEN},
        {RELAY_END, "\15", 1,
         1 << OPEN | 1 << HALF_CONNECTING | 1 << HALF_RESOLVING | 1 << HALF_OPEN},
        {RELAY_END, "\5", 1,
         1 << OPEN | 1 << HALF_CONNECTING | 1 << HALF_RESOLVING | 1 << HALF_OPEN},
        {RELAY_END, "", 0, 0},
        {RELAY_CONNECTED, PUBLIC_ADDR, 8, 1 << CONNECTING | 1 << HALF_CONNECTING},
        {RELAY_CONNECTED, "\1\2", 2, 1 << HALF_CONNECTING},
        {RELAY_SENDME, "", 0, 0},
        {RELAY_RESOLVE, "a", 2, 0},
        {RELAY_RESOLVED, "\4\4\300\0\2\1\0\0\0\74", 10, 1 << RESOLVING | 1 << HALF_RESOLVING},
        {RELAY_RESOLVED, "\4\5\300\0\2\1\0\0\0\74", 10, 1 << RESOLVING | 1 << HALF_RESOLVING},
        {RELAY_BEGIN_DIR, "", 0, 0},
        {RELAY_XOFF, "\0", 1, 0},
        {RELAY_XON, "\0\0\0\0\0", 5, 0},
        {99, "", 0, 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (unsigned state = 0; state < STATES; state++) {
            struct world *w = world_new(7);
            uint16_t id = bring_to(w, state);
            fake_send(w->l, HOPS, rows[r].cmd, id, rows[r].body, rows[r].len);
            bool ok = rows[r].ok >> state & 1;
            ck_assert_msg((circ_state(w->c) == CIRC_OPEN) == ok, "row %zu, state %u", r, state);
            settle(w);
            ck_assert_uint_eq(w->closed, !ok);
            ck_assert_uint_le(w->app[0].ended, 1);
            if (!ok && (state <= OPEN))
                ck_assert(w->app[0].end.circuit_ended);
            world_free(w);
        }
    }
}
END_TEST

START_TEST(test_stream_messages_from_another_hop_close_the_circuit)
{
    for (unsigned hop = 1; hop < HOPS; hop++) {
        struct world *w = world_new(8);
        struct app *a = begin(w, 0);
        fake_send(w->l, hop, RELAY_CONNECTED, stream_id(a->s), NULL, 0);
        assert_circ_closed(w, ERR_CIRC_PROTO);
        world_free(w);
        w = world_new(8);
        a = connected(w, 0);
        fake_send(w->l, hop, RELAY_SENDME, stream_id(a->s), NULL, 0); /* may pass the circuit */
        assert_circ_closed(w, ERR_CIRC_PROTO);
        world_free(w);
    }
}
END_TEST

START_TEST(test_stream_end_reasons_are_kept)
{
    for (unsigned reason = 0; reason < 256; reason++) {
        struct world *w = world_new(9);
        struct app *a = connected(w, 0);
        char byte = (char)reason;
        exit_says(w, a, RELAY_END, &byte, 1);
        ck_assert_uint_eq(a->ended, 1);
        ck_assert_int_eq(a->end.why, OK);
        ck_assert(a->end.remote && a->end.connected);
        ck_assert_uint_eq(a->end.reason, reason);
        ck_assert_uint_eq(streams_open_count(w->set), 0);
        settle(w);
        ck_assert_uint_eq(w->closed, 0);
        world_free(w);
    }
}
END_TEST

START_TEST(test_stream_exit_policy_tells_what_the_exit_saw)
{
    struct world *w = world_new(10);
    struct app *a = begin(w, 0);
    exit_says(w, a, RELAY_END, "\4\300\0\2\1\0\0\0\74", 9);
    ck_assert(!a->end.connected);
    ck_assert_uint_eq(a->end.reason, END_EXITPOLICY);
    ck_assert_uint_eq(a->end.exit_saw.family, IP_V4);
    ck_assert_uint_eq(a->end.ttl_s, 60);
    world_free(w);
}
END_TEST

/* ---- RESOLVED ---- */

static struct app *resolve(struct world *w, const char *name, const char *body, size_t len)
{
    struct app *a =
        open_kind(w, 0, (struct stream_request){.kind = STREAM_RESOLVE, .target = name});
    ck_assert_uint_eq(stream_write(a->s, (const uint8_t *)"x", 1), 0);
    exit_says(w, a, RELAY_RESOLVED, body, len);
    ck_assert_uint_eq(a->resolved, 1);
    ck_assert_uint_eq(a->ended, 1);
    ck_assert_uint_eq(a->end.reason, END_DONE);
    return a;
}

START_TEST(test_stream_resolved_addresses_names_and_errors)
{
    struct world *w = world_new(11);
    struct app *a = resolve(w, "a.b",
                            "\4\4\300\0\2\1\0\0\0\74"
                            "\6\20\44\7\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\75"
                            "\4\4\177\0\0\1\0\0\0\74" /* internal: dropped */
                            "\77\1x\0\0\0\1"          /* unknown: dropped */
                            "\361\0\0\0\0\1",         /* an error beside answers: dropped */
                            10 + 22 + 10 + 7 + 6);
    ck_assert_uint_eq(a->answers, 2);
    ck_assert_uint_eq(a->answer[0].kind, ANSWER_IP);
    ck_assert_uint_eq(a->answer[0].ip.family, IP_V4);
    ck_assert_uint_eq(a->answer[0].ttl_s, 60);
    ck_assert_uint_eq(a->answer[1].ip.family, IP_V6);
    ck_assert_uint_eq(a->answer[1].ttl_s, 61);
    world_free(w);

    w = world_new(12);
    a = resolve(w, "1.2.0.192.in-addr.arpa", "\0\5a.b.c\0\0\0\7", 11);
    ck_assert_uint_eq(a->answers, 1);
    ck_assert_uint_eq(a->answer[0].kind, ANSWER_NAME);
    ck_assert_str_eq(a->answer[0].name, "a.b.c");
    ck_assert_uint_eq(a->answer[0].ttl_s, 7);
    world_free(w);

    w = world_new(13);
    a = resolve(w, "a.b", "\360\0\0\0\0\5", 6);
    ck_assert_uint_eq(a->answer[0].kind, ANSWER_ERROR_TRANSIENT);
    world_free(w);

    w = world_new(13); /* the lasting error counts, behind whatever it comes */
    a = resolve(w, "a.b", "\77\1x\0\0\0\1\360\0\0\0\0\5\361\0\0\0\0\6", 7 + 6 + 6);
    ck_assert_uint_eq(a->answers, 1);
    ck_assert_uint_eq(a->answer[0].kind, ANSWER_ERROR);
    ck_assert_uint_eq(a->answer[0].ttl_s, 6);
    world_free(w);

    w = world_new(14); /* nothing of use */
    a = resolve(w, "a.b", "\4\4\12\0\0\1\0\0\0\74", 10);
    ck_assert_uint_eq(a->answers, 1);
    ck_assert_uint_eq(a->answer[0].kind, ANSWER_ERROR);
    world_free(w);
}
END_TEST

/* What a name server somewhere answers must not cost us the circuit. */
START_TEST(test_stream_malformed_resolved_ends_the_look_up_only)
{
    static const struct {
        const char *body;
        size_t len;
    } rows[] = {{"", 0}, {"\4", 1}, {"\4\5\300\0\2\1\1\0\0\0\74", 11}, {"\0\2a\1\0\0\0\74", 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_new(32);
        struct app *a =
            open_kind(w, 0, (struct stream_request){.kind = STREAM_RESOLVE, .target = "a.b"});
        uint16_t id = stream_id(a->s);
        exit_says(w, a, RELAY_RESOLVED, rows[i].body, rows[i].len);
        if (a->resolved)
            ck_assert_uint_eq(a->answer[0].kind, ANSWER_ERROR);
        else
            ck_assert_int_eq(a->end.why, ERR_STREAM_PROTO);
        ck_assert_uint_eq(a->ended, 1);
        settle(w);
        ck_assert_uint_eq(w->closed, 0);
        ck_assert_uint_eq(fake_count(w->l, RELAY_END, id), 0);
        world_free(w);
    }
}
END_TEST

START_TEST(test_stream_resolved_has_a_most_of_answers)
{
    struct world *w = world_new(15);
    char body[490];
    for (size_t i = 0; i < sizeof body; i += 10)
        memcpy(body + i, "\4\4\300\0\2\1\0\0\0\74", 10);
    struct app *a = resolve(w, "a.b", body, sizeof body);
    ck_assert_uint_eq(a->answers, STREAM_MAX_ANSWERS);
    world_free(w);
}
END_TEST

/* ---- data ---- */

START_TEST(test_stream_data_comes_in_order_and_windows_are_refilled)
{
    struct world *w = world_new(16);
    struct app *a = connected(w, 0);
    char data[RELAY_V0_DATA_MAX];
    memset(data, 3, sizeof data);
    for (unsigned n = 0; n < 5000; n++) {
        exit_says(w, a, RELAY_DATA, data, sizeof data);
        fake_pump(w->l);
        w->l->got_n = 0;
    }
    ck_assert_uint_eq(a->got, 5000 * sizeof data);
    ck_assert_uint_eq(a->got_sum, (uint8_t)(5000 * sizeof data * 3));
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    world_free(w);
}
END_TEST

START_TEST(test_stream_a_reader_that_stalls_gets_a_window_and_no_more)
{
    struct world *w = world_new(17);
    struct app *a = connected(w, 0);
    char data[RELAY_V0_DATA_MAX] = {0};
    uint16_t id = stream_id(a->s);
    a->hold = true;
    for (unsigned n = 0; n < 500; n++)
        exit_says(w, a, RELAY_DATA, data, sizeof data);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, id), 0);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, 0), 5); /* the circuit's go on */
    stream_consumed(a->s, a->got - 10 * CELL_BODY_LEN - 1);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, id), 0);
    stream_consumed(a->s, 1);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, id), 10);
    stream_consumed(a->s, SIZE_MAX);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_SENDME, id), 10);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    world_free(w);
}
END_TEST

START_TEST(test_stream_data_over_the_window_closes_the_circuit)
{
    struct world *w = world_new(18);
    struct app *a = connected(w, 0);
    char data[RELAY_V0_DATA_MAX] = {0};
    a->hold = true;
    for (unsigned n = 0; n < 500; n++)
        exit_says(w, a, RELAY_DATA, data, sizeof data);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    exit_says(w, a, RELAY_DATA, data, 1);
    assert_circ_closed(w, ERR_CIRC_WINDOW);
    world_free(w);
}
END_TEST

START_TEST(test_stream_package_window_waits_for_sendmes)
{
    struct world *w = world_new(19);
    struct app *a = connected(w, 0);
    a->to_send = 1000000;
    app_write(a);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_DATA, stream_id(a->s)), 500);
    ck_assert_uint_eq(a->writable, 0);
    exit_says(w, a, RELAY_SENDME, NULL, 0);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_DATA, stream_id(a->s)), 550);
    for (unsigned i = 0; i < 10; i++)
        exit_says(w, a, RELAY_SENDME, NULL, 0);
    fake_pump(w->l);
    ck_assert_uint_eq(fake_count(w->l, RELAY_DATA, stream_id(a->s)), 1050);
    world_free(w);
}
END_TEST

START_TEST(test_stream_sendme_over_the_window_closes_the_circuit)
{
    struct world *w = world_new(20);
    struct app *a = connected(w, 0);
    a->to_send = 40 * RELAY_V0_DATA_MAX;
    app_write(a);
    fake_pump(w->l);
    exit_says(w, a, RELAY_SENDME, NULL, 0);
    assert_circ_closed(w, ERR_CIRC_SENDME);
    world_free(w);
}
END_TEST

START_TEST(test_stream_data_is_cut_into_full_cells)
{
    struct world *w = world_new(21);
    struct app *a = connected(w, 0);
    static const uint8_t bytes[3 * RELAY_V0_DATA_MAX + 10];
    ck_assert_uint_eq(stream_write(a->s, bytes, sizeof bytes), sizeof bytes);
    ck_assert_uint_eq(stream_write(a->s, bytes, 1), 1);
    ck_assert_uint_eq(stream_write(a->s, bytes, 0), 0);
    fake_pump(w->l);
    static const size_t want[] = {498, 498, 498, 10, 1};
    unsigned at = 0;
    for (unsigned i = 0; i < w->l->got_n; i++) {
        if (w->l->got[i].cmd == RELAY_DATA)
            ck_assert_uint_eq(w->l->got[i].len, want[at++]);
    }
    ck_assert_uint_eq(at, 5);
    world_free(w);
}
END_TEST

START_TEST(test_stream_optimistic_data)
{
    struct world *w = world_new(22);
    struct app *a = begin(w, 0);
    ck_assert(!stream_is_connected(a->s));
    ck_assert_uint_eq(stream_write(a->s, (const uint8_t *)"GET /", 5), 5);
    fake_pump(w->l);
    ck_assert_mem_eq(fake_last(w->l, RELAY_DATA)->data, "GET /", 5);
    exit_says(w, a, RELAY_CONNECTED, PUBLIC_ADDR, 8);
    ck_assert_uint_eq(a->connected, 1);
    world_free(w);
}
END_TEST

/* 200 streams with much to send over a narrow link, and circuit windows that run out: all of them
 * come forward alike, and all bytes arrive. */
START_TEST(test_stream_two_hundred_share_a_circuit)
{
    enum { N = 200, EACH = 30 * RELAY_V0_DATA_MAX };
    struct world *w = world_new(23);
    for (unsigned i = 0; i < N; i++)
        connected(w, i);
    w->l->data_room = 0;
    for (unsigned i = 0; i < N; i++) {
        w->app[i].to_send = EACH;
        app_write(&w->app[i]);
    }
    size_t most = 0, least = SIZE_MAX;
    for (unsigned round = 0; round < 2000; round++) {
        w->l->got_n = 0;
        fake_writable(w->l, 50);
        fake_pump(w->l);
        most = 0;
        least = SIZE_MAX;
        for (unsigned i = 0; i < N; i++) {
            most = w->app[i].sent > most ? w->app[i].sent : most;
            least = w->app[i].sent < least ? w->app[i].sent : least;
        }
        ck_assert_uint_le(most - least, 10 * RELAY_V0_DATA_MAX); /* two turns and a bit */
        if (least == EACH)
            break;
    }
    ck_assert_uint_eq(least, EACH);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    world_free(w);
}
END_TEST

START_TEST(test_stream_a_greedy_one_does_not_pass_those_that_wait)
{
    struct world *w = world_new(24);
    struct app *a = connected(w, 0), *b = connected(w, 1);
    w->l->data_room = 0;
    a->to_send = 2 * RELAY_V0_DATA_MAX;
    app_write(a);
    b->to_send = 100 * RELAY_V0_DATA_MAX;
    w->l->data_room = 5; /* room by itself is nobody's turn yet */
    app_write(b);
    ck_assert_uint_eq(a->sent + b->sent, 0);
    w->l->data_room = 0;
    fake_writable(w->l, 3);
    ck_assert_uint_eq(a->sent, a->to_send);
    ck_assert_uint_eq(b->sent, RELAY_V0_DATA_MAX);
    world_free(w);
}
END_TEST

START_TEST(test_stream_turns_are_of_four_cells)
{
    struct world *w = world_new(34);
    struct app *app[2] = {connected(w, 0), connected(w, 1)};
    w->l->data_room = 0;
    for (unsigned i = 0; i < 2; i++) {
        app[i]->to_send = 100 * RELAY_V0_DATA_MAX;
        app_write(app[i]);
    }
    unsigned before = w->l->got_n;
    fake_writable(w->l, 16);
    fake_pump(w->l);
    ck_assert_uint_eq(w->l->got_n, before + 16);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(w->l->got[before + i].stream_id, stream_id(app[i / 4 % 2]->s));
    world_free(w);
}
END_TEST

START_TEST(test_stream_circuit_window_stops_all_and_starts_all)
{
    struct world *w = world_new(25);
    w->l->no_sendmes = true;
    struct app *a[3];
    for (unsigned i = 0; i < 3; i++)
        a[i] = connected(w, i);
    for (unsigned i = 0; i < 3; i++) {
        a[i]->to_send = 400 * RELAY_V0_DATA_MAX; /* under the stream window */
        app_write(a[i]);
    }
    ck_assert_uint_eq(circ_window(w->c, HOPS), 0);
    w->l->no_sendmes = false;
    for (unsigned round = 0; round < 20; round++)
        fake_pump(w->l);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(a[i]->sent, a[i]->to_send);
    world_free(w);
}
END_TEST

/* ---- ends ---- */

START_TEST(test_stream_close_says_misc_whatever_the_reason)
{
    for (unsigned reason = 1; reason < 16; reason++) {
        struct world *w = world_new(26);
        struct app *a = connected(w, 0);
        uint16_t id = stream_id(a->s);
        stream_close(a->s, (uint8_t)reason);
        stream_close(a->s, (uint8_t)reason);
        fake_pump(w->l);
        ck_assert_uint_eq(fake_count(w->l, RELAY_END, id), 1);
        ck_assert_uint_eq(fake_last(w->l, RELAY_END)->len, 1);
        ck_assert_uint_eq(fake_last(w->l, RELAY_END)->data[0], END_MISC);
        ck_assert_uint_eq(a->ended, 0);
        ck_assert_uint_eq(streams_open_count(w->set), 0);
        world_free(w);
    }
}
END_TEST

START_TEST(test_stream_half_closed_takes_the_rest_of_the_window)
{
    struct world *w = world_new(27);
    struct app *a = connected(w, 0);
    uint16_t id = stream_id(a->s);
    char data[RELAY_V0_DATA_MAX] = {0};
    a->hold = true;
    a->to_send = 120 * RELAY_V0_DATA_MAX;
    app_write(a);
    for (unsigned n = 0; n < 100; n++)
        exit_says(w, a, RELAY_DATA, data, sizeof data);
    stream_close(a->s, END_DONE);
    fake_pump(w->l);
    settle(w);
    for (unsigned n = 0; n < 400; n++)
        fake_send(w->l, HOPS, RELAY_DATA, id, data, sizeof data);
    fake_send(w->l, HOPS, RELAY_SENDME, id, NULL, 0);
    fake_send(w->l, HOPS, RELAY_SENDME, id, NULL, 0);
    fake_pump(w->l);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    ck_assert_uint_eq(a->data_calls, 100);
    fake_send(w->l, HOPS, RELAY_DATA, id, data, 1);
    assert_circ_closed(w, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_stream_circuit_end_ends_every_stream_once)
{
    struct world *w = world_new(28);
    connected(w, 0);
    begin(w, 1);
    open_kind(w, 2, (struct stream_request){.kind = STREAM_RESOLVE, .target = "a.b"});
    fake_send(w->l, 2, RELAY_TRUNCATED, 0, "\10", 1);
    struct stream_request req = {.target = "a.b:80"};
    struct stream *s;
    ck_err(stream_open(w->set, &req, &app_ops, NULL, &s), ERR_STATE);
    ck_assert_uint_eq(stream_write(w->app[0].s, (const uint8_t *)"x", 1), 0);
    settle(w);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(w->app[i].ended, 1);
        ck_assert(w->app[i].end.circuit_ended && w->app[i].end.circ.remote);
        ck_assert_uint_eq(w->app[i].end.circ.reason, DESTROY_CHANNEL_CLOSED);
        ck_assert_uint_eq(w->app[i].end.reason, END_DESTROY);
        ck_assert_int_eq(w->app[i].end.connected, i == 0);
    }
    ck_err(stream_open(w->set, &req, &app_ops, NULL, &s), ERR_STATE);
    world_free(w);
}
END_TEST

/* One stream closes itself, its circuit or its set inside each callback. */
START_TEST(test_stream_closed_inside_every_callback)
{
    for (unsigned how = 0; how < 3; how++) {
        for (unsigned where = CLOSE_IN_CONNECTED; where <= CLOSE_IN_END; where++) {
            struct world *w = world_new(29);
            struct app *a = &w->app[0], *other = connected(w, 1);
            a->close_in = where;
            a->close_circ = how == 1;
            a->free_set = how == 2;
            uint16_t id = (uint16_t)(stream_id(other->s) + 1);
            if (where == CLOSE_IN_RESOLVED) {
                open_kind(w, 0, (struct stream_request){.kind = STREAM_RESOLVE, .target = "a.b"});
                exit_says(w, a, RELAY_RESOLVED, "\4\4\300\0\2\1\0\0\0\74", 10);
            } else {
                begin(w, 0);
                exit_says(w, a, RELAY_CONNECTED, PUBLIC_ADDR, 8);
            }
            if (where == CLOSE_IN_DATA)
                exit_says(w, a, RELAY_DATA, "x", 1);
            if (where == CLOSE_IN_WRITABLE) {
                w->l->data_room = 0;
                a->to_send = other->to_send = 5000;
                app_write(a);
                app_write(other);
                fake_writable(w->l, 6);
            }
            if (where == CLOSE_IN_END)
                exit_says(w, a, RELAY_END, "\6", 1);
            ck_assert_int_eq(circ_state(w->c), how == 1 ? CIRC_CLOSED : CIRC_OPEN);
            fake_pump(w->l);
            settle(w);
            if (where == CLOSE_IN_RESOLVED && how != 1)
                ck_assert_uint_eq(fake_count(w->l, RELAY_END, id), 0);
            ck_assert_uint_eq(other->ended, how == 1);
            ck_assert_uint_eq(w->closed, how == 1);
            world_free(w);
        }
    }
}
END_TEST

/* However many come and go, a set that lives on holds those only that are open. */
START_TEST(test_stream_that_ended_is_freed_with_the_wake_up)
{
    struct world *w = world_new(32);
    struct app *a = connected(w, 0), *b = connected(w, 1);
    exit_says(w, a, RELAY_END, "\6", 1);
    stream_close(b->s, END_DONE);
    ck_assert_ptr_nonnull(w->set->dead);
    env_run_timers(w->env);
    ck_assert_ptr_null(w->set->dead);
    world_free(w);
}
END_TEST

/* All streams free their set when the circuit ends. */
START_TEST(test_stream_set_freed_while_the_circuit_ends)
{
    struct world *w = world_new(30);
    connected(w, 0);
    connected(w, 1);
    w->app[0].close_in = w->app[1].close_in = CLOSE_IN_END;
    w->app[0].free_set = w->app[1].free_set = true;
    circ_close(w->c, OK, DESTROY_FINISHED);
    settle(w);
    ck_assert_uint_eq(w->app[0].ended + w->app[1].ended, 1);
    ck_assert_ptr_null(w->set);
    world_free(w);
}
END_TEST

START_TEST(test_stream_end_that_the_link_refuses_closes_the_circuit)
{
    struct world *w = world_new(31);
    struct app *a = connected(w, 0), *b = connected(w, 1);
    w->l->refuse_all = true;
    stream_close(a->s, END_DONE);
    assert_circ_closed(w, ERR_FULL);
    ck_assert_uint_eq(a->ended, 0);
    ck_assert_uint_eq(b->ended, 1);
    world_free(w);
}
END_TEST

TESTS("stream/stream", test_stream_begin_says_where_to, test_stream_bad_targets_are_refused,
      test_stream_begin_waits_for_a_crowded_link, test_stream_ids_in_use_are_passed_over,
      test_stream_ids_count_up_and_are_not_used_twice, test_stream_ids_begin_anywhere,
      test_stream_ids_run_out, test_stream_open_ones_have_a_most,
      test_stream_connected_address_decides, test_stream_begin_dir_connects_without_address,
      test_stream_every_message_in_every_state,
      test_stream_messages_from_another_hop_close_the_circuit, test_stream_end_reasons_are_kept,
      test_stream_exit_policy_tells_what_the_exit_saw,
      test_stream_resolved_addresses_names_and_errors,
      test_stream_malformed_resolved_ends_the_look_up_only,
      test_stream_resolved_has_a_most_of_answers,
      test_stream_data_comes_in_order_and_windows_are_refilled,
      test_stream_a_reader_that_stalls_gets_a_window_and_no_more,
      test_stream_data_over_the_window_closes_the_circuit,
      test_stream_package_window_waits_for_sendmes,
      test_stream_sendme_over_the_window_closes_the_circuit,
      test_stream_data_is_cut_into_full_cells, test_stream_optimistic_data,
      test_stream_two_hundred_share_a_circuit,
      test_stream_a_greedy_one_does_not_pass_those_that_wait, test_stream_turns_are_of_four_cells,
      test_stream_circuit_window_stops_all_and_starts_all,
      test_stream_close_says_misc_whatever_the_reason,
      test_stream_half_closed_takes_the_rest_of_the_window,
      test_stream_circuit_end_ends_every_stream_once, test_stream_closed_inside_every_callback,
      test_stream_that_ended_is_freed_with_the_wake_up,
      test_stream_set_freed_while_the_circuit_ends,
      test_stream_end_that_the_link_refuses_closes_the_circuit)
