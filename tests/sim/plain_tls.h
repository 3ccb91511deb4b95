/* The framing of plain_tls.c, for the wires that look into it. */
#ifndef TUNIC_TESTS_SIM_PLAIN_TLS_H
#define TUNIC_TESTS_SIM_PLAIN_TLS_H

enum { PLAIN_HELLO_LEN = 40, PLAIN_HEAD_LEN = 4, PLAIN_DATA = 1, PLAIN_CLOSE = 2 };

/* Before each scenario, so that one does not depend on those before it. */
void plain_tls_reset(void);

#endif
