/* Trial: one case while it is tried. It gathers what was sent, awaited and seen, and the verdict.
 *
 * The first failure latches: all that is done for a trial after it does nothing. So a case reads as
 * the conversation that it is, without a test after each line. Texts are printable ASCII, whatever
 * the relay says. */
#ifndef TUNIC_CHECK_TRIAL_H
#define TUNIC_CHECK_TRIAL_H

#include "base/text.h"
#include "check/check.h"

enum {
    TRIAL_TEXT_MAX = 1024,
    TRIAL_WHY_MAX = 512,
    TRIAL_PROBES_MOST = 8,
    TRIAL_CIRCS_MOST = 16,
    TRIAL_ODD_MOST = 4,
    TRIAL_MEAS_MOST = 4,
    TRIAL_ANSWERS = 12, /* a case may take as long as so many answers, */
    TRIAL_LEAST_S = 60  /* and this long in any case */
};

struct probe;
struct pcirc;
struct pmeas;
struct tls_ctx;

/* What outlives a trial: the run, and what is known of the relay. */
struct check_run {
    const struct check_config *config;
    struct env *env;
    struct tls_ctx *tls;
    unsigned connections;
    unsigned asked_again; /* for the onion key */
    uint64_t last_open_us;
    uint32_t answer_ms;
    /* Learnt at the start, from CERTS and from the relay's own server descriptor. */
    bool has_rsa, has_ed, has_ntor;
    struct rsa_id rsa;
    struct ed_id ed;
    struct x25519_pub ntor;
    uint32_t protos; /* what it says it can: bits of dir/protover.h */
    bool no_dir;     /* it says that it is no directory */
    struct check_next next, third;
    bool looked_for_others;
};

struct trial {
    struct check_run *run;
    const struct check_case *c;
    enum check_verdict verdict;
    char sent[TRIAL_TEXT_MAX], awaited[TRIAL_WHY_MAX], seen[TRIAL_TEXT_MAX], why[TRIAL_WHY_MAX];
    struct probe *probe[TRIAL_PROBES_MOST]; /* all that were opened; closed at its end */
    size_t n_probes;
    uint64_t end_us;                     /* the trial has taken too long then */
    struct tls_ctx *odd[TRIAL_ODD_MOST]; /* odd TLS of some of them */
    size_t n_odd;
    struct pcirc *circ[TRIAL_CIRCS_MOST]; /* all circuits, likewise */
    size_t n_circs;
    struct pmeas *meas[TRIAL_MEAS_MOST]; /* parties to measurements, likewise */
    size_t n_meas;
    bool tidied_up; /* the relay has ended a circuit as idle: DESTROY(FINISHED) */
};

/* Whether the case said that it needs that (check_needs); if not, it fails: a case's row is wrong.
 */
bool trial_said_it_needs(struct trial *t, enum check_needs needs);

/* Nothing has failed so far: go on. */
static inline bool trial_goes_on(const struct trial *t)
{
    return t->verdict == CHECK_PASS;
}

PRINTF_LIKE(2, 3) void trial_fail(struct trial *t, const char *fmt, ...);
PRINTF_LIKE(2, 3) void trial_skip(struct trial *t, const char *fmt, ...);
/* The same, even if it has failed: at what is not the relay's to do. */
void trial_skip_after_all(struct trial *t, const char *why);
/* What the case waits for now; replaces what it waited for before. */
PRINTF_LIKE(2, 3) void trial_awaits(struct trial *t, const char *fmt, ...);
/* Adds to what was sent and seen. */
PRINTF_LIKE(2, 3) void trial_sent(struct trial *t, const char *fmt, ...);
PRINTF_LIKE(2, 3) void trial_saw(struct trial *t, const char *fmt, ...);

/* What was sent and seen so far, to come back to: for many messages that are told as one. */
struct trial_mark {
    char sent[TRIAL_TEXT_MAX], seen[TRIAL_TEXT_MAX];
};
void trial_set_mark(const struct trial *t, struct trial_mark *out);
/* Nothing, if the trial has failed since: then they are of interest. */
void trial_back_to(struct trial *t, const struct trial_mark *m);

/* Fails with that text unless OK. */
#define TRIAL_EXPECT(t, ok, ...)        \
    do {                                \
        if (trial_goes_on(t) && !(ok))  \
            trial_fail(t, __VA_ARGS__); \
    } while (0)

#endif
