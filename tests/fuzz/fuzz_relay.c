/* The body of a relay cell in both formats: head, table, then the decoder of the message. The first
 * byte of the input picks the format; 2 and above a part that has no command of its own. */
#include <stdlib.h>

#include "cell/recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

/* A message that was decoded is encoded to the same bytes up to its end, but for what belongs to
 * the onion layers. */
static void check_message(enum relay_format format, const struct relay_msg *m)
{
    uint8_t again[CELL_BODY_LEN];
    size_t random_at;
    struct relay_msg back;
    if (relay_msg_encode(format, m, again, &random_at) != OK)
        return;
    memset(again + random_at, 0x5a, sizeof again - random_at);
    REQUIRE(relay_msg_decode(format, again, &back) == OK);
    REQUIRE(back.cmd == m->cmd && back.stream_id == m->stream_id && back.len == m->len);
    REQUIRE(memcmp(back.data, m->data, m->len) == 0);
}

static void fuzz_cell(enum relay_format format, const uint8_t *data, size_t len)
{
    uint8_t body[CELL_BODY_LEN] = {0};
    struct relay_msg m;
    memcpy(body, data, len < sizeof body ? len : sizeof body);
    if (relay_msg_decode(format, body, &m) != OK)
        return;
    REQUIRE(m.len <= relay_data_max(format, m.cmd));
    check_message(format, &m);
    const struct codec *c = codec_find(CODEC_RELAY, m.cmd);
    if (!c)
        return;
    REQUIRE(codec_round_trips(c, m.data, m.len));
    /* The table may not refuse what the decoder and encoder hold for well-formed. */
    uint8_t room[2 * CELL_BODY_LEN];
    struct wr w = wr_over(room, sizeof room);
    err_t decoded;
    err_t e = c->recode(rd_over(m.data, m.len), &w, &decoded);
    const struct relay_rule *rule = relay_rule(m.cmd);
    if (decoded == OK && e == OK && m.cmd != RELAY_INTRODUCE1 && m.cmd != RELAY_INTRODUCE2 &&
        m.cmd != RELAY_ESTABLISH_INTRO)
        REQUIRE(m.len >= rule->min_len && m.len <= rule->max_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    if (data[0] < 2) {
        fuzz_cell(data[0] ? RELAY_V1 : RELAY_V0, data + 1, len - 1);
    } else {
        const struct codec *c = codec_find(CODEC_PART, (uint8_t)(data[0] - 2));
        if (c && len <= 1 + CELL_BODY_LEN)
            REQUIRE(codec_round_trips(c, data + 1, len - 1));
    }
    return 0;
}
