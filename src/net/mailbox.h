/* Mailbox: letters to a loop, which other threads may write: the only thing that two threads of
 * ours ever share. A letter is one block of memory, its writer's until it is posted and the
 * mailbox's from then on; nothing in it points to what the writer may still touch. */
#ifndef TUNIC_NET_MAILBOX_H
#define TUNIC_NET_MAILBOX_H

#include <stddef.h>

#include "base/err.h"

struct net;
struct mailbox;

/* First member of what is sent. */
struct letter {
    struct letter *next;
    size_t size; /* of the whole block: it may have held secrets, and is wiped */
};

/* SIZE zero bytes, with the letter in front. NULL out of memory. */
void *letter_new(size_t size);
void letter_free(void *letter); /* of one that was never posted; NULL is fine */

/* ON_LETTER gets each in N's loop, in the order in which they were posted; it is gone afterwards.
 * ERR_NOMEM, ERR_IO: no descriptor is left. */
MUST_USE err_t mailbox_new(struct net *n, void (*on_letter)(void *arg, const struct letter *letter),
                           void *arg, struct mailbox **out);
/* From any thread. */
void mailbox_post(struct mailbox *m, void *gift_letter);
/* In N's thread, when nobody posts any more. Letters that nobody has read go with it. NULL is fine.
 */
void mailbox_free(struct mailbox *m);

#endif
