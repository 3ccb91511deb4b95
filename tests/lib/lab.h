/* A test network on loopback sockets in a process of its own, for tests that wait inside the
 * library; and a server that says something that is not Tor. Killed with the test. Inline. */
#ifndef TUNIC_TESTS_LAB_H
#define TUNIC_TESTS_LAB_H

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "faults/faults.h"
#include "support/test.h"
#include "testbed/page.h"
#include "testbed/world.h"
#include "tunic/stream.h"

enum { LAB_NODES = 4, LAB_AUTH = 0, LAB_GUARD, LAB_MIDDLE, LAB_EXIT };

struct lab_node {
    char address[IP_TEXT_MAX];
    uint16_t port;
    struct rsa_id rsa;
    struct ed_id ed;
    struct x25519_pub ntor;
};

struct lab {
    struct lab_node node[LAB_NODES];
    uint16_t page_port;                /* of http://hello.test */
    char torrc[TESTNET_LINE_MAX + 64]; /* for a client */
    pid_t pid;
};

struct lab_fault {
    int node; /* LAB_... */
    const char *text;
};

/* ---- the child ---- */

struct lab_inside {
    struct log log;
    struct net *net;
    struct plan plan;
    struct identity ids[LAB_NODES];
    struct testbed_page *page;
    struct testbed_world *world;
    struct testnet *testnet;
    struct node_host host;
};

static inline err_t lab_build(struct lab_inside *in)
{
    const struct plan_wish wish = {.authorities = 1, .relays = 3, .exits = 1, .interval_s = 3600};
    const struct shape_rules rules = {0};
    char why[PLAN_WHY_MAX];
    in->log.least = LOG_ERR;
    TRY(crypto_init());
    TRY(plan_make(&wish, &in->plan, why));
    TRY(net_new(&in->log, NULL, &in->net));
    for (size_t i = 0; i < LAB_NODES; i++)
        TRY(identity_make(net_env(in->net), &in->ids[i]));
    TRY(testbed_page_open(in->net, &in->plan, &in->page));
    TRY(testbed_world_new(in->net, &in->plan, &rules, &in->world));
    in->host = (struct node_host){
        .name = "hello.test",
        .to = {{.family = IP_V4, .b = {127, 0, 0, 1}}, testbed_page_port(in->page)}};
    const struct testnet_config config = {
        .plan = &in->plan, .ids = in->ids, .hosts = &in->host, .n_hosts = 1};
    TRY(testnet_new(net_env(in->net), &config, &testbed_world_ops, in->world, &in->testnet));
    testbed_world_attach(in->world, in->testnet);
    return OK;
}

static inline void lab_describe(struct lab_inside *in, struct lab *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < LAB_NODES; i++) {
        const struct plan_node *p = node_plan(testnet_node(in->testnet, i));
        struct lab_node *n = &out->node[i];
        ip_text(&p->or_port.ip, n->address);
        n->port = p->or_port.port;
        n->rsa = in->ids[i].rsa_id;
        n->ed = in->ids[i].ed.pub;
        n->ntor = in->ids[i].ntor_pub;
    }
    out->page_port = testbed_page_port(in->page);
    char line[TESTNET_LINE_MAX];
    snprintf(out->torrc, sizeof out->torrc,
             "TestingTorNetwork 1\nConfluxEnabled 0\nDirAuthority %s\n",
             testnet_authority_line(in->testnet, LAB_AUTH, line));
}

__attribute__((noreturn)) static inline void lab_child(const struct lab_fault *faults, int to)
{
    static struct lab_inside in;
    struct lab described;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (lab_build(&in) != OK)
        _exit(1);
    for (const struct lab_fault *f = faults; f && f->text; f++)
        if (fault_set(faults_of(testnet_node(in.testnet, (size_t)f->node)), f->text) != OK)
            _exit(2);
    lab_describe(&in, &described);
    if (write(to, &described, sizeof described) != (ssize_t)sizeof described)
        _exit(3);
    close(to);
    net_run(in.net);
    _exit(0);
}

/* ---- the test's side ---- */

/* FAULTS end in one without a text; NULL: none. */
static inline void lab_start(struct lab *lab, const struct lab_fault *faults)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(ends[0]);
        lab_child(faults, ends[1]);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], lab, sizeof *lab), (ssize_t)sizeof *lab);
    close(ends[0]);
    lab->pid = pid;
}

static inline void lab_stop(struct lab *lab)
{
    kill(lab->pid, SIGKILL);
    waitpid(lab->pid, NULL, 0);
}

/* Options to reach NODE, with both identities. */
static inline struct tunic_relay_options lab_options(const struct lab *lab, int node)
{
    const struct lab_node *n = &lab->node[node];
    struct tunic_relay_options o = TUNIC_RELAY_OPTIONS_INIT;
    o.address = n->address;
    o.port = n->port;
    o.rsa_id = n->rsa.b;
    o.ed25519_id = n->ed.b;
    return o;
}

static inline struct tunic_hop lab_hop(const struct lab *lab, int node)
{
    const struct lab_node *n = &lab->node[node];
    struct tunic_hop h = TUNIC_HOP_INIT;
    h.rsa_id = n->rsa.b;
    h.ed25519_id = n->ed.b;
    h.ntor_key = n->ntor.b;
    h.ipv4 = n->address;
    h.ipv4_port = n->port;
    return h;
}

/* A listening socket on loopback. */
static inline int lab_listen(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* A server that says TEXT to whoever comes, and hangs up when the other has said something. */
static inline pid_t lab_serve(const char *text, uint16_t *port)
{
    int fd = lab_listen(port);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char in[4096];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int one = accept(fd, NULL, NULL);
            (void)!write(one, text, strlen(text));
            (void)!read(one, in, sizeof in);
            close(one);
        }
    }
    close(fd);
    return pid;
}

/* What docs/examples/NAME prints; they are built beside the tests. Returns its exit status. */
static inline int lab_example(const char *name, const char *arguments, char *output, size_t size)
{
    char path[1024], command[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    ck_assert_int_gt(n, 0);
    path[n] = 0;
    for (int up = 0; up < 3; up++) /* BUILD/tests/lib/test_... */
        *strrchr(path, '/') = 0;
    snprintf(command, sizeof command, "%s/examples/%s %s", path, name, arguments);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t len = fread(output, 1, size - 1, f);
    output[len] = 0;
    return WEXITSTATUS(pclose(f));
}

/* What a test sees of an error: then E is clear again. */
static inline void lab_is_error(struct tunic_error *e, enum tunic_class cls, enum tunic_stage stage,
                                int hop, int reason)
{
    char text[512];
    tunic_error_text(e, text, sizeof text);
    ck_assert_msg(e->cls == cls && e->stage == stage && e->hop == hop && e->reason == reason, "%s",
                  text);
    memset(e, 0, sizeof *e);
}

#endif
