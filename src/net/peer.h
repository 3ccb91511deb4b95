/* Whether the program at the other end of a connection is still there, after it has closed its
 * sending side. TCP itself says the same of one that reads on and of one that has closed the
 * socket, until something is sent to it. */
#ifndef TUNIC_NET_PEER_H
#define TUNIC_NET_PEER_H

enum peer_state {
    PEER_UNKNOWN, /* on another machine, or in another network namespace */
    PEER_READS,   /* a program holds the socket */
    PEER_GONE,
};

enum peer_state peer_look(int fd);

#endif
