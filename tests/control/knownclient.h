/* A control side over a client with a small network and its cache files in memory; nothing that it
 * dials is reached. Include it in one file of a test. */
#ifndef TUNIC_TESTS_CONTROL_KNOWNCLIENT_H
#define TUNIC_TESTS_CONTROL_KNOWNCLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "control/control.h"
#include "crypto/encode.h"
#include "link/link.h"
#include "support/docnet.h"
#include "support/quietworld.h"

enum { FILES_MOST = 1 << 20 };

static struct {
    struct docnet *net;
    struct client *client;
    struct control *control;
    struct quiet_world world;
    struct text file[DIR_FILE_N]; /* as they are stored; .s NULL: there is none */
    char *microdescs;
} t;

/* ---- the world ---- */

static void dial(void *world, struct link *l, const struct reach *to)
{
    (void)world, (void)l, (void)to;
}

static void no_link(void *world, struct link *l)
{
    (void)world, (void)l;
}

static void store(void *world, const char *name, const uint8_t *bytes, size_t len, bool append)
{
    (void)world, (void)name, (void)bytes, (void)len, (void)append;
}

static err_t read_back(void *world, const char *name, uint8_t **out, size_t *len)
{
    (void)world;
    for (size_t i = 0; i < DIR_FILE_N; i++) {
        if (strcmp(name, dir_file_name((enum dir_file)i)) != 0 || !t.file[i].s)
            continue;
        *out = malloc(t.file[i].len + 1);
        ck_assert_ptr_nonnull(*out);
        memcpy(*out, t.file[i].s, t.file[i].len);
        *len = t.file[i].len;
        return OK;
    }
    return ERR_NOT_FOUND;
}

static err_t set_aside(void *world, const char *name)
{
    (void)world, (void)name;
    return OK;
}

static const struct client_world client_ops = {dial, no_link, no_link, store, read_back, set_aside};

static char *authority_line(size_t i)
{
    const struct plan_node *p = &t.net->plan.node[i];
    char v3[HEX_SIZE(20)], fp[HEX_SIZE(20)], at[IPPORT_TEXT_MAX];
    const struct ipport dir = {p->or_port.ip, 80};
    return text_printf("%s orport=%u v3ident=%s %s %s", p->nickname, p->or_port.port,
                       hex_upper(netdocs_v3_id(t.net->docs, i), 20, v3), ipport_text(&dir, at),
                       hex_upper(t.net->id[i].rsa_id.b, 20, fp));
}

/* The microdescriptors of all relays, one after the other. */
static char *all_microdescs(void)
{
    struct text_out out = text_out(FILES_MOST);
    struct sha256 digest;
    struct text md;
    for (size_t i = 0; (md = netdocs_microdesc_at(t.net->docs, i, &digest)).len; i++)
        out_add(&out, md.s, md.len);
    return out.s;
}

static void load(enum dir_file file)
{
    uint8_t *bytes;
    size_t len;
    ck_ok(read_back(NULL, dir_file_name(file), &bytes, &len));
    ck_ok(client_load(t.client, dir_file_name(file), bytes, len));
}

/* KNOWN: with the network; else it knows nothing. UNATTACHED: streams are left to controllers. */
static void begin_with(bool known, bool unattached)
{
    struct client_config config = client_config_defaults(true);
    const char *lines[4] = {NULL};
    char why[CLIENT_WHY_MAX];
    t.net = docnet_usual(3);
    for (size_t i = 0; i < 3; i++)
        lines[i] = authority_line(i);
    config.dir_authorities = lines;
    config.leave_streams_unattached = unattached;
    ck_ok(client_new(t.net->env, &config, &client_ops, NULL, &t.client, why));
    for (size_t i = 0; i < 3; i++)
        free((void *)(uintptr_t)lines[i]);
    ck_assert(quiet_begin(&t.world));
    t.control = control_new(t.net->env, t.client, &quiet_ops, &t.world);
    ck_assert_ptr_nonnull(t.control);
    if (!known)
        return;
    t.microdescs = all_microdescs();
    t.file[DIR_FILE_CERTS] = netdocs_key_certs(t.net->docs);
    t.file[DIR_FILE_CONSENSUS] = netdocs_consensus(t.net->docs, CONSDOC_MICRODESC, NETDOCS_HONEST);
    t.file[DIR_FILE_MICRODESCS] = text_of(t.microdescs);
    load(DIR_FILE_CERTS);
    load(DIR_FILE_CONSENSUS);
    load(DIR_FILE_MICRODESCS);
    client_start(t.client);
    ck_assert_ptr_nonnull(dirmgr_netdir(client_dirmgr(t.client)));
    client_stop(t.client);
}

static inline void begin(bool known)
{
    begin_with(known, false);
}

static void end(void)
{
    control_free(t.control);
    client_free(t.client);
    quiet_end(&t.world);
    docnet_free(t.net);
    free(t.microdescs);
    memset(&t, 0, sizeof t);
}

#endif
