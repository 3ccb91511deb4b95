/* Selfdesc: what a relay says of itself, asked of itself: its server descriptor, over one link and
 * one circuit of one hop, as any client might fetch it. Whether it is a good one, and agrees to be
 * measured, is for consent_by_contact() to say. */
#ifndef TUNIC_MEASURE_SELFDESC_H
#define TUNIC_MEASURE_SELFDESC_H

#include "base/env.h"
#include "base/err.h"
#include "base/text.h"
#include "measure/consent.h"
#include "measure/measurement.h"

struct selfdesc;

enum { SELFDESC_MS = 30 * 1000, SELFDESC_WHY_MAX = 240 };

struct selfdesc_config {
    struct tls_ctx *tls; /* a client's; borrowed */
    const struct meas_world *sockets;
    void *world;
    struct meas_relay
        relay; /* asked at one of its addresses after the other, until it is reached */
};

struct selfdesc_answer {
    err_t err;                  /* ERR_LINK_CONNECT: nobody is there */
    char why[SELFDESC_WHY_MAX]; /* if ERR is not OK */
    struct text descriptor;     /* valid during the call */
    struct consent_relay relay; /* as the link proved it */
};

/* ON_DONE comes once, at the end of a wake-up, unless it is freed before; it may free. ERR_ARG: no
 * address that may be asked (WHY); ERR_NOMEM. */
MUST_USE err_t selfdesc_new(struct env *env, const struct selfdesc_config *config,
                            void (*on_done)(void *arg, const struct selfdesc_answer *answer),
                            void *arg, struct selfdesc **out, char why[CONSENT_WHY_MAX]);
void selfdesc_free(struct selfdesc *d); /* NULL is fine */

#endif
