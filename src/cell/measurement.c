#include "cell/measurement.h"

#include "cell/relay_extend.h"

enum ext_type { EXT_FORM = 1, EXT_SESSION = 2, EXT_MEASURER = 3, EXT_RATE = 4, EXT_LIMITS = 5 };

const char *meas_error_text(uint8_t code)
{
    switch (code) {
    case MEAS_ERR_VERSION:
        return "it speaks no version of ours";
    case MEAS_ERR_NOT_ALLOWED:
        return "it does not let itself be measured";
    case MEAS_ERR_COORDINATOR:
        return "it does not know this coordinator: its FFAllowedCoordinators has to name who asks, "
               "which --identity says here";
    case MEAS_ERR_MALFORMED:
        return "it takes our message for malformed";
    case MEAS_ERR_TOO_OFTEN:
        return "it has been measured often enough in this period";
    case MEAS_ERR_BUSY:
        return "it is being measured already";
    case MEAS_ERR_TOO_LONG:
        return "it does not let itself be measured for that long";
    case MEAS_ERR_MEASURER:
        return "it was not told of this measurer";
    case MEAS_ERR_TIMEOUT:
        return "it has waited too long";
    case MEAS_ERR_ABORTED:
        return "the measurement was broken off";
    default:
        return "it gives no reason";
    }
}

/* ---- extensions ---- */

/* Marks a member as given; false: it is there already. */
static bool once(bool *has)
{
    bool first = !*has;
    *has = true;
    return first;
}

static err_t form_decode(struct rd *r, struct meas_ext *out)
{
    if (!once(&out->has_form))
        return ERR_MALFORMED;
    out->version = rd_u8(r);
    out->echo = rd_u8(r);
    if (out->version != MEAS_VERSION) { /* of that version we know no more */
        rd_rest(r);
        return OK;
    }
    return out->echo <= MEAS_ECHO_RAW ? OK : ERR_MALFORMED;
}

static err_t measurer_decode(struct rd *r, struct meas_ext *out)
{
    if (out->n_measurers == MEAS_MEASURERS_MAX)
        return ERR_LIMIT;
    struct meas_measurer *m = &out->measurers[out->n_measurers++];
    rd_copy(r, m->ed.b, sizeof m->ed.b);
    m->sockets = rd_u16(r);
    return OK;
}

static err_t limits_decode(struct rd *r, struct meas_ext *out)
{
    if (!once(&out->has_limits))
        return ERR_MALFORMED;
    out->background_percent = rd_u8(r);
    out->seconds_most = rd_u16(r);
    out->background_floor = rd_u32(r);
    return out->background_percent <= MEAS_PERCENT_MOST ? OK : ERR_MALFORMED;
}

static err_t known_decode(uint8_t type, struct rd *r, struct meas_ext *out)
{
    switch (type) {
    case EXT_FORM:
        return form_decode(r, out);
    case EXT_SESSION:
        rd_copy(r, out->session, sizeof out->session);
        return once(&out->has_session) ? OK : ERR_MALFORMED;
    case EXT_MEASURER:
        return measurer_decode(r, out);
    case EXT_RATE:
        out->rate_most = rd_u64(r);
        return once(&out->has_rate) ? OK : ERR_MALFORMED;
    case EXT_LIMITS:
        return limits_decode(r, out);
    default:
        rd_rest(r);
        return OK;
    }
}

static err_t ext_decode(struct rd *r, struct meas_ext *out)
{
    *out = (struct meas_ext){.has_form = false};
    uint8_t n = rd_u8(r);
    if (n > MEAS_EXTS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        uint8_t type = rd_u8(r);
        uint8_t len = rd_u8(r);
        struct rd body = rd_sub(r, len);
        TRY(rd_ok(r));
        TRY(known_decode(type, &body, out));
        if (rd_end(&body) != OK)
            return ERR_MALFORMED;
    }
    /* tor-spec 3: "Receivers MUST ignore padding bytes." */
    return rd_ok(r);
}

static void measurer_encode(struct wr *w, const struct meas_measurer *m)
{
    wr_u8(w, EXT_MEASURER);
    size_t mark = wr_open_u8(w);
    wr_bytes(w, m->ed.b, sizeof m->ed.b);
    wr_u16(w, m->sockets);
    wr_close_u8(w, mark);
}

static void limits_encode(struct wr *w, const struct meas_ext *m)
{
    wr_u8(w, EXT_LIMITS);
    size_t mark = wr_open_u8(w);
    wr_u8(w, m->background_percent);
    wr_u16(w, m->seconds_most);
    wr_u32(w, m->background_floor);
    wr_close_u8(w, mark);
}

static void form_encode(struct wr *w, const struct meas_ext *m)
{
    wr_u8(w, EXT_FORM);
    size_t mark = wr_open_u8(w);
    wr_u8(w, m->version);
    wr_u8(w, m->echo);
    wr_close_u8(w, mark);
}

static void session_encode(struct wr *w, const struct meas_ext *m)
{
    wr_u8(w, EXT_SESSION);
    size_t mark = wr_open_u8(w);
    wr_bytes(w, m->session, sizeof m->session);
    wr_close_u8(w, mark);
}

static void rate_encode(struct wr *w, const struct meas_ext *m)
{
    wr_u8(w, EXT_RATE);
    size_t mark = wr_open_u8(w);
    wr_u64(w, m->rate_most);
    wr_close_u8(w, mark);
}

