#include "cell/relay_pad.h"

#include <stdbool.h>

static bool command_ok(uint8_t command)
{
    return command == CIRCPAD_STOP || command == CIRCPAD_START;
}

err_t relay_padding_negotiate_decode(struct rd r, struct relay_padding_negotiate *out)
{
    uint8_t version = rd_u8(&r);
    out->command = rd_u8(&r);
    out->machine = rd_u8(&r);
    out->echo_request = rd_u8(&r);
    out->machine_ctr = rd_u32(&r);
    TRY(rd_end(&r));
    if (version != 0)
        return ERR_UNSUPPORTED;
    return command_ok(out->command) && out->echo_request <= 1 ? OK : ERR_MALFORMED;
}

err_t relay_padding_negotiate_encode(struct wr *w, const struct relay_padding_negotiate *m)
{
    wr_u8(w, 0);
    wr_u8(w, m->command);
    wr_u8(w, m->machine);
    wr_u8(w, m->echo_request);
    wr_u32(w, m->machine_ctr);
    return wr_end(w);
}

err_t relay_padding_negotiated_decode(struct rd r, struct relay_padding_negotiated *out)
{
    uint8_t version = rd_u8(&r);
    out->command = rd_u8(&r);
    out->response = rd_u8(&r);
    out->machine = rd_u8(&r);
    out->machine_ctr = rd_u32(&r);
    TRY(rd_end(&r));
    if (version != 0)
        return ERR_UNSUPPORTED;
    bool known = out->response == CIRCPAD_OK || out->response == CIRCPAD_ERR;
    return command_ok(out->command) && known ? OK : ERR_MALFORMED;
}

err_t relay_padding_negotiated_encode(struct wr *w, const struct relay_padding_negotiated *m)
{
    wr_u8(w, 0);
    wr_u8(w, m->command);
    wr_u8(w, m->response);
    wr_u8(w, m->machine);
    wr_u32(w, m->machine_ctr);
    return wr_end(w);
}
