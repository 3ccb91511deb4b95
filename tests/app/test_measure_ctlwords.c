#include "app/measure/ctlwords.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

/* What is said of JSON, on a terminal or not. */
static void says(const char *json, bool live, const char *want)
{
    char *text = NULL;
    size_t len = 0;
    json_error_t error;
    json_t *o = json_loads(json, 0, &error);
    FILE *f = open_memstream(&text, &len);
    ctlwords_write(f, o, live);
    fclose(f);
    ck_assert_str_eq(text, want);
    free(text);
    json_decref(o);
}

START_TEST(test_ctlwords_a_second)
{
    static const char json[] =
        "{\"event\":\"second\",\"relay\":\"127.0.0.1:1\",\"sec\":17,\"dur\":30,\"bw\":5387500,"
        "\"bg\":250000,\"checked\":84012,\"ready_circs\":158,\"circs\":160}";
    says(json, false,
         "127.0.0.1:1 [17/30 s] 43.1 Mbit/s, background 2.0, 84012 cells checked, 158/160 "
         "sockets\n");
    says(json, true,
         "\r\033[K127.0.0.1:1 [17/30 s] 43.1 Mbit/s, background 2.0, 84012 cells checked, 158/160 "
         "sockets");
    says("{\"event\":\"second\",\"relay\":\"x\",\"sec\":1,\"dur\":3,\"bw\":1000000,\"checked\":9,"
         "\"ready_circs\":2,\"circs\":2}",
         false, "x [1/3 s] 8.0 Mbit/s, background unknown, 9 cells checked, 2/2 sockets\n");
}
END_TEST

START_TEST(test_ctlwords_results)
{
    says("{\"event\":\"result\",\"addr\":\"127.0.0.1:1\",\"ok\":true,\"bw\":3000000,\"bg\":250000,"
         "\"limited_by\":\"relay\",\"clamped\":3,\"counted\":29}",
         false,
         "127.0.0.1:1 carries 24.0 Mbit/s (3.000 MB/s), 2.0 of them its clients', limited by "
         "relay.\n"
         "  In 3 of 29 seconds it claimed more clients than is believed.\n");
    says("{\"event\":\"result\",\"addr\":\"127.0.0.1:1\",\"ok\":true,\"bw\":3000000,\"bg\":250000,"
         "\"limited_by\":\"relay\",\"unsteady\":true,\"counted\":29}",
         false,
         "127.0.0.1:1 carries 24.0 Mbit/s (3.000 MB/s), 2.0 of them its clients', limited by "
         "relay.\n"
         "  The run was unsteady: its seconds differ widely. Measure it again.\n");
    says("{\"event\":\"result\",\"addr\":\"127.0.0.1:1\",\"ok\":false,\"why\":\"cheat\",\"detail\":"
         "\"cell 3\"}",
         false, "127.0.0.1:1: cheat: cell 3\n");
    says("{\"event\":\"result\",\"addr\":\"127.0.0.1:1\",\"ok\":true,\"bw\":3000000,\"mode\":"
         "\"echo2\"}",
         false,
         "127.0.0.1:1 carries at least 24.0 Mbit/s (3.000 MB/s), by echo2; what its clients had "
         "meanwhile is not known.\n");
    says("{\"t\":\"end\",\"ts\":1764500000,\"fp\":\"AB\",\"addr\":\"127.0.0.1:1\",\"ok\":false,"
         "\"why\":\"cheat\",\"detail\":\"cell 3\"}",
         false, "2025-11-30 10:53 UTC AB 127.0.0.1:1: cheat: cell 3\n");
    says("{\"nickname\":\"caer\",\"t\":\"end\",\"ts\":1764500000,\"fp\":\"AB\",\"addr\":"
         "\"127.0.0.1:1\",\"ok\":false,\"why\":\"cheat\",\"detail\":\"cell 3\"}",
         false, "2025-11-30 10:53 UTC caer AB 127.0.0.1:1: cheat: cell 3\n");
    says("{\"event\":\"refused\",\"relay\":\"x\",\"why\":\"no such\"}", false,
         "x: not measured: no such\n");
    says("{\"event\":\"end\"}", false, "");
}
END_TEST

