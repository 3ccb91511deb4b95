/* Ports: the listeners of one client, of whatever kind, and what a reload changes. Who comes in
 * goes to the front of his port's kind, with the settings that the port has then. */
#ifndef TUNIC_NET_PORTS_H
#define TUNIC_NET_PORTS_H

#include "net/listen.h"
#include "net/net.h"
#include "socks/front.h"

struct ports;

/* One port's settings, counted: connections outlive a reload. */
struct port_config {
    struct front_config front;
    uint16_t *ports; /* the lists in front, one behind the other */
    size_t holders;
};
void port_config_release(struct port_config *c); /* NULL is fine */

/* What a kind of port does with a connection: FD is its own from then on, CONFIG held for it. */
struct port_front {
    const char *what; /* "Socks", in tor's lines: "Opening Socks listener on 127.0.0.1:9050" */
    void (*accept)(void *arg, int fd, const struct ipport *peer, struct port_config *config);
    void *arg;
};

/* FRONTS are copied. NEW_SESSION gives a number below SESSION_OWN that it never gave before. */
struct ports *ports_new(struct net *n, const struct port_front fronts[PORT_KINDS],
                        int32_t (*new_session)(void *arg), void *arg);
/* Closes the listeners. NULL is fine. */
void ports_free(struct ports *p);

/* A change in two steps. The first makes ready that the listeners become those of SPECS: opens what
 * is new (with tor's lines, and while what leaves still listens), checks what stays. RULES hold for
 * all of them; their lists are copied, their warnings outlive P. On error all is as it was: ERR_IO
 * (logged: which port and why; errno is set), ERR_NOMEM. After OK, exactly one of the other two,
 * before the loop turns. */
MUST_USE err_t ports_prepare(struct ports *p, const struct port_spec *specs, size_t n,
                             const struct front_rules *rules);
/* What stays takes on its new settings for new connections and keeps its session number unless its
 * line says a group; what is not listed any more closes. Connections that are there go on. */
void ports_commit(struct ports *p);
void ports_roll_back(struct ports *p);

/* The TCP port of the first of KIND, which tells what "any free one" became; 0: there is none. */
uint16_t ports_first(const struct ports *p, enum port_kind kind);

/* Each of KIND that is open, by what it is called ("127.0.0.1:9051", or the path), in the order in
 * which they were opened. */
void ports_each(const struct ports *p, enum port_kind kind,
                void (*fn)(void *arg, const char *name, bool is_unix), void *arg);

/* No new connections; those that are there go on. */
void ports_close(struct ports *p);

#endif
