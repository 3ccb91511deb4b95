/* Words: cells and relay messages as people read them in a report: "CREATE2(ntor, 84 bytes)". */
#ifndef TUNIC_CHECK_WORDS_H
#define TUNIC_CHECK_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { WORDS_CELL_MAX = 160 };

/* "CERTS", or "a cell of an unknown command"; static storage. */
const char *words_cmd(uint8_t cmd);
const char *words_relay_cmd(uint8_t cmd);
const char *words_cell(uint8_t cmd, const void *body, size_t len, char out[WORDS_CELL_MAX]);
/* "END(DONE) of stream 7" */
const char *words_message(uint8_t cmd, uint16_t stream_id, const void *data, size_t len,
                          char out[WORDS_CELL_MAX]);

#endif