START_TEST(test_ctlwords_status)
{
    says("{\"state\":\"READY\",\"measurers\":[{\"name\":\"m1\",\"bw\":125000000,\"connected\":"
         "false}],"
         "\"jobs\":[]}",
         false, "measurer m1: away, 1000 Mbit/s\nnothing is measured\n");
    says("{\"relays\":[{\"fp\":\"AB\",\"addr\":\"127.0.0.1:1\",\"bw\":3000000,\"measured\":"
         "1764500000,"
         "\"why\":\"\"}]}",
         false, "127.0.0.1:1 AB: 24.0 Mbit/s, 2025-11-30 10:53\n");
    says(
        "{\"relays\":[{\"fp\":\"AB\",\"nickname\":\"b\",\"addr\":\"127.0.0.1:1\",\"bw\":0},"
        "{\"fp\":\"CD\",\"nickname\":\"a\",\"addr\":\"127.0.0.1:2\",\"bw\":0}]}",
        false,
        "a 127.0.0.1:2 CD: no figure; weight 0 kB/s\nb 127.0.0.1:1 AB: no figure; weight 0 kB/s\n");
    says("{\"relays\":[{\"fp\":\"\",\"addr\":\"127.0.0.1:1\",\"bw\":3000000,\"measured\":0}]}",
         false, "127.0.0.1:1: 24.0 Mbit/s, never\n");
}
END_TEST

START_TEST(test_ctlwords_schedule)
{
    says("{\"event\":\"schedule\",\"state\":\"stopped\"}", false, "schedule: stopped\n");
    says("{\"event\":\"schedule\",\"state\":\"stopped\",\"no_address\":1,\"unplaced\":[\"EF\"]}",
         false,
         "schedule: stopped\n1 that have opted in are not measured: no address is known\n"
         "EF no address is known\n");
    says(
        "{\"event\":\"schedule\",\"state\":\"over\",\"compact\":true,\"changed\":1764500000,"
        "\"next\":1764547200,\"slots\":7,\"counts\":{\"done\":4}}",
        false,
        "schedule: over since 2025-11-30 10:53 UTC, after 7 slots back to back; the next day "
        "begins 2025-12-01 00:00 UTC\n"
        "4 measured, 0 running, 0 waiting, 0 resting, 0 not measured, 0 offline, 0 without room; 0 "
        "not there, 0 moved to a later slot, 0 cut short\n");
    says(
        "{\"event\":\"schedule\",\"state\":\"running\",\"compact\":false,\"begins\":1764460800,"
        "\"ends\":1764547200,\"slot_s\":60,\"slots\":1440,\"slot\":9,\"slot_given\":1000000,"
        "\"capacity\":125000000,\"away\":1,\"moved\":2,\"cut_short\":3,\"counts\":{\"done\":4,"
        "\"waiting\":5},\"items\":[{\"fp\":\"AB\",\"state\":\"waiting\",\"slot\":10,\"given\":"
        "3000000,\"prior\":1000000},{\"fp\":\"CD\",\"state\":\"no_room\",\"slot\":null}]}",
        false,
        "schedule: running\nslot 10 of 1440, 8 of 1000 Mbit/s; it ends about 2025-12-01 00:00 UTC\n"
        "4 measured, 0 running, 5 waiting, 0 resting, 0 not measured, 0 offline, 0 without room; 1 "
        "not there, "
        "2 moved to a later slot, 3 cut short\n"
        "AB waiting, slot 10 (2025-11-30 00:10 UTC), 24.0 Mbit/s for 8.0\n"
        "CD no_room, no slot, 0.0 Mbit/s for 0.0\n");
}
END_TEST

/* Whatever a relay, a file or a coordinator has said. */
START_TEST(test_ctlwords_move_no_cursor)
{
    says("{\"event\":\"result\",\"addr\":\"x\",\"ok\":false,\"why\":\"cheat\",\"detail\":"
         "\"a\\u001b[2J\\r\\u007fb\"}",
         true, "\r\033[Kx: cheat: a?[2J??b\n");
    says("{\"event\":\"schedule\",\"state\":\"stopped\",\"unplaced\":[5]}", false,
         "schedule: stopped\n");
}
END_TEST

/* Nor is there a number that it cannot say. */
START_TEST(test_ctlwords_of_numbers_beyond_all_bounds)
{
    says("{\"event\":\"bwfile\",\"path\":\"f\",\"measured\":9223372036854775807,\"listed\":-1,"
         "\"votes\":true}",
         false, "f: 9223372036854775807 relays, -922337203685477580800% of -1\n");
    says(
        "{\"event\":\"schedule\",\"state\":\"over\",\"counts\":{},\"begins\":9223372036854775807,"
        "\"slot_s\":60,\"items\":[{\"fp\":\"AB\",\"state\":\"done\",\"slot\":9}]}",
        false,
        "schedule: over, after 0 slots; the next day begins -\n"
        "0 measured, 0 running, 0 waiting, 0 resting, 0 not measured, 0 offline, 0 without room; 0 "
        "not there, 0 moved to a later slot, 0 cut short\n"
        "AB done, slot 9 (-), 0.0 Mbit/s for 0.0\n");
}
END_TEST

TESTS("app/measure_ctlwords", test_ctlwords_a_second, test_ctlwords_results, test_ctlwords_status,
      test_ctlwords_schedule, test_ctlwords_move_no_cursor,
      test_ctlwords_of_numbers_beyond_all_bounds)
