#include "measure/msg.h"

#include <stdlib.h>
#include <string.h>

#include "measure/frame.h"
#include "support/test.h"
#include "support/vec.h"

static struct msg parsed(const char *json)
{
    struct msg m;
    char why[MSG_WHY];
    err_t e = msg_parse(text_of(json), &m, why);
    ck_assert_msg(e == OK, "%s: %s", json, why);
    return m;
}

static void refused(const char *json, const char *why_part)
{
    struct msg m;
    char why[MSG_WHY];
    ck_err(msg_parse(text_of(json), &m, why), ERR_MALFORMED);
    ck_assert_msg(strstr(why, why_part), "%s: %s", json, why);
}

/* Each message is written as the vector has it, and read as it was written. */
START_TEST(test_msg_all_are_written_as_published)
{
    struct vec *v = vec_open("vectors/measure/messages.txt");
    unsigned seen = 0;
    while (vec_next(v)) {
        struct msg m = parsed(vec_text(v, "json"));
        char *json;
        size_t len;
        ck_ok(msg_write(&m, &json, &len));
        ck_assert_uint_eq(len, strlen(json));
        ck_assert_str_eq(json, vec_text(v, "json"));
        seen |= 1u << m.type;
        free(json);
        msg_free(&m);
    }
    ck_assert_uint_eq(seen, (1u << MSG_TYPES) - 1);
    vec_close(v);
}
END_TEST

START_TEST(test_msg_connect_says_all)
{
    struct msg m =
        parsed("{\"msg_type\":\"connect_to_relay\",\"meas_id\":7,\"relay\":{\"fp\":"
               "\"000102030405060708090a0b0c0d0e0f10111213\",\"addrs\":[\"127.0.0.1:9001\"]},"
               "\"mode\":\"sink2\",\"n_circs\":80,\"alloc_bw\":3000000,\"dur\":30,\"check\":0.5,"
               "\"echo\":\"framed\",\"session\":\"000102030405060708090a0b0c0d0e0f\",\"seed\":"
               "\"0000000000000000000000000000000000000000000000000000000000000005\","
               "\"proof\":\"router\",\"exit\":\"127.0.0.1:9002\",\"exit_proof\":\"router "
               "of the exit\",\"server\":\"[2001:db8::1]:80\"}");
    ck_assert_int_eq(m.type, MSG_CONNECT_TO_RELAY);
    ck_assert_uint_eq(m.meas_id, 7);
    ck_assert(m.connect.relay.has_fp && !m.connect.relay.has_ed25519);
    ck_assert_uint_eq(m.connect.relay.fp.b[19], 0x13);
    ck_assert_uint_eq(m.connect.relay.n_addrs, 1);
    ck_assert_uint_eq(m.connect.relay.addrs[0].port, 9001);
    ck_assert_uint_eq(m.connect.mode, MEAS_SINK2);
    ck_assert_uint_eq(m.connect.n_circs, 80);
    ck_assert_uint_eq(m.connect.alloc_bw, 3000000);
    ck_assert_uint_eq(m.connect.dur, 30);
    ck_assert(m.connect.check > .49 && m.connect.check < .51);
    ck_assert_uint_eq(m.connect.echo, MEAS_ECHO_FRAMED);
    ck_assert_uint_eq(m.connect.session[15], 15);
    ck_assert_uint_eq(m.connect.seed[31], 5);
    ck_assert(text_is(m.connect.proof, "router"));
    ck_assert(text_is(m.connect.exit.proof, "router of the exit"));
    ck_assert_uint_eq(m.connect.exit.at.port, 9002);
    ck_assert_uint_eq(m.connect.exit.server.ip.family, IP_V6);
    ck_assert_uint_eq(m.connect.hop_addr.ip.family, IP_NONE);
    msg_free(&m);
}
END_TEST

START_TEST(test_msg_vectors_of_what_is_none)
{
    static uint8_t bytes[FRAME_MOST];
    struct vec *v = vec_open("vectors/measure/frames.txt");
    while (vec_next(v)) {
        struct msg m;
        char why[MSG_WHY];
        size_t len = vec_hex(v, "bytes", bytes, sizeof bytes);
        if (strcmp(vec_text(v, "message"), "-") == 0)
            continue;
        err_t e = msg_parse((struct text){(char *)bytes + FRAME_HEAD, len - FRAME_HEAD}, &m, why);
        ck_assert_msg(strcmp(err_name(e), vec_text(v, "message")) == 0, "%s: %s %s",
                      vec_text(v, "name"), err_name(e), why);
        if (e == OK)
            msg_free(&m);
        else
            ck_assert(why[0]);
    }
    vec_close(v);
}
END_TEST

