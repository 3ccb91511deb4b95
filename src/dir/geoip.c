#include "dir/geoip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* IPv4 rows are found through an index by their first bits: what is judged by country is judged for
 * each relay at each hop of a path. */
enum { CC = GEOIP_CC - 1, INDEX_BITS = 12, INDEX_N = 1 << INDEX_BITS, ROWS_FIRST = 1024 };

struct geoip {
    size_t refs;
    enum ip_family family;
    size_t width, size; /* of an address, and of a row: the address and CC letters */
    uint8_t *rows;      /* ascending */
    size_t n, room;
    uint32_t *index; /* IPv4: the first row of each INDEX_BITS; one more at the end */
};

static const char nowhere[GEOIP_CC] = "??";

struct geoip *geoip_ref(struct geoip *g)
{
    if (g)
        g->refs++;
    return g;
}

void geoip_unref(struct geoip **geoip)
{
    struct geoip *g = *geoip;
    *geoip = NULL;
    if (!g || --g->refs)
        return;
    free(g->rows);
    free(g->index);
    free(g);
}

size_t geoip_rows(const struct geoip *g)
{
    return g->n;
}

size_t geoip_bytes(const struct geoip *g)
{
    return sizeof *g + g->room * g->size + (g->index ? (INDEX_N + 1) * sizeof *g->index : 0);
}

static uint8_t *row_at(const struct geoip *g, size_t i)
{
    return g->rows + i * g->size;
}

/* ---- looking up ---- */

static size_t bucket_of(const uint8_t *address)
{
    return ((size_t)address[0] << 8 | address[1]) >> (16 - INDEX_BITS);
}

