#include "app/testnet/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "dirdoc/identity_file.h"

enum { OPEN_TO_ALL = 0644, OWN = 0600 };

static const char *role_name(enum plan_role role)
{
    static const char *const names[] = {[PLAN_AUTHORITY] = "authority",
                                        [PLAN_GUARD] = "guard",
                                        [PLAN_MIDDLE] = "middle",
                                        [PLAN_EXIT] = "exit"};
    return names[role];
}

static void hex_of(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02X", bytes[i]);
}

static err_t write_torrc(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char line[TESTNET_LINE_MAX];
    struct testnet_draft w;
    TRY(testnet_draft_open(&w, d, "client.torrc", OPEN_TO_ALL, why));
    fputs("# For any client of this test network: tor -f client.torrc --SocksPort 9150\n"
          "#   --DataDirectory some/where\n"
          "TestingTorNetwork 1\n",
          w.f);
    for (size_t i = 0; i < f->plan->n_authorities; i++)
        fprintf(w.f, "DirAuthority %s\n", testnet_authority_line(f->testnet, i, line));
    return testnet_draft_done(&w, why);
}

static const char arti_head[] = "# For Arti: arti proxy -c arti.toml -p 9150\n"
                                "#   -o storage.cache_dir='\"/some/where/cache\"' -o "
                                "storage.state_dir='\"/some/where/state\"'\n"
                                "[address_filter]\n"
                                "allow_local_addrs = true\n"
                                "[path_rules]\n"
                                "ipv4_subnet_family_prefix = 33\n"
                                "ipv6_subnet_family_prefix = 129\n"
                                "[tor_network.authorities]\n"
                                "uploads = []\n"
                                "downloads = []\n"
                                "votes = []\n"
                                "v3idents = [";

static void write_arti_cache(FILE *out, const struct plan_node *n, const struct identity *id)
{
    char rsa[41], ed[BASE64_SIZE(sizeof id->ed.pub.b)], at[IPPORT_TEXT_MAX];
    hex_of(id->rsa_id.b, sizeof id->rsa_id.b, rsa);
    base64_encode(id->ed.pub.b, sizeof id->ed.pub.b, false, ed);
    fprintf(out,
            "[[tor_network.fallback_caches]]\n"
            "rsa_identity = \"%s\"\n"
            "ed_identity = \"%s\"\n"
            "orports = [\"%s\"]\n",
            rsa, ed, ipport_text(&n->or_port, at));
}

static err_t write_arti(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    struct testnet_draft w;
    char v3[41];
    TRY(testnet_draft_open(&w, d, "arti.toml", OPEN_TO_ALL, why));
    fputs(arti_head, w.f);
    for (size_t i = 0; i < f->plan->n_authorities; i++) {
        hex_of(netdocs_v3_id(testnet_docs(f->testnet), i), 20, v3);
        fprintf(w.f, "%s\"%s\"", i ? ", " : "", v3);
    }
    fputs("]\n", w.f);
    for (size_t i = 0; i < f->plan->n_nodes; i++)
        write_arti_cache(w.f, &f->plan->node[i], &f->ids[i]);
    return testnet_draft_done(&w, why);
}

static err_t write_fingerprints(const struct testnet_dir *d, const struct testnet_facts *f,
                                char *why)
{
    char hex[41];
    struct testnet_draft w;
    TRY(testnet_draft_open(&w, d, "fingerprints", OPEN_TO_ALL, why));
    for (size_t i = 0; i < f->plan->n_nodes; i++) {
        hex_of(f->ids[i].rsa_id.b, sizeof f->ids[i].rsa_id.b, hex);
        fprintf(w.f, "%s %s\n", f->plan->node[i].nickname, hex);
    }
    return testnet_draft_done(&w, why);
}

static void write_node(FILE *out, const struct plan_node *n, const struct identity *id, bool last)
{
    char ip[IP_TEXT_MAX], rsa[41], ed[65];
    hex_of(id->rsa_id.b, sizeof id->rsa_id.b, rsa);
    hex_of(id->ed.pub.b, sizeof id->ed.pub.b, ed);
    fprintf(out,
            "  {\"nickname\": \"%s\", \"role\": \"%s\", \"address\": \"%s\", \"or_port\": %u, "
            "\"dir_port\": %u, \"fingerprint\": \"%s\", \"ed25519\": \"%s\", "
            "\"bandwidth_kb\": %u, \"policy\": \"%s\"}%s\n",
            n->nickname, role_name(n->role), ip_text(&n->or_port.ip, ip), n->or_port.port,
            n->dir_port, rsa, ed, n->bandwidth_kb, n->policy, last ? "" : ",");
}

