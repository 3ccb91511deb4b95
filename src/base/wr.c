#include "base/wr.h"

#include <string.h>

struct wr wr_over(void *storage, size_t cap)
{
    return (struct wr){.base = storage, .cap = cap};
}

uint8_t *wr_room(struct wr *w, size_t len)
{
    if (w->failed || len > w->cap - w->len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *room = w->base + w->len;
    w->len += len;
    return room;
}

void wr_bytes(struct wr *w, const void *bytes, size_t len)
{
    uint8_t *room = wr_room(w, len);
    if (room && len)
        memcpy(room, bytes, len);
}

void wr_zeros(struct wr *w, size_t len)
{
    uint8_t *room = wr_room(w, len);
    if (room && len)
        memset(room, 0, len);
}

static void put_uint(uint8_t *to, uint64_t x, size_t len)
{
    for (size_t i = len; i-- > 0; x >>= 8)
        to[i] = (uint8_t)x;
}

static void wr_uint(struct wr *w, uint64_t x, size_t len)
{
    uint8_t *room = wr_room(w, len);
    if (room)
        put_uint(room, x, len);
}

void wr_u8(struct wr *w, uint8_t x)
{
    wr_uint(w, x, 1);
}

void wr_u16(struct wr *w, uint16_t x)
{
    wr_uint(w, x, 2);
}

void wr_u32(struct wr *w, uint32_t x)
{
    wr_uint(w, x, 4);
}

void wr_u64(struct wr *w, uint64_t x)
{
    wr_uint(w, x, 8);
}

static size_t open_part(struct wr *w, size_t prefix)
{
    size_t mark = w->len;
    wr_zeros(w, prefix);
    return mark;
}

static void close_part(struct wr *w, size_t mark, size_t prefix, size_t most)
{
    if (w->failed)
        return;
    size_t len = w->len - mark - prefix;
    if (len > most)
        w->failed = true;
    else
        put_uint(w->base + mark, len, prefix);
}

size_t wr_open_u8(struct wr *w)
{
    return open_part(w, 1);
}

void wr_close_u8(struct wr *w, size_t mark)
{
    close_part(w, mark, 1, UINT8_MAX);
}

size_t wr_open_u16(struct wr *w)
{
    return open_part(w, 2);
}

void wr_close_u16(struct wr *w, size_t mark)
{
    close_part(w, mark, 2, UINT16_MAX);
}

err_t wr_end(const struct wr *w)
{
    return w->failed ? ERR_FULL : OK;
}
