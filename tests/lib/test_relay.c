/* Relays over loopback: opened, identified, and each way in which that fails as an error value. */
#include "tunic/relay.h"

#include "lab.h"
#include "tunic/trace.h"

static struct lab lab;
static struct tunic *t;
static struct tunic_error e;

static void setup(const struct lab_fault *faults)
{
    memset(&e, 0, sizeof e);
    lab_start(&lab, faults);
    t = tunic_new(&e);
    ck_assert_ptr_nonnull(t);
}

static void teardown(void)
{
    tunic_free(t);
    lab_stop(&lab);
}

/* Connecting fails so. */
static void fails(const struct tunic_relay_options *o, int timeout_ms, enum tunic_class cls,
                  enum tunic_stage stage, int reason)
{
    char text[512];
    memset(&e, 0, sizeof e);
    ck_assert_ptr_null(tunic_relay_connect(t, o, timeout_ms, &e));
    tunic_error_text(&e, text, sizeof text);
    ck_assert_msg(e.cls == cls && e.stage == stage && e.reason == reason, "%s", text);
    ck_assert_int_eq(e.hop, 0);
    ck_assert_uint_gt(strlen(e.text), 0);
}

START_TEST(test_relay_opens_and_says_who_it_is)
{
    uint8_t id[32];
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    struct tunic_relay *r = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_msg(r != NULL, "%s", e.text);
    ck_assert_int_eq(tunic_relay_status(r), TUNIC_OR_STATUS_CONNECTED);
    ck_assert_int_eq(tunic_relay_is_alive(r), 1);
    ck_assert_ptr_null(tunic_relay_error(r));
    ck_assert_int_eq(tunic_relay_link_version(r), 5);
    ck_assert_int_gt(tunic_relay_since_ms(r), 1600000000000);
    ck_assert_int_eq(tunic_relay_rsa_id(r, id), 0);
    ck_assert_mem_eq(id, lab.node[LAB_GUARD].rsa.b, TUNIC_RSA_ID_LEN);
    ck_assert_int_eq(tunic_relay_ed25519_id(r, id), 0);
    ck_assert_mem_eq(id, lab.node[LAB_GUARD].ed.b, TUNIC_ED25519_ID_LEN);
    tunic_relay_free(r);

    o.rsa_id = o.ed25519_id = NULL; /* whoever it is */
    r = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(tunic_relay_rsa_id(r, id), 0);
    ck_assert_mem_eq(id, lab.node[LAB_GUARD].rsa.b, TUNIC_RSA_ID_LEN);
    tunic_relay_free(r);
    teardown();
}
END_TEST

START_TEST(test_relay_another_identity)
{
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    o.rsa_id = lab.node[LAB_EXIT].rsa.b;
    fails(&o, 5000, TUNIC_IDENTITY, TUNIC_STAGE_LINK, TUNIC_OR_CLOSURE_REASON_IDENTITY);
    o = lab_options(&lab, LAB_GUARD);
    o.ed25519_id = lab.node[LAB_EXIT].ed.b;
    fails(&o, 5000, TUNIC_IDENTITY, TUNIC_STAGE_LINK, TUNIC_OR_CLOSURE_REASON_IDENTITY);
    teardown();
}
END_TEST

START_TEST(test_relay_wrong_arguments)
{
    static const char *const bad[] = {"", "relay.example", "127.0.0.1:9001", "1.2.3", NULL};
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        o.address = bad[i];
        fails(&o, 5000, TUNIC_USAGE, TUNIC_STAGE_DNS, -1);
    }
    o = lab_options(&lab, LAB_GUARD);
    o.port = 0;
    fails(&o, 5000, TUNIC_USAGE, TUNIC_STAGE_DNS, -1);
    ck_assert_ptr_null(tunic_relay_connect(t, &o, 5000, NULL));
    teardown();
}
END_TEST

START_TEST(test_relay_nobody_there)
{
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    close(lab_listen(&o.port));
    o.address = "127.0.0.1";
    fails(&o, 5000, TUNIC_NETWORK, TUNIC_STAGE_TCP, TUNIC_OR_CLOSURE_REASON_CONNECTREFUSED);
    teardown();
}
END_TEST

START_TEST(test_relay_is_another_server)
{
    static const char *const texts[] = {"SSH-2.0-OpenSSH_9.2p1\r\n",
                                        "HTTP/1.1 400 Bad Request\r\n\r\n"};
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    o.address = "127.0.0.1";
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = lab_serve(texts[i], &o.port);
        fails(&o, 5000, TUNIC_PROTOCOL, TUNIC_STAGE_TLS, TUNIC_OR_CLOSURE_REASON_TLS_ERROR);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    pid_t pid = lab_serve("", &o.port); /* hangs up on ClientHello */
    fails(&o, 5000, TUNIC_NETWORK, TUNIC_STAGE_TLS, TUNIC_OR_CLOSURE_REASON_IOERROR);
    kill(pid, SIGKILL);
    teardown();
}
END_TEST

START_TEST(test_relay_stalls)
{
    static const struct lab_fault faults[] = {{LAB_GUARD, "link-no-netinfo"}, {0, NULL}};
    setup(faults);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    fails(&o, 200, TUNIC_TIMEOUT, TUNIC_STAGE_LINK, TUNIC_OR_CLOSURE_REASON_TIMEOUT);
    o.handshake_timeout_ms = 150; /* and the link's own deadline */
    fails(&o, -1, TUNIC_TIMEOUT, TUNIC_STAGE_LINK, TUNIC_OR_CLOSURE_REASON_TIMEOUT);
    int fd = lab_listen(&o.port);
    o.address = "127.0.0.1";
    fails(&o, 100, TUNIC_TIMEOUT, TUNIC_STAGE_TLS, TUNIC_OR_CLOSURE_REASON_TIMEOUT);
    close(fd);
    teardown();
}
END_TEST

