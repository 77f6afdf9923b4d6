#include "flexor_codec.h"

uint16_t flx_crc16(const uint8_t *data, size_t n) {
    uint32_t crc = 0xFFFFU;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc << 1) ^ (0x1021U & (0U - (crc >> 15 & 1U)));
        }
    }
    return (uint16_t)crc;
}

uint32_t flx_crc32(const uint8_t *data, size_t n) {
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
        }
    }
    return ~crc;
}

size_t flx_cobs_encode(const uint8_t *raw, size_t n, uint8_t *coded) {
    size_t code_at = 0;
    for (size_t i = 0; i < n; i++) {
        if (raw[i] == 0) {
            coded[code_at] = (uint8_t)(i + 1 - code_at);
            code_at = i + 1;
        } else {
            coded[i + 1] = raw[i];
        }
    }
    coded[code_at] = (uint8_t)(n + 1 - code_at);
    return n + 1;
}

int flx_cobs_decode(const uint8_t *coded, size_t n, uint8_t *raw) {
    size_t at = 0, raw_n = 0;
    if (n == 0 || n > FLX_CODED_MAX_N) {
        return -1;
    }
    while (at < n) {
        size_t code = coded[at], next = at + code;
        if (code == 0 || next > n) {
            return -1;
        }
        if (at > 0) {
            raw[raw_n++] = 0;
        }
        for (at++; at < next; at++) {
            raw[raw_n++] = coded[at];
        }
    }
    return (int)raw_n;
}
