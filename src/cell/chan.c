#include "cell/chan.h"

#include "base/rd.h"

const char *chan_cmd_name(uint8_t cmd)
{
    static const char *const low[] = {
        "PADDING",     "CREATE",       "CREATED",           "RELAY",   "DESTROY",
        "CREATE_FAST", "CREATED_FAST", "VERSIONS",          "NETINFO", "RELAY_EARLY",
        "CREATE2",     "CREATED2",     "PADDING_NEGOTIATE",
    };
    static const char *const high[] = {
        "VPADDING", "CERTS", "AUTH_CHALLENGE", "AUTHENTICATE", "AUTHORIZE",
    };
    if (cmd <= CELL_PADDING_NEGOTIATE)
        return low[cmd];
    if (cmd >= CELL_VPADDING && cmd <= CELL_AUTHORIZE)
        return high[cmd - CELL_VPADDING];
    if (cmd == CELL_MEASUREMENT)
        return "MEASUREMENT";
    return "unknown";
}

bool chan_cmd_is_variable(uint8_t cmd)
{
    /* tor-spec 3: "variable-length cells are indicated by a command byte equal to 7 ("VERSIONS"),
     * or greater than or equal to 128" */
    return cmd == CELL_VERSIONS || cmd >= 128;
}

bool chan_cmd_circ_id_ok(uint8_t cmd, uint32_t circ_id)
{
    switch (cmd) {
    case CELL_CREATE:
    case CELL_CREATED:
    case CELL_RELAY:
    case CELL_DESTROY:
    case CELL_CREATE_FAST:
    case CELL_CREATED_FAST:
    case CELL_RELAY_EARLY:
    case CELL_CREATE2:
    case CELL_CREATED2:
    case CELL_MEASUREMENT:
        return circ_id != 0;
    case CELL_PADDING:
    case CELL_VERSIONS:
    case CELL_NETINFO:
    case CELL_PADDING_NEGOTIATE:
    case CELL_VPADDING:
    case CELL_CERTS:
    case CELL_AUTH_CHALLENGE:
    case CELL_AUTHENTICATE:
    case CELL_AUTHORIZE:
        return circ_id == 0;
    default:
        return true;
    }
}

size_t chan_head_len(size_t circ_id_len, uint8_t cmd)
{
    return circ_id_len + 1 + (chan_cmd_is_variable(cmd) ? 2 : 0);
}

static bool circ_id_len_ok(size_t circ_id_len)
{
    return circ_id_len == 2 || circ_id_len == 4;
}

err_t chan_frame_decode(uint8_t *in, size_t len, size_t circ_id_len, size_t var_cap,
                        struct chan_frame *out)
{
    if (!circ_id_len_ok(circ_id_len))
        return ERR_ARG;
    out->used = circ_id_len + 1;
    if (len < out->used)
        return ERR_MORE;
    struct rd r = rd_over(in, len);
    uint32_t circ_id = circ_id_len == 2 ? rd_u16(&r) : rd_u32(&r);
    uint8_t cmd = rd_u8(&r);
    size_t body_len = CELL_BODY_LEN;
    size_t head_len = chan_head_len(circ_id_len, cmd);
    if (chan_cmd_is_variable(cmd)) {
        out->used = head_len;
        if (len < head_len)
            return ERR_MORE;
        body_len = rd_u16(&r);
        if (body_len > var_cap)
            return ERR_LIMIT;
    }
    out->used = head_len + body_len;
    if (len < out->used)
        return ERR_MORE;
    out->circ_id = circ_id;
    out->cmd = cmd;
    out->body = in + head_len;
    out->body_len = body_len;
    return OK;
}

err_t chan_head_encode(struct wr *w, size_t circ_id_len, uint32_t circ_id, uint8_t cmd,
                       size_t body_len)
{
    bool variable = chan_cmd_is_variable(cmd);
    if (!circ_id_len_ok(circ_id_len) || (circ_id_len == 2 && circ_id > UINT16_MAX))
        return ERR_ARG;
    if (variable ? body_len > UINT16_MAX : body_len != CELL_BODY_LEN)
        return ERR_ARG;
    if (circ_id_len == 2)
        wr_u16(w, (uint16_t)circ_id);
    else
        wr_u32(w, circ_id);
    wr_u8(w, cmd);
    if (variable)
        wr_u16(w, (uint16_t)body_len);
    return wr_end(w);
}

size_t chan_cell_open(struct wr *w, size_t circ_id_len, uint32_t circ_id, uint8_t cmd)
{
    size_t mark = w->len;
    size_t body_len = chan_cmd_is_variable(cmd) ? 0 : CELL_BODY_LEN;
    if (chan_head_encode(w, circ_id_len, circ_id, cmd, body_len) != OK)
        w->failed = true;
    return mark;
}

err_t chan_cell_close(struct wr *w, size_t circ_id_len, size_t mark)
{
    TRY(wr_end(w));
    uint8_t cmd = w->base[mark + circ_id_len];
    size_t head_len = chan_head_len(circ_id_len, cmd);
    if (chan_cmd_is_variable(cmd)) {
        wr_close_u16(w, mark + head_len - 2);
        return wr_end(w);
    }
    size_t body_len = w->len - mark - head_len;
    if (body_len > CELL_BODY_LEN)
        w->failed = true;
    else /* tor-spec 3: "Padding bytes SHOULD be set to NUL" */
        wr_zeros(w, CELL_BODY_LEN - body_len);
    return wr_end(w);
}
