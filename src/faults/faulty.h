/* Faulty: what a node's misdeeds (testnet/misdeeds.h) are when its switches are faults. Shared by
 * the files of this folder; each has the faults of one list, or those of one place in the relay. */
#ifndef TUNIC_FAULTS_FAULTY_H
#define TUNIC_FAULTS_FAULTY_H

#include "dir/dirhttp.h"
#include "faults/faults.h"
#include "link/tls.h"
#include "testnet/node_int.h"
#include "testnet/relay_certs.h"

enum { FAULTY_ODD_TLS = 12 };

/* What is wrong with the answer to a request of a directory's. Each fault is asked for once a
 * request: that is what it counts. */
struct faulty_answer {
    enum netdocs_lie lie;
    bool wrong_microdescs, silent, garbage, bad_text, truncated, bomb, chain, cut, drip, oversized;
};

/* The argument of a node's misdeeds. */
struct faulty {
    struct faults faults;
    struct tls_ctx *odd_tls[FAULTY_ODD_TLS]; /* made when a fault first asks for it */
    struct relay_certs false_certs;
    struct env dull_env;          /* knows one byte only */
    uint8_t body[RELAY_DATA_MAX]; /* of the message that is about to go out */
    struct faulty_answer answer;  /* to the request at hand */
    struct buf wrong_body;        /* of that answer */
    char wrong_date[DIRHTTP_DATE_MAX];
};

extern const struct dirserv_misdeeds faulty_dir;

/* What faults remember of a link and of a circuit. */
struct link_memo {
    bool half;           /* the rest of a cell is to come */
    bool had_circuit;    /* it had a circuit, or was asked for one */
    uint8_t four[2];     /* link protocol 4, for a lie */
    uint32_t refused_id; /* the last one */
    uint32_t gone_id;    /* of the circuit that its peer ended last */
};
struct circ_memo {
    unsigned got, drops;           /* DATA and DROP that have come */
    uint16_t resolved;             /* the id of the last RESOLVE */
    bool passed_on;                /* a cell went to the next node */
    uint64_t bytes;                /* of DATA that came */
    uint8_t sealed[CELL_BODY_LEN]; /* the last echo cell as it came */
    uint8_t old[CELL_BODY_LEN];    /* an earlier one as it went */
    uint8_t held[CELL_BODY_LEN];   /* one that is to go behind the next */
    bool has_old, has_held;
};

/* An occasion for FAULT: whether N breaks the rule now. */
bool faulty_now(const struct node *n, enum fault fault);
/* The number of the switch; 0: off. For faults whose number is no occasion. */
uint32_t faulty_n(const struct node *n, enum fault fault);
/* NULL out of memory. */
struct link_memo *faulty_link(struct nlink *nl);
struct circ_memo *faulty_circ(struct rcirc *c);
/* The circuit with this id on the client's side of NL; NULL: there is none. */
struct rcirc *faulty_find(const struct nlink *nl, uint32_t id);
bool faulty_is_zero(const uint8_t *bytes, size_t len);
bool faulty_say(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len);

/* ---- links: face.c, hello.c, cells.c, robust.c; see link_cheat ---- */

void fault_in_face(struct nlink *nl, struct link_config *config, struct link_server *face);
void fault_in_hello(void *nlink, size_t circ_id_len, struct wr *answer);
enum link_rule fault_in_judging(void *nlink, enum link_stage stage, struct chan_frame *cell,
                                enum link_rule rule);
void fault_after_link(struct nlink *nl, const struct link_end *end);
enum link_rule fault_in_bearing(struct nlink *nl, enum link_stage stage,
                                const struct chan_frame *cell, enum link_rule rule);
bool fault_in_pieces(struct nlink *nl, enum link_slip where);

/* ---- create.c ---- */

/* What is done about a CREATE cell, which may be changed. */
enum link_rule fault_in_create_cell(struct nlink *nl, struct chan_frame *cell);
err_t fault_in_reply(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                     struct create_reply *r);
err_t fault_in_extensions(struct rcirc *c, struct rd asked, err_t e, struct exts *ours);
bool fault_in_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason);
/* CREATED_FAST or CREATED2, about to go out. */
bool fault_in_created(struct rcirc *c, uint8_t cmd, uint8_t *body);

/* ---- extend.c ---- */

enum judged fault_in_extend(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m);
enum judged fault_in_truncate(struct rcirc *c);
bool fault_in_cell_in(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body);
/* A cell for the next node. */
bool fault_in_passing_on(struct rcirc *c, uint8_t *cmd);
/* What is done about DESTROY and cells of circuits. */
enum link_rule fault_in_circuit_cell(struct nlink *nl, const struct chan_frame *cell);

/* ---- message_in.c, message_out.c ---- */

bool fault_in_opened(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here);
enum judged fault_in_message_in(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m);
bool fault_in_message_out(struct rcirc *c, struct relay_msg *m);
void fault_in_plain_out(struct rcirc *c, uint8_t *body, size_t padding_at);
bool fault_in_cell_out(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body);
unsigned fault_in_room(const struct target *t, unsigned room);

/* ---- measure.c ---- */

bool fault_in_measurement(struct rcirc *c, const uint8_t *body);
bool fault_in_unasked_echo(struct rcirc *c, const uint8_t *body);
bool fault_in_echo_in(struct rcirc *c, const uint8_t *body);
bool fault_in_echo_out(struct rcirc *c, uint8_t *body);
bool fault_in_background(struct rcirc *c, struct meas_bg *bg);
bool fault_in_over(struct node *n);
bool fault_in_orphan(struct node *n);
bool fault_in_limit(struct node *n);

/* ---- conflux.c ---- */

/* CONFLUX_LINKED or CONFLUX_SWITCH is about to go out. */
bool fault_in_linked(struct rcirc *c, struct relay_msg *m);
bool fault_in_switch(struct rcirc *c);
/* DATA is, on C, which is of a set. */
void fault_before_data_of_set(struct rcirc *c, uint16_t stream_id);

#endif
