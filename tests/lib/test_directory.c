/* Documents and descriptors over loopback; the examples of docs/examples, run. */
#include "tunic/directory.h"

#include "lab.h"

static struct lab lab;
static struct tunic *t;
static struct tunic_relay *guard;
static struct tunic_circuit *c;
static struct tunic_error e;

static void setup(const char *fault)
{
    const struct lab_fault faults[] = {{LAB_GUARD, fault}, {0, NULL}};
    lab_start(&lab, faults);
    t = tunic_new(&e);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    guard = tunic_relay_connect(t, &o, 5000, &e);
    c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    memset(&e, 0, sizeof e);
}

static void teardown(void)
{
    tunic_circuit_free(c);
    tunic_relay_free(guard);
    tunic_free(t);
    lab_stop(&lab);
}

static void fails(const char *path, enum tunic_class cls, enum tunic_stage stage, int reason)
{
    char text[512];
    ck_assert_ptr_null(tunic_dir_get(c, path, NULL, 500, &e));
    tunic_error_text(&e, text, sizeof text);
    ck_assert_msg(e.cls == cls && e.stage == stage && e.reason == reason, "%s", text);
}

START_TEST(test_directory_gets_documents)
{
    size_t len = 0;
    setup(NULL);
    char *doc = tunic_dir_get(c, "/tor/status-vote/current/consensus-microdesc", &len, 5000, &e);
    ck_assert_msg(doc != NULL, "%s", e.text);
    ck_assert_uint_eq(strlen(doc), len);
    ck_assert(strncmp(doc, "network-status-version 3 microdesc\n", 35) == 0);
    tunic_dir_free(doc);
    fails("/tor/no/such/document", TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, 404);
    ck_assert_int_eq(e.from_peer, 1);
    fails("no path", TUNIC_USAGE, TUNIC_STAGE_DIRECTORY, -1);
    tunic_dir_free(NULL);
    teardown();
}
END_TEST

