#include "flexor_clock.h"

void flx_clock_start(flx_clock *clock, uint32_t mask, uint32_t ticks_per_ms, uint32_t counter) {
    clock->mask = mask;
    clock->ticks_per_ms = ticks_per_ms;
    clock->last = counter & mask;
    clock->rest = 0;
    clock->ms = 0;
}

uint32_t flx_clock_ms(flx_clock *clock, uint32_t counter) {
    uint32_t since = (counter - clock->last) & clock->mask;
    uint32_t whole = since / clock->ticks_per_ms;
    clock->last = counter & clock->mask;
    clock->rest += since % clock->ticks_per_ms;
    if (clock->rest >= clock->ticks_per_ms) {
        clock->rest -= clock->ticks_per_ms;
        whole++;
    }
    clock->ms += whole;
    return clock->ms;
}