static err_t ext_encode(struct wr *w, const struct meas_ext *m)
{
    if (m->n_measurers > MEAS_MEASURERS_MAX ||
        (m->has_limits && m->background_percent > MEAS_PERCENT_MOST) ||
        (m->has_form && m->version == MEAS_VERSION && m->echo > MEAS_ECHO_RAW))
        return ERR_ARG;
    size_t n = m->n_measurers + m->has_form + m->has_session + m->has_rate + m->has_limits;
    wr_u8(w, (uint8_t)n);
    if (m->has_form)
        form_encode(w, m);
    if (m->has_session)
        session_encode(w, m);
    for (size_t i = 0; i < m->n_measurers; i++)
        measurer_encode(w, &m->measurers[i]);
    if (m->has_rate)
        rate_encode(w, m);
    if (m->has_limits)
        limits_encode(w, m);
    return wr_end(w);
}

/* ---- messages ---- */

static err_t addr_decode(struct rd *r, struct meas_params *out)
{
    uint8_t type = rd_u8(r);
    uint8_t len = rd_u8(r);
    struct rd body = rd_sub(r, len);
    TRY(rd_ok(r));
    /* tor-spec 5.1.2: "Nodes MUST ignore unrecognized specifiers" */
    if (type != LINKSPEC_IPV4 && type != LINKSPEC_IPV6)
        return OK;
    struct ipport *ap = &out->addrs[out->n_addrs++];
    *ap = (struct ipport){.ip.family = type == LINKSPEC_IPV4 ? IP_V4 : IP_V6};
    rd_copy(&body, ap->ip.b, ip_len(&ap->ip));
    ap->port = rd_u16(&body);
    return rd_end(&body) == OK ? OK : ERR_MALFORMED;
}

static err_t params_decode(struct rd *r, struct meas_params *out)
{
    out->seconds = rd_u16(r);
    uint8_t n = rd_u8(r);
    TRY(rd_ok(r));
    /* 316, 3.1.3: "meas_duration [2 bytes] [1, 600]", "num_measurers [1 byte] [1, 10]"; 0 of either
     * is ours. */
    if (out->seconds > MEAS_SECONDS_MOST || n > MEAS_MEASURERS_MAX)
        return ERR_LIMIT;
    out->n_addrs = 0;
    for (size_t i = 0; i < n; i++)
        TRY(addr_decode(r, out));
    return ext_decode(r, &out->ext);
}

static err_t params_encode(struct wr *w, const struct meas_params *m)
{
    if (m->seconds > MEAS_SECONDS_MOST || m->n_addrs > MEAS_MEASURERS_MAX)
        return ERR_ARG;
    wr_u16(w, m->seconds);
    wr_u8(w, (uint8_t)m->n_addrs);
    for (size_t i = 0; i < m->n_addrs; i++) {
        const struct ipport *ap = &m->addrs[i];
        if (ap->ip.family == IP_NONE)
            return ERR_ARG;
        wr_u8(w, ap->ip.family == IP_V4 ? LINKSPEC_IPV4 : LINKSPEC_IPV6);
        size_t mark = wr_open_u8(w);
        wr_bytes(w, ap->ip.b, ip_len(&ap->ip));
        wr_u16(w, ap->port);
        wr_close_u8(w, mark);
    }
    return ext_encode(w, &m->ext);
}

/* 316, 3.1.3: "second [2 byte] [1, 600]" */
static bool second_ok(uint16_t second)
{
    return second >= 1 && second <= MEAS_SECONDS_MOST;
}

static err_t bg_decode(struct rd *r, struct meas_bg *out)
{
    out->second = rd_u16(r);
    out->sent = rd_u32(r);
    out->recv = rd_u32(r);
    TRY(rd_ok(r));
    return second_ok(out->second) ? OK : ERR_MALFORMED;
}

static err_t bg_encode(struct wr *w, const struct meas_bg *m)
{
    if (!second_ok(m->second))
        return ERR_ARG;
    wr_u16(w, m->second);
    wr_u32(w, m->sent);
    wr_u32(w, m->recv);
    return wr_end(w);
}

err_t meas_cell_decode(struct rd r, struct meas_cell *out)
{
    out->cmd = rd_u8(&r);
    TRY(rd_ok(&r));
    switch (out->cmd) {
    case MEAS_PARAMS:
        return params_decode(&r, &out->params);
    case MEAS_PARAMS_OK:
        return ext_decode(&r, &out->ok);
    case MEAS_BG:
        return bg_decode(&r, &out->bg);
    case MEAS_ERR:
        out->err.code = rd_u8(&r);
        return ext_decode(&r, &out->err.ext);
    case MEAS_ECHO_ON:
        rd_copy(&r, out->echo_on.session, sizeof out->echo_on.session);
        out->echo_on.socket = rd_u16(&r);
        return rd_ok(&r);
    default:
        return ERR_UNSUPPORTED;
    }
}

err_t meas_cell_encode(struct wr *w, const struct meas_cell *m)
{
    wr_u8(w, m->cmd);
    switch (m->cmd) {
    case MEAS_PARAMS:
        return params_encode(w, &m->params);
    case MEAS_PARAMS_OK:
        return ext_encode(w, &m->ok);
    case MEAS_BG:
        return bg_encode(w, &m->bg);
    case MEAS_ERR:
        wr_u8(w, m->err.code);
        return ext_encode(w, &m->err.ext);
    case MEAS_ECHO_ON:
        wr_bytes(w, m->echo_on.session, sizeof m->echo_on.session);
        wr_u16(w, m->echo_on.socket);
        return wr_end(w);
    default:
        return ERR_ARG;
    }
}
