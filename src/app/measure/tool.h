/* Tool: what the parts of `tunic measure` that talk to relays have in common: loop, TLS, and who we
 * are to relays. */
#ifndef TUNIC_APP_MEASURE_TOOL_H
#define TUNIC_APP_MEASURE_TOOL_H

#include "app/measure/options.h"
#include "app/measure/whom.h"
#include "link/identity.h"
#include "link/link.h"
#include "net/net.h"

enum { MEASURE_DONE = 0, MEASURE_NOT_ALL = 1, MEASURE_USAGE = 2, MEASURE_SIGNAL = 128 };

struct tool {
    struct measure_options options;
    const char *folder; /* where names are looked up; NULL: nowhere */
    struct log log;
    struct net *net;
    struct tls_ctx *tls;
    bool has_identity;
    struct link_identity identity;
    int signum; /* the signal that ends it early; 0: none */
    void (*interrupted)(void *arg);
    void *arg;
};

/* 0, or the exit status, after a complaint. INTERRUPTED hears of SIGINT and the like. */
int tool_begin(struct tool *t, void (*interrupted)(void *arg), void *arg);
void tool_end(struct tool *t);
/* Of all links. */
struct link_config tool_link(const struct tool *t);
int tool_complain(int status, const char *why);

#endif