static err_t write_nodes(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char to[IPPORT_TEXT_MAX];
    const struct plan *p = f->plan;
    struct testnet_draft w;
    TRY(testnet_draft_open(&w, d, "nodes.json", OPEN_TO_ALL, why));
    fprintf(w.f, "{\"pid\": %ld,\n", (long)getpid());
    if (f->socks_port)
        fprintf(w.f, " \"socks\": \"127.0.0.1:%u\",\n", f->socks_port);
    fprintf(w.f, " \"page\": \"127.0.0.1:%u\", \"phantoms\": %u, \"hosts\": {", f->page_port,
            p->phantoms);
    for (size_t i = 0; i < f->n_hosts; i++) {
        fprintf(w.f, "%s\"%s", i ? ", " : "", f->hosts[i].name);
        if (f->hosts[i].port)
            fprintf(w.f, ":%u", f->hosts[i].port);
        fprintf(w.f, "\": \"%s\"", ipport_text(&f->hosts[i].to, to));
    }
    fputs("},\n \"nodes\": [\n", w.f);
    for (size_t i = 0; i < p->n_nodes; i++)
        write_node(w.f, &p->node[i], &f->ids[i], i + 1 == p->n_nodes);
    fputs(" ]}\n", w.f);
    return testnet_draft_done(&w, why);
}

/* Every key follows from the seed (and the numbers on the command line), so the seed is what is
 * kept; the fingerprints of a folder stay the same from run to run. */
static err_t write_keys(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char hex[65];
    struct testnet_draft w;
    TRY(testnet_dir_make(d, "keys", why));
    TRY(testnet_draft_open(&w, d, "keys/seed", OWN, why));
    fprintf(w.f, "%" PRIu64 "\n", f->seed);
    TRY(testnet_draft_done(&w, why));
    TRY(testnet_draft_open(&w, d, "keys/ed25519", OWN, why));
    for (size_t i = 0; i < f->plan->n_nodes; i++) {
        hex_of(f->ids[i].ed_seed, sizeof f->ids[i].ed_seed, hex);
        fprintf(w.f, "%s %s\n", f->plan->node[i].nickname, hex);
    }
    return testnet_draft_done(&w, why);
}

/* What `tunic measure` finds by itself: whom the relays allow to measure them. */
static err_t write_coordinator(const struct testnet_dir *d, const struct testnet_facts *f,
                               char *why)
{
    uint8_t text[IDENTITY_FILE_MAX];
    struct wr w = wr_over(text, sizeof text);
    struct testnet_draft draft;
    if (!f->coordinator)
        return OK;
    TRY(testnet_dir_make(d, "measure", why));
    TRY(identity_file_write(f->coordinator, &w));
    TRY(testnet_draft_open(&draft, d, "measure/coord.id", OWN, why));
    fwrite(text, 1, w.len, draft.f);
    secret_wipe(text, sizeof text);
    return testnet_draft_done(&draft, why);
}

err_t testnet_dir_write(const struct testnet_dir *d, const struct testnet_facts *f,
                        char why[TESTNET_FILES_WHY])
{
    TRY(write_keys(d, f, why));
    TRY(write_coordinator(d, f, why));
    TRY(write_torrc(d, f, why));
    TRY(write_arti(d, f, why));
    TRY(write_fingerprints(d, f, why));
    return write_nodes(d, f, why);
}

void testnet_counts_json(FILE *out, const struct testnet *t, const char *between)
{
    size_t n = testnet_nodes(t);
    fprintf(out, "{%s", between);
    for (size_t i = 0; i < n; i++) {
        struct node *node = testnet_node(t, i);
        struct node_counts c = node_counts(node);
        fprintf(out,
                " \"%s\": {\"links\": %" PRIu64 ", \"circuits\": %" PRIu64 ", \"streams\": %" PRIu64
                ", \"links_ever\": %" PRIu64 ", \"circuits_ever\": %" PRIu64
                ", \"streams_ever\": %" PRIu64 ", \"cells_in\": %" PRIu64
                ", \"cells_out\": %" PRIu64 ", \"client_bytes_in\": %" PRIu64
                ", \"client_bytes_out\": %" PRIu64 ", \"echoes\": %" PRIu64
                ", \"measurements\": %" PRIu64 ", \"create_fast\": %" PRIu64 ", \"ntor\": %" PRIu64
                ", \"ntor_v3\": %" PRIu64 ", \"cgo\": %" PRIu64 ", \"conflux_links\": %" PRIu64
                ", \"conflux_switches\": %" PRIu64 ", \"queued_bytes\": %" PRIu64 "}%s%s",
                node_plan(node)->nickname, c.links, c.circuits, c.streams, c.links_ever,
                c.circuits_ever, c.streams_ever, c.cells_in, c.cells_out, c.client_in, c.client_out,
                c.echoes, c.measurements, c.handshakes_fast, c.handshakes_ntor,
                c.handshakes_ntor_v3, c.handshakes_cgo, c.conflux_links, c.conflux_switches,
                c.queued, i + 1 < n ? "," : "", between);
    }
    fputs("}\n", out);
}

err_t testnet_dir_counts(const struct testnet_dir *d, const struct testnet *t,
                         char why[TESTNET_FILES_WHY])
{
    struct testnet_draft w;
    TRY(testnet_draft_open(&w, d, "counts.json", OPEN_TO_ALL, why));
    testnet_counts_json(w.f, t, "\n");
    return testnet_draft_done(&w, why);
}
