/* Errors: what went wrong, and how much of us it takes down.
 *
 * Every call that can fail returns err_t and is marked MUST_USE. The class of an error tells the
 * caller what has to be closed; it never has to compare against single values for that. Codecs
 * return errors of class CALL (this message is bad); the machine that asked lifts them to the class
 * that fits, for example ERR_CIRC_PROTO for a bad relay message. */
#ifndef TUNIC_BASE_ERR_H
#define TUNIC_BASE_ERR_H

#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum err_class {
    ERRC_OK,      /* nothing */
    ERRC_MORE,    /* nothing: call again with more bytes */
    ERRC_CALL,    /* only this call or this message */
    ERRC_STREAM,  /* the stream */
    ERRC_CIRCUIT, /* the circuit and its streams */
    ERRC_LINK,    /* the link and its circuits */
    ERRC_BUG,     /* an invariant of ours: log it loudly, then close the circuit or link at hand */
};

/* X(name, class, text) */
#define ERR_LIST(X)                                                                 \
    X(OK, ERRC_OK, "ok")                                                            \
    X(ERR_MORE, ERRC_MORE, "more bytes are needed")                                 \
    X(ERR_NOMEM, ERRC_CALL, "out of memory")                                        \
    X(ERR_FULL, ERRC_CALL, "queue or buffer is full")                               \
    X(ERR_ARG, ERRC_CALL, "invalid argument")                                       \
    X(ERR_STATE, ERRC_CALL, "not possible in this state")                           \
    X(ERR_LIMIT, ERRC_CALL, "limit reached")                                        \
    X(ERR_NOT_FOUND, ERRC_CALL, "not found")                                        \
    X(ERR_IO, ERRC_CALL, "input or output failed")                                  \
    X(ERR_TRUNCATED, ERRC_CALL, "message ends too early")                           \
    X(ERR_TRAILING, ERRC_CALL, "bytes are left over at the end of the message")     \
    X(ERR_MALFORMED, ERRC_CALL, "message is malformed")                             \
    X(ERR_UNSUPPORTED, ERRC_CALL, "not supported")                                  \
    X(ERR_BAD_KEY, ERRC_CALL, "key is not acceptable")                              \
    X(ERR_BAD_SIGNATURE, ERRC_CALL, "signature does not verify")                    \
    X(ERR_EXPIRED, ERRC_CALL, "expired")                                            \
    X(ERR_NOT_YET_VALID, ERRC_CALL, "not yet valid")                                \
    X(ERR_UNDERSIGNED, ERRC_CALL, "not signed by enough authorities")               \
    X(ERR_BOMB, ERRC_CALL, "compressed data expands beyond all bounds")             \
    X(ERR_CRYPTO, ERRC_BUG, "a cryptographic library call failed")                  \
    X(ERR_STREAM_PROTO, ERRC_STREAM, "stream broke the protocol")                   \
    X(ERR_STREAM_TIMEOUT, ERRC_STREAM, "stream timed out")                          \
    X(ERR_CIRC_PROTO, ERRC_CIRCUIT, "circuit broke the protocol")                   \
    X(ERR_CIRC_UNRECOGNIZED, ERRC_CIRCUIT, "relay cell recognized by no hop")       \
    X(ERR_CIRC_HANDSHAKE, ERRC_CIRCUIT, "circuit handshake failed")                 \
    X(ERR_CIRC_SENDME, ERRC_CIRCUIT, "SENDME not as expected")                      \
    X(ERR_CIRC_XONXOFF, ERRC_CIRCUIT, "XOFF or XON not as expected")                \
    X(ERR_CIRC_WINDOW, ERRC_CIRCUIT, "flow-control window exceeded")                \
    X(ERR_CIRC_TIMEOUT, ERRC_CIRCUIT, "circuit timed out")                          \
    X(ERR_LINK_CONNECT, ERRC_LINK, "connection failed")                             \
    X(ERR_LINK_PROXY, ERRC_LINK, "proxy or transport before the relay failed")      \
    X(ERR_LINK_TLS, ERRC_LINK, "TLS failed")                                        \
    X(ERR_LINK_PROTO, ERRC_LINK, "link broke the protocol")                         \
    X(ERR_LINK_VERSION, ERRC_LINK, "no link protocol version in common")            \
    X(ERR_LINK_CERTS, ERRC_LINK, "certificates do not verify")                      \
    X(ERR_LINK_DATES, ERRC_LINK, "certificates out of date, or our clock is wrong") \
    X(ERR_LINK_IDENTITY, ERRC_LINK, "peer is not the relay we asked for")           \
    X(ERR_LINK_TIMEOUT, ERRC_LINK, "link timed out")                                \
    X(ERR_LINK_CLOSED, ERRC_LINK, "link was closed by the peer")                    \
    X(ERR_BUG, ERRC_BUG, "internal error")

typedef enum err {
#define X(name, class, text) name,
    ERR_LIST(X)
#undef X
} err_t;

enum err_class err_class(err_t e);

/* A short sentence without a full stop; static storage. */
const char *err_text(err_t e);

/* The enumerator's name, "ERR_MORE"; static storage. */
const char *err_name(err_t e);

/* Returns the error of EXPR from the calling function if it is not OK. */
#define TRY(expr)                \
    do {                         \
        err_t try_err_ = (expr); \
        if (try_err_ != OK)      \
            return try_err_;     \
    } while (0)

#endif