/* How many of the rows [LOW, HIGH) begin at ADDRESS or before it, and LOW more. */
static size_t count_up_to(const struct geoip *g, const uint8_t *address, size_t low, size_t high)
{
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(row_at(g, mid), address, g->width) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const char *geoip_country(const struct geoip *g, const struct ip *ip, char out[GEOIP_CC])
{
    if (!g || ip->family != g->family)
        return nowhere;
    size_t low = 0, high = g->n;
    if (g->index) {
        low = g->index[bucket_of(ip->b)];
        high = g->index[bucket_of(ip->b) + 1];
    }
    size_t n = count_up_to(g, ip->b, low, high);
    if (!n)
        return nowhere;
    memcpy(out, row_at(g, n - 1) + g->width, CC);
    out[CC] = 0;
    return out;
}

bool geoip_knows(const struct geoip *g, const char *cc)
{
    for (size_t i = 0; i < g->n; i++)
        if (memcmp(row_at(g, i) + g->width, cc, CC) == 0)
            return true;
    return false;
}

/* ---- rows ---- */

static err_t row_add(struct geoip *g, const uint8_t *address, const char *cc)
{
    if (g->n == g->room) {
        size_t room = g->room ? 2 * g->room : ROWS_FIRST;
        if (room > GEOIP_ROWS_MAX)
            return ERR_LIMIT;
        uint8_t *rows = realloc(g->rows, room * g->size);
        if (!rows)
            return ERR_NOMEM;
        g->rows = rows;
        g->room = room;
    }
    uint8_t *row = row_at(g, g->n++);
    memcpy(row, address, g->width);
    memcpy(row + g->width, cc, CC);
    return OK;
}

/* The address behind ADDRESS; false behind the last one. */
static bool next_address(uint8_t *address, size_t width)
{
    for (size_t i = width; i-- > 0;)
        if (++address[i])
            return true;
    return false;
}

static bool is_last(const struct geoip *g, const char *cc)
{
    return g->n && memcmp(row_at(g, g->n - 1) + g->width, cc, CC) == 0;
}

/* Two rows, one for the range and one for what is behind it, which goes if the next range begins
 * there. A row of the country before it is none. */
static err_t range_add(struct geoip_reader *r, const struct ip *low, const struct ip *high,
                       const char *cc)
{
    struct geoip *g = r->g;
    struct ip behind = *high;
    int order = g->n ? memcmp(low->b, row_at(g, g->n - 1), g->width) : 1;
    r->unsorted = r->unsorted || order < 0;
    if (order == 0)
        g->n--;
    if (order < 0 || !is_last(g, cc))
        TRY(row_add(g, low->b, cc));
    return next_address(behind.b, g->width) && !is_last(g, nowhere) ? row_add(g, behind.b, nowhere)
                                                                    : OK;
}

/* ---- lines ---- */

/* What stands before the next comma, without quotes. */
static bool take_field(struct text *rest, struct text *field)
{
    if (!text_split(rest, ',', field))
        return false;
    if (field->len > 1 && field->s[0] == '"' && field->s[field->len - 1] == '"')
        *field = (struct text){field->s + 1, field->len - 2};
    return true;
}

static bool take_v4(struct text *rest, struct ip *out)
{
    struct text field;
    uint64_t n;
    if (!take_field(rest, &field) || text_to_u64(field, UINT32_MAX, &n) != OK)
        return false;
    *out =
        ip_v4((uint8_t[4]){(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});
    return true;
}

static bool take_v6(struct text *rest, struct ip *out)
{
    struct text field;
    char text[IP_TEXT_MAX];
    if (!text_split(rest, ',', &field) || field.len >= sizeof text)
        return false;
    memcpy(text, field.s, field.len);
    text[field.len] = 0;
    return ip_parse(text, false, out) == OK && out->family == IP_V6;
}

static bool take_cc(struct text *rest, char out[CC])
{
    struct text field;
    if (!take_field(rest, &field) || field.len != CC ||
        !(text_is_alnum(field) || text_is(field, nowhere)))
        return false;
    for (size_t i = 0; i < CC; i++)
        out[i] =
            (char)(field.s[i] >= 'A' && field.s[i] <= 'Z' ? field.s[i] + ('a' - 'A') : field.s[i]);
    return true;
}

static err_t take_line(struct geoip_reader *r, struct text line)
{
    bool (*take)(struct text *, struct ip *) = r->g->family == IP_V4 ? take_v4 : take_v6;
    struct ip low, high;
    char cc[CC];
    line = text_strip(line);
    if (line.len && line.s[line.len - 1] == '\r')
        line.len--;
    if (!line.len || line.s[0] == '#')
        return OK;
    if (take(&line, &low) && take(&line, &high) && take_cc(&line, cc) &&
        memcmp(low.b, high.b, sizeof low.b) <= 0)
        return range_add(r, &low, &high, cc);
    r->n_bad++;
    return OK;
}

/* BYTES are more of a line whose end has not come. */
static void keep(struct geoip_reader *r, struct text bytes)
{
    r->too_long = r->too_long || bytes.len > sizeof r->line - r->len;
    if (r->too_long)
        return;
    memcpy(r->line + r->len, bytes.s, bytes.len);
    r->len += bytes.len;
}

static err_t end_line(struct geoip_reader *r, struct text rest)
{
    bool whole = !r->len && !r->too_long;
    if (whole)
        return take_line(r, rest);
    keep(r, rest);
    struct text line = {r->line, r->len};
    bool too_long = r->too_long;
    r->len = 0;
    r->too_long = false;
    r->n_bad += too_long;
    return too_long ? OK : take_line(r, line);
}

err_t geoip_begin(struct geoip_reader *r, enum ip_family family)
{
    *r = (struct geoip_reader){.g = calloc(1, sizeof *r->g)};
    if (!r->g)
        return ERR_NOMEM;
    size_t width = family == IP_V4 ? 4 : 16;
    *r->g = (struct geoip){.refs = 1, .family = family, .width = width, .size = width + CC};
    return OK;
}

err_t geoip_piece(struct geoip_reader *r, struct text bytes)
{
    const char *end;
    while (bytes.len && (end = memchr(bytes.s, '\n', bytes.len))) {
        size_t len = (size_t)(end - bytes.s);
        TRY(end_line(r, (struct text){bytes.s, len}));
        bytes = (struct text){end + 1, bytes.len - len - 1};
    }
    if (bytes.len)
        keep(r, bytes);
    return OK;
}

/* ---- the end ---- */

static int order_v4(const void *a, const void *b)
{
    return memcmp(a, b, 4 + CC);
}

static int order_v6(const void *a, const void *b)
{
    return memcmp(a, b, 16 + CC);
}

/* Of rows that begin at one address the last counts: "??" comes before all letters. */
static void sort_rows(struct geoip *g)
{
    size_t n = 0;
    qsort(g->rows, g->n, g->size, g->family == IP_V4 ? order_v4 : order_v6);
    for (size_t i = 0; i < g->n; i++) {
        if (i + 1 < g->n && memcmp(row_at(g, i), row_at(g, i + 1), g->width) == 0)
            continue;
        memmove(row_at(g, n++), row_at(g, i), g->size);
    }
    g->n = n;
}

static err_t make_index(struct geoip *g)
{
    g->index = calloc(INDEX_N + 1, sizeof *g->index);
    if (!g->index)
        return ERR_NOMEM;
    size_t at = 0;
    for (size_t i = 0; i < INDEX_N; i++) {
        while (at < g->n && bucket_of(row_at(g, at)) < i)
            at++;
        g->index[i] = (uint32_t)at;
    }
    g->index[INDEX_N] = (uint32_t)g->n;
    return OK;
}

err_t geoip_end(struct geoip_reader *r, struct geoip **out)
{
    struct geoip *g = r->g;
    if (r->len || r->too_long)
        TRY(end_line(r, (struct text){"", 0}));
    if (r->unsorted)
        sort_rows(g);
    if (g->family == IP_V4)
        TRY(make_index(g));
    uint8_t *rows = g->n ? realloc(g->rows, g->n * g->size) : NULL;
    if (rows) {
        g->rows = rows;
        g->room = g->n;
    }
    *out = g;
    r->g = NULL;
    return OK;
}

void geoip_abandon(struct geoip_reader *r)
{
    geoip_unref(&r->g);
}