/* A listener whose queue is full answers no SYN. */
START_TEST(test_relay_stalls_before_tls)
{
    int waiting[3];
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    int fd = lab_listen(&o.port);
    ck_assert_int_eq(listen(fd, 0), 0);
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(o.port)};
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&at, sizeof at);
    }
    o.address = "127.0.0.1";
    fails(&o, 100, TUNIC_TIMEOUT, TUNIC_STAGE_TCP, TUNIC_OR_CLOSURE_REASON_TIMEOUT);
    o.connect_timeout_ms = 100;
    fails(&o, 5000, TUNIC_TIMEOUT, TUNIC_STAGE_TCP, TUNIC_OR_CLOSURE_REASON_TIMEOUT);
    for (int i = 0; i < 3; i++)
        close(waiting[i]);
    close(fd);
    teardown();
}
END_TEST

START_TEST(test_relay_breaks_the_protocol)
{
    static const struct lab_fault faults[] = {{LAB_GUARD, "link-no-common-version"},
                                              {LAB_MIDDLE, "link-cert-expired"},
                                              {LAB_EXIT, "link-certs-twice"},
                                              {0, NULL}};
    setup(faults);
    for (int node = LAB_GUARD; node <= LAB_EXIT; node++) {
        struct tunic_relay_options o = lab_options(&lab, node);
        fails(&o, 5000, TUNIC_PROTOCOL, TUNIC_STAGE_LINK, TUNIC_OR_CLOSURE_REASON_MISC);
    }
    teardown();
}
END_TEST

START_TEST(test_relay_goes_away)
{
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    struct tunic_relay *r = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_ptr_nonnull(r);
    kill(lab.pid, SIGKILL);
    for (int i = 0; i < 100 && tunic_relay_is_alive(r); i++)
        ck_assert_int_eq(tunic_run_once(t, 100, &e), 0);
    ck_assert_int_eq(tunic_relay_status(r), TUNIC_OR_STATUS_CLOSED);
    ck_assert_ptr_nonnull(tunic_relay_error(r));
    ck_assert_int_eq(tunic_relay_error(r)->stage, TUNIC_STAGE_LINK);
    ck_assert_int_eq(tunic_relay_wait(r, 0, &e), -1);
    ck_assert_int_eq(e.cls, tunic_relay_error(r)->cls);
    tunic_relay_free(r);
    teardown();
}
END_TEST

START_TEST(test_relay_outlives_its_instance)
{
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    struct tunic_relay *r = tunic_relay_connect(t, &o, 5000, &e);
    struct tunic_relay *dialling = tunic_relay_start(t, &o, &e);
    ck_assert(r && dialling);
    tunic_free(t);
    ck_assert_int_eq(tunic_relay_status(r), TUNIC_OR_STATUS_CLOSED);
    ck_assert_int_eq(tunic_relay_is_alive(r), 0);
    ck_assert_int_eq(tunic_relay_wait(dialling, 100, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    tunic_relay_free(r);
    tunic_relay_free(dialling);
    tunic_relay_free(NULL);
    lab_stop(&lab);
}
END_TEST

/* The CERTS cell of tor-spec 4.2, and a trace of the whole handshake. */
static char trace_of[400];

static void on_trace(void *arg, const struct tunic_trace *trace)
{
    ck_assert_ptr_eq(arg, trace_of);
    ck_assert_uint_eq(trace->size, sizeof *trace);
    ck_assert_int_eq(trace->kind, TUNIC_TRACE_CELL);
    ck_assert_uint_eq(trace->circuit_id, 0);
    strcat(trace_of, trace->out ? ">" : "<");
    strcat(trace_of, trace->command_name);
    strcat(trace_of, " ");
}

START_TEST(test_relay_shows_cells_and_certificates)
{
    struct tunic_certificate cert;
    uint8_t zero[32] = {0}, sha256[32];
    unsigned types = 0;
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    tunic_set_trace(t, on_trace, trace_of);
    struct tunic_relay *r = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_str_eq(trace_of, ">VERSIONS <VERSIONS <CERTS >NETINFO <AUTH_CHALLENGE <NETINFO ");
    int n = 0;
    for (; tunic_relay_certificate(r, n, &cert) == 0; n++) {
        ck_assert_uint_gt(cert.len, 50);
        types |= 1u << cert.type;
    }
    ck_assert_uint_eq(types, 1u << 2 | 1u << 4 | 1u << 5 | 1u << 7);
    ck_assert_int_eq(tunic_relay_certificate(r, -1, &cert), -1);
    ck_assert_int_eq(tunic_relay_tls_sha256(r, sha256), 0);
    ck_assert_mem_ne(sha256, zero, 32);
    tunic_relay_free(r);
    teardown();
}
END_TEST

START_TEST(test_relay_comes_and_goes)
{
    setup(NULL);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    for (int i = 0; i < 100; i++) {
        struct tunic_relay *a = tunic_relay_connect(t, &o, 5000, &e);
        struct tunic_relay *b = tunic_relay_start(t, &o, &e);
        ck_assert(a && b);
        tunic_relay_free(a);
        if (i % 10)
            tunic_relay_free(b);
    }
    tunic_free_all(t);
    lab_stop(&lab);
}
END_TEST

TESTS("lib/relay", test_relay_opens_and_says_who_it_is, test_relay_another_identity,
      test_relay_wrong_arguments, test_relay_nobody_there, test_relay_is_another_server,
      test_relay_stalls, test_relay_stalls_before_tls, test_relay_breaks_the_protocol,
      test_relay_goes_away, test_relay_outlives_its_instance,
      test_relay_shows_cells_and_certificates, test_relay_comes_and_goes)
