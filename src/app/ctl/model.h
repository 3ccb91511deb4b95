/* What a control port tells of circuits, streams and guards, line by line, as plain values of a
 * bounded size. All texts are printable ASCII: a name that holds anything else is somebody's
 * attempt at the terminal. */
#ifndef TUNIC_APP_CTL_MODEL_H
#define TUNIC_APP_CTL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { CTL_HOPS_MAX = 8, CTL_ID = 24, CTL_WORD = 32, CTL_TARGET = 288, CTL_FINGERPRINT = 41 };

struct ctl_hop {
    char fingerprint[CTL_FINGERPRINT]; /* without "$"; empty if it has none */
    char nickname[20];
};

struct ctl_circuit {
    char id[CTL_ID], status[CTL_WORD], purpose[CTL_WORD], hs_state[CTL_WORD], reason[CTL_WORD];
    int64_t created_s; /* Unix time; 0: not said */
    size_t n_hops;     /* that are kept */
    struct ctl_hop hops[CTL_HOPS_MAX];
};

struct ctl_stream {
    char id[CTL_ID], status[CTL_WORD], circuit[CTL_ID], purpose[CTL_WORD], reason[CTL_WORD];
    char target[CTL_TARGET], source[64];
};

struct ctl_guard {
    struct ctl_hop relay;
    char status[CTL_WORD];
};

/* A line of GETINFO circuit-status, or of a CIRC event behind that word; false if it is none. */
bool ctl_circuit_read(struct text line, struct ctl_circuit *out);
bool ctl_stream_read(struct text line, struct ctl_stream *out);
bool ctl_guard_read(struct text line, struct ctl_guard *out);
/* "2026-11-30T00:33:30.123456" or with a blank, as Unix time; 0 if it is none. */
int64_t ctl_time_read(struct text t);

/* A relay's entry of the consensus: GETINFO ns/id/... . */
struct ctl_relay {
    char address[48], flags[160];
};
bool ctl_relay_read(struct text entry, struct ctl_relay *out);

/* The bits of "650 STATUS_CLIENT" and GETINFO status/bootstrap-phase that people want. */
struct ctl_bootstrap {
    unsigned percent;
    char tag[CTL_WORD], summary[128], warning[128], reason[CTL_WORD];
};
bool ctl_bootstrap_read(struct text line, struct ctl_bootstrap *out);

/* For people: "512 B", "1.3 KB", "25 MB". Returns OUT. */
enum { CTL_SHORT = 32 };
const char *ctl_bytes_text(uint64_t bytes, char out[CTL_SHORT]);

/* What is read or written: bytes a second now and at most within so many seconds, and in all. */
struct ctl_rates {
    const char *name;
    uint64_t now, most, total;
    unsigned seconds;
};
enum { CTL_RATES = 192 };
/* As much of it as fits into WIDTH columns whole, whatever the figures are. */
const char *ctl_rates_text(const struct ctl_rates *r, size_t width, char out[CTL_RATES]);

#endif
