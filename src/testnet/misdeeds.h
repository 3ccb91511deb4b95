/* Misdeeds: where a node that is to break the protocol steps in. An honest node has none; all that
 * a fault does lives above this layer (src/faults).
 *
 * A table is whole: every hook is set. A hook finds its own through what it is given
 * (node_misdeeds()), may use the functions of nlink.h, rcirc.h and target.h, and may close the
 * circuit. Where it answers a bool, true is the honest way on, false: it saw to it, or it is lost.
 */
#ifndef TUNIC_TESTNET_MISDEEDS_H
#define TUNIC_TESTNET_MISDEEDS_H

#include "testnet/dirserv.h"
#include "testnet/nlink.h"
#include "testnet/rcirc.h"
#include "testnet/target.h"

struct misdeeds {
    /* ---- links that come in ---- */
    /* A link is made with CONFIG (whose TLS may be another) and shows FACE; see link_cheat. */
    void (*face)(struct nlink *nl, struct link_config *config, struct link_server *face);
    void (*link_over)(struct nlink *nl, const struct link_end *end);

    /* ---- CREATE ---- */
    /* CREATE is answered with R, or refused for E; the hook returns what is to stand for E. */
    err_t (*reply)(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                   struct create_reply *r);
    /* The client's extensions, ASKED, are answered with OURS, or refused for E. */
    err_t (*extensions)(struct rcirc *c, struct rd asked, err_t e, struct exts *ours);
    /* What the client asks for is refused with *REASON, and C ends. While it is being made: NL is
     * the link that CREATE came on, under ID; otherwise NULL. */
    bool (*refusal)(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason);

    /* ---- cells of a circuit ---- */
    /* A cell came from the client (WAY_ON) or the next node (WAY_BACK), DESTROY of the next node,
     * too; before anything is done about it. */
    bool (*cell_in)(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body);
    /* A layer was taken off a cell that the client sent; it is meant for this node if *HERE. */
    bool (*opened)(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here);
    /* A cell is about to go out. */
    bool (*cell_out)(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body);

    /* ---- messages ---- */
    /* A message came and was read, and is not judged yet. FINE: the honest way on. */
    enum judged (*message_in)(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m);
    /* A message is about to go out. What it points to may be the hook's own until the next call. */
    bool (*message_out)(struct rcirc *c, struct relay_msg *m);
    /* The message is written, not encrypted yet; what follows the message begins at PADDING_AT. */
    void (*plain_out)(struct rcirc *c, uint8_t *body, size_t padding_at);
    /* How many DATA messages a stream may send now: ROOM, or what is answered. */
    unsigned (*room)(const struct target *t, unsigned room);

    /* ---- measurements (rmeas.h) ---- */
    /* MEASUREMENT came. */
    bool (*measurement_in)(struct rcirc *c, const uint8_t *body);
    /* A cell to be given back came, encrypted; or is about to go back. */
    bool (*echo_in)(struct rcirc *c, const uint8_t *body);
    bool (*echo_out)(struct rcirc *c, uint8_t *body);
    /* BG is about to go to the coordinator, over C. */
    bool (*background)(struct rcirc *c, struct meas_bg *bg);
    /* The last second is over. */
    bool (*over)(struct node *n);
    /* The coordinator is gone. */
    bool (*orphaned)(struct node *n);
    /* Clients carried all that they may. */
    bool (*limit)(struct node *n);

    const struct dirserv_misdeeds *dir; /* of its directory server (dirserv_int.h) */
    void (*free)(void *arg);
};

/* The honest way's questions: without misdeeds, the answer that changes nothing. */
void misdeed_face(struct nlink *nl, struct link_config *config, struct link_server *face);
void misdeed_link_over(struct nlink *nl, const struct link_end *end);
MUST_USE err_t misdeed_reply(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                             struct create_reply *r);
MUST_USE err_t misdeed_extensions(struct rcirc *c, struct rd asked, err_t e, struct exts *ours);
bool misdeed_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason);
bool misdeed_cell_in(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body);
bool misdeed_opened(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here);
bool misdeed_cell_out(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body);
enum judged misdeed_message_in(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m);
bool misdeed_message_out(struct rcirc *c, struct relay_msg *m);
void misdeed_plain_out(struct rcirc *c, uint8_t *body, size_t padding_at);
bool misdeed_measurement_in(struct rcirc *c, const uint8_t *body);
bool misdeed_echo_in(struct rcirc *c, const uint8_t *body);
bool misdeed_echo_out(struct rcirc *c, uint8_t *body);
bool misdeed_background(struct rcirc *c, struct meas_bg *bg);
bool misdeed_over(struct node *n);
bool misdeed_orphaned(struct node *n);
bool misdeed_limit(struct node *n);
unsigned misdeed_room(const struct target *t, unsigned room);

#endif
