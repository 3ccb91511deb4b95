/* The test page's /bytes/N: as much as is asked for, made as it is sent. */
#ifndef TUNIC_TESTBED_PAGE_BYTES_H
#define TUNIC_TESTBED_PAGE_BYTES_H

#include <stdint.h>

#include "base/err.h"

struct evhttp_request;

/* What one download holds at most: with libevent's own few bytes it fits into 64 KB. */
enum { PAGE_BYTES_CHUNK = 63 << 10 };

#define PAGE_BYTES_MOST ((uint64_t)1 << 50)

/* Answers REQ with N bytes, or with their length alone if it is a HEAD. ERR_NOMEM: nothing was
 * answered. */
MUST_USE err_t page_bytes_send(struct evhttp_request *req, uint64_t n);

#endif
