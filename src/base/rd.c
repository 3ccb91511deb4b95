#include "base/rd.h"

#include <string.h>

struct rd rd_over(const void *bytes, size_t len)
{
    static const uint8_t none[1];
    return (struct rd){.at = bytes ? bytes : none, .left = bytes ? len : 0};
}

const uint8_t *rd_bytes(struct rd *r, size_t len)
{
    if (r->failed || len > r->left) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += len;
    r->left -= len;
    return bytes;
}

bool rd_copy(struct rd *r, void *out, size_t len)
{
    const uint8_t *bytes = rd_bytes(r, len);
    if (!bytes) {
        memset(out, 0, len);
        return false;
    }
    memcpy(out, bytes, len);
    return true;
}

static uint64_t rd_uint(struct rd *r, size_t len)
{
    const uint8_t *bytes = rd_bytes(r, len);
    uint64_t x = 0;
    for (size_t i = 0; bytes && i < len; i++)
        x = x << 8 | bytes[i];
    return x;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)rd_uint(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)rd_uint(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)rd_uint(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return rd_uint(r, 8);
}

struct rd rd_sub(struct rd *r, size_t len)
{
    const uint8_t *bytes = rd_bytes(r, len);
    struct rd sub = rd_over(bytes, len);
    sub.failed = !bytes;
    return sub;
}

struct rd rd_rest(struct rd *r)
{
    return rd_sub(r, r->left);
}

err_t rd_ok(const struct rd *r)
{
    return r->failed ? ERR_TRUNCATED : OK;
}

err_t rd_end(const struct rd *r)
{
    if (r->failed)
        return ERR_TRUNCATED;
    return r->left ? ERR_TRAILING : OK;
}
