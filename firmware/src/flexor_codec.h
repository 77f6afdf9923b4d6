/* Bytes on the wire, whatever they mean: byte stuffing that keeps 00 free, and the CRC. */
#ifndef FLEXOR_CODEC_H
#define FLEXOR_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "flexor_interface.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CRC-16/IBM-3740: "123456789" gives 29B1. */
uint16_t flx_crc16(const uint8_t *data, size_t n);

/* CRC-32/ISO-HDLC, for exoskeletons: "123456789" gives CBF43926. */
uint32_t flx_crc32(const uint8_t *data, size_t n);

/* Stuffs n <= FLX_RAW_MAX_N bytes into n + 1 bytes without a 00; gives n + 1. */
size_t flx_cobs_encode(const uint8_t *raw, size_t n, uint8_t *coded);

/* Undoes it; gives the number of raw bytes, -1 for bytes that flx_cobs_encode never gives.
 * `raw` may be `coded`. */
int flx_cobs_decode(const uint8_t *coded, size_t n, uint8_t *raw);

#ifdef __cplusplus
}
#endif

#endif
