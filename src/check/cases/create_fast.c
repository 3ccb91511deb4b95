/* CREATE_FAST (tor-spec 5.1.5), and circuit ids (5.1.1, 5.3). */
#include <string.h>

#include "check/pcirc.h"
#include "check/sections.h"

static void proves_keys(struct trial *t)
{
    (void)pcirc_fast(t);
}

static void keys_work(struct trial *t)
{
    pcirc_await_alive(pcirc_fast(t));
}

/* Y of the answer to CREATE_FAST with X. */
static void ask_y(struct probe *p, const uint8_t *x, uint8_t *y)
{
    struct probe_cell cell;
    probe_cell(p, probe_new_id(p), CELL_CREATE_FAST, x, FAST_SKIN_LEN);
    if (probe_await(p, CELL_CREATED_FAST, &cell))
        memcpy(y, cell.body, FAST_SKIN_LEN);
}

static void y_is_fresh(struct trial *t)
{
    const uint8_t x[FAST_SKIN_LEN] = {7};
    uint8_t one[FAST_SKIN_LEN] = {0}, two[FAST_SKIN_LEN] = {1};
    struct probe *p = probe_link(t);
    ask_y(p, x, one);
    ask_y(p, x, two);
    TRIAL_EXPECT(t, memcmp(one, two, sizeof one) != 0, "both answers have the same Y");
}

static void padding_is_ignored(struct trial *t)
{
    struct probe_cell cell;
    uint8_t body[CELL_BODY_LEN];
    struct probe *p = probe_link(t);
    memset(body, 0x5a, sizeof body);
    probe_cell(p, probe_new_id(p), CELL_CREATE_FAST, body, sizeof body);
    (void)probe_await(p, CELL_CREATED_FAST, &cell);
}

/* CREATE_FAST under an id that is in use is dropped, and the circuit that has it lives on. */
static void used_id_is_dropped(struct trial *t)
{
    const uint8_t x[FAST_SKIN_LEN] = {7};
    struct pcirc *c = pcirc_fast(t);
    if (c)
        probe_cell(c->p, c->id, CELL_CREATE_FAST, x, sizeof x);
    pcirc_await_alive(c);
}

static void ids_belong_to_connections(struct trial *t)
{
    struct pcirc *one = pcirc_fast(t), *two = pcirc_fast(t);
    TRIAL_EXPECT(t, one && two && one->id == two->id, "two connections began with different ids");
    pcirc_await_alive(one);
    pcirc_await_alive(two);
}

static void several_at_once(struct trial *t)
{
    struct probe *p = probe_link(t);
    struct pcirc *one = pcirc_fast_on(p), *two = pcirc_fast_on(p);
    pcirc_await_alive(one);
    pcirc_await_alive(two);
    pcirc_await_alive(one);
}

static const struct check_case cases[] = {
    {"create-fast/kh", CHECK_MUST, "tor-spec 5.1.5",
     "answers CREATE_FAST with CREATED_FAST, whose KH proves the keys", proves_keys, NEEDS_NOTHING},
    {"create-fast/keys", CHECK_MUST, "tor-spec 5.2.1",
     "uses the keys of the handshake, each in its direction", keys_work, NEEDS_NOTHING},
    {"create-fast/fresh-y", CHECK_MUST, "tor-spec 5.1.5", "chooses a new Y for each circuit",
     y_is_fresh, NEEDS_NOTHING},
    {"create-fast/padding", CHECK_MUST, "tor-spec 3", "ignores the bytes after X in CREATE_FAST",
     padding_is_ignored, NEEDS_NOTHING},
    {"create-fast/used-id", CHECK_MUST, "tor-spec 5.3",
     "drops CREATE_FAST under the id of a circuit that is there", used_id_is_dropped,
     NEEDS_NOTHING},
    {"create-fast/ids", CHECK_MUST, "tor-spec 5.3",
     "keeps circuits of two connections under the same id apart", ids_belong_to_connections,
     NEEDS_NOTHING},
    {"create-fast/several", CHECK_MUST, "tor-spec 5.1",
     "keeps several circuits of one connection apart", several_at_once, NEEDS_NOTHING},
};
const struct check_section check_create_fast = {"create-fast", "CREATE_FAST and circuit ids", cases,
                                                sizeof cases / sizeof *cases};