START_TEST(test_directory_bad_answers)
{
    static const struct {
        const char *fault;
        enum tunic_class cls;
        int reason;
    } cases[] = {
        {"dir-503", TUNIC_REFUSED, 503},       {"dir-garbage", TUNIC_PROTOCOL, -1},
        {"dir-truncated", TUNIC_PROTOCOL, -1}, {"dir-bomb", TUNIC_PROTOCOL, -1},
        {"dir-silent", TUNIC_TIMEOUT, -1},     {"dir-zlib-cut", TUNIC_PROTOCOL, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup(cases[i].fault);
        fails("/tor/status-vote/current/consensus", cases[i].cls, TUNIC_STAGE_DIRECTORY,
              cases[i].reason);
        teardown();
    }
}
END_TEST

struct seen {
    int opened, more, closed;
};

static void note(void *arg, struct tunic_dir_request *request, enum tunic_event event)
{
    struct seen *s = arg;
    ck_assert_int_eq(s->closed, 0); /* it is the last one */
    s->opened += event == TUNIC_EVENT_OPEN;
    s->more += event == TUNIC_EVENT_READABLE;
    s->closed += event == TUNIC_EVENT_CLOSED;
    if (event == TUNIC_EVENT_CLOSED)
        ck_assert(tunic_dir_document(request, &(size_t){0}) || tunic_dir_error(request));
}

static struct tunic_dir_request *ask(const char *path, const char *accept, int raw,
                                     struct seen *seen)
{
    struct tunic_dir_options o = TUNIC_DIR_OPTIONS_INIT;
    o.path = path;
    o.accept = accept;
    o.raw = raw;
    o.callback = note;
    o.callback_arg = seen;
    struct tunic_dir_request *r = tunic_dir_start(c, &o, &e);
    ck_assert_msg(r != NULL, "%s", e.text);
    return r;
}

START_TEST(test_directory_several_at_once)
{
    static const char *const accept[] = {"identity", "deflate", "x-zstd"};
    enum { N = 3 };
    struct seen seen[N + 1] = {{0, 0, 0}};
    struct tunic_dir_request *r[N + 1];
    size_t len[N + 1];
    setup(NULL);
    for (int i = 0; i < N; i++)
        r[i] = ask("/tor/server/all", accept[i], 0, &seen[i]);
    r[N] = ask("/tor/server/all", "deflate", 1, &seen[N]);
    struct tunic_dir_request *gone = ask("/tor/server/all", NULL, 0, &seen[0]);
    tunic_dir_request_free(gone);
    for (int i = 0; i <= N; i++) {
        ck_assert_msg(tunic_dir_wait(r[i], 5000, &e) == 0, "%s", e.text);
        while (!seen[i].closed)
            ck_assert_int_eq(tunic_run_once(t, 1000, &e), 0);
        ck_assert_int_eq(seen[i].opened, 1);
        ck_assert_int_ge(seen[i].more, 1);
        const char *doc = tunic_dir_document(r[i], &len[i]), *first = tunic_dir_document(r[0], len);
        ck_assert(i == N || (len[i] == len[0] && memcmp(doc, first, *len) == 0));
        ck_assert_str_eq(tunic_dir_encoding(r[i]), i < N ? accept[i] : "deflate");
        ck_assert_uint_gt(tunic_dir_received(r[i]), 0);
    }
    ck_assert_uint_eq(tunic_dir_received(r[N]), len[N]); /* as it came */
    ck_assert_uint_lt(len[N], len[0]);
    for (int i = 0; i < N; i++)
        tunic_dir_request_free(r[i]);
    tunic_dir_request_free(NULL);
    teardown(); /* the circuit goes before the last one */
    ck_assert_ptr_null(tunic_dir_document(r[N], len));
    tunic_dir_request_free(r[N]);
}
END_TEST

START_TEST(test_directory_request_outlived)
{
    setup("dir-silent");
    struct seen seen = {0, 0, 0};
    struct tunic_dir_request *r = ask("/tor/server/all", NULL, 0, &seen);
    struct tunic_dir_options o = TUNIC_DIR_OPTIONS_INIT;
    o.path = "/x";
    o.accept = "identity\r\nX: y";
    ck_assert_ptr_null(tunic_dir_start(c, &o, &e));
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    ck_assert_int_eq(tunic_dir_wait(r, 300, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_TIMEOUT);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DIRECTORY);
    ck_assert_int_eq(seen.closed, 0);
    tunic_circuit_free(c);
    c = NULL;
    ck_assert_int_eq(tunic_dir_wait(r, 1000, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_CLOSED);
    ck_assert_int_eq(seen.closed, 1);
    teardown();
    tunic_dir_request_free(r);
}
END_TEST

START_TEST(test_directory_descriptors_are_hops)
{
    size_t len;
    setup(NULL);
    char *all = tunic_dir_get(c, "/tor/server/all", &len, 5000, &e);
    ck_assert_msg(all != NULL, "%s", e.text);
    char hex[41];
    for (int i = 0; i < 20; i++)
        snprintf(hex + 2 * i, 3, "%02x", lab.node[LAB_EXIT].rsa.b[i]);
    struct tunic_descriptor *d = tunic_descriptor_find(all, len, hex, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    const struct tunic_hop *hop = tunic_descriptor_hop(d);
    ck_assert_mem_eq(hop->rsa_id, lab.node[LAB_EXIT].rsa.b, 20);
    ck_assert_mem_eq(hop->ed25519_id, lab.node[LAB_EXIT].ed.b, 32);
    ck_assert_mem_eq(hop->ntor_key, lab.node[LAB_EXIT].ntor.b, 32);
    ck_assert_str_eq(hop->ipv4, lab.node[LAB_EXIT].address);
    ck_assert_uint_eq(hop->ipv4_port, lab.node[LAB_EXIT].port);
    struct tunic_descriptor *same =
        tunic_descriptor_find(all, len, tunic_descriptor_nickname(d), &e);
    ck_assert_mem_eq(tunic_descriptor_hop(same)->rsa_id, hop->rsa_id, 20);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR_V3, hop, 5000, &e), 0);
    tunic_descriptor_free(same);
    tunic_descriptor_free(d);

    ck_assert_ptr_null(tunic_descriptor_find(all, len, "nobody", &e));
    ck_assert_int_eq(e.cls, TUNIC_REFUSED);
    ck_assert_int_eq(e.reason, 404);
    for (size_t cut = 0; cut < len; cut += 97) { /* no cut is read beyond */
        char *part = malloc(cut + 1);
        memcpy(part, all, cut);
        tunic_descriptor_free(tunic_descriptor_find(part, cut, hex, NULL));
        free(part);
    }
    tunic_dir_free(all);
    teardown();
}
END_TEST

START_TEST(test_directory_descriptor_without_a_key)
{
    static const char text[] = "router a 127.0.0.1 9001 0 0\n"
                               "fingerprint 0000 0000 0000 0000 0000 0000 0000 0000 0000 0001\n"
                               "router-signature\n"
                               "router b 127.0.0.1 x 0 0\nrouter-signature\n";
    ck_assert_ptr_null(tunic_descriptor_find(text, sizeof text - 1, "a", &e));
    ck_assert_int_eq(e.cls, TUNIC_PROTOCOL);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_DIRECTORY);
    ck_assert_ptr_null(tunic_descriptor_find(text, sizeof text - 1, "b", &e));
    ck_assert_int_eq(e.cls, TUNIC_PROTOCOL);
    ck_assert_ptr_null(tunic_descriptor_find(NULL, 0, NULL, &e));
    ck_assert_int_eq(e.cls, TUNIC_REFUSED);
}
END_TEST

