/* Looks at a run. */
#include "measure/run_int.h"

static const char *const names[] = {"NEGOTIATE", "CONNECTING", "RUNNING", "DONE", "FAILED"};

enum run_state run_state(const struct run *r)
{
    return r->state;
}

unsigned run_dur(const struct run *r)
{
    return r->config.dur;
}

bool run_is_held(const struct run *r)
{
    return r->held;
}

/* One that may end early does so at its length, if that is how it looks. */
unsigned run_left(const struct run *r)
{
    unsigned end = r->config.dur;
    if (r->config.adaptive && r->summed < r->length && run_team_is_clear(r))
        end = r->length;
    return end - r->summed;
}

const char *run_state_name(enum run_state state)
{
    return (size_t)state < sizeof names / sizeof *names ? names[state] : "?";
}

const struct bw_report *run_reported(const struct run *r, size_t k, unsigned sec)
{
    bool there = k < r->config.n_members && sec && sec <= r->team.reported[k];
    return there ? &r->team.reports[k * r->config.dur + sec - 1] : NULL;
}

const struct estimate_second *run_summed(const struct run *r, unsigned sec)
{
    return sec && sec <= r->summed ? &r->seconds[sec - 1] : NULL;
}

bool run_so_far(const struct run *r, struct estimate *out)
{
    err_t e = estimate_make(r->seconds, r->summed, run_together_skipped(r), r->percent, out);
    return (e == OK || e == ERR_LIMIT) && out->counted;
}

const struct connected_to_relay *run_circs(const struct run *r, size_t k)
{
    return &r->team.connected[k < RUN_MEMBERS_MOST ? k : 0];
}

uint64_t run_alloc(const struct run *r, size_t k)
{
    return k < RUN_MEMBERS_MOST ? r->team.parts[k].bw : 0;
}

static const char *why_failed(enum meas_code code)
{
    switch (code) {
    case MEAS_UNSUPPORTED:
        return "unsupported";
    case MEAS_REFUSED:
        return "refused";
    case MEAS_RESTING:
        return "resting";
    case MEAS_NO_CONSENT:
        return "no_consent";
    case MEAS_CHEAT:
        return "cheat";
    case MEAS_LAUNCH_CIRCS:
        return "no_circuits";
    case MEAS_MALFORMED_TOR_RESP:
        return "protocol_error";
    case MEAS_RELAY_LOST:
        return "relay_lost";
    case MEAS_TIMEOUT:
        return "timeout";
    case MEAS_UNREACHABLE:
        return "unreachable";
    case MEAS_HANDSHAKE_FAILED:
        return "handshake_failed";
    case MEAS_WRONG_IDENTITY:
        return "wrong_identity";
    case MEAS_CANCELLED:
        return "cancelled";
    case MEAS_M_DUPE_MEAS_ID:
    case MEAS_M_UNKNOWN_MEAS_ID:
    case MEAS_M_START_ACTIVE_MEAS:
    case MEAS_C_START_ACTIVE_MEAS:
    case MEAS_MEASURER_LOST:
    case MEAS_DEAD_MAN:
    case MEAS_RESOURCES:
    case MEAS_MALFORMED:
        break;
    }
    return "measurer_lost";
}

const char *run_why(const struct run_result *result)
{
    if (result->state == RUN_FAILED)
        return why_failed(result->failure.code);
    return result->conclusive ? NULL : "inconclusive";
}
