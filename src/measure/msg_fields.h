/* The members of each message: one row each, by which it is read and written. */
#ifndef TUNIC_MEASURE_MSG_FIELDS_H
#define TUNIC_MEASURE_MSG_FIELDS_H

#include "measure/msg.h"

enum field_kind {
    FIELD_U32,
    FIELD_U64,
    FIELD_REAL,
    FIELD_NAME,  /* of a machine: msg_name_valid(), of SIZE - 1 at most */
    FIELD_WORDS, /* for people: cut to SIZE - 1, and what is not printable ASCII is "?" */
    FIELD_HEX,   /* SIZE bytes; lower-case when written */
    FIELD_FP,    /* a fingerprint; upper-case when written */
    FIELD_ED,    /* base64 without "=", as tor writes it */
    FIELD_WORD,  /* one of an enumeration's */
    FIELD_ADDR,  /* "127.0.0.1:9001" */
    FIELD_ADDRS, /* of a relay: an array of them */
    FIELD_PROOF, /* a text that the message owns */
    FIELD_OBJECT,
};

struct msg_field {
    const char *name;
    enum field_kind kind;
    bool needed;
    size_t at;            /* in the struct */
    uint64_t least, most; /* numbers; reals: of thousandths */
    size_t size;          /* texts and bytes */
    size_t flag;          /* where a bool says that it is there; 0: none does */
    const char *const *words;
    const struct msg_field *fields; /* of an object */
};

struct msg_row {
    const char *name;
    bool coords, measurers; /* who may send it */
    bool has_id, needs_id;
    const struct msg_field *fields; /* ends in a row without a name; or NULL */
};

extern const struct msg_row msg_rows[MSG_TYPES];

#endif
