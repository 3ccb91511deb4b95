/* Two users of Tor in one program: guards and circuits of their own, but one directory. Each gets
 * the same page. two_clients "$(cat torrc)" HOST PORT */
#include <stdio.h>
#include <stdlib.h>
#include <tunic/client.h>

int main(int argc, char **argv)
{
    struct tunic_error e;
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    struct tunic *t = argc == 4 ? tunic_new(&e) : NULL;
    struct tunic_client *one = tunic_client_open(t, argv[1], 60000, &e);
    o.share_with = one;
    struct tunic_client *user[2] = {one, one ? tunic_client_start(t, &o, &e) : NULL};
    int got = 0;
    for (; got < 2 && user[got]; got++) {
        uint16_t port = (uint16_t)atoi(argv[3]);
        struct tunic_stream *s = tunic_client_connect(user[got], argv[2], port, NULL, 60000, &e);
        ssize_t n = tunic_stream_write(s, "GET / HTTP/1.0\r\n\r\n", 18, 60000, &e);
        if (n < 0 || tunic_stream_copy(s, 1, 60000, &e) < 0)
            break;
    }
    if (got < 2)
        fprintf(stderr, "%s\n", t ? e.text : "two_clients TORRC HOST PORT");
    tunic_free_all(t);
    return got == 2 ? 0 : 1;
}
