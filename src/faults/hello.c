/* How a node breaks rules of the link handshake: the cells with which it answers VERSIONS, spoilt.
 */
#include <stdlib.h>
#include <string.h>

#include "cell/chan_link.h"
#include "faults/faulty.h"

enum { SAID_MOST = 8, SAID_BODY = 4096 };

static bool now(const struct nlink *nl, enum fault fault)
{
    return faulty_now(nl->node, fault);
}

/* The cells of its answer to VERSIONS, apart. */
struct said {
    size_t n, id_len;
    struct said_cell {
        uint32_t circ_id;
        uint8_t cmd;
        size_t len;
        uint8_t body[SAID_BODY];
    } cell[SAID_MOST];
};

static void said_read(struct said *s, struct wr *answer)
{
    struct chan_frame f;
    size_t at = 0;
    while (s->n < SAID_MOST && at < answer->len &&
           chan_frame_decode(answer->base + at, answer->len - at, s->n ? s->id_len : 2, SAID_BODY,
                             &f) == OK) {
        struct said_cell *c = &s->cell[s->n++];
        *c = (struct said_cell){.circ_id = f.circ_id, .cmd = f.cmd, .len = f.body_len};
        memcpy(c->body, f.body, f.body_len);
        at += f.used;
    }
}

static void said_write(const struct said *s, struct wr *answer)
{
    answer->len = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct said_cell *c = &s->cell[i];
        size_t id_len = c->cmd == CELL_VERSIONS ? 2 : s->id_len;
        if (chan_head_encode(answer, id_len, c->circ_id, c->cmd, c->len) == OK)
            wr_bytes(answer, c->body, c->len);
    }
}

static struct said_cell *said_find(struct said *s, uint8_t cmd)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->cell[i].cmd == cmd)
            return &s->cell[i];
    return NULL;
}

static void said_drop(struct said *s, uint8_t cmd)
{
    struct said_cell *c = said_find(s, cmd);
    if (c)
        memmove(c, c + 1, (size_t)(&s->cell[--s->n] - c) * sizeof *c);
}

static void said_twice(struct said *s, uint8_t cmd)
{
    struct said_cell *c = said_find(s, cmd);
    if (!c || s->n == SAID_MOST)
        return;
    memmove(c + 1, c, (size_t)(&s->cell[s->n++] - c) * sizeof *c);
}

static void say(struct said *s, uint8_t cmd, const void *body, size_t len)
{
    struct said_cell *c = said_find(s, cmd);
    if (!c)
        return;
    memcpy(c->body, body, len);
    c->len = len;
}

static void spoil_versions(struct nlink *nl, struct said *s)
{
    static const uint8_t no_5[] = {0, 3, 0, 4}, old[] = {0, 2, 0, 3, 0, 4, 0, 5};
    if (now(nl, FAULT_HELLO_NO_5))
        say(s, CELL_VERSIONS, no_5, sizeof no_5);
    if (now(nl, FAULT_HELLO_OLD))
        say(s, CELL_VERSIONS, old, sizeof old);
}

static void spoil_challenge(struct nlink *nl, struct said *s)
{
    enum { METHOD_AT = CHAN_AUTH_CHALLENGE_LEN + 3 };
    struct said_cell *c = said_find(s, CELL_AUTH_CHALLENGE);
    if (!c)
        return;
    if (now(nl, FAULT_HELLO_CHALLENGE_SHORT))
        c->len = CHAN_AUTH_CHALLENGE_LEN / 2;
    if (now(nl, FAULT_HELLO_CHALLENGE_METHOD))
        c->body[METHOD_AT] = 1;
    if (now(nl, FAULT_HELLO_CHALLENGE_SAME))
        memset(c->body, 7, CHAN_AUTH_CHALLENGE_LEN);
    if (now(nl, FAULT_HELLO_CHALLENGE_TWICE))
        said_twice(s, CELL_AUTH_CHALLENGE);
    if (now(nl, FAULT_HELLO_NO_CHALLENGE))
        said_drop(s, CELL_AUTH_CHALLENGE);
}

static void spoil_netinfo(struct nlink *nl, struct said *s)
{
    enum { OTHER_AT = 6, N_MINE_AT = 10, MINE_AT = 13 };
    static const uint8_t all[] = {255, IP_V4, 4};
    struct said_cell *c = said_find(s, CELL_NETINFO);
    if (!c)
        return;
    if (now(nl, FAULT_HELLO_NETINFO_MALFORMED)) {
        memset(c->body + N_MINE_AT, 0, c->len - N_MINE_AT);
        memcpy(c->body + N_MINE_AT, all, sizeof all);
    }
    if (now(nl, FAULT_HELLO_NETINFO_OTHER))
        memset(c->body + OTHER_AT, 0, 4);
    if (now(nl, FAULT_HELLO_NETINFO_NO_MINE))
        c->body[N_MINE_AT] = 0;
    if (now(nl, FAULT_HELLO_NETINFO_MINE))
        memset(c->body + MINE_AT, 0, 4);
    if (now(nl, FAULT_HELLO_CIRCUIT_ID))
        c->circ_id = 1;
    if (now(nl, FAULT_HELLO_NETINFO_TWICE))
        said_twice(s, CELL_NETINFO);
}

static void spoil_certs(struct nlink *nl, struct said *s)
{
    struct said_cell *c = said_find(s, CELL_CERTS);
    if (c && now(nl, FAULT_CERTS_FORM))
        c->len -= 10;
}

static void spoil_order(struct nlink *nl, struct said *s)
{
    struct said_cell *challenge = said_find(s, CELL_AUTH_CHALLENGE);
    if (challenge && s->n < SAID_MOST && now(nl, FAULT_HELLO_CHALLENGE_FIRST)) {
        s->cell[s->n] = *challenge;
        said_drop(s, CELL_AUTH_CHALLENGE);
        memmove(&s->cell[2], &s->cell[1], (s->n - 1) * sizeof *s->cell);
        s->cell[1] = s->cell[s->n + 1];
        s->n++;
    }
}

void fault_in_hello(void *nlink, size_t circ_id_len, struct wr *answer)
{
    struct said *s = calloc(1, sizeof *s);
    if (!s)
        return;
    s->id_len = circ_id_len;
    said_read(s, answer);
    spoil_versions(nlink, s);
    spoil_challenge(nlink, s);
    spoil_certs(nlink, s);
    spoil_netinfo(nlink, s);
    spoil_order(nlink, s);
    said_write(s, answer);
    free(s);
}
