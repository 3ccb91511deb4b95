#include "dir/decompress.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP = 32768, ZSTD_WINDOW_LOG_MAX = 23 };

/* Where in the chain of sub-streams we are. */
enum place { AT_START, INSIDE, AT_END };

struct decompress {
    enum dir_encoding enc;
    enum place place;
    size_t cap;
    uint64_t in, out; /* over the whole answer */
    err_t dead;       /* latched */
    bool z_open, lzma_open;
    z_stream z;
    ZSTD_DStream *zstd;
    lzma_stream lzma;
};

/* What one step of a library did. */
struct step {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len;
    size_t in_used, out_made;
    bool ended; /* a sub-stream is complete */
};

static const struct {
    const char *name;
    enum dir_encoding enc;
} names[] = {
    {"identity", ENC_IDENTITY}, {"deflate", ENC_DEFLATE}, {"gzip", ENC_GZIP},
    {"x-gzip", ENC_GZIP},       {"x-zstd", ENC_ZSTD},     {"zstd", ENC_ZSTD},
    {"x-tor-lzma", ENC_LZMA},
};

enum dir_encoding dir_encoding_of(struct text name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_is_nocase(name, names[i].name))
            return names[i].enc;
    return ENC_UNKNOWN;
}

const char *dir_encoding_name(enum dir_encoding enc)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].enc == enc)
            return names[i].name;
    return "unknown";
}

enum dir_encoding dir_encoding_guess(const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    if (len >= 2 && b[0] == 0x1f && b[1] == 0x8b)
        return ENC_GZIP;
    /* RFC 1950: the check bits make the first two bytes a multiple of 31. */
    if (len >= 2 && (b[0] & 0x0f) == 8 && (b[0] * 256 + b[1]) % 31 == 0)
        return ENC_DEFLATE;
    if (len >= 4 && memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0)
        return ENC_ZSTD;
    if (len >= 3 && memcmp(b, "\x5d\x00\x00", 3) == 0)
        return ENC_LZMA;
    return ENC_IDENTITY;
}

static err_t open_z(struct decompress *d)
{
    int bits = d->enc == ENC_GZIP ? 15 + 16 : 15;
    d->z_open = inflateInit2(&d->z, bits) == Z_OK;
    return d->z_open ? OK : ERR_NOMEM;
}

static err_t open_zstd(struct decompress *d)
{
    d->zstd = ZSTD_createDStream();
    if (!d->zstd)
        return ERR_NOMEM;
    size_t err = ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    return ZSTD_isError(err) ? ERR_CRYPTO : OK;
}

static err_t open_lzma(struct decompress *d)
{
    d->lzma_open = lzma_alone_decoder(&d->lzma, DECOMPRESS_LZMA_MEMORY) == LZMA_OK;
    return d->lzma_open ? OK : ERR_NOMEM;
}

err_t decompress_new(enum dir_encoding enc, size_t cap, struct decompress **out)
{
    struct decompress *d;
    err_t err = OK;
    *out = NULL;
    if (enc >= ENC_UNKNOWN)
        return ERR_UNSUPPORTED;
    d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->enc = enc;
    d->cap = cap;
    if (enc == ENC_DEFLATE || enc == ENC_GZIP)
        err = open_z(d);
    else if (enc == ENC_ZSTD)
        err = open_zstd(d);
    else if (enc == ENC_LZMA)
        err = open_lzma(d);
    if (err != OK)
        decompress_free(&d);
    *out = d;
    return err;
}

void decompress_free(struct decompress **decompress)
{
    struct decompress *d = *decompress;
    *decompress = NULL;
    if (!d)
        return;
    if (d->z_open)
        inflateEnd(&d->z);
    ZSTD_freeDStream(d->zstd);
    if (d->lzma_open)
        lzma_end(&d->lzma);
    free(d);
}

static err_t step_z(struct decompress *d, struct step *s)
{
    if (d->place != INSIDE && inflateReset(&d->z) != Z_OK)
        return ERR_CRYPTO;
    d->z.next_in = (Bytef *)(uintptr_t)s->in;
    d->z.avail_in = (uInt)s->in_len;
    d->z.next_out = s->out;
    d->z.avail_out = (uInt)s->out_len;
    int rc = inflate(&d->z, Z_NO_FLUSH);
    s->in_used = s->in_len - d->z.avail_in;
    s->out_made = s->out_len - d->z.avail_out;
    s->ended = rc == Z_STREAM_END;
    /* Z_BUF_ERROR says that nothing moved; the caller judges that. */
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? OK
           : rc == Z_MEM_ERROR                                   ? ERR_NOMEM
                                                                 : ERR_MALFORMED;
}

static err_t step_zstd(struct decompress *d, struct step *s)
{
    ZSTD_inBuffer in = {s->in, s->in_len, 0};
    ZSTD_outBuffer out = {s->out, s->out_len, 0};
    size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);
    s->in_used = in.pos;
    s->out_made = out.pos;
    s->ended = rc == 0;
    return ZSTD_isError(rc) ? ERR_MALFORMED : OK;
}

