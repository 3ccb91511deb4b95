#include "check/words.h"

#include <stdio.h>
#include <string.h>

#include "base/rd.h"
#include "cell/chan.h"
#include "cell/reason.h"
#include "cell/relay.h"

const char *words_cmd(uint8_t cmd)
{
    const char *name = chan_cmd_name(cmd);
    return strcmp(name, "unknown") ? name : "a cell of an unknown command";
}

const char *words_relay_cmd(uint8_t cmd)
{
    const char *name = relay_cmd_name(cmd);
    return strcmp(name, "unknown") ? name : "a message of an unknown command";
}

static void versions_words(struct rd r, char *out, size_t cap)
{
    size_t at = (size_t)snprintf(out, cap, "VERSIONS(");
    while (r.left >= 2 && at < cap)
        at += (size_t)snprintf(out + at, cap - at, "%u ", (unsigned)rd_u16(&r));
    if (at < cap)
        snprintf(out + at - (out[at - 1] == ' '), cap - at, "%s)", r.left ? " and a byte" : "");
}

static const char *handshake_words(unsigned type)
{
    return type == 2 ? "ntor" : type == 3 ? "ntor-v3" : type == 0 ? "TAP" : "unknown type";
}

const char *words_cell(uint8_t cmd, const void *body, size_t len, char out[WORDS_CELL_MAX])
{
    struct rd r = rd_over(body, len);
    if (cmd == CELL_VERSIONS)
        versions_words(r, out, WORDS_CELL_MAX);
    else if (cmd == CELL_DESTROY && len)
        snprintf(out, WORDS_CELL_MAX, "DESTROY(%s)", destroy_reason_name(rd_u8(&r)));
    else if (cmd == CELL_CREATE2 && len >= 4)
        snprintf(out, WORDS_CELL_MAX, "CREATE2(%s)", handshake_words(rd_u16(&r)));
    else if (chan_cmd_is_variable(cmd))
        snprintf(out, WORDS_CELL_MAX, "%s(%zu bytes)", words_cmd(cmd), len);
    else if (!strcmp(chan_cmd_name(cmd), "unknown"))
        snprintf(out, WORDS_CELL_MAX, "command %u", (unsigned)cmd);
    else
        snprintf(out, WORDS_CELL_MAX, "%s", words_cmd(cmd));
    return out;
}

const char *words_message(uint8_t cmd, uint16_t stream_id, const void *data, size_t len,
                          char out[WORDS_CELL_MAX])
{
    char about[32] = "", more[64] = "";
    const uint8_t *bytes = data;
    if (stream_id)
        snprintf(about, sizeof about, " of stream %u", (unsigned)stream_id);
    if (cmd == RELAY_END && len)
        snprintf(more, sizeof more, "(%s)", end_reason_name(bytes[0]));
    else if (cmd == RELAY_TRUNCATED && len)
        snprintf(more, sizeof more, "(%s)", destroy_reason_name(bytes[0]));
    else if (len)
        snprintf(more, sizeof more, "(%zu bytes)", len);
    if (relay_rule(cmd))
        snprintf(out, WORDS_CELL_MAX, "%s%s%s", words_relay_cmd(cmd), more, about);
    else
        snprintf(out, WORDS_CELL_MAX, "relay command %u%s%s", (unsigned)cmd, more, about);
    return out;
}
