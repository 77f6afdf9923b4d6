/* Milliseconds from a free-running counter. Nothing counts ticks: an interrupt that is late or
 * lost must not stretch a watchdog. */
#ifndef FLEXOR_CLOCK_H
#define FLEXOR_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t mask;         /* the counter's highest value, 2^n - 1 */
    uint32_t ticks_per_ms; /* at least 1 */
    uint32_t last;
    uint32_t rest; /* ticks that are no whole millisecond yet */
    uint32_t ms;
} flx_clock;

/* Begins at the counter's present value with 0 ms. */
void flx_clock_start(flx_clock *clock, uint32_t mask, uint32_t ticks_per_ms, uint32_t counter);

/* Milliseconds since the start; wraps after 49 days. `counter` counts up (give ~value of one
 * that counts down) and must be read at least once per turn of it: 24 bits at 25 MHz turn in
 * 671 ms. */
uint32_t flx_clock_ms(flx_clock *clock, uint32_t counter);

#ifdef __cplusplus
}
#endif

#endif