static err_t step_lzma(struct decompress *d, struct step *s)
{
    d->lzma.next_in = s->in;
    d->lzma.avail_in = s->in_len;
    d->lzma.next_out = s->out;
    d->lzma.avail_out = s->out_len;
    lzma_ret rc = lzma_code(&d->lzma, LZMA_RUN);
    s->in_used = s->in_len - d->lzma.avail_in;
    s->out_made = s->out_len - d->lzma.avail_out;
    s->ended = rc == LZMA_STREAM_END;
    if (rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR)
        return OK;
    return rc == LZMA_MEM_ERROR ? ERR_NOMEM : rc == LZMA_MEMLIMIT_ERROR ? ERR_LIMIT : ERR_MALFORMED;
}

static err_t step_identity(struct step *s)
{
    size_t n = s->in_len < s->out_len ? s->in_len : s->out_len;
    memcpy(s->out, s->in, n);
    s->in_used = s->out_made = n;
    s->ended = true;
    return OK;
}

static err_t run_step(struct decompress *d, struct step *s)
{
    switch (d->enc) {
    case ENC_DEFLATE:
    case ENC_GZIP:
        return step_z(d, s);
    case ENC_ZSTD:
        return step_zstd(d, s);
    case ENC_LZMA:
        return step_lzma(d, s);
    case ENC_IDENTITY:
        return step_identity(s);
    case ENC_UNKNOWN:
        break;
    }
    return ERR_BUG;
}

/* The totals are over the whole answer, so a chain of small streams is caught as well. */
static err_t check_totals(const struct decompress *d)
{
    if (d->out > d->cap)
        return ERR_LIMIT;
    return d->out > DECOMPRESS_RATIO_FROM && d->out / DECOMPRESS_RATIO_MAX > d->in ? ERR_BOMB : OK;
}

/* One step: at most STEP bytes out. *MOVED tells whether it did anything. */
static err_t one_step(struct decompress *d, const uint8_t *in, size_t len, struct buf *out,
                      size_t *used, bool *full)
{
    size_t room = buf_space(out) < STEP ? buf_space(out) : STEP;
    struct step s = {.in = in, .in_len = len < STEP ? len : STEP, .out_len = room};
    if (!room)
        return ERR_FULL;
    s.out = buf_room(out, room);
    if (!s.out)
        return ERR_NOMEM;
    err_t err = run_step(d, &s);
    buf_commit(out, s.out_made);
    d->in += s.in_used;
    d->out += s.out_made;
    *used = s.in_used;
    *full = s.out_made == room;
    if (err != OK)
        return err;
    if (s.in_used || s.out_made)
        d->place = INSIDE;
    if (s.ended)
        d->place = AT_END;
    /* TROVE-2026-021: with input left and room to write, standing still is no state to stay in. */
    if (len && !s.in_used && !s.out_made)
        return ERR_MALFORMED;
    return check_totals(d);
}

static err_t feed(struct decompress *d, const uint8_t *in, size_t len, struct buf *out)
{
    bool full = false;
    while (len || (full && d->place == INSIDE)) {
        size_t used = 0;
        /* The .lzma container is never chained, so what follows its end is garbage. */
        if (d->enc == ENC_LZMA && d->place == AT_END)
            return ERR_TRAILING;
        TRY(one_step(d, in, len, out, &used, &full));
        in += used;
        len -= used;
    }
    return OK;
}

err_t decompress_feed(struct decompress *d, const void *in, size_t len, struct buf *out)
{
    if (d->dead == OK)
        d->dead = feed(d, in, len, out);
    return d->dead;
}

err_t decompress_end(struct decompress *d)
{
    if (d->dead != OK)
        return d->dead;
    /* An empty answer is no compressed document. */
    bool whole = d->place == AT_END || d->enc == ENC_IDENTITY;
    return whole ? OK : ERR_TRUNCATED;
}

static err_t run_all(enum dir_encoding enc, const void *in, size_t len, size_t cap, struct buf *out)
{
    struct decompress *d;
    TRY(decompress_new(enc, cap, &d));
    err_t err = decompress_feed(d, in, len, out);
    if (err == OK)
        err = decompress_end(d);
    decompress_free(&d);
    if (err != OK)
        buf_free(out);
    return err;
}

err_t decompress_all(enum dir_encoding enc, bool guess, const void *in, size_t len, size_t cap,
                     struct buf *out)
{
    enum dir_encoding looks = dir_encoding_guess(in, len);
    if (guess && enc == ENC_IDENTITY)
        enc = looks;
    err_t err = run_all(enc, in, len, cap, out);
    if (guess && err == ERR_MALFORMED && looks != enc)
        err = run_all(looks, in, len, cap, out);
    return err;
}
