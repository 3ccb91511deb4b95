/* Gets / from HOST:PORT through three relays that the one at ADDRESS PORT knows:
 * three_hops ADDRESS PORT FIRST SECOND THIRD HOST:PORT */
#include <stdio.h>
#include <stdlib.h>
#include <tunic/directory.h>

int main(int argc, char **argv)
{
    struct tunic_error e;
    struct tunic_relay_options at = {.size = sizeof at, .address = argv[1]};
    at.port = (uint16_t)(argc == 7 ? atoi(argv[2]) : 0);
    size_t len = 0;
    struct tunic *t = tunic_new(&e);
    tunic_allow_internal_addresses(t, getenv("TUNIC_TESTNET_DIR") != NULL);
    struct tunic_relay *r = tunic_relay_connect(t, &at, 10000, &e);
    struct tunic_circuit *c = tunic_circuit_create(r, TUNIC_CREATE_FAST, NULL, 10000, &e);
    char *all = tunic_dir_get(c, "/tor/server/all", &len, 60000, &e);
    c = tunic_circuit_start(tunic_relay_connect_to(t, all, len, argv[3], 10000, &e), NULL, &e);
    for (int i = 3; i < 6; i++)
        c = tunic_circuit_extend_to(c, TUNIC_NTOR, all, len, argv[i], 10000, &e) ? NULL : c;
    struct tunic_stream *s = tunic_stream_begin(c, argv[6], 10000, &e);
    ssize_t n = tunic_stream_write(s, "GET / HTTP/1.0\r\n\r\n", 18, 10000, &e);
    int bad = n < 0 || tunic_stream_copy(s, 1, 10000, &e) < 0 ? fprintf(stderr, "%s\n", e.text) : 0;
    tunic_dir_free(all);
    tunic_free_all(t);
    return bad ? 1 : 0;
}
