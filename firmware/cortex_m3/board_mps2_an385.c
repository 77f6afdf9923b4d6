/* ARM MPS2 with the image AN385 (Cortex-M3 at 25 MHz): CMSDK UART 0 and timer 0.
 * Registers: ARM's Cortex-M System Design Kit, APB UART and APB timer. */
#include "board.h"

#define TIMER(offset) REGISTER(0x40000000 + (offset))
#define UART(offset) REGISTER(0x40004000 + (offset))
#define TX_FULL 1U
#define RX_FULL 2U
#define UART_IRQ 0
#define TIMER_IRQ 8

const uint32_t board_ticks_per_ms = 25000;

void board_start(void) {
    UART(0x10) = 54;  /* BAUDDIV: 25 MHz / 460800; below 16 nothing goes */
    UART(0x08) = 0xB; /* CTRL: send, receive, interrupt when received */
    TIMER(0x08) = board_ticks_per_ms - 1; /* RELOAD */
    TIMER(0x04) = board_ticks_per_ms - 1; /* VALUE */
    TIMER(0x00) = 9;                      /* CTRL: on, interrupt */
    NVIC_ENABLE = 1U << UART_IRQ | 1U << TIMER_IRQ;
}

bool board_get(uint8_t *byte) {
    if (!(UART(0x04) & RX_FULL)) {
        return false;
    }
    *byte = (uint8_t)(UART(0x00) & 0xFFU);
    return true;
}

bool board_put(uint8_t byte) {
    if (UART(0x04) & TX_FULL) {
        return false;
    }
    UART(0x00) = byte;
    return true;
}

void board_awake(void) {
    UART(0x0C) = 2;  /* INTCLR: received */
    TIMER(0x0C) = 1; /* INTCLR */
    NVIC_FORGET = 1U << UART_IRQ | 1U << TIMER_IRQ;
}
