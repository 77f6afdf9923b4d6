#include "flexor_link.h"

#include "flexor_codec.h"

/* A type that is not ours has any length: it is handed on, so that it can be answered. */
#define ANY_LENGTH 0xFFU

uint16_t flx_u16(const uint8_t *at) {
    return (uint16_t)(at[0] | (uint16_t)at[1] << 8);
}

uint32_t flx_u32(const uint8_t *at) {
    return (uint32_t)flx_u16(at) | (uint32_t)flx_u16(at + 2) << 16;
}

void flx_put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value & 0xFFU);
    at[1] = (uint8_t)(value >> 8);
}

void flx_put32(uint8_t *at, uint32_t value) {
    flx_put16(at, (uint16_t)(value & 0xFFFFU));
    flx_put16(at + 2, (uint16_t)(value >> 16));
}

static uint32_t check_of(const uint8_t *raw, size_t n, uint8_t crc_n) {
    return crc_n == 2 ? flx_crc16(raw, n) : flx_crc32(raw, n);
}

size_t flx_pack(uint8_t *wire, uint8_t type, uint16_t session, uint16_t seq, uint32_t t_ms,
                const uint8_t *payload, size_t payload_n, uint8_t crc_n) {
    uint8_t raw[FLX_RAW_MAX_N];
    uint8_t crc[4];
    size_t n = FLX_HEADER_N;
    raw[FLX_HEADER_VERSION_AT] = FLX_VERSION;
    raw[FLX_HEADER_TYPE_AT] = type;
    flx_put16(raw + FLX_HEADER_SESSION_AT, session);
    flx_put16(raw + FLX_HEADER_SEQ_AT, seq);
    flx_put32(raw + FLX_HEADER_T_MS_AT, t_ms);
    for (size_t i = 0; i < payload_n; i++) {
        raw[n++] = payload[i];
    }
    flx_put32(crc, check_of(raw, n, crc_n));
    for (size_t i = 0; i < crc_n; i++) {
        raw[n++] = crc[i];
    }
    n = flx_cobs_encode(raw, n, wire);
    wire[n] = 0;
    return n + 1;
}

static bool handshake(uint8_t type) {
    return type == FLX_FRAME_HELLO || type == FLX_FRAME_HELLO_ACK;
}

static uint8_t payload_n_of(uint8_t type) {
    switch (type) {
    case FLX_FRAME_HELLO:
        return FLX_HELLO_N;
    case FLX_FRAME_HELLO_ACK:
        return FLX_HELLO_ACK_N;
    case FLX_FRAME_ARM:
    case FLX_FRAME_DISARM:
    case FLX_FRAME_ESTOP:
    case FLX_FRAME_CLEAR:
    case FLX_FRAME_HEARTBEAT:
        return 0;
    case FLX_FRAME_ACK:
        return FLX_ACK_N;
    case FLX_FRAME_SETPOINT:
        return FLX_SETPOINT_N;
    case FLX_FRAME_TELEM:
        return FLX_TELEM_N;
    case FLX_FRAME_TORQUE:
        return FLX_TORQUE_N;
    default:
        return ANY_LENGTH;
    }
}

/* From stuffed bytes to a frame, or a count of why not. */
static bool decoded(flx_rx *rx, flx_frame *frame) {
    uint8_t *raw = rx->coded;
    int raw_n = flx_cobs_decode(rx->coded, rx->coded_n, raw);
    if (raw_n < FLX_HEADER_N + rx->crc_n) {
        rx->garbage++;
        return false;
    }
    size_t body_n = (size_t)raw_n - rx->crc_n;
    uint32_t told = rx->crc_n == 2 ? flx_u16(raw + body_n) : flx_u32(raw + body_n);
    if (check_of(raw, body_n, rx->crc_n) != told) {
        rx->crc_errors++;
        return false;
    }
    frame->version = raw[FLX_HEADER_VERSION_AT];
    frame->type = raw[FLX_HEADER_TYPE_AT];
    frame->session = flx_u16(raw + FLX_HEADER_SESSION_AT);
    frame->seq = flx_u16(raw + FLX_HEADER_SEQ_AT);
    frame->payload = raw + FLX_HEADER_N;
    frame->payload_n = (uint8_t)(body_n - FLX_HEADER_N);
    uint8_t expected_n = payload_n_of(frame->type);
    if (frame->version != FLX_VERSION) {
        /* A handshake must be readable whatever the version, or two versions cannot tell each
         * other that they differ; later versions may lengthen it. */
        if (!handshake(frame->type) || frame->payload_n < expected_n) {
            rx->wrong_version++;
            return false;
        }
        frame->payload_n = expected_n;
    } else if (expected_n != ANY_LENGTH && frame->payload_n != expected_n) {
        rx->wrong_length++;
        return false;
    }
    return true;
}

/* Session and sequence number; ESTOP is heard from anyone, at any time. */
static bool accepted(flx_rx *rx, const flx_frame *frame) {
    if (frame->type == FLX_FRAME_ESTOP) {
        return true;
    }
    if (!rx->has_session || frame->session != rx->session) {
        if (frame->type != FLX_FRAME_HELLO) {
            rx->wrong_session++;
            return false;
        }
        rx->has_session = true;
        rx->session = frame->session;
        rx->has_seq = false;
    }
    if (rx->has_seq) {
        uint16_t ahead = (uint16_t)(frame->seq - rx->last_seq);
        uint16_t window = handshake(frame->type) ? 0x7FFF : FLX_SEQ_WINDOW;
        if (ahead == 0 || ahead > window) {
            rx->stale++;
            return false;
        }
    } else if (!handshake(frame->type)) {
        rx->stale++;
        return false;
    }
    rx->has_seq = true;
    rx->last_seq = frame->seq;
    return true;
}

bool flx_rx_byte(flx_rx *rx, uint8_t byte, flx_frame *frame) {
    bool heard = false;
    if (byte != 0) {
        if (rx->dropping) {
            return false;
        }
        if (rx->coded_n == FLX_CODED_MAX_N) {
            rx->oversize++;
            rx->dropping = true;
            return false;
        }
        rx->coded[rx->coded_n++] = byte;
        return false;
    }
    if (!rx->dropping && rx->coded_n > 0 && decoded(rx, frame) && accepted(rx, frame)) {
        rx->ok++;
        heard = true;
    }
    rx->dropping = false;
    rx->coded_n = 0;
    return heard;
}
