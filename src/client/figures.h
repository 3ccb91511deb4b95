/* Figures: what a client has at the moment, in numbers. */
#ifndef TUNIC_CLIENT_FIGURES_H
#define TUNIC_CLIENT_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "path/cbt.h"

struct client;

struct client_figures {
    unsigned bootstrap_percent;
    size_t relays; /* in the consensus that paths are built from; 0: there is none */
    size_t circuits_building, circuits_open;
    size_t streams, streams_waiting; /* of applications; those that no circuit has taken yet */
    size_t links_opening, links_open;
    size_t links_queued_bytes;          /* made for all of them, and not yet sent */
    uint64_t bytes_read, bytes_written; /* on the wire, of all links that there were */
    size_t guards, guards_primary, guards_confirmed, guards_down;
    struct cbt_info build_times;
};

struct client_figures client_figures(const struct client *c);

#endif
