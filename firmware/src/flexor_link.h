/* Frames: what is sent, and what of the bytes that come in is accepted. The same as
 * firmware_bridge/link.py, to the bit. */
#ifndef FLEXOR_LINK_H
#define FLEXOR_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flexor_interface.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A frame that passed every check; its payload has the exact length of its type. */
typedef struct {
    uint8_t version;
    uint8_t type;
    uint16_t session;
    uint16_t seq;
    const uint8_t *payload; /* inside the receiver: valid until its next byte */
    uint8_t payload_n;
} flx_frame;

/* What the receiver knows about the bytes it hears; whatever is dropped is counted. All zeros,
 * but for crc_n, is a receiver that has heard nothing. */
typedef struct {
    uint8_t crc_n; /* 2; 4 for exoskeletons */
    bool has_session;
    bool has_seq;
    bool dropping; /* inside a frame that was too long: nothing counts until the next 00 */
    uint16_t session;
    uint16_t last_seq;
    uint16_t coded_n;
    uint8_t coded[FLX_CODED_MAX_N];
    uint32_t ok;
    uint32_t crc_errors;
    uint32_t oversize;
    uint32_t garbage; /* not byte stuffing, or shorter than a header */
    uint32_t wrong_version;
    uint32_t wrong_length;
    uint32_t wrong_session;
    uint32_t stale; /* repeated, overtaken, or too far ahead */
} flx_rx;

/* Longest frame on the wire: raw bytes, one of stuffing, and 00. */
#define FLX_WIRE_MAX_N (FLX_CODED_MAX_N + 1)

/* Hears one byte. True when it ends a frame that is accepted; that is then in *frame. */
bool flx_rx_byte(flx_rx *rx, uint8_t byte, flx_frame *frame);

/* Writes one frame, 00 at its end; gives its length. Header, payload and CRC together are at
 * most FLX_RAW_MAX_N bytes. `wire` holds FLX_WIRE_MAX_N bytes. */
size_t flx_pack(uint8_t *wire, uint8_t type, uint16_t session, uint16_t seq, uint32_t t_ms,
                const uint8_t *payload, size_t payload_n, uint8_t crc_n);

/* Little-endian numbers in bytes. */
uint16_t flx_u16(const uint8_t *at);
uint32_t flx_u32(const uint8_t *at);
void flx_put16(uint8_t *at, uint16_t value);
void flx_put32(uint8_t *at, uint32_t value);

#ifdef __cplusplus
}
#endif

#endif
