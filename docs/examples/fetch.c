/* Prints the consensus of the relay at ADDRESS PORT. */
#include <stdio.h>
#include <stdlib.h>
#include <tunic/directory.h>

int main(int argc, char **argv)
{
    struct tunic_error e;
    struct tunic_relay_options at = {.size = sizeof at, .address = argv[1]};
    at.port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 0);
    struct tunic *t = tunic_new(&e);
    struct tunic_relay *r = tunic_relay_connect(t, &at, 10000, &e);
    struct tunic_circuit *c = tunic_circuit_create(r, TUNIC_CREATE_FAST, NULL, 10000, &e);
    char *doc = tunic_dir_get(c, "/tor/status-vote/current/consensus", NULL, 60000, &e);
    int bad = doc ? puts(doc) < 0 : fprintf(stderr, "%s\n", e.text);
    tunic_dir_free(doc);
    tunic_free_all(t);
    return bad ? 1 : 0;
}
