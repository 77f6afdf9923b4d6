/* From reset to main without a libc, and the two functions of it that gcc calls by itself. */
#include <stddef.h>
#include <stdint.h>

extern uint32_t _sidata, _sdata, _edata, _sbss, _ebss, _stack_top;
int main(void);
void reset(void);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    uint8_t *out = to;
    for (const uint8_t *in = from; n > 0; n--) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    for (uint8_t *out = to; n > 0; n--) {
        *out++ = (uint8_t)value;
    }
    return to;
}

void reset(void) {
    const uint32_t *from = &_sidata;
    for (uint32_t *to = &_sdata; to < &_edata; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &_sbss; to < &_ebss; to++) {
        *to = 0;
    }
    main();
    for (;;) {
    }
}

/* A processor that is lost starts again: in BOOT nothing moves. */
static void restart(void) {
    *(volatile uint32_t *)(uintptr_t)0xE000ED0C = 0x05FA0004; /* AIRCR: system reset */
    for (;;) {
    }
}

/* No interrupt has a handler: they only end waiting (main.c). */
typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector_t;

__attribute__((section(".vectors"), used)) static const vector_t vectors[16] = {
    {.stack = &_stack_top}, {.handler = reset},   {.handler = restart}, {.handler = restart},
    {.handler = restart},   {.handler = restart}, {.handler = restart}};