/* Each member of each message, left out or made something else, is found: or it may be missing. */
START_TEST(test_msg_wrong_members_are_named)
{
    refused("{\"msg_type\":\"alloc\",\"meas_id\":1}", "\"alloc_bw\" is missing");
    refused("{\"msg_type\":\"alloc\",\"meas_id\":1,\"alloc_bw\":-1}", "\"alloc_bw\" is not right");
    refused("{\"msg_type\":\"alloc\",\"meas_id\":1,\"alloc_bw\":9007199254740993}",
            "\"alloc_bw\" is not right");
    refused("{\"msg_type\":\"hello\",\"proto\":1,\"software\":\"x\",\"name\":\"a b\"}", "\"name\"");
    refused("{\"msg_type\":\"hello\",\"proto\":1,\"software\":\"x\",\"name\":\"a\","
            "\"identity\":\"AAAA\"}",
            "\"identity\"");
    refused("{\"msg_type\":\"bw_report\",\"meas_id\":1,\"sec\":601,\"sent\":0,\"recv\":0}",
            "\"sec\"");
    refused("{\"msg_type\":\"connect_to_relay\",\"meas_id\":1,\"relay\":{\"addrs\":[]}}",
            "\"addrs\" is not right");
    refused("{\"msg_type\":\"connect_to_relay\",\"meas_id\":1,\"relay\":{\"addrs\":"
            "[\"relay.example:9001\"]}}",
            "\"addrs\" is not right");
    refused("{\"msg_type\":\"connect_to_relay\",\"meas_id\":1,\"relay\":3}", "\"relay\"");
}
END_TEST

/* So that its sender can be told which of his measurements it was. */
START_TEST(test_msg_id_of_a_wrong_one_is_known)
{
    struct msg m;
    char why[MSG_WHY];
    ck_err(msg_parse(TEXT_LIT("{\"msg_type\":\"alloc\",\"meas_id\":77}"), &m, why), ERR_MALFORMED);
    ck_assert_uint_eq(m.meas_id, 77);
}
END_TEST

START_TEST(test_msg_words_of_others_are_cut_and_printable)
{
    struct msg m = parsed("{\"msg_type\":\"failure\",\"code\":\"CHEAT\",\"info\":"
                          "\"a\\u001b[31m\xc3\xa4\\nb\"}");
    ck_assert_str_eq(m.failure.info, "a?[31m???b");
    msg_free(&m);
}
END_TEST

START_TEST(test_msg_who_may_send_what)
{
    ck_assert(msg_is_coords(MSG_GO) && !msg_is_measurers(MSG_GO));
    ck_assert(!msg_is_coords(MSG_BW_REPORT) && msg_is_measurers(MSG_BW_REPORT));
    ck_assert(msg_is_coords(MSG_PING) && msg_is_measurers(MSG_PING));
}
END_TEST

START_TEST(test_msg_names_of_machines)
{
    ck_assert(msg_name_valid(TEXT_LIT("m1")));
    ck_assert(msg_name_valid(TEXT_LIT("ber_lin-2.example")));
    ck_assert(!msg_name_valid(TEXT_LIT("")));
    ck_assert(!msg_name_valid(TEXT_LIT("..")));
    ck_assert(!msg_name_valid(TEXT_LIT("a/b")));
    ck_assert(!msg_name_valid((struct text){"a\0b", 3}));
    ck_assert(!msg_name_valid(TEXT_LIT("123456789012345678901234567890123")));
}
END_TEST

TESTS("measure/msg", test_msg_all_are_written_as_published, test_msg_connect_says_all,
      test_msg_vectors_of_what_is_none, test_msg_wrong_members_are_named,
      test_msg_id_of_a_wrong_one_is_known, test_msg_words_of_others_are_cut_and_printable,
      test_msg_who_may_send_what, test_msg_names_of_machines)