/* As C tor's authorities serve them: one of them is followed by an empty line. */
START_TEST(test_directory_descriptors_with_an_empty_line_between)
{
    size_t len;
    setup(NULL);
    char *all = tunic_dir_get(c, "/tor/server/all", &len, 5000, &e);
    ck_assert_msg(all != NULL, "%s", e.text);
    char *apart = calloc(1, len + 8), hex[41];
    const char *second = strstr(all + 1, "\nrouter ") + 1;
    ck_assert_ptr_nonnull(apart);
    strncat(apart, all, (size_t)(second - all));
    strcat(apart, "\n");
    strcat(apart, second);
    for (int node = 0; node < LAB_NODES; node++) {
        for (int i = 0; i < 20; i++)
            snprintf(hex + 2 * i, 3, "%02X", lab.node[node].rsa.b[i]);
        struct tunic_descriptor *d = tunic_descriptor_find(apart, len + 1, hex, &e);
        ck_assert_msg(d != NULL, "%s", e.text);
        tunic_descriptor_free(d);
    }
    free(apart);
    tunic_dir_free(all);
    teardown();
}
END_TEST

/* ---- examples ---- */

static char output[300000];

static int example(const char *name, const char *arguments)
{
    return lab_example(name, arguments, output, sizeof output);
}

START_TEST(test_directory_example_fetch)
{
    char args[200];
    lab_start(&lab, NULL);
    snprintf(args, sizeof args, "%s %u", lab.node[LAB_AUTH].address, lab.node[LAB_AUTH].port);
    ck_assert_int_eq(example("fetch", args), 0);
    ck_assert(strncmp(output, "network-status-version 3\n", 25) == 0);
    lab_stop(&lab);
    ck_assert_int_eq(example("fetch", args), 1);
    ck_assert_str_eq(output, "");
    ck_assert_int_eq(example("fetch", ""), 1);
}
END_TEST

START_TEST(test_directory_example_three_hops)
{
    char args[400], hex[3][41];
    lab_start(&lab, NULL);
    for (int node = LAB_GUARD; node <= LAB_EXIT; node++)
        for (int i = 0; i < 20; i++)
            snprintf(hex[node - 1] + 2 * i, 3, "%02X", lab.node[node].rsa.b[i]);
    snprintf(args, sizeof args, "%s %u %s %s %s hello.test:%u", lab.node[LAB_AUTH].address,
             lab.node[LAB_AUTH].port, hex[0], hex[1], hex[2], lab.page_port);
    setenv("TUNIC_TESTNET_DIR", ".", 1);
    ck_assert_int_eq(example("three_hops", args), 0);
    ck_assert_msg(strstr(output, "the exit was ") != NULL, "%s", output);
    lab_stop(&lab);
}
END_TEST

TESTS("lib/directory", test_directory_gets_documents, test_directory_bad_answers,
      test_directory_several_at_once, test_directory_request_outlived,
      test_directory_descriptors_are_hops, test_directory_descriptors_with_an_empty_line_between,
      test_directory_descriptor_without_a_key, test_directory_example_fetch,
      test_directory_example_three_hops)
