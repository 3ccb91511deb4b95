/* What the loop keeps for descriptors, made for many at once (slots.c says why). */
#ifndef TUNIC_NET_SLOTS_H
#define TUNIC_NET_SLOTS_H

struct net;

/* FD, which is open, and some that may follow it will be polled by N's loop. */
void slots_for(struct net *n, int fd);

#endif
