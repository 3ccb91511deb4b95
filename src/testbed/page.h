/* Test page: a small web server on loopback, so that a test network has something to fetch without
 * another server.
 *
 * GET / is a line of text: through which exit the request came. GET /bytes/N are N bytes that can
 * be checked: the keystream of AES-128 in counter mode with key and counter zero, which is what
 * "openssl enc -aes-128-ctr" makes of zeros. POST to any path, of up to 128 MB, tells how many
 * bytes came and their SHA-256. HTTP is libevent's; each answer ends its connection. */
#ifndef TUNIC_TESTBED_PAGE_H
#define TUNIC_TESTBED_PAGE_H

#include "net/net.h"
#include "testnet/plan.h"

struct testbed_page;

/* Listens on a free port of 127.0.0.1. PLAN is borrowed: it tells the exits' names. ERR_IO
 * (logged), ERR_NOMEM. */
MUST_USE err_t testbed_page_open(struct net *n, const struct plan *plan, struct testbed_page **out);
void testbed_page_close(struct testbed_page *p); /* NULL is fine */
uint16_t testbed_page_port(const struct testbed_page *p);

#endif
